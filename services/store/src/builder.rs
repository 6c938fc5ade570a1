//! A new database from records that come from elsewhere: a dump, an older schema, the same one compacted.

use std::path::{Path, PathBuf};

use crate::{
    Result,
    engine::{Engine, Operations},
    index::{Change, Index, Mark},
    layout,
    record::{self, Header},
};

/// Records that are applied at once.
const STEP: usize = 500;

pub(crate) struct Builder {
    engine: Engine,
    path: PathBuf,
    schema: u16,
    pending: Operations,
    index: Index,
}

/// A database that is complete and on the disk, closed.
pub(crate) struct Built {
    pub index: Index,
    pub path: PathBuf,
}

impl Builder {
    /// Replaces what lies at `path`.
    pub(crate) fn create(path: &Path, schema: u16, cache_bytes: u64) -> Result<Builder> {
        layout::remove(path)?;
        let engine = Engine::open(path, cache_bytes).map_err(|fault| fault.at(path))?;
        Ok(Builder { engine, path: path.into(), schema, pending: Operations::new(), index: Index::default() })
    }

    /// Of the records that follow.
    pub(crate) fn set_schema(&mut self, schema: u16) {
        self.schema = schema;
    }

    /// Overwrites or, with `None`, removes a record, in group `sequence`.
    pub(crate) fn apply(
        &mut self,
        key: Vec<u8>,
        record: Option<(Header, &[u8])>,
        sequence: u64,
    ) -> Result<()> {
        let bytes = record
            .map(|(header, value)| record::encode(&key, &Header { schema: self.schema, ..header }, value));
        let before = self.mark(&key)?;
        let after = bytes.as_deref().and_then(|bytes| Some(Mark::new(&record::decode(&key, bytes).ok()?)));
        self.index.commit(&[Change { key: key.clone(), before, after }], sequence.max(self.index.sequence));
        self.pending.insert(key, bytes);
        if self.pending.len() >= STEP {
            self.flush()?;
        }
        Ok(())
    }

    /// Sequence of the record under `key`.
    pub(crate) fn sequence_of(&self, key: &[u8]) -> Result<Option<u64>> {
        Ok(self.mark(key)?.map(|mark| mark.sequence))
    }

    fn flush(&mut self) -> Result<()> {
        self.engine.apply(&std::mem::take(&mut self.pending)).map_err(|fault| fault.at(&self.path))
    }

    fn mark(&self, key: &[u8]) -> Result<Option<Mark>> {
        let bytes = match self.pending.get(key) {
            Some(pending) => pending.clone(),
            None => self.engine.get(key).map_err(|fault| fault.at(&self.path))?,
        };
        Ok(bytes.and_then(|bytes| Some(Mark::new(&record::decode(key, &bytes).ok()?))))
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    /// Groups go on after `sequence`.
    pub(crate) fn finish(mut self, sequence: u64) -> Result<Built> {
        self.index.sequence = self.index.sequence.max(sequence);
        self.pending.extend(self.index.all_tallies(self.schema));
        self.flush()?;
        self.engine.sync().map_err(|fault| fault.at(&self.path))?;
        drop(self.engine);
        // What sled wrote while it was closed.
        layout::sync_all(&self.path)?;
        Ok(Built { index: self.index, path: self.path })
    }
}
