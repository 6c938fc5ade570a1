//! Deletes what has expired, with its space, and counts it (requirements DM2, DM5).

use std::{collections::BTreeMap, time::SystemTime};

use serde::Serialize;

use crate::{Result, aside, index, time, writer::Writer};

/// Records that are deleted in one group. Few, because on a full disk sled has to get by with the ballast until
/// a group's space is free.
const GROUP: usize = 200;

/// Counts for the log; no keys and no content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Expired {
    /// Deleted records by tree.
    pub records: BTreeMap<String, u64>,
    /// Bytes of files that went with them.
    pub file_bytes: u64,
    /// Directories that had been set aside a week ago.
    pub set_aside: u64,
}

impl Expired {
    pub fn total(&self) -> u64 {
        self.records.values().sum()
    }
}

impl Writer {
    pub(crate) fn expire(&mut self, now: SystemTime) -> Result<Expired> {
        self.now = self.now.max(now);
        let mut expired = Expired { set_aside: aside::expire(&self.root, now)?, ..Expired::default() };
        let now = time::millis(now);
        loop {
            let keys = self.index.expired(now, GROUP);
            if keys.is_empty() {
                return Ok(expired);
            }
            for key in &keys {
                let tree = index::split_key(key).map_or("", |(tree, _)| tree);
                *expired.records.entry(tree.to_owned()).or_default() += 1;
            }
            expired.file_bytes += self.remove(keys)?;
        }
    }
}
