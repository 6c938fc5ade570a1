//! Rooms from a backup of the box: read at a place of their own, and taken up by the daemon's loop.

use crate::records::RoomRecord;
use crate::rooms::RoomId;
use crate::storage;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{Mutex, oneshot};

/// Rooms from a backup.
pub struct Restore {
    pub rooms: Vec<(RoomId, RoomRecord)>,
    pub host_key: String,
    pub answer: oneshot::Sender<Result<u32, String>>,
}

/// Reads the rooms of a dump in `scratch`. Ended rooms are left out: they would come back as what has been ended.
pub async fn read(scratch: &Arc<Mutex<PathBuf>>, dump: Vec<u8>) -> Result<Vec<(RoomId, RoomRecord)>, String> {
    let scratch = Arc::clone(scratch).lock_owned().await;
    let read = tokio::task::spawn_blocking(move || storage::read_dump(&scratch, &dump)).await;
    let failed = |error: String| format!("the rooms of the backup: {error}");
    let mut rooms =
        read.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))?;
    rooms.retain(|(_, record)| record.ended.is_none());
    Ok(rooms)
}
