//! What the writer does when the disk is full or fails: drop the engine's handle (after an error it refuses
//! even to read), give the ballast back, open anew, and find out whether the group made it.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use crate::{
    engine::{Engine, Fault},
    health::Writes,
    scan::{self, Scan},
    space,
    staging::Group,
    writer::Writer,
};

/// After a failure the disk is tried again at this interval at the most.
const RETRY: Duration = Duration::from_secs(1);

/// A group that may or may not be in the database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Uncertain {
    sequence: u64,
    /// Length of the journal without it.
    pub journal_length: u64,
}

impl Writer {
    /// Makes the group durable, or leaves no trace of it.
    pub(crate) fn make_durable(&mut self, group: &Group) -> Result<(), Fault> {
        let writes = self.check_space(group)?;
        let Err(fault) = self.try_write(group) else {
            self.set_writes(writes);
            return Ok(());
        };
        self.note_fault(&fault);
        let Ok(scan) = self.reopen() else { return Err(fault) };
        let written = scan.index.sequence >= group.sequence;
        // A removal may go on with the space that the ballast took.
        let retry = fault != Fault::Full || group.only_removes();
        if written || retry && self.try_write(group).is_ok() {
            if let Fault::Io(_) = fault {
                // After a failed sync the kernel forgets which pages it could not write: write them all anew.
                self.shared.with_health(|health| health.note("the database is rewritten after a disk error"));
                self.rewrite = true;
            }
            self.set_writes(writes);
            return Ok(());
        }
        if let Err(second) = self.reopen() {
            self.note_fault(&second);
        }
        Err(fault)
    }

    /// Refuses early, so that sled never runs into the end of the disk itself. Removals may use up the ballast.
    fn check_space(&mut self, group: &Group) -> Result<Writes, Fault> {
        let path = &self.shared.layout.directory;
        let available = space::available(path)?;
        let needed = space::RESERVE + 3 * group.bytes() as u64;
        if available >= needed {
            if let Err(error) = self.ballast.take() {
                log::warn!(error:%; "the ballast could not be restored");
            }
            return Ok(Writes::Accepted);
        }
        self.set_writes(Writes::DiskFull);
        if !group.only_removes() {
            return Err(Fault::Full);
        }
        self.ballast.free()?;
        Ok(Writes::DiskFull)
    }

    fn try_write(&mut self, group: &Group) -> Result<(), Fault> {
        self.uncertain = Some(Uncertain { sequence: group.sequence, journal_length: self.journal.length() });
        self.journal.append(group).map_err(|error| match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Fault::Full,
            _ => Fault::Io(error.to_string()),
        })?;
        self.shared.with_engine(|engine| {
            engine.apply(&group.operations)?;
            engine.sync()
        })?;
        self.uncertain = None;
        Ok(())
    }

    /// Opens the engine again, if it is closed.
    pub(crate) fn ensure_open(&mut self) -> Result<(), Fault> {
        let open = self.shared.with_engine(|_| Ok(())).is_ok();
        if open {
            return Ok(());
        }
        if self.retry_at.is_some_and(|at| Instant::now() < at) {
            return Err(Fault::Closed);
        }
        self.reopen().map(|scan| self.index = scan.index)
    }

    /// Opens the engine anew and takes an uncertain group back out of the journal if it is not in the
    /// database.
    pub(crate) fn reopen(&mut self) -> Result<Scan, Fault> {
        self.retry_at = Some(Instant::now() + RETRY);
        let shared = self.shared.clone();
        let mut engine = shared.engine.write().unwrap_or_else(|poison| poison.into_inner());
        *engine = None;
        self.ballast.free()?;
        let (opened, scan) = match self.open_whole() {
            Err(Fault::Damaged(reason)) => {
                self.heal(&reason)?;
                self.open_whole()?
            }
            result => result?,
        };
        if let Some(Uncertain { sequence, journal_length }) = self.uncertain
            && scan.index.sequence < sequence
        {
            self.journal.cut(journal_length)?;
        }
        opened.sync()?;
        self.uncertain = None;
        self.retry_at = None;
        *engine = Some(opened);
        shared.reopened.fetch_add(1, Ordering::Release);
        Ok(scan)
    }

    /// With all that it should hold, or it is damaged.
    fn open_whole(&self) -> Result<(Engine, Scan), Fault> {
        let opened = Engine::open(&self.shared.layout.database(), self.cache_bytes)?;
        let scan = scan::scan(&opened, self.schema)?;
        if let Some(problem) = scan.problems.first() {
            return Err(Fault::Damaged(problem.clone()));
        }
        // sled takes segments that it cannot read for unused ones.
        let (found, last) = (scan.index.sequence, self.index.sequence);
        match found < last {
            true => Err(Fault::Damaged(format!("it ends at group {found} of {last}"))),
            false => Ok((opened, scan)),
        }
    }

    /// A reader has met the full disk; `seen` is how often the engine had been reopened then.
    pub(crate) fn mend(&mut self, seen: u64) {
        if self.shared.reopened.load(Ordering::Acquire) != seen {
            return;
        }
        match self.reopen() {
            Ok(scan) => self.index = scan.index,
            Err(fault) => self.note_fault(&fault),
        }
    }

    pub(crate) fn note_fault(&self, fault: &Fault) {
        match fault {
            Fault::Full => self.set_writes(Writes::DiskFull),
            fault => {
                self.set_writes(Writes::Failing { reason: fault.to_string() });
                self.shared.with_health(|health| health.note(format!("a write failed: {fault}")));
            }
        }
    }

    pub(crate) fn set_writes(&self, writes: Writes) {
        self.shared.with_health(|health| {
            if health.writes != writes {
                log::info!(writes:%; "store");
                health.writes = writes;
            }
        });
    }
}
