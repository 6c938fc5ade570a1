//! VP8 in RTP (RFC 7741).

use bytes::{Bytes, BytesMut};

/// With RTP header, extensions and SRTP tag below any sensible path MTU.
const MAX_FRAGMENT: usize = 1_100;
const DESCRIPTOR_LEN: usize = 4;

/// Cuts a frame into payloads, each with a descriptor that holds the 15-bit picture id.
pub fn packetize(frame: &[u8], picture_id: u16) -> Vec<Bytes> {
    let fragments = frame.chunks(MAX_FRAGMENT).enumerate();
    fragments
        .map(|(index, fragment)| {
            let mut payload = BytesMut::with_capacity(DESCRIPTOR_LEN + fragment.len());
            // X, and S at the beginning of the frame's one partition.
            let first = if index == 0 { 0x90 } else { 0x80 };
            let [high, low] = (picture_id | 0x8000).to_be_bytes();
            payload.extend_from_slice(&[first, 0x80, high, low]);
            payload.extend_from_slice(fragment);
            payload.freeze()
        })
        .collect()
}

/// What a payload descriptor says (RFC 7741, section 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptor {
    /// First packet of the frame: S with partition 0.
    pub begins_frame: bool,
    /// Masked to its size in bits.
    pub picture_id: Option<(u16, PictureIdBits)>,
    /// Bytes before the VP8 data.
    pub length: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureIdBits {
    Seven,
    Fifteen,
}

impl PictureIdBits {
    pub fn next(self, id: u16) -> u16 {
        match self {
            PictureIdBits::Seven => (id + 1) & 0x7F,
            PictureIdBits::Fifteen => (id + 1) & 0x7FFF,
        }
    }
}

/// None: too short, or nothing behind it.
pub fn parse(payload: &[u8]) -> Option<Descriptor> {
    let first = *payload.first()?;
    let begins_frame = first & 0x10 != 0 && first & 0x07 == 0;
    let mut length = 1;
    let mut picture_id = None;
    if first & 0x80 != 0 {
        let extensions = *payload.get(1)?;
        length = 2;
        if extensions & 0x80 != 0 {
            let high = *payload.get(length)?;
            if high & 0x80 != 0 {
                let low = *payload.get(length + 1)?;
                picture_id = Some((u16::from_be_bytes([high & 0x7F, low]), PictureIdBits::Fifteen));
                length += 2;
            } else {
                picture_id = Some((u16::from(high), PictureIdBits::Seven));
                length += 1;
            }
        }
        length += usize::from(extensions & 0x40 != 0);
        length += usize::from(extensions & 0x30 != 0);
    }
    (payload.len() > length).then_some(Descriptor { begins_frame, picture_id, length })
}

/// Width and height, if a frame's bytes begin a key frame (RFC 6386, section 9.1).
pub fn key_frame_size(frame: &[u8]) -> Option<(u16, u16)> {
    let header = frame.get(..10)?;
    let is_key_frame = header[0] & 0x01 == 0 && header[3..6] == [0x9D, 0x01, 0x2A];
    let size = |low: u8, high: u8| u16::from_le_bytes([low, high]) & 0x3FFF;
    is_key_frame.then(|| (size(header[6], header[7]), size(header[8], header[9])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packetized_is_parsed() {
        let frame: Vec<u8> = (0..3_000).map(|byte| byte as u8).collect();
        let payloads = packetize(&frame, 0x7FFF);
        assert_eq!(payloads.len(), 3);
        let mut joined: Vec<u8> = Vec::new();
        for (index, payload) in payloads.iter().enumerate() {
            let descriptor = parse(payload).unwrap();
            assert_eq!(descriptor.begins_frame, index == 0);
            assert_eq!(descriptor.picture_id, Some((0x7FFF, PictureIdBits::Fifteen)));
            joined.extend(&payload[descriptor.length..]);
        }
        assert_eq!(joined, frame);
        assert_eq!(PictureIdBits::Fifteen.next(0x7FFF), 0);
        assert_eq!(PictureIdBits::Seven.next(0x7F), 0);
    }

    #[test]
    fn reads_the_descriptors_of_browsers() {
        // Chromium: X; I, L, T and K; 15-bit picture id; TL0PICIDX; TID and KEYIDX.
        let payload = [0x90, 0xE0 | 0x10, 0x81, 0x02, 0x07, 0x20, 0x00];
        let descriptor = parse(&payload).unwrap();
        assert_eq!(descriptor.length, 6);
        assert_eq!(descriptor.picture_id, Some((0x0102, PictureIdBits::Fifteen)));
        // Without extensions.
        assert_eq!(
            parse(&[0x10, 0x00]).unwrap(),
            Descriptor { begins_frame: true, picture_id: None, length: 1 }
        );
        // Another partition of the same frame.
        assert!(!parse(&[0x11, 0x00]).unwrap().begins_frame);
        for length in 0..payload.len() {
            assert_eq!(parse(&payload[..length]), None);
        }
    }
}
