//! What the box's manager asks of the rooms. It may have stopped waiting.

use super::{Server, now};
use crate::backup::Restore;
use crate::bus_interface::Order;
use crate::records::{Change, Keep};
use crate::secret::HostKey;
use plenum_daemon::durable;
use std::time::SystemTime;

impl Server {
    pub(super) fn order(&mut self, order: Order) {
        match order {
            Order::Export(answer) => self.storage.export(SystemTime::now(), move |dump| {
                let _ = answer.send(dump);
            }),
            Order::List(answer) => {
                let _ = answer.send(self.rooms.left().into_iter().map(|(id, links)| (id.0, links)).collect());
            }
            Order::Restore(restore) => self.restore(restore),
            Order::Stored(restore, stored) => self.restored(restore, stored),
            Order::Find(query, answer) => {
                let _ = answer.send(self.rooms.find(&query));
            }
            Order::Create(title, answer) => {
                let request = self.request();
                self.creating.insert(request, answer);
                self.rooms.create_for_administrator(request, &title, now(self.started));
            }
            Order::Room(room, order, answer) => {
                let request = self.request();
                self.ordering.insert(request, answer);
                self.rooms.order(request, room, order, now(self.started));
            }
        }
    }

    fn restore(&mut self, restore: Restore) {
        let rooms = self.rooms.missing(restore.rooms);
        let changes: Vec<Change> =
            rooms.iter().map(|(id, record)| Change::Room(*id, Some(record.clone()))).collect();
        let (restore, orders) = (Restore { rooms, ..restore }, self.orders.clone());
        self.storage.write(Keep::State, &changes, SystemTime::now(), move |stored| {
            let _ = orders.send(Order::Stored(restore, stored));
        });
    }

    fn restored(&mut self, restore: Restore, stored: Result<(), plenum_store::Error>) {
        let Restore { rooms, host_key, answer } = restore;
        let kept = stored.map_err(|error| error.to_string()).and_then(|()| {
            let kept = durable::replace(&self.host_key_file, host_key.as_bytes(), 0o600);
            kept.map_err(|error| format!("the host key: {error}"))
        });
        if let Err(error) = &kept {
            log::error!(error:%; "the rooms of a backup could not be stored");
        }
        let _ = answer.send(kept.map(|()| {
            let taken = rooms.len() as u32;
            log::info!(rooms = taken; "rooms restored from a backup");
            self.rooms.take(rooms, HostKey::new(&host_key));
            taken
        }));
    }
}
