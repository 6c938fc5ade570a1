//! What is kept: rooms over restarts of the machine, running meetings over restarts of the daemon.

use crate::rooms::{MeetingId, RoomId};
use crate::secret::Digest;
use plenum_protocol::PersonId;
use plenum_protocol::media::Source;
use plenum_protocol::server::{ChatMessage, Role};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Chat is kept until the meeting ends, but in no case longer (DM2).
pub const CHAT_CEILING: Duration = Duration::from_secs(7 * 86_400);

/// A room. Its links are not kept, only what recognises them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomRecord {
    /// Empty once the meeting has been ended: nobody needs it any more.
    pub title: String,
    pub host: Digest,
    pub guest: Digest,
    /// How often the link for guests has been replaced.
    pub generation: u32,
    /// Milliseconds since the Unix epoch, like all times here.
    pub used: u64,
    pub ended: Option<u64>,
}

/// A running meeting of a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeetingRecord {
    pub meeting: MeetingId,
    pub started: u64,
    pub next_person: PersonId,
}

/// Somebody's seat in a running meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatRecord {
    pub name: String,
    pub role: Role,
    pub resume: Digest,
    pub sources: Vec<Source>,
    pub muted_by: Option<PersonId>,
    /// Position among the raised hands; the smallest was raised first.
    pub hand: Option<u64>,
    pub offered: Option<Offered>,
}

/// The last media connection that a person offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// The client's number for it. A reloaded page counts from 1 again.
    pub client: u32,
    /// From the fingerprint of the connection's certificate (RFC 8122): tells connections apart that have
    /// the same number.
    pub print: u64,
    /// The number towards the SFU, never used twice for a person.
    pub number: u32,
}

/// The secret of a seat that was given up in the running meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// Left, or lost the connection for too long: may come back as a guest, even by a replaced link.
    Former,
    /// Removed by a host: stays out.
    Removed,
}

/// One change of the stores. `None` deletes.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    Room(RoomId, Option<RoomRecord>),
    Meeting(RoomId, Option<MeetingRecord>),
    Seat(MeetingId, PersonId, Option<Box<SeatRecord>>),
    Chat(MeetingId, Box<ChatMessage>),
    ForgetChat(MeetingId, ChatKey),
    Pass(MeetingId, Digest, Option<Standing>),
    /// Which run of the SFU holds the media connections.
    SfuInstance(String),
}

/// What it takes to delete a chat message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChatKey {
    pub id: u32,
    /// Length of its text: long ones are stored in parts.
    pub bytes: usize,
}

impl ChatKey {
    pub fn of(message: &ChatMessage) -> ChatKey {
        ChatKey { id: message.id, bytes: message.text.len() }
    }
}

/// The two stores: of the machine and of the running daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Keep {
    State,
    Runtime,
}

impl Change {
    pub fn keep(&self) -> Keep {
        match self {
            Change::Room(..) => Keep::State,
            _ => Keep::Runtime,
        }
    }
}

/// Everything found in the stores at the start.
#[derive(Debug, Default)]
pub struct Found {
    /// With when it was created.
    pub rooms: Vec<(RoomId, RoomRecord, u64)>,
    pub meetings: Vec<(RoomId, MeetingRecord)>,
    pub seats: Vec<(MeetingId, PersonId, SeatRecord)>,
    /// In the order of their numbers.
    pub chat: Vec<(MeetingId, ChatMessage)>,
    pub passes: Vec<(MeetingId, Digest, Standing)>,
    pub sfu_instance: Option<String>,
}
