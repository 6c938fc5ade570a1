//! A record between the database and its line in dump or journal.

use std::time::SystemTime;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD as BASE64};
use serde_json::value::RawValue;

use crate::{
    files::Hash,
    index,
    lines::{self, RecordLine, Start},
    record::{self, Header, MAX_KEY, MAX_RECORD},
    time::{self, NEVER},
};

/// The parts that a [`RecordLine`] borrows from.
pub(crate) struct Encoded<'a> {
    tree: &'a str,
    key: String,
    header: Header,
    value: &'a RawValue,
}

impl<'a> Encoded<'a> {
    /// `None` if it is not a readable record.
    pub(crate) fn new(full_key: &'a [u8], bytes: &'a [u8]) -> Option<Encoded<'a>> {
        let (tree, key) = index::split_key(full_key)?;
        let record = record::decode(full_key, bytes).ok()?;
        let value = serde_json::from_slice(record.value).ok()?;
        Some(Encoded { tree, key: BASE64.encode(key), header: record.header, value })
    }

    pub(crate) fn tree(&self) -> &'a str {
        self.tree
    }

    pub(crate) fn files(&self) -> &[Hash] {
        &self.header.files
    }

    pub(crate) fn line(&self) -> RecordLine<'_> {
        let Header { sequence, created, expires, ref files, .. } = self.header;
        RecordLine {
            tree: self.tree,
            key: &self.key,
            sequence,
            created,
            expires: (expires != NEVER).then_some(expires),
            files: files.iter().map(Hash::to_string).collect(),
            value: self.value,
        }
    }
}

pub(crate) fn encode_key(full_key: &[u8]) -> Option<(&str, String)> {
    let (tree, key) = index::split_key(full_key)?;
    Some((tree, BASE64.encode(key)))
}

pub(crate) fn decode_key(tree: &str, key: &str) -> Option<Vec<u8>> {
    let full = index::full_key(tree, &BASE64.decode(key).ok()?);
    (full.len() <= MAX_KEY && index::split_key(&full).is_some()).then_some(full)
}

/// The line as key, header and JSON; `None` if it breaks a limit.
pub(crate) fn decode<'a>(line: &RecordLine<'a>, schema: u16) -> Option<(Vec<u8>, Header, &'a [u8])> {
    let files: Option<Vec<Hash>> = line.files.iter().map(|hash| hash.parse().ok()).collect();
    let header = Header {
        schema,
        sequence: line.sequence,
        created: line.created,
        expires: line.expires.unwrap_or(NEVER),
        files: files?,
    };
    let value = line.value.get().as_bytes();
    let fits = record::encoded_len(value.len(), header.files.len()) <= MAX_RECORD;
    Some((decode_key(line.tree, line.key)?, header, value)).filter(|_| fits)
}

/// The first line of a dump or journal that is begun now.
pub(crate) fn start(schema: u16, sequence: u64, now: SystemTime) -> Start {
    Start { version: lines::VERSION, schema, sequence, time: time::millis(now) }
}
