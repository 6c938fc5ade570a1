//! VP8 (RFC 7741, section 4.2; key frame header: RFC 6386, section 9.1).

use super::{Frame, MAX_DESCRIPTOR_BYTES, read_picture};

pub(super) fn inspect(payload: &[u8]) -> Option<Frame> {
    let first = *payload.first()?;
    let mut frame = Frame::default();
    let mut at = 1;
    if first & 0x80 != 0 {
        let has = *payload.get(1)?;
        at = 2;
        if has & 0x80 != 0 {
            frame.picture = Some(read_picture(payload, &mut at)?);
        }
        if has & 0x40 != 0 {
            frame.base_count = Some(*payload.get(at)?);
            at += 1;
        }
        if has & 0x30 != 0 {
            let layer = *payload.get(at)?;
            at += 1;
            if has & 0x20 != 0 {
                frame.temporal = layer >> 6;
                frame.goes_up = layer & 0x20 != 0;
            }
        }
    }
    if frame.picture.is_some() {
        frame.descriptor = at;
    }
    frame.starts_frame = first & 0x17 == 0x10;
    if frame.starts_frame && payload.get(at)? & 1 == 0 {
        frame.starts_key_frame = true;
        frame.goes_up = true;
        if let Some(&[0x9d, 0x01, 0x2a, w0, w1, h0, h1]) = payload.get(at + 3..at + 10) {
            let size = (u16::from_le_bytes([w0, w1]) & 0x3fff, u16::from_le_bytes([h0, h1]) & 0x3fff);
            frame.size = Some(size).filter(|size| size.0 > 0 && size.1 > 0);
        }
    }
    Some(frame)
}

/// The same descriptor with a picture id of 15 bits.
pub(super) fn rewrite(
    payload: &[u8],
    frame: &Frame,
    picture: u16,
    base_count: u8,
    out: &mut [u8; MAX_DESCRIPTOR_BYTES],
) -> usize {
    out[..2].copy_from_slice(&payload[..2]);
    out[2..4].copy_from_slice(&(0x8000 | picture).to_be_bytes());
    let mut at = 4;
    if frame.base_count.is_some() {
        out[at] = base_count;
        at += 1;
    }
    if payload[1] & 0x30 != 0 {
        out[at] = payload[frame.descriptor - 1];
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::super::Picture;
    use super::*;

    const KEY: [u8; 16] =
        [0x90, 0xf0, 0x81, 0x02, 7, 0x65, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01];

    #[test]
    fn a_key_frame_tells_its_size() {
        let frame = inspect(&KEY).unwrap();
        assert!(frame.starts_key_frame);
        assert_eq!(frame.size, Some((640, 360)));
        assert_eq!(frame.picture, Some(Picture { number: 0x0102, bits: 15 }));
        assert_eq!((frame.base_count, frame.temporal, frame.goes_up), (Some(7), 1, true));
        assert_eq!(frame.descriptor, 6);
    }

    #[test]
    fn later_partitions_and_inter_frames_are_no_key_frames() {
        let mut packet = KEY;
        packet[0] = 0x91;
        assert!(!inspect(&packet).unwrap().starts_key_frame);
        packet[0] = 0x80;
        assert!(!inspect(&packet).unwrap().starts_key_frame);
        packet[0] = 0x90;
        packet[6] = 0x11;
        assert!(!inspect(&packet).unwrap().starts_key_frame);
    }

    #[test]
    fn a_short_picture_id_grows_to_fifteen_bits() {
        let payload = [0x90, 0x80, 0x05, 0x11, 1, 2];
        let frame = inspect(&payload).unwrap();
        assert_eq!(frame.picture, Some(Picture { number: 5, bits: 7 }));
        let mut out = [0; MAX_DESCRIPTOR_BYTES];
        let length = rewrite(&payload, &frame, 0x1234, 0, &mut out);
        assert_eq!(out[..length], [0x90, 0x80, 0x92, 0x34]);
    }

    #[test]
    fn rewriting_keeps_the_temporal_layer() {
        let mut out = [0; MAX_DESCRIPTOR_BYTES];
        let length = rewrite(&KEY, &inspect(&KEY).unwrap(), 0x7fff, 9, &mut out);
        assert_eq!(out[..length], [0x90, 0xf0, 0xff, 0xff, 9, 0x65]);
    }

    #[test]
    fn a_cut_descriptor_is_refused() {
        for length in 0..7 {
            assert_eq!(inspect(&KEY[..length]), None, "{length}");
        }
    }
}
