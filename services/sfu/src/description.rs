//! What an offer and its answer agreed on: made by `sdp`, used by the transport and by `forward`.

use plenum_protocol::media::LineUse;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Audio,
    Video,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    Opus,
    Vp8,
    Vp9,
    H264,
    Av1,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// In the order of the m-lines. A rejected m-line (port 0) has no codecs.
    pub lines: Vec<LineDescription>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineDescription {
    /// At most 16 bytes, as the SFU writes it into the mid header extension of slots.
    pub mid: String,
    pub kind: Kind,
    pub line_use: LineUse,
    /// Accepted codecs in the client's order of preference.
    pub codecs: Vec<PayloadType>,
    pub extensions: Extensions,
    /// rids of a simulcast sender, in the order of `a=simulcast` (the client offers the lowest first).
    pub rids: Vec<String>,
    /// SSRCs that the offer names for a sender: `(media, rtx)`. Chromium names none in a simulcast section.
    pub remote_ssrcs: Vec<(u32, Option<u32>)>,
    /// What the SFU sends on this m-line, if it is a receive slot.
    pub local: Option<LocalStream>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadType {
    pub codec: Codec,
    pub number: u8,
    pub rtx: Option<u8>,
    /// H.264: packetization-mode 1 and the profile's family match; VP9: profile 0. Two payload types
    /// are interchangeable when codec and `format` are equal.
    pub format: u32,
    pub clock_rate: u32,
}

/// Ids of the RTP header extensions of an m-line (RFC 8285), 0 where not negotiated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extensions {
    pub mid: u8,
    pub rid: u8,
    pub repaired_rid: u8,
    pub audio_level: u8,
    pub transport_cc: u8,
    pub abs_send_time: u8,
    pub dependency_descriptor: u8,
    pub playout_delay: u8,
    pub video_orientation: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalStream {
    pub ssrc: u32,
    /// Video only.
    pub rtx_ssrc: Option<u32>,
}
