//! What goes into the forwarding plane beside packets, and what comes out.

use plenum_protocol::PersonId;
use plenum_protocol::media::{Grade, QualityReason, SlotContent, Source};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Fixed for the life of a [`super::Forwarder`].
#[derive(Debug, Clone, Copy)]
pub struct ForwardConfig {
    /// Bits per second that no subscriber's limit exceeds.
    pub peer_limit_bps: u64,
    /// Of the random starts of sequence numbers, timestamps and picture ids.
    pub seed: u64,
    /// One moment on both clocks: monotonic, and NTP (RFC 5905, 32.32 fixed point) for sender reports.
    pub reference: (Instant, u64),
}

/// Something happened that signaling may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForwardEvent {
    /// What a peer's slots carry now, in the order of the offer's m-lines. Emitted when the first packet
    /// of a new content has been forwarded, or at once when a slot becomes empty.
    SlotsChanged {
        room: Arc<str>,
        person: PersonId,
        audio: Vec<Option<SlotContent>>,
        video: Vec<Option<SlotContent>>,
    },
    /// Who is heard, the loudest first: `(person, −dBov)`.
    SpeakersChanged { room: Arc<str>, speakers: Vec<(PersonId, u8)> },
    /// How well media of and to one person gets through.
    QualityChanged { room: Arc<str>, person: PersonId, grade: Grade, reason: QualityReason },
}

/// A snapshot of one peer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeerStats {
    /// Sources that media arrives from at the moment.
    pub sources: Vec<Source>,
    /// Lost packets per 1,000 of the last interval: from the peer, and to the peer.
    pub loss_in: u32,
    pub loss_out: u32,
    /// None until a receiver report has answered a sender report.
    pub round_trip: Option<Duration>,
    /// Bits per second the SFU allows itself towards the peer.
    pub limit: u64,
}

/// Sums over the life of a [`super::Forwarder`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Media packets taken in, and copies of them sent.
    pub packets_in: u64,
    pub packets_out: u64,
    /// RTP or RTCP that could not be parsed.
    pub malformed: u64,
    /// RTP whose m-line, stream or payload type is unknown.
    pub unknown: u64,
    /// RTP of a source that the peer may not send now.
    pub refused: u64,
    /// Repeated packets, and packets of nothing but padding.
    pub duplicates: u64,
    pub padding: u64,
    /// Packets that subscribers asked for again, and those of them that were still there.
    pub nacked: u64,
    pub repeated: u64,
    /// Packets that were asked for again from publishers, and those that came.
    pub missing: u64,
    pub recovered: u64,
    /// Key frames asked for.
    pub key_frame_requests: u64,
    /// Slots that went over to another layer or person.
    pub switches: u64,
}
