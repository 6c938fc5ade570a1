//! What a call saw, as JSON for whoever started it. Times are milliseconds.

use plenum_protocol::PersonId;
use plenum_protocol::media::Source;
use serde::Serialize;

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// Why the call ended before its time, or never began.
    pub error: Option<String>,
    /// This client's own number in the room; 0: it never got in.
    pub person: PersonId,
    pub join: Join,
    /// Peer connections made, one after the other.
    pub connections: u32,
    /// Times the WebSocket came back and got its seat again.
    pub resumed: u32,
    /// Times the server asked for a new peer connection.
    pub media_restarts: u32,
    /// `udp` or `relay`.
    pub path: &'static str,
    /// Messages of the server that refused something.
    pub refusals: Vec<String>,
    pub sent: Sent,
    pub audio: Vec<AudioSlot>,
    pub video: Vec<VideoSlot>,
}

/// Since the first connection attempt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Join {
    pub welcome_ms: Option<u64>,
    pub answer_ms: Option<u64>,
    /// ICE and DTLS done.
    pub connected_ms: Option<u64>,
    pub first_audio_ms: Option<u64>,
    /// The first whole frame that a decoder could show.
    pub first_video_ms: Option<u64>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Sent {
    pub audio_packets: u64,
    pub layers: Vec<SentLayer>,
    /// PLI and FIR received.
    pub key_frame_requests: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SentLayer {
    pub source: &'static str,
    /// RTP stream id (RFC 8851); empty without simulcast.
    pub rid: &'static str,
    pub width: u16,
    pub height: u16,
    pub frames: u64,
    pub key_frames: u64,
    pub packets: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct AudioSlot {
    pub slot: usize,
    pub packets: u64,
    /// Sequence numbers that never came.
    pub lost: u64,
    /// The longest time between two packets of one person.
    pub longest_gap_ms: u64,
    pub contents: Vec<AudioContent>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AudioContent {
    pub person: PersonId,
    pub source: Source,
    pub packets: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct VideoSlot {
    pub slot: usize,
    pub packets: u64,
    /// Sequence numbers that never came, not even by retransmission.
    pub lost: u64,
    /// Frames with a missing packet, or without the frames they build on.
    pub broken: u64,
    /// Times the picture id did not continue where no key frame began.
    pub picture_id_jumps: u64,
    /// Key frames asked for (PLI).
    pub key_frame_requests: u64,
    /// Whether the very first frame was a key frame.
    pub starts_with_key_frame: bool,
    pub contents: Vec<VideoContent>,
}

/// What was on a slot from one `slots` message to the next.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VideoContent {
    pub person: PersonId,
    pub source: Source,
    /// Whole frames that a decoder could show.
    pub frames: u64,
    pub key_frames: u64,
    /// Of the last key frame.
    pub width: u16,
    pub height: u16,
    /// Times without a new frame for longer than 200 ms.
    pub gaps: u64,
    pub longest_gap_ms: u64,
}
