//! What the writer knows of all records without reading them again: per tree a count, the last sequence and a
//! digest; and what expires when. Built by reading every record at opening.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    engine::Operations,
    files::Hash,
    record::{self, Header, Record},
    time::NEVER,
};

/// First byte of keys that hold tallies; names of trees start with a letter.
const STATE: u8 = 0;

/// `TREE 00 KEY`
pub(crate) fn full_key(tree: &str, key: &[u8]) -> Vec<u8> {
    let mut full = Vec::with_capacity(tree.len() + 1 + key.len());
    full.extend(tree.as_bytes());
    full.push(0);
    full.extend(key);
    full
}

/// Tree and key; `None` for a tally or rubbish.
pub(crate) fn split_key(full: &[u8]) -> Option<(&str, &[u8])> {
    let end = full.iter().position(|&byte| byte == 0).filter(|&end| end > 0)?;
    Some((std::str::from_utf8(&full[..end]).ok()?, &full[end + 1..]))
}

fn tally_key(tree: &str) -> Vec<u8> {
    [&[STATE], tree.as_bytes()].concat()
}

/// The tree whose tally is stored under this key; "" for that of the whole store.
pub(crate) fn tally_tree(full: &[u8]) -> Option<&str> {
    let (&STATE, tree) = full.split_first()? else { return None };
    std::str::from_utf8(tree).ok()
}

/// Stored beside the records in the same transaction. A record that vanished, came back or fell back to an
/// earlier value makes count or digest differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    pub count: u64,
    /// Last group that changed the tree.
    pub sequence: u64,
    /// Sum over the records' checksums and sequences.
    pub digest: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, record: &Mark) {
        self.count += 1;
        self.digest = self.digest.wrapping_add(record.digest());
        self.sequence = self.sequence.max(record.sequence);
    }

    fn subtract(&mut self, record: &Mark) {
        self.count -= 1;
        self.digest = self.digest.wrapping_sub(record.digest());
    }

    fn encode(&self, key: &[u8], schema: u16) -> Vec<u8> {
        let value = [self.count.to_be_bytes(), self.digest.to_be_bytes()].concat();
        let header =
            Header { schema, sequence: self.sequence, created: 0, expires: NEVER, files: Vec::new() };
        record::encode(key, &header, &value)
    }

    pub(crate) fn decode(record: &Record<'_>) -> Option<Tally> {
        let (count, digest) = record.value.split_first_chunk()?;
        Some(Tally {
            count: u64::from_be_bytes(*count),
            sequence: record.header.sequence,
            digest: u64::from_be_bytes(digest.try_into().ok()?),
        })
    }
}

fn encode_tallies<'a>(tallies: impl IntoIterator<Item = (&'a str, Tally)>, schema: u16) -> Operations {
    let encode = |(tree, tally): (&str, Tally)| {
        let key = tally_key(tree);
        let value = tally.encode(&key, schema);
        (key, Some(value))
    };
    tallies.into_iter().map(encode).collect()
}

/// What the index keeps of a record.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    pub sequence: u64,
    bytes: u32,
    checksum: u32,
    expires: u64,
    pub files: Vec<Hash>,
}

impl Mark {
    pub(crate) fn new(record: &Record<'_>) -> Mark {
        let Header { sequence, expires, files, .. } = &record.header;
        let bytes = record::encoded_len(record.value.len(), files.len()) as u32; // at most MAX_RECORD
        let files = files.clone();
        Mark { sequence: *sequence, bytes, checksum: record.checksum, expires: *expires, files }
    }

    /// Finaliser of SplitMix64, so that sums of different sets differ.
    fn digest(&self) -> u64 {
        let mut z = (u64::from(self.checksum) << 32) ^ self.sequence.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// One record before and after a group.
pub(crate) struct Change {
    pub key: Vec<u8>,
    pub before: Option<Mark>,
    pub after: Option<Mark>,
}

#[derive(Debug, Default)]
pub(crate) struct Index {
    /// Number of the last committed group.
    pub sequence: u64,
    pub trees: BTreeMap<String, Tally>,
    /// Bytes of all records and their keys.
    pub bytes: u64,
    expiries: BTreeSet<(u64, Vec<u8>)>,
}

impl Index {
    pub(crate) fn insert(&mut self, key: &[u8], tree: &str, mark: &Mark) {
        match self.trees.get_mut(tree) {
            Some(tally) => tally.add(mark),
            None => self.trees.entry(tree.to_owned()).or_default().add(mark),
        }
        self.sequence = self.sequence.max(mark.sequence);
        self.bytes += key.len() as u64 + u64::from(mark.bytes);
        if mark.expires != NEVER {
            self.expiries.insert((mark.expires, key.to_vec()));
        }
    }

    fn remove(&mut self, key: &[u8], tree: &str, mark: &Mark) {
        if let Some(tally) = self.trees.get_mut(tree) {
            tally.subtract(mark);
        }
        self.bytes -= key.len() as u64 + u64::from(mark.bytes);
        if mark.expires != NEVER {
            self.expiries.remove(&(mark.expires, key.to_vec()));
        }
    }

    /// The tallies as they will be after `changes`, to be written with them.
    pub(crate) fn tallies(&self, changes: &[Change], sequence: u64, schema: u16) -> Operations {
        let mut touched: BTreeMap<&str, Tally> = BTreeMap::new();
        for change in changes {
            let Some((tree, _)) = split_key(&change.key) else { continue };
            let before = self.trees.get(tree).copied().unwrap_or_default();
            let tally = touched.entry(tree).or_insert(before);
            if let Some(mark) = &change.before {
                tally.subtract(mark);
            }
            if let Some(mark) = &change.after {
                tally.add(mark);
            }
            tally.sequence = sequence;
        }
        encode_tallies(touched, schema)
    }

    /// All tallies, for a new database; one without a tree keeps the sequence when the last groups only
    /// removed.
    pub(crate) fn all_tallies(&self, schema: u16) -> Operations {
        let last = ("", Tally { sequence: self.sequence, ..Tally::default() });
        let tallies = self.trees.iter().map(|(tree, tally)| (tree.as_str(), *tally));
        encode_tallies(tallies.chain([last]), schema)
    }

    /// Takes over a committed group.
    pub(crate) fn commit(&mut self, changes: &[Change], sequence: u64) {
        for Change { key, before, after } in changes {
            let Some((tree, _)) = split_key(key) else { continue };
            if let Some(mark) = before {
                self.remove(key, tree, mark);
            }
            if let Some(mark) = after {
                self.insert(key, tree, mark);
            }
            if let Some(tally) = self.trees.get_mut(tree) {
                tally.sequence = sequence;
            }
        }
        self.sequence = sequence;
    }

    /// At most `limit` keys of records that have expired.
    pub(crate) fn expired(&self, now: u64, limit: usize) -> Vec<Vec<u8>> {
        let due = self.expiries.iter().take_while(|(expires, _)| *expires <= now);
        due.take(limit).map(|(_, key)| key.clone()).collect()
    }

    pub(crate) fn records(&self) -> u64 {
        self.trees.values().map(|tally| tally.count).sum()
    }
}
