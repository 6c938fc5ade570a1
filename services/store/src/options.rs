//! How a store is opened.

use std::{
    ffi::OsString,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use crate::{Declaration, Migration, Stored};

/// What [`Store::open`](crate::Store::open) needs to know.
#[derive(Debug, Clone)]
pub struct Options {
    pub(crate) directory: PathBuf,
    pub(crate) schema: u16,
    pub(crate) trees: Vec<Declaration>,
    pub(crate) migrations: Vec<Migration>,
    pub(crate) probe: Option<Probe>,
    pub(crate) cache_bytes: u64,
    pub(crate) ballast_bytes: u64,
    pub(crate) journal_bytes: u64,
    pub(crate) now: SystemTime,
}

/// The child process that opens the database first, because sled may panic, hang or eat memory on a damaged
/// one. It must call [`probe_main`](crate::probe_main).
#[derive(Debug, Clone)]
pub struct Probe {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) timeout: Duration,
}

impl Probe {
    /// `program ARGUMENTS… --probe-store …`, with 60 seconds to answer.
    pub fn new(program: impl Into<PathBuf>) -> Probe {
        Probe { program: program.into(), arguments: Vec::new(), timeout: Duration::from_secs(60) }
    }

    /// The running program itself, which then calls [`probe_main`](crate::probe_main) first in its `main`.
    pub fn own_program() -> std::io::Result<Probe> {
        // Not current_exe(): after an update its file may be another one, or gone.
        Ok(Probe::new("/proc/self/exe"))
    }

    pub fn argument(mut self, argument: impl Into<OsString>) -> Probe {
        self.arguments.push(argument.into());
        self
    }

    pub fn timeout(mut self, timeout: Duration) -> Probe {
        self.timeout = timeout;
        self
    }
}

impl Options {
    /// A store in `directory` (made if it is missing) whose types have schema version `schema`, from 1 up.
    pub fn new(directory: impl Into<PathBuf>, schema: u16) -> Options {
        Options {
            directory: directory.into(),
            schema,
            trees: Vec::new(),
            migrations: Vec::new(),
            probe: None,
            cache_bytes: 8 << 20,
            ballast_bytes: 4 << 20,
            journal_bytes: 4 << 20,
            now: SystemTime::now(),
        }
    }

    /// Adds the tree of a type.
    pub fn tree<T: Stored>(mut self) -> Options {
        self.trees.push(const { Declaration::of::<T>() });
        self
    }

    /// Adds a step from one schema version to the next.
    pub fn migration(mut self, migration: Migration) -> Options {
        self.migrations.push(migration);
        self
    }

    /// Without it a damaged database can take the process down.
    pub fn probe(mut self, probe: Probe) -> Options {
        self.probe = Some(probe);
        self
    }

    /// sled's page cache, 8 MiB if not said otherwise.
    pub fn cache_bytes(mut self, bytes: u64) -> Options {
        self.cache_bytes = bytes;
        self
    }

    /// Space kept back for the day when the disk is full, 4 MiB if not said otherwise; 0 on a tmpfs.
    pub fn ballast_bytes(mut self, bytes: u64) -> Options {
        self.ballast_bytes = bytes;
        self
    }

    /// Length of the journal at which a new dump is written by itself, 4 MiB if not said otherwise.
    pub fn journal_bytes(mut self, bytes: u64) -> Options {
        self.journal_bytes = bytes;
        self
    }

    /// The time of opening, if it is not the clock's.
    pub fn now(mut self, now: SystemTime) -> Options {
        self.now = now;
        self
    }
}
