//! The SFU's control interface on D-Bus: name `org.plenum.Sfu1`, path `/org/plenum/Sfu1`.
//!
//! The strings are those of [`crate::media`]: sources `microphone`, `camera`, `screen`, `screen_audio`;
//! line uses these and `slot`. Rooms are named by `signaling` with an opaque identifier, never by a link.
//!
//! ```text
//! busctl --address=… call org.plenum.Sfu1 /org/plenum/Sfu1 org.plenum.Sfu1 ListRooms
//! ```

use crate::PersonId;
use serde::{Deserialize, Serialize};
use zbus::zvariant::Type;

pub const BUS_NAME: &str = "org.plenum.Sfu1";
pub const OBJECT_PATH: &str = "/org/plenum/Sfu1";

/// `(mid, use)` of an m-line.
pub type BusLine = (String, String);
/// `(person, source)`; person 0 is an empty slot.
pub type BusSlot = (PersonId, String);

/// `(person, source, width, height)` of [`crate::media::Tile`].
pub type BusTile = (PersonId, String, u16, u16);

/// One room of `ListRooms`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
pub struct BusRoom {
    pub room: String,
    pub peers: u32,
    /// Bits per second over the last second, of everyone in the room.
    pub bits_in: u64,
    pub bits_out: u64,
}

/// One peer of `ListPeers`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
pub struct BusPeer {
    pub person: PersonId,
    /// `connecting`, `connected` or `silent`.
    pub state: String,
    /// `udp`, or `relay` when the address is that of the own TURN server.
    pub path: String,
    /// `AEAD_AES_128_GCM`, …: the SRTP protection profile in force (RFC 5764, RFC 7714), empty before.
    pub protection: String,
    /// Sources that media arrives from.
    pub sources: Vec<String>,
    pub bits_in: u64,
    pub bits_out: u64,
    /// Lost packets per 1,000, of the last interval: from the peer, and to the peer.
    pub loss_in: u32,
    pub loss_out: u32,
    /// Microseconds, 0 when unknown.
    pub round_trip: u32,
    /// Bits per second the SFU allows itself towards the peer.
    pub limit: u64,
}

#[zbus::proxy(
    interface = "org.plenum.Sfu1",
    default_service = "org.plenum.Sfu1",
    default_path = "/org/plenum/Sfu1"
)]
pub trait Sfu1 {
    /// Answers an offer. An offer with a `connection` other than the peer's present one replaces its
    /// connection; with the same one it renegotiates (more slots).
    fn connect(
        &self,
        room: &str,
        person: PersonId,
        connection: u32,
        offer: &str,
        lines: &[(&str, &str)],
    ) -> zbus::Result<String>;

    /// Ends a peer's connection. An unknown peer is not an error.
    fn disconnect(&self, room: &str, person: PersonId) -> zbus::Result<()>;

    /// Ends every connection of a room.
    fn close_room(&self, room: &str) -> zbus::Result<()>;

    /// What a peer may send: media of any other source is dropped. A new peer may send everything.
    fn set_allowed(&self, room: &str, person: PersonId, sources: &[&str]) -> zbus::Result<()>;

    /// Whom a peer shows, the most important first: `(person, source, width, height)`.
    fn watch(&self, room: &str, person: PersonId, tiles: &[(PersonId, &str, u16, u16)]) -> zbus::Result<()>;

    /// What a peer's slots carry now, as in `SlotsChanged`: for a `signaling` that was away when the signal
    /// came. Two empty lists for an unknown peer.
    fn slots(&self, room: &str, person: PersonId) -> zbus::Result<(Vec<BusSlot>, Vec<BusSlot>)>;

    fn list_rooms(&self) -> zbus::Result<Vec<BusRoom>>;

    fn list_peers(&self, room: &str) -> zbus::Result<Vec<BusPeer>>;

    /// Chosen at random when the daemon starts: another value means that every connection is gone.
    #[zbus(property(emits_changed_signal = "const"))]
    fn instance(&self) -> zbus::Result<String>;

    #[zbus(property(emits_changed_signal = "const"))]
    fn version(&self) -> zbus::Result<String>;

    /// What a peer's slots carry now; the order is that of the offer's m-lines.
    #[zbus(signal)]
    fn slots_changed(
        &self,
        room: String,
        person: PersonId,
        audio: Vec<BusSlot>,
        video: Vec<BusSlot>,
    ) -> zbus::Result<()>;

    /// Who is heard in a room, the loudest first: `(person, −dBov)`.
    #[zbus(signal)]
    fn speakers_changed(&self, room: String, speakers: Vec<(PersonId, u8)>) -> zbus::Result<()>;

    /// A peer's connection became `connected`, or is `gone`: nothing came from it for 30 s, or its DTLS
    /// association ended. `connection` is the number given to `Connect`.
    #[zbus(signal)]
    fn peer_state(&self, room: String, person: PersonId, connection: u32, state: String) -> zbus::Result<()>;

    /// `(room, person, grade, reason)` as in [`crate::media::Grade`] and [`crate::media::QualityReason`].
    #[zbus(signal)]
    fn quality_changed(
        &self,
        room: String,
        person: PersonId,
        grade: String,
        reason: String,
    ) -> zbus::Result<()>;
}
