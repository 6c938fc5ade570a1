//! What the box's manager asks of `signaling`: the rooms for a backup, and the host key. Name
//! `org.plenum.Signaling1`, path `/org/plenum/Signaling1`; nobody but `plenum-appliance` and root may call it.

pub const BUS_NAME: &str = "org.plenum.Signaling1";
pub const OBJECT_PATH: &str = "/org/plenum/Signaling1";

/// A room that still existed when a list of deletions was made.
///
/// `(room, generation)`: its number, and how often its link for guests had been replaced.
pub type BusRoomLeft = (u64, u32);

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
}
