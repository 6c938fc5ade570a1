//! What can go wrong, said to the person who has to do something about it.

use std::{fmt, io, path::Path};

use crate::space;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Cloneable, because one failed flush fails every commit of its group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(
        "a record of tree {tree} has {bytes} bytes, the limit is {limit}: store the bulk with Store::files and keep its FileRef in the record"
    )]
    TooLarge { tree: &'static str, bytes: usize, limit: usize },
    #[error("a key of tree {tree} has {bytes} bytes, the limit is {limit}: use a shorter key")]
    KeyTooLong { tree: &'static str, bytes: usize, limit: usize },
    #[error("a batch has {bytes} bytes in {records} records, the limit is {limit} bytes: split it")]
    BatchTooLarge { records: usize, bytes: usize, limit: usize },
    #[error("tree {tree} was not named when the store was opened: add it with Options::tree")]
    UndeclaredTree { tree: &'static str },
    #[error("two types were named for tree {tree} when the store was opened: each type needs its own TREE")]
    TreeDeclaredTwice { tree: &'static str },
    #[error("tree {tree} stores the field `{field}` that its declaration does not list: add it to FIELDS")]
    UndeclaredField { tree: &'static str, field: String },
    #[error("a record of tree {tree} cannot be written as JSON: {reason}")]
    NotSerializable { tree: &'static str, reason: String },
    #[error(
        "a record of tree {tree} asks to be kept longer than its declared retention: ask for less, or declare more"
    )]
    ExpiryTooLate { tree: String },
    #[error(
        "the disk under {dir} is full ({available} bytes free, {needed} needed): nothing was written, reading goes on; free space there"
    )]
    DiskFull { dir: String, available: u64, needed: u64 },
    #[error("{action} {path} failed: {reason}")]
    Io { action: &'static str, path: String, reason: String },
    #[error("{what} is damaged: {reason}")]
    Damaged { what: String, reason: String },
    #[error("another process has the database {path} open: stop it first")]
    Locked { path: String },
    #[error(
        "{path} was written by a newer release (schema {found}, this one knows {known}): update, or restore an older backup"
    )]
    Newer { path: String, found: u16, known: u16 },
    #[error("there is no migration from schema {from}: a release in between has to run first")]
    NoMigration { from: u16 },
    #[error("the migration from schema {from} to {to} failed: {reason}")]
    Migration { from: u16, to: u16, reason: String },
    #[error("line {line} of the dump cannot be used: {reason}")]
    Dump { line: u64, reason: String },
    #[error("the file {hash} is not in the store, or its content does not match its name")]
    NoFile { hash: String },
    #[error("{waiting} writes are waiting for the disk already: try again later")]
    Busy { waiting: usize },
    #[error(
        "the store is out of order ({reason}): writes are tried again every second; if it lasts, restart the daemon"
    )]
    OutOfOrder { reason: String },
    #[error("the store is closed")]
    Closed,
}

impl Error {
    /// A full disk keeps its name, whatever was being done.
    pub(crate) fn io(action: &'static str, path: &Path, error: &io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::disk_full(path),
            _ => Error::Io { action, path: path.display().to_string(), reason: error.to_string() },
        }
    }

    pub(crate) fn disk_full(path: &Path) -> Error {
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(path);
        let available = space::available(dir).unwrap_or(0);
        Error::DiskFull { dir: dir.display().to_string(), available, needed: space::RESERVE }
    }

    pub(crate) fn damaged(what: impl fmt::Display, reason: impl fmt::Display) -> Error {
        Error::Damaged { what: what.to_string(), reason: reason.to_string() }
    }
}

/// Gives an `io::Result` the action and the path that belong to it.
pub(crate) trait Context<T> {
    fn context(self, action: &'static str, path: &Path) -> Result<T>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, action: &'static str, path: &Path) -> Result<T> {
        self.map_err(|error| Error::io(action, path, &error))
    }
}

impl<T> Context<T> for nix::Result<T> {
    fn context(self, action: &'static str, path: &Path) -> Result<T> {
        self.map_err(|error| Error::io(action, path, &error.into()))
    }
}
