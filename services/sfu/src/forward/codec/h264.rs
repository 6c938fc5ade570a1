//! H.264 (RFC 6184, sections 5.4 to 5.8).

use super::Frame;

const SEQUENCE_PARAMETERS: u8 = 7;
const STAP_A: u8 = 24;

/// A decoder can begin at the sequence parameter set, which browsers send before every IDR picture.
pub(super) fn inspect(payload: &[u8]) -> Option<Frame> {
    let (&first, mut rest) = payload.split_first()?;
    let starts_key_frame = match first & 0x1f {
        SEQUENCE_PARAMETERS => true,
        STAP_A => {
            let mut found = false;
            while let Some((&[high, low], after)) = rest.split_first_chunk::<2>() {
                let length = usize::from(u16::from_be_bytes([high, low]));
                let Some((unit, after)) = after.split_at_checked(length) else { break };
                found |= unit.first().is_some_and(|unit| unit & 0x1f == SEQUENCE_PARAMETERS);
                rest = after;
            }
            found
        }
        _ => false,
    };
    Some(Frame { starts_key_frame, goes_up: starts_key_frame, ..Default::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_sets_begin_a_key_frame() {
        assert!(inspect(&[0x67, 1, 2]).unwrap().starts_key_frame);
        assert!(inspect(&[0x78, 0, 2, 0x67, 1, 0, 1, 0x68]).unwrap().starts_key_frame);
        assert!(inspect(&[0x78, 0, 1, 0x09, 0, 2, 0x67, 1]).unwrap().starts_key_frame);
    }

    #[test]
    fn slices_and_cut_aggregates_do_not() {
        assert!(!inspect(&[0x41, 1]).unwrap().starts_key_frame);
        assert!(!inspect(&[0x7c, 0x85, 1]).unwrap().starts_key_frame);
        assert!(!inspect(&[0x78, 0, 9, 0x67]).unwrap().starts_key_frame);
        assert_eq!(inspect(&[]), None);
    }
}
