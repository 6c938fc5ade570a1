//! The text that dump and journal are made of: lines of JSON, each behind its CRC-32 in hexadecimal.

use std::io::{BufRead, Write};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Error, Result};

/// Longer lines are refused: a journal line holds one group.
const MAX_LINE: u64 = 64 << 20;
/// Format of dump and journal.
pub(crate) const VERSION: u16 = 1;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line<'a> {
    /// First line of both.
    PlenumStore(Start),
    #[serde(borrow)]
    Record(RecordLine<'a>),
    /// A file of so many bytes follows in `Data` lines.
    File { hash: &'a str, length: u64 },
    /// Base64.
    Data(&'a str),
    /// In a journal: what one group did.
    #[serde(borrow)]
    Group(GroupLine<'a>),
    /// In a salvage: what a tree should contain.
    Tally { tree: &'a str, count: u64, sequence: u64, digest: u64 },
    /// Last line of a dump.
    End { records: u64, files: u64 },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Start {
    pub version: u16,
    pub schema: u16,
    /// Last group that is contained (dump) or came before (journal).
    pub sequence: u64,
    /// Milliseconds since the epoch.
    pub time: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RecordLine<'a> {
    pub tree: &'a str,
    /// Base64 of the encoded key.
    pub key: &'a str,
    pub sequence: u64,
    pub created: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    #[serde(borrow)]
    pub value: &'a RawValue,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct GroupLine<'a> {
    pub sequence: u64,
    #[serde(borrow)]
    pub put: Vec<RecordLine<'a>>,
    /// Tree and key.
    #[serde(borrow)]
    pub remove: Vec<(&'a str, &'a str)>,
}

/// Appends one line to `out`.
pub(crate) fn write(out: &mut impl Write, line: &Line<'_>) -> std::io::Result<()> {
    let json = serde_json::to_vec(line)?;
    write!(out, "{:08x} ", crc32fast::hash(&json))?;
    out.write_all(&json)?;
    out.write_all(b"\n")
}

/// Reads line by line and knows how many bytes were good.
pub(crate) struct Lines<R> {
    input: R,
    text: Vec<u8>,
    /// The input cannot be read any further.
    broken: bool,
    pub number: u64,
    /// Bytes up to the end of the last good line.
    pub good_bytes: u64,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(input: R) -> Lines<R> {
        Lines { input, text: Vec::new(), broken: false, number: 0, good_bytes: 0 }
    }

    /// `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Line<'_>>> {
        if self.broken {
            return Ok(None);
        }
        self.text.clear();
        self.number += 1;
        let mut limited = std::io::Read::take(&mut self.input, MAX_LINE);
        let read = std::io::BufRead::read_until(&mut limited, b'\n', &mut self.text);
        let line = self.number;
        let error = |reason: String| Error::Dump { line, reason };
        match read {
            Ok(0) => return Ok(None),
            Ok(_) => {}
            Err(reason) => {
                self.broken = true;
                return Err(error(reason.to_string()));
            }
        }
        let json = check(&self.text).ok_or_else(|| error("wrong checksum".into()))?;
        let parsed = serde_json::from_slice(json);
        let parsed = parsed.map_err(|reason| error(format!("{:?} error", reason.classify())))?;
        self.good_bytes += self.text.len() as u64;
        Ok(Some(parsed))
    }

    /// Whether any later line is good: then a bad one is damage and not a write that was cut off.
    pub(crate) fn any_good_line_left(&mut self) -> bool {
        loop {
            match self.next() {
                Ok(Some(_)) => return true,
                Ok(None) => return false,
                Err(_) => {}
            }
        }
    }
}

fn check(line: &[u8]) -> Option<&[u8]> {
    let line = line.strip_suffix(b"\n")?;
    let (head, json) = line.split_at_checked(9)?;
    let checksum = std::str::from_utf8(head).ok()?.strip_suffix(' ')?;
    (u32::from_str_radix(checksum, 16).ok()? == crc32fast::hash(json)).then_some(json)
}
