//! Reading and writing in one step, on the writer thread, where nothing else writes in between.

use std::time::SystemTime;

use crate::{Result, Stored, batch, error::Error, record, staging::Staging, time, tree};

/// Handed to the closure of [`Store::transaction`](crate::Store::transaction).
pub struct Transaction<'a, 'engine> {
    now: u64,
    staging: &'a mut Staging<'engine>,
}

impl<'a, 'engine> Transaction<'a, 'engine> {
    pub(crate) fn new(now: u64, staging: &'a mut Staging<'engine>) -> Self {
        Transaction { now, staging }
    }

    /// The record as this transaction and all before it have left it.
    pub fn get<T: Stored>(&mut self, key: &T::Key) -> Result<Option<T>> {
        let key = batch::encode_key::<T>(key)?;
        let Some(bytes) = self.staging.get(&key)? else { return Ok(None) };
        let record = record::decode(&key, &bytes)
            .map_err(|damage| Error::damaged(format_args!("a record of tree {}", T::TREE), damage))?;
        tree::value::<T>(record.value).map(Some)
    }

    /// See [`Batch::put`](crate::Batch::put).
    pub fn put<T: Stored>(&mut self, key: &T::Key, value: &T) -> Result<()> {
        self.staging.put(self.now, batch::prepare(key, value, None)?)
    }

    /// See [`Batch::put_until`](crate::Batch::put_until).
    pub fn put_until<T: Stored>(&mut self, key: &T::Key, value: &T, until: SystemTime) -> Result<()> {
        self.staging.put(self.now, batch::prepare(key, value, Some(time::millis(until)))?)
    }

    pub fn remove<T: Stored>(&mut self, key: &T::Key) -> Result<()> {
        self.staging.remove(batch::encode_key::<T>(key)?);
        Ok(())
    }
}
