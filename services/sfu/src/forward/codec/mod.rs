//! What forwarding needs to know about a video packet, for every codec.

mod av1;
mod h264;
mod vp8;
mod vp9;

use crate::description::Codec;

/// The longest descriptor that [`rewrite`] writes.
pub(super) const MAX_DESCRIPTOR_BYTES: usize = 8;

/// A frame counter as it stands in a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Picture {
    pub(super) number: u16,
    pub(super) bits: u8,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Frame {
    /// A decoder that has seen nothing yet can begin with this packet.
    pub(super) starts_key_frame: bool,
    /// Known for codecs with temporal layers.
    pub(super) starts_frame: bool,
    pub(super) picture: Option<Picture>,
    /// Counts the frames of the lowest temporal layer (TL0PICIDX).
    pub(super) base_count: Option<u8>,
    pub(super) temporal: u8,
    /// The frame depends on the lowest temporal layer only: a receiver may go up here.
    pub(super) goes_up: bool,
    /// Known at key frames of codecs that say it in the clear.
    pub(super) size: Option<(u16, u16)>,
    /// Bytes at the front of the payload that [`rewrite`] replaces.
    pub(super) descriptor: usize,
}

/// Looks at the front of a payload. What cannot be parsed is an ordinary packet of the lowest layer.
pub(super) fn inspect(codec: Codec, payload: &[u8], dependency_descriptor: Option<&[u8]>) -> Frame {
    match codec {
        Codec::Opus => None,
        Codec::Vp8 => vp8::inspect(payload),
        Codec::Vp9 => vp9::inspect(payload),
        Codec::H264 => h264::inspect(payload),
        Codec::Av1 => av1::inspect(payload, dependency_descriptor),
    }
    .unwrap_or_default()
}

/// Writes what replaces the first `frame.descriptor` bytes of the payload, and gives its length.
pub(super) fn rewrite(
    codec: Codec,
    payload: &[u8],
    frame: &Frame,
    picture: u16,
    base_count: u8,
    out: &mut [u8; MAX_DESCRIPTOR_BYTES],
) -> usize {
    match codec {
        _ if frame.descriptor == 0 => 0,
        Codec::Vp8 => vp8::rewrite(payload, frame, picture, base_count, out),
        Codec::Vp9 => vp9::rewrite(payload, frame, picture, base_count, out),
        Codec::Opus | Codec::H264 | Codec::Av1 => 0,
    }
}

/// Bits of the frame counter that a subscriber is given.
pub(super) fn picture_bits(codec: Codec) -> u32 {
    if codec == Codec::Av1 { 16 } else { 15 }
}

/// The picture id field that VP8 and VP9 share: M bit and 7 or 15 bits.
fn read_picture(payload: &[u8], at: &mut usize) -> Option<Picture> {
    let first = *payload.get(*at)?;
    *at += 1;
    if first & 0x80 == 0 {
        return Some(Picture { number: u16::from(first), bits: 7 });
    }
    let second = *payload.get(*at)?;
    *at += 1;
    Some(Picture { number: u16::from_be_bytes([first & 0x7f, second]), bits: 15 })
}
