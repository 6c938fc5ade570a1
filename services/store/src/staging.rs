//! Collects the commits of one group: each sees the ones before it, and one that fails leaves no trace.

use std::collections::BTreeMap;

use crate::{
    Error, Result, Retention,
    batch::{MAX_BATCH, Operation, Put},
    engine::{Engine, Fault, Operations},
    files::Files,
    index::{Change, Index, Mark},
    record::{self, Header},
    time::{self, NEVER},
};

pub(crate) struct Staging<'a> {
    engine: &'a Engine,
    /// `None` while the journal is repeated.
    files: Option<&'a Files>,
    schema: u16,
    pub sequence: u64,
    /// Of commits that succeeded.
    group: Operations,
    /// Of the commit that is being staged.
    commit: Operations,
    /// Bytes of both, keys included.
    bytes: usize,
    commit_bytes: usize,
    /// The engine failed while it was asked; the group cannot be written.
    pub fault: Option<Fault>,
}

/// A group that is ready to be written.
pub(crate) struct Group {
    pub sequence: u64,
    pub operations: Operations,
    pub changes: Vec<Change>,
}

impl<'a> Staging<'a> {
    pub(crate) fn new(
        engine: &'a Engine,
        files: Option<&'a Files>,
        schema: u16,
        sequence: u64,
    ) -> Staging<'a> {
        Staging {
            engine,
            files,
            schema,
            sequence,
            group: BTreeMap::new(),
            commit: BTreeMap::new(),
            bytes: 0,
            commit_bytes: 0,
            fault: None,
        }
    }

    /// The record as it will be after what was staged so far.
    pub(crate) fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        if let Some(staged) = self.commit.get(key).or_else(|| self.group.get(key)) {
            return Ok(staged.clone());
        }
        self.engine.get(key).map_err(|fault| {
            let reason = fault.to_string();
            self.fault = Some(fault);
            Error::OutOfOrder { reason }
        })
    }

    pub(crate) fn stage(&mut self, now: u64, operation: Operation) -> Result<()> {
        match operation {
            Operation::Put(put) => self.put(now, put),
            Operation::Remove { key, .. } => {
                self.remove(key);
                Ok(())
            }
        }
    }

    pub(crate) fn put(&mut self, now: u64, put: Put) -> Result<()> {
        if let Some(files) = self.files
            && let Some(missing) = put.files.iter().find(|file| !files.contains(file.hash))
        {
            return Err(Error::NoFile { hash: missing.hash.to_string() });
        }
        let before = self.get(&put.key)?;
        let before = before.as_deref().and_then(|bytes| record::decode(&put.key, bytes).ok());
        // An expired record that nobody has deleted yet counts as deleted.
        let before = before.filter(|record| record.header.expires > now);
        let created = before.map_or(now, |record| record.header.created);
        let header = Header {
            schema: self.schema,
            sequence: self.sequence,
            created,
            expires: expiry(&put, created, now)?,
            files: put.files.iter().map(|file| file.hash).collect(),
        };
        let bytes = record::encode(&put.key, &header, &put.value);
        self.commit_bytes += put.key.len() + bytes.len();
        if self.commit_bytes > MAX_BATCH {
            let records = self.commit.len() + 1;
            return Err(Error::BatchTooLarge { records, bytes: self.commit_bytes, limit: MAX_BATCH });
        }
        self.commit.insert(put.key, Some(bytes));
        Ok(())
    }

    /// Takes a record over as it is.
    pub(crate) fn set(&mut self, key: Vec<u8>, bytes: Vec<u8>) {
        self.commit.insert(key, Some(bytes));
    }

    pub(crate) fn remove(&mut self, key: Vec<u8>) {
        self.commit.insert(key, None);
    }

    pub(crate) fn keep(&mut self) {
        // Not append(), which walks the whole group.
        self.group.extend(std::mem::take(&mut self.commit));
        self.bytes += std::mem::take(&mut self.commit_bytes);
    }

    pub(crate) fn discard(&mut self) {
        self.commit.clear();
        self.commit_bytes = 0;
    }

    /// Whether the group should be written before more is staged.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= MAX_BATCH || self.fault.is_some()
    }

    /// Adds the tallies and drops removals of what is not there.
    pub(crate) fn seal(mut self, index: &Index) -> Result<Group, Fault> {
        let mut changes = Vec::with_capacity(self.group.len());
        for (key, after) in &self.group {
            let before = self.engine.get(key)?;
            let mark = |bytes: &Option<Vec<u8>>| {
                let record = record::decode(key, bytes.as_deref()?);
                Some(record.map(|record| Mark::new(&record)))
            };
            // A record that was damaged since opening is not overwritten: the store is restored instead.
            let damaged = |damage: record::Damage| Fault::Damaged(format!("a record is damaged: {damage}"));
            let before = mark(&before).transpose().map_err(damaged)?;
            let after = mark(after).transpose().map_err(damaged)?;
            if before.is_some() || after.is_some() {
                changes.push(Change { key: key.clone(), before, after });
            }
        }
        self.group.retain(|key, value| {
            value.is_some() || changes.binary_search_by(|change| change.key.as_slice().cmp(key)).is_ok()
        });
        self.group.extend(index.tallies(&changes, self.sequence, self.schema));
        Ok(Group { sequence: self.sequence, operations: self.group, changes })
    }
}

fn expiry(put: &Put, created: u64, now: u64) -> Result<u64> {
    let ceiling = match put.retention {
        Retention::UntilRemoved(_) => NEVER,
        Retention::AfterCreation(period) => created.saturating_add(time::duration_millis(period)),
        Retention::AfterChange(period) => now.saturating_add(time::duration_millis(period)),
        Retention::PerRecord { at_most, .. } => created.saturating_add(time::duration_millis(at_most)),
    };
    match put.until {
        None => Ok(ceiling),
        Some(until) if until <= ceiling => Ok(until),
        Some(_) => Err(Error::ExpiryTooLate { tree: put.tree.to_owned() }),
    }
}

impl Group {
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Whether it only takes away, so that it may be written even when space is short.
    pub(crate) fn only_removes(&self) -> bool {
        self.changes.iter().all(|change| change.after.is_none())
    }

    pub(crate) fn bytes(&self) -> usize {
        let sizes = self.operations.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len));
        sizes.sum()
    }
}
