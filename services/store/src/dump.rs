//! The logical dump: every record as a line of text, engine and machine left out of it.

use std::{
    fs::File,
    io::{BufRead, Read, Write},
    path::Path,
    time::SystemTime,
};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD as BASE64};

use crate::{
    Error, FileRef, Files, Result,
    engine::Engine,
    entry::{self, Encoded},
    error::Context as _,
    files::Hash,
    lines::{self, Line, Lines, RecordLine, Start},
    scan,
};

/// Bytes of a file in one line.
const CHUNK: usize = 48 << 10;

/// What a dump contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct DumpInfo {
    pub schema: u16,
    /// Last group of writes that is contained.
    pub sequence: u64,
    pub records: u64,
    pub files: u64,
}

fn output(error: std::io::Error) -> Error {
    Error::io("writing", Path::new("the dump"), &error)
}

/// What goes into a dump.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Selection<'a> {
    /// `None`: all.
    pub trees: Option<&'a [&'static str]>,
    /// `None`: the content of files is left out.
    pub files: Option<&'a Files>,
}

/// Writes records and, if asked, the content of the files that they reference.
pub(crate) fn write(
    out: &mut impl Write,
    engine: &Engine,
    (schema, sequence, now): (u16, u64, SystemTime),
    selection: Selection<'_>,
) -> Result<DumpInfo> {
    lines::write(out, &Line::PlenumStore(entry::start(schema, sequence, now))).map_err(output)?;
    let mut info = DumpInfo { schema, sequence, records: 0, files: 0 };
    let mut referenced: Vec<Hash> = Vec::new();
    let mut result = Ok(());
    scan::for_each(engine, |(key, value)| {
        let Some(record) = Encoded::new(key, value).filter(|_| result.is_ok()) else { return };
        if selection.trees.is_some_and(|trees| !trees.contains(&record.tree())) {
            return;
        }
        info.records += 1;
        referenced.extend(record.files());
        result = lines::write(out, &Line::Record(record.line()));
    })
    .map_err(|fault| Error::OutOfOrder { reason: fault.to_string() })?;
    result.map_err(output)?;
    if let Some(files) = selection.files {
        referenced.sort_unstable();
        referenced.dedup();
        for hash in referenced {
            write_file(out, files, hash)?;
            info.files += 1;
        }
    }
    lines::write(out, &Line::End { records: info.records, files: info.files }).map_err(output)?;
    out.flush().map_err(output)?;
    Ok(info)
}

fn write_file(out: &mut impl Write, files: &Files, hash: Hash) -> Result<()> {
    let path = files.path(hash);
    let mut file = files.open_file(&FileRef { hash, len: 0 })?;
    let length = file.metadata().context("reading", &path)?.len();
    lines::write(out, &Line::File { hash: &hash.to_string(), length }).map_err(output)?;
    let mut left = length;
    let mut chunk = vec![0; CHUNK];
    while left > 0 {
        // At most CHUNK, which fits.
        let part = &mut chunk[..left.min(CHUNK as u64) as usize];
        file.read_exact(part).context("reading", &path)?;
        lines::write(out, &Line::Data(&BASE64.encode(&part))).map_err(output)?;
        left -= part.len() as u64;
    }
    Ok(())
}

/// Reads a dump: its start, then every record and file through `visit`. Fails at the first line that is not
/// as it was written, and when the end is missing.
pub(crate) fn read(
    input: impl BufRead,
    begin: impl FnOnce(&Start) -> Result<()>,
    mut visit: impl FnMut(Item<'_>) -> Result<()>,
) -> Result<DumpInfo> {
    let mut lines = Lines::new(input);
    let start = read_start(&mut lines)?;
    begin(&start)?;
    let mut info = DumpInfo { schema: start.schema, sequence: start.sequence, records: 0, files: 0 };
    loop {
        let line = lines.number + 1;
        let error = |reason: &str| Error::Dump { line, reason: reason.into() };
        match lines.next()? {
            Some(Line::Record(record)) => {
                info.records += 1;
                visit(Item::Record(record))?;
            }
            Some(Line::File { hash, length }) => {
                info.files += 1;
                let hash: Hash = hash.parse().map_err(|_| error("not a file's hash"))?;
                let mut content = Content { lines: &mut lines, left: length, chunk: Vec::new(), read: 0 };
                visit(Item::File(FileRef { hash, len: length }, &mut content))?;
                // Whoever does not want the content skips it.
                std::io::copy(&mut content, &mut std::io::sink()).map_err(|e| error(&e.to_string()))?;
            }
            Some(Line::End { records, files }) if (records, files) == (info.records, info.files) => {
                return Ok(info);
            }
            Some(Line::End { .. }) => return Err(error("it does not contain what its end says")),
            Some(_) => return Err(error("out of place")),
            None => return Err(error("it ends too early")),
        }
    }
}

pub(crate) enum Item<'a> {
    Record(RecordLine<'a>),
    File(FileRef, &'a mut dyn Read),
}

pub(crate) fn read_start(lines: &mut Lines<impl BufRead>) -> Result<Start> {
    let refuse = |reason: String| Err(Error::Dump { line: 1, reason });
    match lines.next()? {
        Some(Line::PlenumStore(start)) if start.version == lines::VERSION => Ok(start),
        Some(Line::PlenumStore(start)) => refuse(format!("its format {} is unknown", start.version)),
        _ => refuse("it is not a dump of this store".into()),
    }
}

/// The schema of a dump whose reading has not begun; the first line fits into any buffer.
pub(crate) fn peek_schema(input: &mut impl BufRead) -> Result<u16> {
    let io = |error: std::io::Error| Error::Dump { line: 1, reason: error.to_string() };
    let start = input.fill_buf().map_err(io)?;
    Ok(read_start(&mut Lines::new(start))?.schema)
}

/// The `Data` lines of one file.
struct Content<'a, R> {
    lines: &'a mut Lines<R>,
    left: u64,
    chunk: Vec<u8>,
    read: usize,
}

impl<R: BufRead> Read for Content<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.read == self.chunk.len() && self.left > 0 {
            self.chunk = match self.lines.next() {
                Ok(Some(Line::Data(data))) => BASE64.decode(data).map_err(std::io::Error::other)?,
                Ok(_) => return Err(std::io::Error::other("a file is cut off")),
                Err(error) => return Err(std::io::Error::other(error)),
            };
            self.read = 0;
            let excess = || std::io::Error::other("a file is longer than announced");
            self.left = self.left.checked_sub(self.chunk.len() as u64).ok_or_else(excess)?;
        }
        let part = &self.chunk[self.read..];
        let count = part.len().min(buffer.len());
        buffer[..count].copy_from_slice(&part[..count]);
        self.read += count;
        Ok(count)
    }
}

/// Reads the whole dump for its checksums.
pub(crate) fn check(file: File) -> Result<DumpInfo> {
    read(std::io::BufReader::new(file), |_| Ok(()), |_| Ok(()))
}
