//! Writing RTCP: every function appends one packet to `out`.

use super::rtcp::{
    Block, NACK, PAYLOAD_FEEDBACK, PICTURE_LOSS, RECEIVER_REPORT, SENDER_REPORT, SOURCE_DESCRIPTION,
    TRANSPORT_FEEDBACK,
};

/// A compound stays below the path MTU.
pub(super) const MAX_COMPOUND_BYTES: usize = 1_200;
/// Report blocks of one receiver report.
pub(super) const MAX_BLOCKS: usize = 31;

fn header(out: &mut Vec<u8>, count: u8, kind: u8, words_after: usize) {
    out.extend_from_slice(&[0x80 | count, kind]);
    out.extend_from_slice(&(words_after as u16).to_be_bytes());
}

fn word(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// What a sender report says (RFC 3550, section 6.4.1).
#[derive(Debug, Clone, Copy)]
pub(super) struct SenderReport {
    pub(super) ssrc: u32,
    pub(super) ntp: u64,
    pub(super) rtp: u32,
    pub(super) packets: u32,
    pub(super) octets: u32,
}

pub(super) fn sender_report(out: &mut Vec<u8>, report: &SenderReport) {
    header(out, 0, SENDER_REPORT, 6);
    word(out, report.ssrc);
    out.extend_from_slice(&report.ntp.to_be_bytes());
    word(out, report.rtp);
    word(out, report.packets);
    word(out, report.octets);
}

/// Uses the first [`MAX_BLOCKS`] blocks.
pub(super) fn receiver_report(out: &mut Vec<u8>, from: u32, blocks: &[Block]) {
    let blocks = &blocks[..blocks.len().min(MAX_BLOCKS)];
    header(out, blocks.len() as u8, RECEIVER_REPORT, 1 + 6 * blocks.len());
    word(out, from);
    for block in blocks {
        word(out, block.ssrc);
        word(out, (u32::from(block.fraction_lost) << 24) | (block.cumulative_lost & 0x00ff_ffff));
        word(out, block.highest);
        word(out, block.jitter);
        word(out, block.last_report);
        word(out, block.delay);
    }
}

/// A source description with nothing but the canonical name (RFC 3550, section 6.5.1).
pub(super) fn canonical_name(out: &mut Vec<u8>, ssrc: u32, name: &str) {
    let item = 2 + name.len();
    let padded = (item + 1).next_multiple_of(4);
    header(out, 1, SOURCE_DESCRIPTION, 1 + padded / 4);
    word(out, ssrc);
    out.extend_from_slice(&[1, name.len() as u8]);
    out.extend_from_slice(name.as_bytes());
    out.resize(out.len() + padded - item, 0);
}

pub(super) fn picture_loss(out: &mut Vec<u8>, from: u32, media: u32) {
    header(out, PICTURE_LOSS, PAYLOAD_FEEDBACK, 2);
    word(out, from);
    word(out, media);
}

/// Asks for the packets again; `lost` is sorted.
pub(super) fn nack(out: &mut Vec<u8>, from: u32, media: u32, lost: &[u16]) {
    let start = out.len();
    header(out, NACK, TRANSPORT_FEEDBACK, 0);
    word(out, from);
    word(out, media);
    let mut rest = lost.iter().copied().peekable();
    while let Some(base) = rest.next() {
        let mut bits = 0u16;
        while let Some(&next) = rest.peek() {
            let offset = next.wrapping_sub(base);
            if !(1..=16).contains(&offset) {
                break;
            }
            bits |= 1 << (offset - 1);
            rest.next();
        }
        out.extend_from_slice(&base.to_be_bytes());
        out.extend_from_slice(&bits.to_be_bytes());
    }
    finish(out, start);
}

/// Sets the length of the packet that began at `start` and ends at a multiple of four bytes.
pub(super) fn finish(out: &mut [u8], start: usize) {
    let words = (out.len() - start) / 4 - 1;
    out[start + 2..start + 4].copy_from_slice(&(words as u16).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::super::rtcp::{Report, packets};
    use super::*;

    /// The same bytes through the webrtc family's parser.
    fn parsed(bytes: &[u8]) -> Vec<Box<dyn rtc_rtcp::Packet>> {
        rtc_rtcp::packet::unmarshal(&mut &bytes[..]).expect("well-formed")
    }

    #[test]
    fn a_sender_report_with_its_name() {
        let mut out = Vec::new();
        sender_report(
            &mut out,
            &SenderReport { ssrc: 5, ntp: 0x0102_0304_0506_0708, rtp: 9, packets: 10, octets: 11 },
        );
        for name in ["a", "ab", "abc", "plenum"] {
            canonical_name(&mut out, 5, name);
        }
        assert_eq!(parsed(&out).len(), 5);
        let Some(Report::Sender { ssrc: 5, ntp, rtp: 9, mut blocks }) = packets(&out).next() else {
            panic!()
        };
        assert_eq!((ntp, blocks.next()), (0x0102_0304_0506_0708, None));
    }

    #[test]
    fn report_blocks_are_read_again() {
        let block = Block {
            ssrc: 1,
            fraction_lost: 25,
            cumulative_lost: 0x00ab_cdef,
            highest: 3,
            jitter: 4,
            last_report: 5,
            delay: 6,
        };
        let mut out = Vec::new();
        receiver_report(&mut out, 77, &[block; 40]);
        assert_eq!(parsed(&out).len(), 1);
        let Some(Report::Receiver { blocks }) = packets(&out).next() else { panic!() };
        assert_eq!(blocks.collect::<Vec<_>>(), [block; MAX_BLOCKS]);
    }

    #[test]
    fn requests_are_read_again() {
        let lost = [65_534, 65_535, 0, 14, 15, 100];
        let mut out = Vec::new();
        nack(&mut out, 1, 2, &lost);
        picture_loss(&mut out, 1, 3);
        assert_eq!(parsed(&out).len(), 2);
        let mut all = packets(&out);
        let Some(Report::Nack { media: 2, lost: read }) = all.next() else { panic!() };
        assert_eq!(read.collect::<Vec<_>>(), lost);
        assert!(matches!(all.next(), Some(Report::KeyFrame { media: 3 })));
    }
}
