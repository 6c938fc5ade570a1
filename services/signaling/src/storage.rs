//! The two stores on disk and tmpfs.

use crate::records::{Change, Found, Keep, MeetingRecord, RoomRecord, SeatRecord};
use crate::rooms::{MeetingId, RoomId};
use crate::secret::Digest;
use crate::stored::{ChatPart, Pass, SfuInstance, max_parts, split};
use plenum_protocol::server::ChatMessage;
use plenum_store::{Batch, Error, Options, Probe, Store, Stored};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Version of the stored types' shapes.
const SCHEMA: u16 = 1;

pub struct Storage {
    state: Store,
    runtime: Store,
}

impl Storage {
    /// Blocks; done once at the start. `probe` opens the databases first, in a process of its own.
    pub fn open(state_dir: &Path, runtime_dir: &Path, probe: Probe) -> Result<Storage, Error> {
        let state = Options::new(state_dir, SCHEMA).tree::<RoomRecord>().probe(probe.clone());
        let runtime = Options::new(runtime_dir, SCHEMA)
            .tree::<MeetingRecord>()
            .tree::<SeatRecord>()
            .tree::<ChatPart>()
            .tree::<Pass>()
            .tree::<SfuInstance>()
            .probe(probe)
            // A tmpfs: memory that would be held back for nothing.
            .ballast_bytes(0);
        Ok(Storage { state: Store::open(state)?, runtime: Store::open(runtime)? })
    }

    pub fn find(&self) -> Result<Found, Error> {
        let mut found = Found::default();
        for entry in self.state.tree::<RoomRecord>().iter() {
            let entry = entry?;
            let created = entry.created.duration_since(UNIX_EPOCH).unwrap_or_default();
            found.rooms.push((RoomId(entry.key), entry.value, created.as_millis() as u64));
        }
        for entry in self.runtime.tree::<MeetingRecord>().iter() {
            let entry = entry?;
            found.meetings.push((RoomId(entry.key), entry.value));
        }
        for entry in self.runtime.tree::<SeatRecord>().iter() {
            let entry = entry?;
            found.seats.push((MeetingId(entry.key.0), entry.key.1, entry.value));
        }
        for entry in self.runtime.tree::<ChatPart>().iter() {
            let entry = entry?;
            join(&mut found.chat, entry.key, entry.value);
        }
        for entry in self.runtime.tree::<Pass>().iter() {
            let entry = entry?;
            let digest = Digest::from_bytes(entry.key.1);
            found.passes.push((MeetingId(entry.key.0), digest, entry.value.standing));
        }
        found.sfu_instance = self.runtime.tree::<SfuInstance>().get(&())?.map(|sfu| sfu.instance);
        Ok(found)
    }

    /// Commits changes, all or none. `done` is called on the store's thread, in the order of the calls.
    pub fn write(
        &self,
        keep: Keep,
        changes: &[Change],
        now: SystemTime,
        done: impl FnOnce(Result<(), Error>) + Send + 'static,
    ) {
        let store = match keep {
            Keep::State => &self.state,
            Keep::Runtime => &self.runtime,
        };
        let mut batch = Batch::new(now);
        match changes.iter().try_for_each(|change| add(&mut batch, change)) {
            Ok(()) => store.commit(batch).on_done(|result| done(result.map(|_| ()))),
            Err(error) => done(Err(error)),
        }
    }

    /// The rooms as a dump. `done` is called on the store's thread.
    pub fn export(&self, now: SystemTime, done: impl FnOnce(Result<Vec<u8>, Error>) + Send + 'static) {
        self.state.dump_trees(now, &[RoomRecord::TREE]).on_done(done);
    }

    /// Deletes what has reached the end of its retention (DM2), and logs how much it was (DM5).
    pub fn expire(&self, now: SystemTime) {
        for (store, name) in [(&self.state, "state"), (&self.runtime, "runtime")] {
            store.expire(now).on_done(move |result| match result {
                Ok(expired) if expired.total() > 0 => {
                    log::info!(store = name, records = expired.total(); "expired records deleted");
                }
                Ok(_) => {}
                Err(error) => log::error!(store = name, error:%; "expired records could not be deleted"),
            });
        }
    }

    /// Blocks until everything is written.
    pub fn close(self) -> Result<(), Error> {
        self.state.close()?;
        self.runtime.close()
    }
}

/// The rooms of a dump, of this version or an older one. Blocks. `scratch` is made, and removed again.
pub fn read_dump(scratch: &Path, dump: &[u8]) -> Result<Vec<(RoomId, RoomRecord)>, Error> {
    let options = Options::new(scratch, SCHEMA).tree::<RoomRecord>().ballast_bytes(0);
    let read = Store::restore(options, dump).and_then(|store| {
        let rooms = store.tree::<RoomRecord>().iter().map(|entry| entry.map(|it| (RoomId(it.key), it.value)));
        let rooms = rooms.collect::<Result<Vec<_>, Error>>();
        store.close()?;
        rooms
    });
    if let Err(error) = std::fs::remove_dir_all(scratch) {
        log::error!(error:%; "{} stays behind", scratch.display());
    }
    read
}

/// Parts come in the order of their keys.
fn join(chat: &mut Vec<(MeetingId, ChatMessage)>, key: (u64, u32, u16), part: ChatPart) {
    let (meeting, id, _) = key;
    match chat.last_mut() {
        Some((last, message)) if (last.0, message.id) == (meeting, id) => message.text += &part.text,
        _ => {
            let ChatPart { person, name, text, sent } = part;
            chat.push((MeetingId(meeting), ChatMessage { id, person, name, text, sent }));
        }
    }
}

fn add(batch: &mut Batch, change: &Change) -> Result<(), Error> {
    match change {
        Change::Room(room, Some(record)) => batch.put(&room.0, record),
        Change::Room(room, None) => batch.remove::<RoomRecord>(&room.0),
        Change::Meeting(room, Some(record)) => batch.put(&room.0, record),
        Change::Meeting(room, None) => batch.remove::<MeetingRecord>(&room.0),
        Change::Seat(meeting, person, Some(record)) => batch.put(&(meeting.0, *person), record.as_ref()),
        Change::Seat(meeting, person, None) => batch.remove::<SeatRecord>(&(meeting.0, *person)),
        Change::Chat(meeting, message) => {
            for (part, text) in (0..).zip(split(message)) {
                batch.put(&(meeting.0, message.id, part), &text)?;
            }
            Ok(())
        }
        Change::ForgetChat(meeting, chat) => (0..max_parts(chat.bytes))
            .try_for_each(|part| batch.remove::<ChatPart>(&(meeting.0, chat.id, part))),
        Change::Pass(meeting, digest, Some(standing)) => {
            batch.put(&(meeting.0, *digest.bytes()), &Pass { standing: *standing })
        }
        Change::Pass(meeting, digest, None) => batch.remove::<Pass>(&(meeting.0, *digest.bytes())),
        Change::SfuInstance(instance) => batch.put(&(), &SfuInstance { instance: instance.clone() }),
    }
}
