//! Reads every record: builds the index and compares it with the tallies, so that silent loss is seen.

use std::{collections::BTreeMap, ops::Bound};

use crate::{
    engine::{Engine, Fault, Pair},
    files::Hash,
    index::{self, Change, Index, Mark, Tally},
    record,
};

const PAGE: usize = 256;

#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub index: Index,
    /// One entry per reference.
    pub files: Vec<Hash>,
    /// In words without content; empty for a good database.
    pub problems: Vec<String>,
}

/// Calls `visit` for every pair, in order.
pub(crate) fn for_each(engine: &Engine, mut visit: impl FnMut(&Pair)) -> Result<(), Fault> {
    let mut page = engine.page(Bound::Unbounded, PAGE)?;
    while let Some((last, _)) = page.last() {
        page.iter().for_each(&mut visit);
        page = engine.page(Bound::Excluded(last), PAGE)?;
    }
    Ok(())
}

pub(crate) fn scan(engine: &Engine, schema: u16) -> Result<Scan, Fault> {
    let mut scan = Scan::default();
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let mut unreadable = 0;
    for_each(engine, |(key, value)| {
        let record = match record::decode(key, value) {
            Ok(record) if record.header.schema == schema => record,
            Ok(record) => {
                let found = record.header.schema;
                return scan.problems.push(format!("a record has schema {found} instead of {schema}"));
            }
            Err(_) => return unreadable += 1,
        };
        if let Some(tree) = index::tally_tree(key) {
            tallies.extend(Tally::decode(&record).map(|tally| (tree.to_owned(), tally)));
        } else if let Some((tree, _)) = index::split_key(key) {
            scan.index.insert(key, tree, &Mark::new(&record));
            scan.files.extend(&record.header.files);
        } else {
            unreadable += 1;
        }
    })?;
    if unreadable > 0 {
        scan.problems.push(format!("{unreadable} entries cannot be read"));
    }
    scan.compare(&tallies);
    Ok(scan)
}

impl Scan {
    /// Takes over which files a group references and which no longer.
    pub(crate) fn change_files(&mut self, changes: &[Change]) {
        for change in changes {
            for file in change.before.iter().flat_map(|mark| &mark.files) {
                if let Some(at) = self.files.iter().position(|present| present == file) {
                    self.files.swap_remove(at);
                }
            }
            self.files.extend(change.after.iter().flat_map(|mark| &mark.files));
        }
    }

    fn compare(&mut self, tallies: &BTreeMap<String, Tally>) {
        for (tree, stored) in tallies {
            self.index.sequence = self.index.sequence.max(stored.sequence);
            if tree.is_empty() {
                continue;
            }
            let found = self.index.trees.entry(tree.clone()).or_default();
            if found.count != stored.count {
                let (count, expected) = (found.count, stored.count);
                self.problems.push(format!("tree {tree} has {count} records instead of {expected}"));
            } else if found.digest != stored.digest {
                self.problems.push(format!("tree {tree} has records in an older or foreign state"));
            }
            // A tree that only lost records since has a later sequence than any of them.
            found.sequence = found.sequence.max(stored.sequence);
        }
        for tree in self.index.trees.keys().filter(|tree| !tallies.contains_key(*tree)) {
            self.problems.push(format!("tree {tree} has lost its tally"));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{builder::Builder, record::Header, time::NEVER};

    const CACHE: u64 = 1 << 20;

    /// A database of 100 records in two trees, written in groups 1 to 100.
    fn database(path: &Path) -> Engine {
        let mut builder = Builder::create(path, 1, CACHE).unwrap();
        for number in 1..=100 {
            let (key, header) = record(number, number);
            builder.apply(key, Some((header, b"{}")), number).unwrap();
        }
        builder.finish(100).unwrap();
        Engine::open(path, CACHE).unwrap()
    }

    fn record(number: u64, sequence: u64) -> (Vec<u8>, Header) {
        let tree = ["even", "odd"][number as usize % 2];
        let header = Header { schema: 1, sequence, created: 0, expires: NEVER, files: Vec::new() };
        (index::full_key(tree, &number.to_be_bytes()), header)
    }

    fn problems(engine: &Engine) -> Vec<String> {
        scan(engine, 1).unwrap().problems
    }

    #[test]
    fn a_whole_database_has_no_problem() {
        let directory = tempfile::tempdir().unwrap();
        let engine = database(&directory.path().join("db"));
        let scan = scan(&engine, 1).unwrap();
        assert_eq!((scan.problems, scan.index.records(), scan.index.sequence), (vec![], 100, 100));
    }

    #[test]
    fn a_record_that_vanished_is_missed() {
        let directory = tempfile::tempdir().unwrap();
        let engine = database(&directory.path().join("db"));
        engine.apply(&[(record(40, 40).0, None)].into()).unwrap();
        assert_eq!(problems(&engine), ["tree even has 49 records instead of 50"]);
    }

    #[test]
    fn a_record_that_fell_back_to_an_earlier_value_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let engine = database(&directory.path().join("db"));
        let (key, header) = record(41, 3);
        let bytes = record::encode(&key, &header, b"{}");
        engine.apply(&[(key, Some(bytes))].into()).unwrap();
        assert_eq!(problems(&engine), ["tree odd has records in an older or foreign state"]);
    }

    #[test]
    fn a_record_under_another_key_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let engine = database(&directory.path().join("db"));
        let foreign = engine.get(&record(43, 43).0).unwrap();
        engine.apply(&[(record(41, 41).0, foreign)].into()).unwrap();
        let problems = problems(&engine);
        assert_eq!(problems, ["1 entries cannot be read", "tree odd has 49 records instead of 50"]);
    }

    #[test]
    fn a_whole_tree_that_vanished_is_missed() {
        let directory = tempfile::tempdir().unwrap();
        let engine = database(&directory.path().join("db"));
        let gone = (1..=100).filter(|number| number % 2 == 0).map(|number| (record(number, 0).0, None));
        engine.apply(&gone.collect()).unwrap();
        assert_eq!(problems(&engine), ["tree even has 0 records instead of 50"]);
        // And with its tally, the other way round.
        let engine = database(&directory.path().join("other"));
        engine.apply(&[(b"\0even".to_vec(), None)].into()).unwrap();
        assert_eq!(problems(&engine), ["tree even has lost its tally"]);
    }

    #[test]
    fn a_foreign_schema_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let engine = database(&directory.path().join("db"));
        let problems = scan(&engine, 2).unwrap().problems;
        assert!(
            problems.iter().all(|problem| problem == "a record has schema 1 instead of 2"),
            "{problems:?}"
        );
    }
}
