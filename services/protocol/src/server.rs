//! Messages from `signaling` to a client, one JSON object per WebSocket text message.

use crate::PersonId;
use crate::client::{ClientMessageKind, Reaction};
use crate::media::{Grade, QualityReason, SlotContent, Source};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// The answer to `hello`: the whole state of the room. After a resume the same, with `resumed` set.
    Welcome(Box<Welcome>),
    /// The answer to `hello` when the client may not come in. The connection is closed after it.
    Refused {
        reason: RefusalReason,
        /// Seconds after which trying again makes sense, if it does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u32>,
    },
    /// The SFU's SDP answer to the offer of the same `connection`.
    Answer {
        connection: u32,
        sdp: String,
    },
    /// What the receive slots carry, each list in the order of the offer's m-lines. Sent when a slot's
    /// content has really changed in the stream, so that a tile never shows somebody else's picture.
    Slots {
        audio: Vec<Option<SlotContent>>,
        video: Vec<Option<SlotContent>>,
    },
    /// Who is heard now, the loudest first.
    Speakers {
        speakers: Vec<Speaker>,
    },
    /// Somebody came in, or came back after a break.
    PersonJoined {
        person: Person,
    },
    /// Somebody's name, role, sources or presence changed.
    PersonChanged {
        person: Person,
    },
    PersonLeft {
        person: PersonId,
        reason: LeaveReason,
    },
    /// The room changed. Hosts get it after a removal: the link for guests is a new one then, so that
    /// the old one does not let the removed person in again.
    Room {
        room: RoomInfo,
    },
    /// The raised hands in the order in which they were raised.
    Hands {
        queue: Vec<PersonId>,
    },
    Chat {
        message: ChatMessage,
    },
    Reaction {
        person: PersonId,
        reaction: Reaction,
    },
    /// How somebody's connection is, and why.
    Quality {
        person: PersonId,
        grade: Grade,
        reason: QualityReason,
    },
    /// A host muted you.
    Muted {
        by: PersonId,
    },
    /// The media plane restarted, or lost this client's connection: make a new peer connection and
    /// offer it.
    MediaRestart {},
    /// The last message before the connection is closed by the server for good.
    Goodbye {
        reason: LeaveReason,
    },
    /// A message of the client was refused; nothing of it took effect.
    Error {
        /// The refused message's `type`, if it could be read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<String>,
        code: ErrorCode,
        /// For developers, in English. User interfaces translate `code`.
        detail: String,
    },
    Pong {},
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Welcome {
    /// [`crate::PROTOCOL_VERSION`] of the server.
    pub protocol: u32,
    pub you: PersonId,
    pub resumed: bool,
    /// Secret of this seat, for `hello.resume`.
    pub resume: String,
    pub room: RoomInfo,
    /// Everyone in the room, this client too.
    pub people: Vec<Person>,
    pub hands: Vec<PersonId>,
    pub chat: Vec<ChatMessage>,
    pub ice_servers: Vec<IceServer>,
    /// Milliseconds since the Unix epoch, by the server's clock.
    #[ts(type = "number")]
    pub now: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RoomInfo {
    pub title: String,
    /// The secret part of the link for guests. Hosts get it, to invite others; guests do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_link: Option<String>,
    /// Milliseconds since the Unix epoch.
    #[ts(type = "number")]
    pub started: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Host,
    Guest,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Person {
    pub id: PersonId,
    pub name: String,
    pub role: Role,
    /// What the person is sending at the moment.
    pub sources: Vec<Source>,
    /// False while the person's connection is interrupted; the seat is kept for a minute.
    pub present: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Speaker {
    pub person: PersonId,
    /// −dBov as in RFC 6464: 0 is the loudest, 127 is silence.
    pub level: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ChatMessage {
    /// Counts up within the room.
    pub id: u32,
    pub person: PersonId,
    /// The name at the time of writing: people may have left since.
    pub name: String,
    pub text: String,
    /// Milliseconds since the Unix epoch.
    #[ts(type = "number")]
    pub sent: u64,
}

/// As in W3C WebRTC, RTCIceServer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct IceServer {
    pub urls: Vec<String>,
    pub username: String,
    pub credential: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    ClientTooOld,
    ClientTooNew,
    /// No room has this link; the same answer as for a link that never existed.
    UnknownLink,
    /// The meeting has been ended by a host, or by an administrator of the box.
    Ended,
    /// This person was removed from the meeting.
    Removed,
    RoomFull,
    /// Too many wrong links from this address.
    TooManyAttempts,
    InvalidName,
    /// The first message was not a valid `hello`.
    InvalidHello,
    ShuttingDown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// Left on purpose.
    Left,
    /// Did not come back within the time a seat is kept.
    TimedOut,
    /// Removed by a host.
    Removed,
    /// A host, or an administrator of the box, ended the meeting.
    Ended,
    /// The seat was taken over by another connection of the same person.
    Replaced,
    /// The client broke the protocol, or sent far too much.
    ProtocolError,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// Not JSON, an unknown type, a missing or a superfluous field.
    Malformed,
    TooLarge,
    TooOften,
    /// Only hosts may do this.
    NotAllowed,
    NoSuchPerson,
    InvalidText,
    /// The SFU refused the offer; `detail` says why.
    OfferRefused,
    /// The media plane is down; a `media_restart` follows when it is back.
    MediaUnavailable,
}

impl ServerMessage {
    pub fn error(of: Option<ClientMessageKind>, code: ErrorCode, detail: impl Into<String>) -> ServerMessage {
        ServerMessage::Error { of: of.map(|kind| kind.as_str().to_owned()), code, detail: detail.into() }
    }
}
