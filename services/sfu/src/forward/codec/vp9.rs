//! VP9 (RFC 9628, section 4.2).

use super::{Frame, MAX_DESCRIPTOR_BYTES, read_picture};

pub(super) fn inspect(payload: &[u8]) -> Option<Frame> {
    let first = *payload.first()?;
    let has = |bit: u8| first & bit != 0;
    let (with_picture, predicted, with_layer, flexible) = (has(0x80), has(0x40), has(0x20), has(0x10));
    let (begins, with_structure) = (has(0x08), has(0x02));
    let mut frame = Frame::default();
    let mut at = 1;
    if with_picture {
        frame.picture = Some(read_picture(payload, &mut at)?);
    }
    let mut spatial = 0;
    if with_layer {
        let layer = *payload.get(at)?;
        at += 1;
        frame.temporal = layer >> 5;
        frame.goes_up = layer & 0x10 != 0;
        spatial = (layer >> 1) & 7;
        if !flexible {
            frame.base_count = Some(*payload.get(at)?);
            at += 1;
        }
    }
    if frame.picture.is_some() {
        frame.descriptor = at;
    }
    if flexible && predicted {
        for _ in 0..3 {
            let difference = *payload.get(at)?;
            at += 1;
            if difference & 1 == 0 {
                break;
            }
        }
    }
    if with_structure {
        frame.size = size(payload, at);
    }
    frame.starts_frame = begins && spatial == 0;
    frame.starts_key_frame = frame.starts_frame && !predicted;
    frame.goes_up |= frame.starts_key_frame;
    Some(frame)
}

/// The size of the largest spatial layer that the scalability structure names.
fn size(payload: &[u8], at: usize) -> Option<(u16, u16)> {
    let structure = *payload.get(at)?;
    if structure & 0x10 == 0 {
        return None;
    }
    let last = at + 1 + 4 * usize::from(structure >> 5);
    let [w0, w1, h0, h1] = *payload.get(last..last + 4)? else { return None };
    Some((u16::from_be_bytes([w0, w1]), u16::from_be_bytes([h0, h1]))).filter(|size| size.0 > 0 && size.1 > 0)
}

/// The descriptor up to TL0PICIDX with a picture id of 15 bits; the rest of it stays in the payload.
pub(super) fn rewrite(
    payload: &[u8],
    frame: &Frame,
    picture: u16,
    base_count: u8,
    out: &mut [u8; MAX_DESCRIPTOR_BYTES],
) -> usize {
    out[0] = payload[0];
    out[1..3].copy_from_slice(&(0x8000 | picture).to_be_bytes());
    let mut at = 3;
    if payload[0] & 0x20 != 0 {
        let layer = if frame.base_count.is_some() { frame.descriptor - 2 } else { frame.descriptor - 1 };
        out[at] = payload[layer];
        at += 1;
    }
    if frame.base_count.is_some() {
        out[at] = base_count;
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::super::Picture;
    use super::*;

    /// I, L, B, V set; 15-bit picture id; TID 2, U; TL0PICIDX 9; one layer of 640×360.
    const KEY: [u8; 12] = [0xaa, 0x81, 0x02, 0x50, 9, 0x10, 0x02, 0x80, 0x01, 0x68, 1, 2];

    #[test]
    fn a_key_frame_tells_its_size() {
        let frame = inspect(&KEY).unwrap();
        assert!(frame.starts_key_frame);
        assert_eq!(frame.size, Some((640, 360)));
        assert_eq!(frame.picture, Some(Picture { number: 0x0102, bits: 15 }));
        assert_eq!((frame.base_count, frame.temporal, frame.descriptor), (Some(9), 2, 5));
    }

    #[test]
    fn rewriting_changes_the_counters_only() {
        let mut out = [0; MAX_DESCRIPTOR_BYTES];
        let length = rewrite(&KEY, &inspect(&KEY).unwrap(), 0x0abc, 77, &mut out);
        assert_eq!(out[..length], [0xaa, 0x8a, 0xbc, 0x50, 77]);
    }

    #[test]
    fn flexible_mode_has_references_and_no_base_count() {
        // I, P, L, F, B; 7-bit picture id; TID 0; two references.
        let payload = [0xf8, 0x05, 0x00, 0x03, 0x04, 1];
        let frame = inspect(&payload).unwrap();
        assert!(!frame.starts_key_frame);
        assert_eq!((frame.base_count, frame.descriptor), (None, 3));
        let mut out = [0; MAX_DESCRIPTOR_BYTES];
        let length = rewrite(&payload, &frame, 1, 0, &mut out);
        assert_eq!(out[..length], [0xf8, 0x80, 0x01, 0x00]);
        assert_eq!(inspect(&payload[..4]), None);
    }
}
