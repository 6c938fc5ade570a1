//! Messages from a client to `signaling`, one JSON object per WebSocket text message.

use crate::PersonId;
use crate::media::{Line, Source, Tile};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientMessage {
    /// The first message. Answered by `welcome` or `refused`.
    Hello {
        /// [`crate::PROTOCOL_VERSION`] of the client.
        protocol: u32,
        /// The secret part of a host or guest link.
        link: String,
        /// 1 to 64 characters, trimmed, no control characters.
        name: String,
        /// From an earlier `welcome`: takes the seat of that connection back, with hand and mute state.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resume: Option<String>,
    },
    /// The media connection's SDP offer (RFC 8829). Answered by `answer` or `error`.
    Offer {
        /// Chosen by the client, counts up: 1 for the first peer connection, a new number for every new
        /// peer connection; an offer that renegotiates an existing one repeats its number.
        connection: u32,
        sdp: String,
        /// Every m-line's use, in the order of the m-lines.
        lines: Vec<Line>,
    },
    /// Whom the client shows, the most important first. Replaces the previous list.
    Watch {
        tiles: Vec<Tile>,
    },
    /// Which sources the client is sending, for the others to see. Sent at every change.
    ///
    /// After `muted` the client stops its microphone and says so here; the next `sending` with the
    /// microphone is the person's own unmuting. One that crossed the `muted` on its way unmutes nobody: it
    /// is answered by `muted` again.
    Sending {
        sources: Vec<Source>,
    },
    Chat {
        /// 1 to 4,000 characters.
        text: String,
    },
    Hand {
        raised: bool,
    },
    React {
        reaction: Reaction,
    },
    /// Hosts only. The person's microphone is cut off at the SFU until they unmute themselves.
    Mute {
        person: PersonId,
    },
    /// Hosts only. Mutes everyone but the host who asks.
    MuteAll {},
    /// Hosts only.
    LowerHand {
        person: PersonId,
    },
    /// Hosts only, and only guests: hosts hold the host link. The person is out and stays out: the seat's
    /// secret is refused from now on, and the link for guests is replaced (`room` tells the hosts).
    Remove {
        person: PersonId,
    },
    /// Hosts only.
    EndForAll {},
    /// The client leaves on purpose: its seat is given up at once.
    Leave {},
    /// Answered by `pong`: shows the client that its connection still works.
    Ping {},
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Reaction {
    ThumbsUp,
    ThumbsDown,
    Applause,
    Heart,
    Laugh,
    Surprise,
}

/// The kind of a client message: its `type` on the wire. Limits and counters go by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientMessageKind {
    Hello,
    Offer,
    Watch,
    Sending,
    Chat,
    Hand,
    React,
    Mute,
    MuteAll,
    LowerHand,
    Remove,
    EndForAll,
    Leave,
    Ping,
}

impl ClientMessageKind {
    pub const COUNT: usize = ClientMessageKind::Ping as usize + 1;

    pub const ALL: [ClientMessageKind; ClientMessageKind::COUNT] = [
        ClientMessageKind::Hello,
        ClientMessageKind::Offer,
        ClientMessageKind::Watch,
        ClientMessageKind::Sending,
        ClientMessageKind::Chat,
        ClientMessageKind::Hand,
        ClientMessageKind::React,
        ClientMessageKind::Mute,
        ClientMessageKind::MuteAll,
        ClientMessageKind::LowerHand,
        ClientMessageKind::Remove,
        ClientMessageKind::EndForAll,
        ClientMessageKind::Leave,
        ClientMessageKind::Ping,
    ];
}

impl ClientMessage {
    pub fn kind(&self) -> ClientMessageKind {
        match self {
            ClientMessage::Hello { .. } => ClientMessageKind::Hello,
            ClientMessage::Offer { .. } => ClientMessageKind::Offer,
            ClientMessage::Watch { .. } => ClientMessageKind::Watch,
            ClientMessage::Sending { .. } => ClientMessageKind::Sending,
            ClientMessage::Chat { .. } => ClientMessageKind::Chat,
            ClientMessage::Hand { .. } => ClientMessageKind::Hand,
            ClientMessage::React { .. } => ClientMessageKind::React,
            ClientMessage::Mute { .. } => ClientMessageKind::Mute,
            ClientMessage::MuteAll {} => ClientMessageKind::MuteAll,
            ClientMessage::LowerHand { .. } => ClientMessageKind::LowerHand,
            ClientMessage::Remove { .. } => ClientMessageKind::Remove,
            ClientMessage::EndForAll {} => ClientMessageKind::EndForAll,
            ClientMessage::Leave {} => ClientMessageKind::Leave,
            ClientMessage::Ping {} => ClientMessageKind::Ping,
        }
    }
}
