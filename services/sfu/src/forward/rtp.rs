//! A view of an RTP packet (RFC 3550, section 5.1).

/// Nothing longer is forwarded: no browser sends RTP above its path MTU of at most 1,500 bytes.
pub(super) const MAX_PACKET_BYTES: usize = 1_600;

#[derive(Debug, Clone, Copy)]
pub(super) struct Packet<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) marker: bool,
    pub(super) payload_type: u8,
    pub(super) sequence: u16,
    pub(super) timestamp: u32,
    pub(super) ssrc: u32,
    /// The "defined by profile" field of the header extension, 0 where there is none.
    pub(super) profile: u16,
    pub(super) extensions: &'a [u8],
    /// Where the payload begins in `bytes`.
    pub(super) payload_start: usize,
    /// Without padding.
    pub(super) payload: &'a [u8],
}

impl<'a> Packet<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() < 12 || bytes.len() > MAX_PACKET_BYTES || bytes[0] >> 6 != 2 {
            return None;
        }
        let mut start = 12 + 4 * usize::from(bytes[0] & 0x0f);
        let (mut profile, mut extensions) = (0, &bytes[..0]);
        if bytes[0] & 0x10 != 0 {
            let head = bytes.get(start..start + 4)?;
            let length = 4 * usize::from(u16::from_be_bytes([head[2], head[3]]));
            profile = u16::from_be_bytes([head[0], head[1]]);
            extensions = bytes.get(start + 4..start + 4 + length)?;
            start += 4 + length;
        }
        let mut end = bytes.len();
        if bytes[0] & 0x20 != 0 {
            let padding = usize::from(bytes[end - 1]);
            if padding == 0 {
                return None;
            }
            end = end.checked_sub(padding)?;
        }
        let payload = bytes.get(start..end)?;
        Some(Packet {
            bytes,
            marker: bytes[1] & 0x80 != 0,
            payload_type: bytes[1] & 0x7f,
            sequence: u16::from_be_bytes([bytes[2], bytes[3]]),
            timestamp: u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
            ssrc: u32::from_be_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]),
            profile,
            extensions,
            payload_start: start,
            payload,
        })
    }

    /// Writes the packet that a retransmission carries (RFC 4588, section 4) into `buffer`; None when
    /// there is nothing but padding in it.
    pub(super) fn unwrap_retransmission<'b>(
        &self,
        ssrc: u32,
        payload_type: u8,
        buffer: &'b mut Vec<u8>,
    ) -> Option<Packet<'b>> {
        let (original, payload) = self.payload.split_at_checked(2)?;
        if payload.is_empty() {
            return None;
        }
        buffer.clear();
        buffer.extend_from_slice(&self.bytes[..self.payload_start]);
        buffer.extend_from_slice(payload);
        buffer[0] &= !0x20;
        buffer[1] = (buffer[1] & 0x80) | payload_type;
        buffer[2..4].copy_from_slice(original);
        buffer[8..12].copy_from_slice(&ssrc.to_be_bytes());
        Packet::parse(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_extension_and_padding() -> Vec<u8> {
        let mut bytes = vec![0xb1, 0x80 | 96, 0x12, 0x34, 0, 0, 0, 9, 0, 0, 0, 7, 1, 1, 1, 1];
        bytes.extend_from_slice(&[0xbe, 0xde, 0, 1, 0x10, 5, 0, 0]);
        bytes.extend_from_slice(&[42, 43, 44, 0, 0, 3]);
        bytes
    }

    #[test]
    fn contributors_extension_and_padding_are_taken_off() {
        let bytes = with_extension_and_padding();
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!((packet.marker, packet.payload_type, packet.sequence), (true, 96, 0x1234));
        assert_eq!((packet.timestamp, packet.ssrc, packet.profile), (9, 7, 0xbede));
        assert_eq!((packet.extensions, packet.payload), (&[0x10, 5, 0, 0][..], &[42, 43, 44][..]));
    }

    #[test]
    fn lengths_beyond_the_packet_are_refused() {
        let bytes = with_extension_and_padding();
        for length in 0..24 {
            assert!(Packet::parse(&bytes[..length]).is_none(), "{length}");
        }
        let mut bytes = with_extension_and_padding();
        *bytes.last_mut().unwrap() = 200;
        assert!(Packet::parse(&bytes).is_none());
    }

    #[test]
    fn a_retransmission_becomes_the_original() {
        let bytes = with_extension_and_padding();
        let mut buffer = Vec::new();
        let packet = Packet::parse(&bytes).unwrap();
        let original = packet.unwrap_retransmission(77, 120, &mut buffer).unwrap();
        assert_eq!((original.sequence, original.ssrc, original.payload_type), (0x2a2b, 77, 120));
        assert_eq!(original.payload, [44]);
        assert_eq!(original.extensions, packet.extensions);
    }
}
