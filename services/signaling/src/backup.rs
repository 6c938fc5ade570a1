//! Rooms for a backup of the box, and from one: the interface `org.plenum.Signaling1`.

use crate::records::RoomRecord;
use crate::rooms::RoomId;
use crate::storage;
use plenum_daemon::secret_file;
use plenum_protocol::signaling::{BUS_NAME, BusRoomLeft, OBJECT_PATH};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc, oneshot};
use zbus::{Connection, fdo};

/// What the interface asks of the daemon's loop, which has the rooms.
pub enum Order {
    Export(oneshot::Sender<Result<Vec<u8>, plenum_store::Error>>),
    List(oneshot::Sender<Vec<BusRoomLeft>>),
    Restore(Restore),
    /// They have been stored, or could not be.
    Stored(Restore, Result<(), plenum_store::Error>),
}

/// Rooms from a backup.
pub struct Restore {
    pub rooms: Vec<(RoomId, RoomRecord)>,
    pub host_key: String,
    pub answer: oneshot::Sender<Result<u32, String>>,
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
            log::error!(error:%; "the box's manager cannot ask for the rooms: no backup has them");
        }
    }

    async fn ask<A>(&self, order: impl FnOnce(oneshot::Sender<A>) -> Order) -> fdo::Result<A> {
        let (answer, answered) = oneshot::channel();
        // A loop that has ended drops the sender.
        let _ = self.orders.send(order(answer));
        answered.await.map_err(|_| fdo::Error::Failed("the daemon is stopping".to_owned()))
    }

    /// Ended rooms are not read: they would come back as what a host has ended.
    async fn read(&self, dump: Vec<u8>) -> fdo::Result<Vec<(RoomId, RoomRecord)>> {
        let scratch = Arc::clone(&self.scratch).lock_owned().await;
        let read = tokio::task::spawn_blocking(move || storage::read_dump(&scratch, &dump)).await;
        let failed = |error: String| fdo::Error::Failed(format!("the rooms of the backup: {error}"));
        let mut rooms =
            read.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))?;
        rooms.retain(|(_, record)| record.ended.is_none());
        Ok(rooms)
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
        Ok(self.read(dump).await?.len() as u32)
    }

    async fn restore_rooms(
        &self,
        dump: Vec<u8>,
        host_key: String,
        deletions: bool,
        left: Vec<BusRoomLeft>,
    ) -> fdo::Result<(u32, u32)> {
        secret_file::check(&host_key).map_err(|error| fdo::Error::InvalidArgs(error.to_string()))?;
        let mut rooms = self.read(dump).await?;
        let found = rooms.len();
        if deletions {
            let left: HashSet<BusRoomLeft> = left.into_iter().collect();
            rooms.retain(|(id, record)| left.contains(&(id.0, record.generation)));
        }
        let left_out = (found - rooms.len()) as u32;
        let taken = self.ask(|answer| Order::Restore(Restore { rooms, host_key, answer })).await?;
        Ok((taken.map_err(fdo::Error::Failed)?, left_out))
    }
}
