//! What the box's manager asks on the bus: the interface `org.plenum.Signaling1`.

use crate::backup::{self, Restore};
use crate::rooms::{Denied, OrderRefusal, RoomId, RoomOrder, RoomQuery, RoomsFound};
use plenum_daemon::secret_file;
use plenum_protocol::http::{ApiErrorCode, Meeting};
use plenum_protocol::signaling::{BUS_NAME, BusRoom, BusRoomLeft, BusRoomPlace, OBJECT_PATH, RoomError};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc, oneshot};
use zbus::{Connection, fdo};

/// Rooms of one answer at the most, whatever is asked for: some 100 kB.
const MAX_FOUND: usize = 200;

/// What the interface asks of the daemon's loop, which has the rooms.
pub enum Order {
    Export(oneshot::Sender<Result<Vec<u8>, plenum_store::Error>>),
    List(oneshot::Sender<Vec<BusRoomLeft>>),
    Restore(Restore),
    /// They have been stored, or could not be.
    Stored(Restore, Result<(), plenum_store::Error>),
    Find(RoomQuery, oneshot::Sender<RoomsFound>),
    Create(String, oneshot::Sender<Result<(RoomId, Meeting), Denied>>),
    Room(RoomId, RoomOrder, oneshot::Sender<Result<u32, OrderRefusal>>),
}

#[derive(Clone)]
pub struct Interface {
    pub orders: mpsc::UnboundedSender<Order>,
    pub host_key_file: PathBuf,
    /// A folder for a moment, on a tmpfs: for one call at a time.
    pub scratch: Arc<Mutex<PathBuf>>,
}

impl Interface {
    /// From now on the manager is answered. That it cannot be is no reason to go without the SFU.
    pub async fn serve(self, bus: &Connection) {
        let served = async {
            bus.object_server().at(OBJECT_PATH, self).await?;
            bus.request_name(BUS_NAME).await
        };
        if let Err(error) = served.await {
            log::error!(error:%; "the box's manager cannot ask for the rooms: no administrator sees them, no backup has them");
        }
    }

    async fn ask<A>(&self, order: impl FnOnce(oneshot::Sender<A>) -> Order) -> fdo::Result<A> {
        let (answer, answered) = oneshot::channel();
        // A loop that has ended drops the sender.
        let _ = self.orders.send(order(answer));
        answered.await.map_err(|_| fdo::Error::Failed("the daemon is stopping".to_owned()))
    }

    async fn order(&self, room: u64, order: RoomOrder) -> Result<u32, RoomError> {
        let done = self.ask(|answer| Order::Room(RoomId(room), order, answer)).await;
        done.map_err(stopping)?.map_err(refused)
    }
}

#[zbus::interface(name = "org.plenum.Signaling1")]
impl Interface {
    async fn host_key(&self) -> fdo::Result<String> {
        secret_file::read_or_create(&self.host_key_file)
            .map_err(|error| fdo::Error::Failed(format!("the host key cannot be read: {error}")))
    }

    async fn export_rooms(&self) -> fdo::Result<Vec<u8>> {
        self.ask(Order::Export).await?.map_err(|error| fdo::Error::Failed(error.to_string()))
    }

    async fn list_rooms(&self) -> fdo::Result<Vec<BusRoomLeft>> {
        self.ask(Order::List).await
    }

    async fn check_rooms(&self, dump: Vec<u8>) -> fdo::Result<u32> {
        let rooms = backup::read(&self.scratch, dump).await.map_err(fdo::Error::Failed)?;
        Ok(rooms.len() as u32)
    }

    async fn restore_rooms(
        &self,
        dump: Vec<u8>,
        host_key: String,
        deletions: bool,
        left: Vec<BusRoomLeft>,
    ) -> fdo::Result<(u32, u32)> {
        secret_file::check(&host_key).map_err(|error| fdo::Error::InvalidArgs(error.to_string()))?;
        let mut rooms = backup::read(&self.scratch, dump).await.map_err(fdo::Error::Failed)?;
        let found = rooms.len();
        if deletions {
            let left: HashSet<BusRoomLeft> = left.into_iter().collect();
            rooms.retain(|(id, record)| left.contains(&(id.0, record.generation)));
        }
        let left_out = (found - rooms.len()) as u32;
        let taken = self.ask(|answer| Order::Restore(Restore { rooms, host_key, answer })).await?;
        Ok((taken.map_err(fdo::Error::Failed)?, left_out))
    }

    async fn find_rooms(
        &self,
        text: String,
        running: bool,
        after: BusRoomPlace,
        most: u32,
    ) -> fdo::Result<(Vec<BusRoom>, u32, bool)> {
        let after = (after != (0, 0)).then_some(after);
        let query = RoomQuery { text, running, after, most: (most as usize).min(MAX_FOUND) };
        let found = self.ask(|answer| Order::Find(query, answer)).await?;
        Ok((found.rooms, found.count as u32, found.more))
    }

    async fn create_room(&self, title: String) -> Result<(u64, String, String), RoomError> {
        let made = self.ask(|answer| Order::Create(title, answer)).await.map_err(stopping)?;
        let (room, meeting) = made.map_err(denied)?;
        Ok((room.0, meeting.host_link, meeting.guest_link))
    }

    async fn replace_guest_link(&self, room: u64) -> Result<(), RoomError> {
        self.order(room, RoomOrder::ReplaceGuestLink).await.map(drop)
    }

    async fn end_meeting(&self, room: u64) -> Result<u32, RoomError> {
        self.order(room, RoomOrder::End).await
    }

    async fn delete_room(&self, room: u64) -> Result<u32, RoomError> {
        self.order(room, RoomOrder::Delete).await
    }
}

fn stopping(error: fdo::Error) -> RoomError {
    RoomError::Unavailable(error.to_string())
}

fn denied(denied: Denied) -> RoomError {
    match denied.code {
        ApiErrorCode::Malformed => RoomError::InvalidTitle(denied.detail.to_owned()),
        _ => RoomError::Unavailable(denied.detail.to_owned()),
    }
}

fn refused(refusal: OrderRefusal) -> RoomError {
    match refusal {
        OrderRefusal::UnknownRoom => RoomError::UnknownRoom("no room has this number".to_owned()),
        OrderRefusal::NoMeeting => RoomError::NoMeeting("nobody meets in this room".to_owned()),
        OrderRefusal::NoHost => RoomError::NoHost(
            "no host has come in since the meeting began or the daemon started: the link is made from theirs"
                .to_owned(),
        ),
        OrderRefusal::NotStored => {
            RoomError::Unavailable("the deletion could not be stored; the disk may be full".to_owned())
        }
    }
}
