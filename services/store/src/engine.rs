//! The only module that knows sled. Everything it can do to us (errors, panics, a lock that lingers) ends
//! here as a [`Fault`].

use std::{
    fs::File,
    io::ErrorKind,
    ops::Bound,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    thread,
    time::Duration,
};

use crate::{Error, error::Context as _, layout};

/// A write set: `None` removes.
pub(crate) type Operations = std::collections::BTreeMap<Vec<u8>, Option<Vec<u8>>>;
pub(crate) type Pair = (Vec<u8>, Vec<u8>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("no space left")]
    Full,
    #[error("{0}")]
    Io(String),
    #[error("{0}")]
    Damaged(String),
    #[error("another process holds its lock")]
    Locked,
    #[error("it is closed after an earlier failure")]
    Closed,
}

impl From<sled::Error> for Fault {
    fn from(error: sled::Error) -> Self {
        match error {
            // sled forgets the error number when it clones an error, but not the kind.
            sled::Error::Io(error) => match error.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Fault::Full,
                _ if error.to_string().contains("could not acquire lock") => Fault::Locked,
                _ => Fault::Io(error.to_string()),
            },
            sled::Error::Corruption { .. } => Fault::Damaged("a page has a wrong checksum".into()),
            error => Fault::Damaged(error.to_string()),
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        match error {
            Error::DiskFull { .. } => Fault::Full,
            Error::Damaged { .. } => Fault::Damaged(error.to_string()),
            error => Fault::Io(error.to_string()),
        }
    }
}

impl Fault {
    /// For the caller, about the database in `path`.
    pub(crate) fn at(self, path: &Path) -> Error {
        match self {
            Fault::Full => Error::disk_full(path),
            Fault::Locked => Error::Locked { path: path.display().to_string() },
            fault => Error::damaged(path.display(), fault),
        }
    }
}

pub(crate) struct Engine {
    /// `None` only while it is dropped.
    db: Option<sled::Db>,
    directory: File,
}

impl Engine {
    /// Opens or creates the database in `path`.
    pub(crate) fn open(path: &Path, cache_bytes: u64) -> Result<Engine, Fault> {
        let io = |error: Error| Fault::Io(error.to_string());
        layout::create_directory(path).map_err(io)?;
        // No flusher thread: every write is flushed by the writer thread.
        let config = sled::Config::new().path(path).cache_capacity(cache_bytes).flush_every_ms(None);
        // After a drop sled's own threads may hold the lock for a moment.
        let mut tries = 0;
        let db = loop {
            match guarded(|| config.open()) {
                Err(Fault::Locked) if tries < 40 => thread::sleep(Duration::from_millis(25)),
                result => break result?,
            }
            tries += 1;
        };
        let directory = File::open(path).context("opening", path).map_err(io)?;
        Ok(Engine { db: Some(db), directory })
    }

    fn db(&self) -> &sled::Db {
        self.db.as_ref().expect("taken in drop only")
    }

    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        guarded(|| Ok(self.db().get(key)?.map(|value| value.to_vec())))
    }

    /// At most `limit` pairs from `from` on, in order of their keys.
    pub(crate) fn page(&self, from: Bound<&[u8]>, limit: usize) -> Result<Vec<Pair>, Fault> {
        guarded(|| {
            let range = self.db().range::<&[u8], _>((from, Bound::Unbounded)).take(limit);
            range.map(|pair| pair.map(|(key, value)| (key.to_vec(), value.to_vec()))).collect()
        })
    }

    /// Applies all of it or, should the process die, nothing. Durable after [`sync`](Engine::sync) only.
    pub(crate) fn apply(&self, operations: &Operations) -> Result<(), Fault> {
        let mut batch = sled::Batch::default();
        for (key, value) in operations {
            match value {
                Some(value) => batch.insert(key.as_slice(), value.as_slice()),
                None => batch.remove(key.as_slice()),
            }
        }
        guarded(|| self.db().apply_batch(batch))
    }

    /// sled's flush does not wait for the disk (it calls sync_file_range): 9 of 30 power cuts lost something
    /// that it had acknowledged. After syncfs none did.
    pub(crate) fn sync(&self) -> Result<(), Fault> {
        guarded(|| self.db().flush())?;
        nix::unistd::syncfs(&self.directory).map_err(|errno| match errno {
            nix::errno::Errno::ENOSPC | nix::errno::Errno::EDQUOT => Fault::Full,
            errno => Fault::Io(format!("syncfs: {errno}")),
        })
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // sled unwraps an fsync while it is dropped.
        let db = self.db.take();
        let _ = guarded(|| {
            drop(db);
            Ok(())
        });
    }
}

/// sled panics on some damaged files: a panic is one more error.
fn guarded<T>(work: impl FnOnce() -> sled::Result<T>) -> Result<T, Fault> {
    // The engine is dropped after any fault, so that no broken state is seen again.
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => Ok(result?),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            Err(Fault::Damaged(format!("the engine panicked: {text}")))
        }
    }
}
