//! What was committed since the last dump, one line per group. Dump and journal together are the whole store
//! a second time, so that a damaged database costs nothing that was acknowledged; and a database that lost
//! its last groups shows, because the journal has them.

use std::{
    fs::{File, OpenOptions},
    io::{BufReader, Write as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::{
    Result, dump,
    entry::{self, Encoded},
    error::Context as _,
    layout,
    lines::{self, GroupLine, Line, Lines},
    staging::Group,
};

#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    length: u64,
    /// Without any group.
    empty_length: u64,
}

impl Journal {
    /// Starts a new journal after group `sequence`, in place of an old one.
    pub(crate) fn create(path: &Path, schema: u16, sequence: u64, now: SystemTime) -> Result<Journal> {
        let new = path.with_extension("new");
        let mut start = Vec::new();
        let line = Line::PlenumStore(entry::start(schema, sequence, now));
        lines::write(&mut start, &line).context("writing", &new)?;
        let mut file = File::create(&new).context("creating", &new)?;
        file.write_all(&start).and_then(|()| file.sync_all()).context("writing", &new)?;
        layout::rename(&new, path)?;
        let file = append_to(path)?;
        let length = start.len() as u64;
        Ok(Journal { path: path.into(), file, length, empty_length: length })
    }

    /// Goes on with a journal that was read before, after its last good line.
    pub(crate) fn reopen(path: &Path, found: &Found) -> Result<Journal> {
        let file = append_to(path)?;
        file.set_len(found.good_bytes).context("shortening", path)?;
        let Found { good_bytes: length, empty_length, .. } = *found;
        Ok(Journal { path: path.into(), file, length, empty_length })
    }

    /// Durable after the next syncfs. After an error [`cut`](Journal::cut) it back to its length before.
    pub(crate) fn append(&mut self, group: &Group) -> std::io::Result<()> {
        let mut text = Vec::new();
        write_group(&mut text, group)?;
        self.file.write_all(&text)?;
        self.length += text.len() as u64;
        Ok(())
    }

    /// Takes back the group that did not become durable.
    pub(crate) fn cut(&mut self, length: u64) -> Result<()> {
        self.file.set_len(length).context("shortening", &self.path)?;
        self.length = length;
        Ok(())
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.length == self.empty_length
    }
}

fn append_to(path: &Path) -> Result<File> {
    OpenOptions::new().append(true).open(path).context("opening", path)
}

fn write_group(out: &mut Vec<u8>, group: &Group) -> std::io::Result<()> {
    let mut records = Vec::new();
    let mut removed = Vec::new();
    for (key, value) in &group.operations {
        match value {
            Some(bytes) => records.extend(Encoded::new(key, bytes)),
            None => removed.extend(entry::encode_key(key)),
        }
    }
    let put = records.iter().map(Encoded::line).collect();
    let remove = removed.iter().map(|(tree, key)| (*tree, key.as_str())).collect();
    lines::write(out, &Line::Group(GroupLine { sequence: group.sequence, put, remove }))
}

/// What a journal held when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub schema: u16,
    /// The group before its first.
    pub base: u64,
    /// Its last good group.
    pub last: u64,
    pub groups: u64,
    pub end: End,
    good_bytes: u64,
    empty_length: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Whole,
    /// The last write was cut off: it had not been acknowledged.
    Torn,
    /// Good lines follow a bad one, or one is missing.
    Damaged,
}

/// Reads up to the first line that is not good.
pub(crate) fn read(path: &Path, mut visit: impl FnMut(GroupLine<'_>) -> Result<()>) -> Result<Found> {
    let file = File::open(path).context("opening", path)?;
    let mut lines = Lines::new(BufReader::new(file));
    let start = dump::read_start(&mut lines)?;
    let (base, empty_length) = (start.sequence, lines.good_bytes);
    let mut last = base;
    let mut groups = 0;
    let whole = loop {
        match lines.next() {
            Ok(None) => break Some(End::Whole),
            Ok(Some(Line::Group(group))) if group.sequence == last + 1 => {
                last += 1;
                groups += 1;
                visit(group)?;
            }
            Ok(Some(_)) => break Some(End::Damaged),
            Err(_) => break None,
        }
    };
    let good_bytes = lines.good_bytes;
    let end = whole.unwrap_or_else(|| match lines.any_good_line_left() {
        true => End::Damaged,
        false => End::Torn,
    });
    Ok(Found { schema: start.schema, base, last, groups, end, good_bytes, empty_length })
}
