//! What the box's manager asks of `signaling`: the rooms, for administrators and for a backup, and the host key. Name
//! `org.plenum.Signaling1`, path `/org/plenum/Signaling1`; nobody but `plenum-appliance` and root may call it.
//!
//! Nothing here tells who is in a meeting or what happens there, and links leave `signaling` once, when a room is made.

use serde::{Deserialize, Serialize};
use zbus::zvariant::Type;

pub const BUS_NAME: &str = "org.plenum.Signaling1";
pub const OBJECT_PATH: &str = "/org/plenum/Signaling1";

/// A room that still existed when a list of deletions was made.
///
/// `(room, generation)`: its number, and how often its link for guests had been replaced.
pub type BusRoomLeft = (u64, u32);

/// Where a list of rooms goes on: `(created, room)` of the last one. Both 0: at its beginning.
pub type BusRoomPlace = (u64, u64);

/// A room, as an administrator may know it. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct BusRoom {
    pub room: u64,
    /// Empty once its meeting was ended for good.
    pub title: String,
    pub created: u64,
    /// When a meeting last began or ended in it.
    pub used: u64,
    /// When it is deleted by itself; 0 while a meeting is running.
    pub expires: u64,
    /// Its links lead nowhere any more.
    pub ended: bool,
    pub running: bool,
    /// People in the meeting.
    pub people: u32,
    /// Whether a host is known, from whose link another one for guests can be made.
    pub replaceable: bool,
}

/// Why nothing was done; for developers, in English.
#[derive(Debug, zbus::DBusError)]
#[zbus(prefix = "org.plenum.Signaling1.Error")]
pub enum RoomError {
    #[zbus(error)]
    Bus(zbus::Error),
    /// No room has this number.
    UnknownRoom(String),
    InvalidTitle(String),
    NoMeeting(String),
    /// The link for guests follows from the link for hosts, which is not stored.
    NoHost(String),
    /// There are too many rooms, the daemon ends, or the disk is full.
    Unavailable(String),
}

#[zbus::proxy(
    interface = "org.plenum.Signaling1",
    default_service = "org.plenum.Signaling1",
    default_path = "/org/plenum/Signaling1"
)]
pub trait Signaling1 {
    /// Who knows it may open meetings.
    fn host_key(&self) -> zbus::Result<String>;

    /// The rooms as a dump of the store (`services/store`). Nothing of what is said, written or shown in a meeting
    /// is in it.
    fn export_rooms(&self) -> zbus::Result<Vec<u8>>;

    /// The rooms that there are, ended ones left out.
    fn list_rooms(&self) -> zbus::Result<Vec<BusRoomLeft>>;

    /// How many rooms a dump has. Changes nothing; fails if it cannot be read.
    fn check_rooms(&self, dump: &[u8]) -> zbus::Result<u32>;

    /// Takes the rooms of a dump beside those that are there, and the host key in the place of the present one. With
    /// `deletions` the rooms that are not in `left` stay deleted, and replaced links stay replaced: of those rooms
    /// nothing is taken. Returns how many were taken, and how many were left out.
    fn restore_rooms(
        &self,
        dump: &[u8],
        host_key: &str,
        deletions: bool,
        left: &[BusRoomLeft],
    ) -> zbus::Result<(u32, u32)>;

    /// Up to `most` rooms from `after` on, newest first, how many there are, and whether more follow. Those with `text` in
    /// the title or at the beginning of the number; with `running` only those where people meet.
    fn find_rooms(
        &self,
        text: &str,
        running: bool,
        after: BusRoomPlace,
        most: u32,
    ) -> zbus::Result<(Vec<BusRoom>, u32, bool)>;

    /// Makes a room as people do with the host key. Returns its number and its links, for hosts and for guests: they
    /// cannot be asked for again.
    fn create_room(&self, title: &str) -> Result<(u64, String, String), RoomError>;

    /// The link for guests leads nowhere any more; hosts in the meeting get another one. Nobody else does.
    fn replace_guest_link(&self, room: u64) -> Result<(), RoomError>;

    /// Ends a meeting for all, as a host can: the room's links lead nowhere any more. Returns how many people were cut off.
    fn end_meeting(&self, room: u64) -> Result<u32, RoomError>;

    /// Deletes a room; a meeting that is running is ended before. Returns how many people were cut off.
    fn delete_room(&self, room: u64) -> Result<u32, RoomError>;
}
