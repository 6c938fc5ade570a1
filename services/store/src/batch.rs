//! Writes that belong together, prepared on the caller's thread.

use std::time::SystemTime;

use crate::{
    Error, FileRef, Result, Stored,
    declaration::{Declaration, Retention},
    fields,
    files::StoredFile,
    index,
    key::Key,
    record::{self, MAX_KEY, MAX_RECORD},
    time,
};

/// Bytes of one batch; a group of batches becomes one engine transaction and one line of the journal.
pub(crate) const MAX_BATCH: usize = 4 << 20;

/// Puts and removals over any trees, committed together or not at all.
#[derive(Debug)]
pub struct Batch {
    pub(crate) now: u64,
    pub(crate) operations: Vec<Operation>,
    pub(crate) bytes: usize,
    /// Keeps files from being swept until the batch is committed.
    pub(crate) files: Vec<StoredFile>,
}

#[derive(Debug)]
pub(crate) enum Operation {
    Put(Put),
    Remove { tree: &'static str, key: Vec<u8> },
}

#[derive(Debug)]
pub(crate) struct Put {
    pub tree: &'static str,
    pub retention: Retention,
    pub key: Vec<u8>,
    pub value: Vec<u8>,
    pub files: Vec<FileRef>,
    pub until: Option<u64>,
}

impl Put {
    fn bytes(&self) -> usize {
        self.key.len() + record::encoded_len(self.value.len(), self.files.len())
    }
}

impl Batch {
    /// `now` becomes the time of the records, from which their retention counts.
    pub fn new(now: SystemTime) -> Batch {
        Batch { now: time::millis(now), operations: Vec::new(), bytes: 0, files: Vec::new() }
    }

    /// Writes or overwrites a record. It expires as the type's retention says.
    pub fn put<T: Stored>(&mut self, key: &T::Key, value: &T) -> Result<()> {
        let put = prepare(key, value, None)?;
        self.push(put.bytes(), Operation::Put(put))
    }

    /// Like [`put`](Batch::put), but it expires at `until`, which must not be later than the retention says.
    pub fn put_until<T: Stored>(&mut self, key: &T::Key, value: &T, until: SystemTime) -> Result<()> {
        let put = prepare(key, value, Some(time::millis(until)))?;
        self.push(put.bytes(), Operation::Put(put))
    }

    /// Removes a record; none there is fine.
    pub fn remove<T: Stored>(&mut self, key: &T::Key) -> Result<()> {
        let key = encode_key::<T>(key)?;
        self.push(key.len(), Operation::Remove { tree: T::TREE, key })
    }

    /// Holds a new file until the record that references it has been committed.
    pub fn hold(&mut self, file: StoredFile) {
        self.files.push(file);
    }

    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    pub fn len(&self) -> usize {
        self.operations.len()
    }

    fn push(&mut self, bytes: usize, operation: Operation) -> Result<()> {
        self.bytes += bytes;
        if self.bytes > MAX_BATCH {
            let records = self.operations.len() + 1;
            return Err(Error::BatchTooLarge { records, bytes: self.bytes, limit: MAX_BATCH });
        }
        self.operations.push(operation);
        Ok(())
    }
}

pub(crate) fn encode_key<T: Stored>(key: &T::Key) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    key.encode(&mut bytes);
    let full = index::full_key(T::TREE, &bytes);
    match full.len() <= MAX_KEY {
        true => Ok(full),
        false => Err(Error::KeyTooLong { tree: T::TREE, bytes: full.len(), limit: MAX_KEY }),
    }
}

pub(crate) fn prepare<T: Stored>(key: &T::Key, value: &T, until: Option<u64>) -> Result<Put> {
    // Evaluated by the compiler: a declaration that breaks a rule does not build.
    const { Declaration::of::<T>() };
    let key = encode_key::<T>(key)?;
    let unwritable =
        |error: serde_json::Error| Error::NotSerializable { tree: T::TREE, reason: error.to_string() };
    let files = value.files();
    if cfg!(debug_assertions) {
        let json = serde_json::to_value(value).map_err(unwritable)?;
        if let Some(field) = fields::undeclared(T::FIELDS, &json) {
            return Err(Error::UndeclaredField { tree: T::TREE, field });
        }
    }
    let value = serde_json::to_vec(value).map_err(unwritable)?;
    let bytes = record::encoded_len(value.len(), files.len());
    if bytes > MAX_RECORD {
        return Err(Error::TooLarge { tree: T::TREE, bytes, limit: MAX_RECORD });
    }
    Ok(Put { tree: T::TREE, retention: T::RETENTION, key, value, files, until })
}
