//! The one thread that writes: takes what waits, writes it as one group, and acknowledges it only when it is
//! on the disk.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Instant, SystemTime},
};

use crate::{
    Error, Result,
    engine::Fault,
    index::Index,
    journal::Journal,
    queue::{Commit, Work},
    recovery::Uncertain,
    shared::Shared,
    space::Ballast,
    staging::{Group, Staging},
    time,
};

pub(crate) struct Writer {
    pub shared: Arc<Shared>,
    pub root: PathBuf,
    pub schema: u16,
    pub index: Index,
    pub journal: Journal,
    pub ballast: Ballast,
    pub cache_bytes: u64,
    /// Length of the journal at which a dump is written.
    pub journal_bytes: u64,
    pub dump_bytes: u64,
    /// Something was removed or overwritten since the last compaction: it may still be readable in the files.
    pub residue: bool,
    /// The database is to be written anew after a disk error.
    pub rewrite: bool,
    pub uncertain: Option<Uncertain>,
    pub retry_at: Option<Instant>,
    pub tidy_at: Option<Instant>,
    /// The latest time that a caller named.
    pub now: SystemTime,
}

/// A group on the disk.
#[derive(Debug, Clone, Copy)]
struct Written {
    sequence: u64,
    /// Bytes of files that went with their last record.
    freed: u64,
}

impl Writer {
    /// Until the store is closed.
    pub(crate) fn run(mut self) {
        loop {
            match self.shared.queue.take() {
                Work::Group(commits) => self.group(commits),
                Work::Run(run) => run(&mut self),
                Work::Close(promise) => {
                    let result = self.close();
                    self.shared.queue.clear();
                    return promise.keep(result);
                }
            }
            self.tidy();
        }
    }

    fn group(&mut self, mut commits: Vec<Box<dyn Commit>>) {
        let now = commits.iter().map(|commit| commit.now()).max();
        self.now = self.now.max(now.map_or(self.now, time::system_time));
        while !commits.is_empty() {
            let mut staged = 0;
            let result = self.write(|staging| {
                while staged < commits.len() && !staging.is_full() {
                    match commits[staged].stage(staging) {
                        true => staging.keep(),
                        false => staging.discard(),
                    }
                    staged += 1;
                }
            });
            // At least one, or the writer would not get on when the engine is closed.
            for commit in commits.drain(..staged.max(1)) {
                commit.finish(result.clone().map(|written| written.sequence));
            }
        }
    }

    /// Removes records in a group of their own and returns the bytes of files that went with them.
    pub(crate) fn remove(&mut self, keys: Vec<Vec<u8>>) -> Result<u64> {
        let written = self.write(|staging| {
            keys.into_iter().for_each(|key| staging.remove(key));
            staging.keep();
        })?;
        Ok(written.freed)
    }

    fn write(&mut self, stage: impl FnOnce(&mut Staging<'_>)) -> Result<Written> {
        self.shared.set_busy(true);
        let result = self.try_group(stage);
        self.shared.set_busy(false);
        result.map_err(|fault| self.explain(fault))
    }

    fn try_group(&mut self, stage: impl FnOnce(&mut Staging<'_>)) -> Result<Written, Fault> {
        self.ensure_open()?;
        let group = match self.stage(stage) {
            Ok(group) => group,
            Err(fault) => {
                self.note_fault(&fault);
                self.index = self.reopen()?.index;
                return Err(fault);
            }
        };
        if group.is_empty() {
            return Ok(Written { sequence: self.index.sequence, freed: 0 });
        }
        self.make_durable(&group)?;
        Ok(Written { sequence: group.sequence, freed: self.take_over(&group) })
    }

    fn stage(&self, stage: impl FnOnce(&mut Staging<'_>)) -> Result<Group, Fault> {
        self.shared.with_engine(|engine| {
            let mut staging =
                Staging::new(engine, Some(&self.shared.files), self.schema, self.index.sequence + 1);
            stage(&mut staging);
            match staging.fault.take() {
                Some(fault) => Err(fault),
                None => staging.seal(&self.index),
            }
        })
    }

    /// The group is durable. Returns the bytes of files that nothing references any more.
    fn take_over(&mut self, group: &Group) -> u64 {
        let files = &self.shared.files;
        let added = group.changes.iter().filter_map(|change| change.after.as_ref());
        added.flat_map(|mark| &mark.files).for_each(|file| files.reference(*file));
        let removed = group.changes.iter().filter_map(|change| change.before.as_ref());
        let freed = removed.flat_map(|mark| &mark.files).map(|file| files.unreference(*file)).sum();
        self.residue |= group.changes.iter().any(|change| change.before.is_some());
        self.index.commit(&group.changes, group.sequence);
        self.publish_counts();
        freed
    }

    pub(crate) fn publish_counts(&self) {
        let counts = self.index.trees.iter().map(|(tree, tally)| (tree.clone(), tally.count));
        self.shared.set_counts(counts.collect());
    }

    fn explain(&self, fault: Fault) -> Error {
        match fault {
            Fault::Full => Error::disk_full(&self.shared.layout.database()),
            fault => Error::OutOfOrder { reason: fault.to_string() },
        }
    }
}
