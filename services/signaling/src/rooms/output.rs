//! What goes in and comes out beside the clients' messages.

use super::administration::OrderRefusal;
use crate::records::{Change, Keep};
use plenum_protocol::PersonId;
use plenum_protocol::http::{ApiErrorCode, Meeting};
use plenum_protocol::media::{Grade, Line, QualityReason, SlotContent, Source, Tile};
use plenum_protocol::server::{ServerMessage, Speaker};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// A WebSocket connection, never used twice.
pub type ConnectionId = u64;
/// A request that waits for its answer.
pub type RequestId = u64;

/// The time, given with every input.
#[derive(Debug, Clone, Copy, Default)]
pub struct Now {
    /// Counts up steadily from an arbitrary start.
    pub mono: Duration,
    /// Milliseconds since the Unix epoch, for people.
    pub unix_ms: u64,
}

/// A room as long as its links live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RoomId(pub u64);

/// One meeting in a room, from the first person in to the last one out. The SFU knows rooms by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MeetingId(pub u64);

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Display for MeetingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl MeetingId {
    /// The reverse of `Display`; `None` for a room of the SFU that somebody else made.
    pub fn parse(text: &str) -> Option<MeetingId> {
        let hex = text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !hex {
            return None;
        }
        u64::from_str_radix(text, 16).ok().map(MeetingId)
    }
}

/// A person in a meeting, as the SFU knows them.
pub type Peer = (MeetingId, PersonId);

#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    Send {
        to: Vec<ConnectionId>,
        message: ServerMessage,
    },
    /// Nothing more of or for this connection is dealt with.
    Close {
        connection: ConnectionId,
        code: CloseCode,
    },
    /// Answered by [`SfuEvent::Done`] of the same peer; until then there is no other call for it.
    Sfu {
        peer: Peer,
        command: SfuCommand,
    },
    CloseRoom(MeetingId),
    /// Asks who is connected to the SFU: answered by [`SfuEvent::Survey`].
    Survey,
    /// To be committed in the order of the tickets and reported by [`super::Rooms::committed`].
    Write {
        keep: Keep,
        ticket: u64,
        changes: Vec<Change>,
    },
    Created {
        request: RequestId,
        answer: Result<(RoomId, Meeting), Denied>,
    },
    /// With how many people were cut off.
    Ordered {
        request: RequestId,
        answer: Result<u32, OrderRefusal>,
    },
}

/// Why an HTTP request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    pub code: ApiErrorCode,
    pub detail: &'static str,
    pub retry_after: Option<u32>,
}

/// RFC 6455, section 7.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseCode {
    Normal = 1000,
    GoingAway = 1001,
    PolicyViolation = 1008,
    TryAgainLater = 1013,
}

#[derive(Debug, Clone, PartialEq)]
pub enum SfuCommand {
    Connect {
        number: u32,
        sdp: String,
        lines: Vec<Line>,
    },
    Disconnect,
    SetAllowed(Vec<Source>),
    Watch(Vec<Tile>),
    /// Asks what the slots carry.
    Slots,
}

#[derive(Debug, Clone, PartialEq)]
pub enum SfuOutcome {
    Done,
    Answer(String),
    Slots(Slots),
    /// What the SFU says about it.
    Refused(String),
    /// No answer.
    Unavailable,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Slots {
    pub audio: Vec<Option<SlotContent>>,
    pub video: Vec<Option<SlotContent>>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum SfuEvent {
    /// The SFU is on the bus.
    Up {
        instance: String,
    },
    Down,
    Done {
        peer: Peer,
        outcome: SfuOutcome,
    },
    Slots {
        peer: Peer,
        slots: Slots,
    },
    Speakers {
        meeting: MeetingId,
        speakers: Vec<Speaker>,
    },
    Gone {
        peer: Peer,
        number: u32,
    },
    Quality {
        peer: Peer,
        grade: Grade,
        reason: QualityReason,
    },
    Survey(Vec<(MeetingId, Vec<PersonId>)>),
}
