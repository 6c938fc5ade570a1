//! Messages on a stream (RFC 8656, section 12.5, and RFC 8489, section 6.2.2): STUN messages end where
//! their length says; ChannelData is padded to a multiple of four bytes.

use crate::stun::{HEADER_LEN, Malformed};
use std::ops::Range;

/// The largest message that is taken from a client, and the buffer for it: media packets stay below
/// 1,500 bytes and requests are smaller still.
pub const MAX_MESSAGE: usize = 4_096;
pub const CHANNEL_HEADER_LEN: usize = 4;

/// Whether a datagram, or a message on a stream, is ChannelData (RFC 8656, section 12.4).
pub fn is_channel_data(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| (0x40..=0x7F).contains(first))
}

/// Channel number and payload of a ChannelData message.
pub fn channel_data(bytes: &[u8]) -> Result<(u16, &[u8]), Malformed> {
    let [n0, n1, l0, l1, rest @ ..] = bytes else { return Err(Malformed::Length) };
    let length = usize::from(u16::from_be_bytes([*l0, *l1]));
    let payload = rest.get(..length).ok_or(Malformed::Length)?;
    Ok((u16::from_be_bytes([*n0, *n1]), payload))
}

pub fn channel_header(number: u16, length: usize) -> [u8; CHANNEL_HEADER_LEN] {
    let [n0, n1] = number.to_be_bytes();
    let [l0, l1] = (length as u16).to_be_bytes();
    [n0, n1, l0, l1]
}

/// Bytes of a stream, cut into messages.
pub struct Deframer {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Deframer {
    pub fn new() -> Deframer {
        Deframer { buffer: vec![0; 4 * MAX_MESSAGE].into_boxed_slice(), start: 0, end: 0 }
    }

    /// Where the next bytes go; never empty after [`Deframer::next_message`] returned None.
    pub fn space(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        &mut self.buffer[self.end..]
    }

    pub fn filled(&mut self, count: usize) {
        self.end = (self.end + count).min(self.buffer.len());
    }

    /// Whether a message has begun and not ended.
    pub fn is_partial(&self) -> bool {
        self.start < self.end
    }

    /// The next whole message, to be read with [`Deframer::message`]. An error ends the stream: where
    /// the next message would begin is unknown.
    pub fn next_message(&mut self) -> Result<Option<Range<usize>>, Malformed> {
        let bytes = &self.buffer[self.start..self.end];
        let [first, _, l0, l1, ..] = *bytes else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let (message, padded) = match first >> 6 {
            0 => (HEADER_LEN + length, HEADER_LEN + length),
            1 => (CHANNEL_HEADER_LEN + length, (CHANNEL_HEADER_LEN + length).next_multiple_of(4)),
            _ => return Err(Malformed::Unknown),
        };
        if padded > MAX_MESSAGE {
            return Err(Malformed::Length);
        }
        if bytes.len() < padded {
            return Ok(None);
        }
        let range = self.start..self.start + message;
        self.start += padded;
        Ok(Some(range))
    }

    pub fn message(&self, range: Range<usize>) -> &[u8] {
        &self.buffer[range]
    }
}

impl Default for Deframer {
    fn default() -> Self {
        Deframer::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stun::{Class, Method, Writer, attribute};

    fn messages_of(stream: &[u8], chunk: usize) -> Result<Vec<Vec<u8>>, Malformed> {
        let mut deframer = Deframer::new();
        let mut found = Vec::new();
        for part in stream.chunks(chunk) {
            deframer.space()[..part.len()].copy_from_slice(part);
            deframer.filled(part.len());
            while let Some(range) = deframer.next_message()? {
                found.push(deframer.message(range).to_vec());
            }
        }
        assert!(!deframer.is_partial());
        Ok(found)
    }

    #[test]
    fn cuts_a_stream_however_it_arrives() {
        let stun = Writer::new(Class::Request, Method::Allocate, [1; 12])
            .attribute(attribute::USERNAME, b"a")
            .finish();
        let mut channel = channel_header(0x4001, 5).to_vec();
        channel.extend(b"hello");
        let mut stream = Vec::new();
        for _ in 0..100 {
            stream.extend(&stun);
            stream.extend(&channel);
            stream.extend([0; 3]);
        }
        for chunk in [1, 2, 3, 7, 64, 1_000] {
            let found = messages_of(&stream, chunk).unwrap();
            assert_eq!(found.len(), 200);
            assert!(found.chunks(2).all(|pair| pair[0] == stun && pair[1] == channel));
        }
        assert_eq!(channel_data(&channel), Ok((0x4001, &b"hello"[..])));
    }

    #[test]
    fn refuses_what_is_neither_and_what_is_too_large() {
        assert_eq!(messages_of(b"\x80abcdef", 7), Err(Malformed::Unknown));
        assert_eq!(messages_of(b"\x40\x00\xff\xff", 4), Err(Malformed::Length));
        assert_eq!(messages_of(b"\x00\x01\xff\xfc", 4), Err(Malformed::Length));
        assert_eq!(channel_data(b"\x40\x00\x00\x05four"), Err(Malformed::Length));
    }
}
