//! Size and rate of every message that a client may send.

use crate::client::ClientMessageKind::{self, *};

/// The largest WebSocket message of any kind, in bytes: an offer with 6 + 49 receive slots and every
/// codec of Chromium fits.
pub const MAX_MESSAGE_BYTES: usize = 256 * 1024;

/// Characters of a name, after trimming.
pub const MAX_NAME_CHARS: usize = 64;
/// Characters of a room's title.
pub const MAX_TITLE_CHARS: usize = 120;
/// Characters of a chat message.
pub const MAX_CHAT_CHARS: usize = 4_000;
/// Entries of a `watch` list.
pub const MAX_TILES: usize = 64;
/// m-lines of an offer.
pub const MAX_LINES: usize = 80;
/// Bytes of an SDP offer.
pub const MAX_SDP_BYTES: usize = 240 * 1024;

/// A token bucket: `burst` messages at once, refilled with `per_minute`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    pub max_bytes: usize,
    pub burst: u32,
    pub per_minute: u32,
}

const fn limit(max_bytes: usize, burst: u32, per_minute: u32) -> Limit {
    Limit { max_bytes, burst, per_minute }
}

/// The limit of a message kind, per connection.
pub const fn of(kind: ClientMessageKind) -> Limit {
    match kind {
        Hello => limit(2_048, 2, 6),
        Offer => limit(MAX_MESSAGE_BYTES, 10, 30),
        Watch => limit(16 * 1024, 40, 600),
        Sending => limit(512, 20, 120),
        Chat => limit(20 * 1024, 10, 60),
        Hand | React => limit(256, 10, 60),
        Mute | LowerHand | Remove => limit(256, 30, 300),
        MuteAll | EndForAll | Leave => limit(256, 5, 30),
        Ping => limit(256, 10, 60),
    }
}

impl ClientMessageKind {
    /// The `type` on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Hello => "hello",
            Offer => "offer",
            Watch => "watch",
            Sending => "sending",
            Chat => "chat",
            Hand => "hand",
            React => "react",
            Mute => "mute",
            MuteAll => "mute_all",
            LowerHand => "lower_hand",
            Remove => "remove",
            EndForAll => "end_for_all",
            Leave => "leave",
            Ping => "ping",
        }
    }
}
