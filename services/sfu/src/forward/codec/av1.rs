//! AV1 (RTP payload format for AV1, sections 4.4 and A.8: aggregation header and dependency descriptor).

use super::{Frame, Picture};

/// The N bit: the packet is the first of a coded video sequence, which begins with a key frame.
const NEW_SEQUENCE: u8 = 0x08;

/// The frame number is the second and third byte of a dependency descriptor. Templates are not followed,
/// so that every frame counts as one of the lowest temporal layer.
pub(super) fn inspect(payload: &[u8], dependency_descriptor: Option<&[u8]>) -> Option<Frame> {
    let starts_key_frame = payload.first()? & NEW_SEQUENCE != 0;
    let picture = match dependency_descriptor {
        Some(&[_, high, low, ..]) => Some(Picture { number: u16::from_be_bytes([high, low]), bits: 16 }),
        _ => None,
    };
    Some(Frame { starts_key_frame, picture, goes_up: starts_key_frame, ..Default::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_sequence_is_a_key_frame_and_the_descriptor_counts_frames() {
        let frame = inspect(&[0x18, 1], Some(&[0x80, 0x12, 0x34])).unwrap();
        assert!(frame.starts_key_frame);
        assert_eq!(frame.picture, Some(Picture { number: 0x1234, bits: 16 }));
        let frame = inspect(&[0x10, 1], Some(&[0x80, 0x12])).unwrap();
        assert_eq!((frame.starts_key_frame, frame.picture), (false, None));
    }
}
