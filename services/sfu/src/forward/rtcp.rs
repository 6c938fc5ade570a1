//! Reading RTCP (RFC 3550, section 6; feedback: RFC 4585 and RFC 5104).

pub(super) const SENDER_REPORT: u8 = 200;
pub(super) const RECEIVER_REPORT: u8 = 201;
pub(super) const SOURCE_DESCRIPTION: u8 = 202;
pub(super) const TRANSPORT_FEEDBACK: u8 = 205;
pub(super) const PAYLOAD_FEEDBACK: u8 = 206;
pub(super) const NACK: u8 = 1;
pub(super) const TRANSPORT_CC: u8 = 15;
pub(super) const PICTURE_LOSS: u8 = 1;
pub(super) const FULL_INTRA_REQUEST: u8 = 4;

/// One packet of a compound.
#[derive(Debug, Clone, Copy)]
pub(super) enum Report<'a> {
    Sender {
        ssrc: u32,
        ntp: u64,
        rtp: u32,
        blocks: Blocks<'a>,
    },
    Receiver {
        blocks: Blocks<'a>,
    },
    Nack {
        media: u32,
        lost: Lost<'a>,
    },
    /// What follows the two SSRCs of a transport-wide congestion control feedback.
    TransportCc(&'a [u8]),
    /// A key frame is wanted: picture loss indication or full intra request.
    KeyFrame {
        media: u32,
    },
    Other,
}

/// A report block, as it is read and written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) ssrc: u32,
    /// Of 256.
    pub(super) fraction_lost: u8,
    /// 24 bits, two's complement.
    pub(super) cumulative_lost: u32,
    pub(super) highest: u32,
    pub(super) jitter: u32,
    /// The middle 32 bits of the NTP time of the last sender report, and the delay since in 1/65,536 s.
    pub(super) last_report: u32,
    pub(super) delay: u32,
}

/// The packets of a compound; ends at the first malformed one, which [`Packets::malformed`] tells.
pub(super) struct Packets<'a> {
    rest: &'a [u8],
    malformed: bool,
}

pub(super) fn packets(compound: &[u8]) -> Packets<'_> {
    Packets { rest: compound, malformed: false }
}

impl Packets<'_> {
    pub(super) fn malformed(&self) -> bool {
        self.malformed
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Report<'a>;

    fn next(&mut self) -> Option<Report<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let report = split(self.rest).and_then(|(count, kind, body, rest)| {
            self.rest = rest;
            parse(count, kind, body)
        });
        if report.is_none() {
            self.malformed = true;
            self.rest = &[];
        }
        report
    }
}

/// The count or format field, the packet type, the body without padding, and what comes after.
fn split(bytes: &[u8]) -> Option<(u8, u8, &[u8], &[u8])> {
    let &[first, kind, high, low] = bytes.first_chunk::<4>()?;
    if first >> 6 != 2 {
        return None;
    }
    let length = 4 + 4 * usize::from(u16::from_be_bytes([high, low]));
    let (packet, rest) = bytes.split_at_checked(length)?;
    let mut body = &packet[4..];
    if first & 0x20 != 0 {
        let padding = usize::from(*body.last()?);
        body = &body[..body.len().checked_sub(padding)?];
    }
    Some((first & 0x1f, kind, body, rest))
}

fn parse(count: u8, kind: u8, body: &[u8]) -> Option<Report<'_>> {
    Some(match (kind, count) {
        (SENDER_REPORT, _) => {
            let ntp = body.get(4..12)?.try_into().ok()?;
            Report::Sender {
                ssrc: word(body, 0)?,
                ntp: u64::from_be_bytes(ntp),
                rtp: word(body, 12)?,
                blocks: Blocks(body.get(24..24 + 24 * usize::from(count))?),
            }
        }
        (RECEIVER_REPORT, _) => {
            word(body, 0)?;
            Report::Receiver { blocks: Blocks(body.get(4..4 + 24 * usize::from(count))?) }
        }
        (TRANSPORT_FEEDBACK, NACK) => {
            Report::Nack { media: word(body, 4)?, lost: Lost { pairs: &body[8..], base: 0, bits: 0 } }
        }
        (TRANSPORT_FEEDBACK, TRANSPORT_CC) => Report::TransportCc(body.get(8..)?),
        (PAYLOAD_FEEDBACK, PICTURE_LOSS) => Report::KeyFrame { media: word(body, 4)? },
        // Browsers put one entry into a full intra request.
        (PAYLOAD_FEEDBACK, FULL_INTRA_REQUEST) => Report::KeyFrame { media: word(body, 8)? },
        _ => Report::Other,
    })
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}

/// The report blocks of a sender or receiver report.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocks<'a>(&'a [u8]);

impl Iterator for Blocks<'_> {
    type Item = Block;

    fn next(&mut self) -> Option<Block> {
        let (block, rest) = self.0.split_first_chunk::<24>()?;
        self.0 = rest;
        let loss = word(block, 4)?;
        Some(Block {
            ssrc: word(block, 0)?,
            fraction_lost: (loss >> 24) as u8,
            cumulative_lost: loss & 0x00ff_ffff,
            highest: word(block, 8)?,
            jitter: word(block, 12)?,
            last_report: word(block, 16)?,
            delay: word(block, 20)?,
        })
    }
}

/// The sequence numbers of a generic NACK (RFC 4585, section 6.2.1).
#[derive(Debug, Clone, Copy)]
pub(super) struct Lost<'a> {
    pairs: &'a [u8],
    base: u16,
    bits: u16,
}

impl Iterator for Lost<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        if self.bits != 0 {
            let offset = self.bits.trailing_zeros() as u16;
            self.bits &= self.bits - 1;
            return Some(self.base.wrapping_add(offset + 1));
        }
        let (&[b0, b1, m0, m1], rest) = self.pairs.split_first_chunk::<4>()?;
        self.pairs = rest;
        self.base = u16::from_be_bytes([b0, b1]);
        self.bits = u16::from_be_bytes([m0, m1]);
        Some(self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nack_names_the_base_and_its_followers() {
        let packet = [0x81, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xff, 0x80, 0x01, 0, 9, 0, 0];
        let Some(Report::Nack { media: 2, lost }) = packets(&packet).next() else { panic!() };
        assert_eq!(lost.collect::<Vec<_>>(), [65_535, 0, 15, 9]);
    }

    #[test]
    fn a_compound_ends_at_the_first_malformed_packet() {
        let mut bytes = vec![0x80, 201, 0, 1, 0, 0, 0, 1];
        bytes.extend_from_slice(&[0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 9]);
        bytes.extend_from_slice(&[0x81, 200, 0, 1, 0, 0, 0, 1]);
        let mut all = packets(&bytes);
        assert!(matches!(all.next(), Some(Report::Receiver { .. })));
        assert!(matches!(all.next(), Some(Report::KeyFrame { media: 9 })));
        assert!(all.next().is_none() && all.malformed());
    }

    #[test]
    fn claimed_blocks_must_be_there() {
        let bytes = [0x82, 201, 0, 7, 0, 0, 0, 1].into_iter().chain([0; 24]).collect::<Vec<u8>>();
        assert!(packets(&bytes).next().is_none());
    }
}
