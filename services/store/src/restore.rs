//! Builds a database anew: from dump and journal, and if those are not whole either, also from what can still
//! be read of the damaged one.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

use crate::{
    Error, Files, Result,
    builder::{Builder, Built},
    dump::{self, DumpInfo, Item},
    entry,
    health::Lost,
    index::Tally,
    layout::Layout,
    lines::{GroupLine, Line, Lines, RecordLine},
};

/// A database beside the damaged one, and what is missing in it.
pub(crate) struct Restored {
    pub built: Built,
    pub lost: Lost,
}

/// Builds from dump and journal, and from the salvage that `salvage` writes if these do not suffice.
pub(crate) fn rebuild(
    layout: &Layout,
    schema: u16,
    cache_bytes: u64,
    salvage: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<Restored> {
    let mut restore = Restore::new(layout, schema, cache_bytes)?;
    let dump = restore.dump(layout)?;
    let journal = restore.journal(layout)?;
    if dump.whole && journal.whole {
        let built = restore.finish()?;
        return Ok(Restored { built, lost: Lost::Nothing });
    }
    let target = layout.directory.join("salvage");
    if let Err(reason) = salvage(&target) {
        log::warn!(reason:%; "not all of the damaged database could be read");
    }
    let tallies = restore.salvage(&target);
    crate::layout::remove(&target)?;
    // How many there were follows from the dump if nothing came after it.
    let expected = dump.records.filter(|_| journal.records == Some(0));
    let lost = restore.compare(&tallies, expected);
    Ok(Restored { built: restore.finish()?, lost })
}

/// What a dump or journal was good for.
#[derive(Debug, Clone, Copy)]
struct Found {
    /// Every line could be used and none is missing.
    whole: bool,
    /// How many records there were in it, if it says so.
    records: Option<u64>,
}

struct Restore {
    builder: Builder,
    schema: u16,
    sequence: u64,
    /// Removed in the journal, when; a salvage must not bring it back.
    removed: HashMap<Vec<u8>, u64>,
}

impl Restore {
    fn new(layout: &Layout, schema: u16, cache_bytes: u64) -> Result<Restore> {
        let builder = Builder::create(&layout.new_database(), schema, cache_bytes);
        Ok(Restore { builder: builder?, schema, sequence: 0, removed: HashMap::new() })
    }

    fn set_schema(&mut self, schema: u16) {
        self.schema = schema;
        self.builder.set_schema(schema);
    }

    /// Takes every line of the dump that is good. No dump is an empty one, from before the first group.
    fn dump(&mut self, layout: &Layout) -> Result<Found> {
        let mut found = Found { whole: true, records: Some(0) };
        let Ok(file) = File::open(layout.dump()) else { return Ok(found) };
        found = Found { whole: true, records: None };
        let (mut lines, mut records, mut start) = (Lines::new(BufReader::new(file)), 0, None);
        loop {
            match lines.next() {
                Ok(Some(Line::PlenumStore(line))) if line.schema == self.schema => {
                    start = Some(line.sequence)
                }
                Ok(Some(Line::Record(record))) => {
                    records += 1;
                    found.whole &= self.put(&record)?;
                }
                Ok(Some(Line::End { records, .. })) => found.records = Some(records),
                Ok(None) => break,
                Ok(Some(_)) | Err(_) => found.whole = false,
            }
        }
        found.whole &= start.is_some() && found.records == Some(records);
        self.sequence = start.unwrap_or(0);
        Ok(found)
    }

    /// Takes every group that is good and comes after the dump.
    fn journal(&mut self, layout: &Layout) -> Result<Found> {
        let mut found = Found { whole: false, records: None };
        let Ok(file) = File::open(layout.journal()) else { return Ok(found) };
        let mut lines = Lines::new(BufReader::new(file));
        let dumped = self.sequence;
        loop {
            match lines.next() {
                Ok(Some(Line::PlenumStore(line))) => {
                    found.whole = line.schema == self.schema && line.sequence <= dumped;
                    found.records = Some(0);
                }
                Ok(Some(Line::Group(group))) if group.sequence <= dumped => {}
                Ok(Some(Line::Group(group))) => {
                    found.whole &= group.sequence == self.sequence + 1;
                    found.records = None;
                    found.whole &= self.group(&group)?;
                    self.sequence = self.sequence.max(group.sequence);
                }
                Ok(None) => return Ok(found),
                // Even a last line that is cut off may have been whole and acknowledged.
                Ok(Some(_)) | Err(_) => found = Found { whole: false, records: None },
            }
        }
    }

    /// `false` if the line breaks a limit.
    fn put(&mut self, line: &RecordLine<'_>) -> Result<bool> {
        let Some((key, header, value)) = entry::decode(line, self.schema) else { return Ok(false) };
        let sequence = header.sequence;
        self.builder.apply(key, Some((header, value)), sequence)?;
        Ok(true)
    }

    fn group(&mut self, group: &GroupLine<'_>) -> Result<bool> {
        let mut whole = true;
        for line in &group.put {
            whole &= self.put(line)?;
        }
        for (tree, key) in &group.remove {
            let Some(key) = entry::decode_key(tree, key) else { continue };
            self.removed.insert(key.clone(), group.sequence);
            self.builder.apply(key, None, group.sequence)?;
        }
        Ok(whole)
    }

    /// Takes what is newer than what is there; returns what the trees should contain.
    fn salvage(&mut self, path: &Path) -> BTreeMap<String, Tally> {
        let mut tallies = BTreeMap::new();
        let Ok(file) = File::open(path) else { return tallies };
        let mut lines = Lines::new(BufReader::new(file));
        while let Ok(Some(line)) = lines.next() {
            match line {
                Line::Record(record) => {
                    if let Some((key, header, value)) = entry::decode(&record, self.schema) {
                        let present = self.builder.sequence_of(&key).ok().flatten();
                        let newest = present.max(self.removed.get(&key).copied());
                        let sequence = header.sequence;
                        if newest.is_none_or(|newest| newest < sequence) {
                            let _ = self.builder.apply(key, Some((header, value)), sequence);
                        }
                    }
                }
                Line::Tally { tree, count, sequence, digest } if !tree.is_empty() => {
                    tallies.insert(tree.to_owned(), Tally { count, sequence, digest });
                }
                _ => {}
            }
        }
        tallies
    }

    fn compare(&self, expected: &BTreeMap<String, Tally>, count: Option<u64>) -> Lost {
        let found = &self.builder.index().trees;
        let present = self.builder.index().records();
        let newest = expected.values().map(|tally| tally.sequence).max();
        // Tallies from before the dump say nothing about it.
        if newest.is_none_or(|newest| newest < self.sequence)
            || found.keys().any(|tree| !expected.contains_key(tree))
        {
            return match count.and_then(|count| count.checked_sub(present)) {
                Some(lost) if lost > 0 => Lost::Records(lost),
                _ => Lost::Unknown,
            };
        }
        let mut lost = 0;
        for (tree, expected) in expected {
            let found = found.get(tree).copied().unwrap_or_default();
            if found.count >= expected.count && found.digest != expected.digest {
                return Lost::Unknown;
            }
            lost += expected.count.saturating_sub(found.count);
        }
        if lost == 0 { Lost::Nothing } else { Lost::Records(lost) }
    }

    fn finish(self) -> Result<Built> {
        let sequence = self.sequence;
        self.builder.finish(sequence)
    }
}

/// Loads a dump with its files into the new directory of `layout`; its schema may be older than `newest`.
pub(crate) fn load(layout: &Layout, newest: u16, cache_bytes: u64, input: impl Read) -> Result<DumpInfo> {
    let mut restore = Restore::new(layout, newest, cache_bytes)?;
    let (files, _) = Files::open(layout.files(), std::iter::empty())?;
    let mut input = BufReader::new(input);
    let schema = dump::peek_schema(&mut input)?;
    if schema > newest {
        return Err(Error::Newer { path: "the dump".into(), found: schema, known: newest });
    }
    restore.set_schema(schema);
    let unusable = || Error::Dump { line: 0, reason: "a record breaks a limit".into() };
    let info = dump::read(
        input,
        |_| Ok(()),
        |item| match item {
            Item::Record(record) => restore.put(&record)?.then_some(()).ok_or_else(unusable),
            Item::File(reference, content) => match files.put(content)?.keep() {
                file if file.hash == reference.hash => Ok(()),
                _ => Err(Error::NoFile { hash: reference.hash.to_string() }),
            },
        },
    )?;
    restore.sequence = info.sequence;
    restore.finish()?;
    Ok(info)
}
