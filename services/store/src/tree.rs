//! Reading: a typed view of one tree.

use std::{
    collections::VecDeque,
    marker::PhantomData,
    ops::{Bound, RangeBounds},
    sync::Arc,
    time::SystemTime,
};

use crate::{
    Batch, Committed, Error, Result, Stored, Ticket,
    batch::encode_key,
    engine::Pair,
    index,
    key::{self, Key, StartsWith},
    record,
    shared::Shared,
    time,
};

/// Records that are read at once by an iterator.
const PAGE: usize = 128;

/// The records of one type. Reads see a write as soon as it is applied, a moment before it is acknowledged;
/// an expired record stays readable until [`Store::expire`](crate::Store::expire) has deleted it.
pub struct Tree<T> {
    shared: Arc<Shared>,
    stored: PhantomData<fn() -> T>,
}

/// A record with what the store keeps beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<T: Stored> {
    pub key: T::Key,
    pub value: T,
    pub created: SystemTime,
    /// `None`: it stays until it is removed.
    pub expires: Option<SystemTime>,
}

impl<T: Stored> Tree<T> {
    pub(crate) fn new(shared: Arc<Shared>) -> Tree<T> {
        Tree { shared, stored: PhantomData }
    }

    pub fn get(&self, key: &T::Key) -> Result<Option<T>> {
        Ok(self.entry(key)?.map(|entry| entry.value))
    }

    pub fn entry(&self, key: &T::Key) -> Result<Option<Entry<T>>> {
        self.shared.check_declared(T::TREE)?;
        let key = encode_key::<T>(key)?;
        let value = self.shared.read(|engine| engine.get(&key))?;
        value.map(|value| entry::<T>(&key, &value)).transpose()
    }

    pub fn contains(&self, key: &T::Key) -> Result<bool> {
        Ok(self.entry(key)?.is_some())
    }

    /// All records, in order of their keys. Not a snapshot: what is written meanwhile may be seen.
    pub fn iter(&self) -> Entries<T> {
        self.bytes(index::full_key(T::TREE, &[]), Bound::Unbounded)
    }

    pub fn range(&self, range: impl RangeBounds<T::Key>) -> Entries<T> {
        let full = |key: &T::Key| {
            let mut bytes = index::full_key(T::TREE, &[]);
            key.encode(&mut bytes);
            bytes
        };
        let mut from = index::full_key(T::TREE, &[]);
        match range.start_bound() {
            Bound::Included(key) => from = full(key),
            // The next possible key.
            Bound::Excluded(key) => {
                from = full(key);
                from.push(0);
            }
            Bound::Unbounded => {}
        }
        self.bytes(from, range.end_bound().map(full))
    }

    /// Records whose key begins with `prefix`: of keys `(room, number)` those of one room.
    pub fn starting_with<P: Key>(&self, prefix: &P) -> Entries<T>
    where
        T::Key: StartsWith<P>,
    {
        let mut from = index::full_key(T::TREE, &[]);
        prefix.encode(&mut from);
        Entries { prefix: from.clone(), ..self.bytes(from, Bound::Unbounded) }
    }

    /// How many records there are, the expired ones that are not deleted yet included.
    pub fn len(&self) -> u64 {
        self.shared.count(T::TREE)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A batch of one [`put`](Batch::put).
    pub fn put(&self, now: SystemTime, key: &T::Key, value: &T) -> Ticket<Committed> {
        let mut batch = Batch::new(now);
        match batch.put(key, value) {
            Ok(()) => self.shared.commit(batch),
            Err(error) => Ticket::done(Err(error)),
        }
    }

    /// A batch of one [`remove`](Batch::remove).
    pub fn remove(&self, now: SystemTime, key: &T::Key) -> Ticket<Committed> {
        let mut batch = Batch::new(now);
        match batch.remove::<T>(key) {
            Ok(()) => self.shared.commit(batch),
            Err(error) => Ticket::done(Err(error)),
        }
    }

    fn bytes(&self, from: Vec<u8>, to: Bound<Vec<u8>>) -> Entries<T> {
        let prefix = index::full_key(T::TREE, &[]);
        let shared = self.shared.clone();
        let next = Some(Bound::Included(from));
        Entries { shared, prefix, next, to, page: VecDeque::new(), stored: PhantomData }
    }
}

/// Iterator over a tree; reads a page at a time.
pub struct Entries<T> {
    shared: Arc<Shared>,
    prefix: Vec<u8>,
    /// Where the next page begins; `None` after the last.
    next: Option<Bound<Vec<u8>>>,
    to: Bound<Vec<u8>>,
    page: VecDeque<Pair>,
    stored: PhantomData<fn() -> T>,
}

impl<T: Stored> Entries<T> {
    fn fill(&mut self) -> Result<()> {
        self.shared.check_declared(T::TREE)?;
        let Some(from) = self.next.take() else { return Ok(()) };
        let from = from.as_ref().map(Vec::as_slice);
        self.page = self.shared.read(|engine| engine.page(from, PAGE))?.into();
        if self.page.len() == PAGE {
            self.next = self.page.back().map(|(key, _)| Bound::Excluded(key.clone()));
        }
        Ok(())
    }

    fn is_within(&self, key: &[u8]) -> bool {
        key.starts_with(&self.prefix)
            && match &self.to {
                Bound::Included(to) => key <= to.as_slice(),
                Bound::Excluded(to) => key < to.as_slice(),
                Bound::Unbounded => true,
            }
    }
}

impl<T: Stored> Iterator for Entries<T> {
    type Item = Result<Entry<T>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.is_empty()
            && let Err(error) = self.fill()
        {
            return Some(Err(error));
        }
        let (key, value) = self.page.pop_front()?;
        if !self.is_within(&key) {
            self.page.clear();
            self.next = None;
            return None;
        }
        Some(entry(&key, &value))
    }
}

fn entry<T: Stored>(full: &[u8], bytes: &[u8]) -> Result<Entry<T>> {
    let what = || format!("a record of tree {}", T::TREE);
    let record = record::decode(full, bytes).map_err(|damage| Error::damaged(what(), damage))?;
    let key = index::split_key(full).and_then(|(_, key)| key::decode_all(key));
    Ok(Entry {
        key: key.ok_or_else(|| Error::damaged(what(), "its key is of another type"))?,
        value: value::<T>(record.value)?,
        created: time::system_time(record.header.created),
        expires: time::expiry(record.header.expires),
    })
}

/// The reason names a field and a position, never a value.
pub(crate) fn value<T: Stored>(json: &[u8]) -> Result<T> {
    serde_json::from_slice(json)
        .map_err(|error| Error::damaged(format_args!("a record of tree {}", T::TREE), Shape(error)))
}

struct Shape(serde_json::Error);

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (category, column) = (self.0.classify(), self.0.column());
        write!(f, "it does not fit the type ({category:?} error at byte {column})")
    }
}
