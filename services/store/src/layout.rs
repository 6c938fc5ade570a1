//! Where things lie, and how a directory is made durable.
//!
//! ```text
//! DIR/lock           held by the process that has the store open
//! DIR/ballast        space to give back when the disk is full
//! DIR/v2/db/         sled's files
//! DIR/v2/dump        last good logical dump
//! DIR/v2/journal     groups committed since the dump
//! DIR/v2/files/      larger data, named by SHA-256
//! DIR/v1/            the schema before, until Store::forget_older
//! DIR/aside-v2-TIME/ a damaged database, or one that a rollback left behind
//! ```

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use crate::{Result, error::Context as _};

/// The paths of one schema version.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub directory: PathBuf,
}

impl Layout {
    pub(crate) fn new(root: &Path, schema: u16) -> Layout {
        Layout { directory: root.join(format!("v{schema}")) }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.directory.join("db")
    }

    /// A database under construction; renamed when it is whole.
    pub(crate) fn new_database(&self) -> PathBuf {
        self.directory.join("db.new")
    }

    pub(crate) fn dump(&self) -> PathBuf {
        self.directory.join("dump")
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.directory.join("journal")
    }

    pub(crate) fn files(&self) -> PathBuf {
        self.directory.join("files")
    }
}

/// Schema versions that have a directory, ascending.
pub(crate) fn versions(root: &Path) -> Result<Vec<u16>> {
    let mut versions = Vec::new();
    for entry in fs::read_dir(root).context("reading", root)? {
        let name = entry.context("reading", root)?.file_name();
        let version: Option<u16> =
            name.to_str().and_then(|name| name.strip_prefix('v')).and_then(|v| v.parse().ok());
        versions.extend(version);
    }
    versions.sort_unstable();
    Ok(versions)
}

/// Creates it with its parents, mode 0700, each entry made durable. Nothing happens if it is there.
pub(crate) fn create_directory(path: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    if path.is_dir() {
        return Ok(());
    }
    let parent = parent(path);
    create_directory(parent)?;
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error).context("creating", path),
        _ => sync_directory(parent),
    }
}

/// A file is only there after a power cut when its directory is synced as well.
pub(crate) fn sync_directory(path: &Path) -> Result<()> {
    File::open(path).and_then(|directory| directory.sync_all()).context("syncing", path)
}

/// Renames and makes it durable.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).context("renaming to", to)?;
    sync_directory(parent(to))
}

/// Swaps two directories in one step, durably.
pub(crate) fn exchange(one: &Path, other: &Path) -> Result<()> {
    let flags = nix::fcntl::RenameFlags::RENAME_EXCHANGE;
    nix::fcntl::renameat2(nix::fcntl::AT_FDCWD, one, nix::fcntl::AT_FDCWD, other, flags)
        .context("exchanging", one)?;
    sync_directory(parent(one))
}

/// Everything on the file system of `path` is on the disk afterwards.
pub(crate) fn sync_all(path: &Path) -> Result<()> {
    let directory = File::open(path).context("opening", path)?;
    nix::unistd::syncfs(directory).context("syncing the file system of", path)
}

/// Bytes on the disk of all files in `path`; what vanishes meanwhile does not count.
pub(crate) fn disk_usage(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => disk_usage(&entry.path()),
        Ok(metadata) => metadata.blocks() * 512,
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}

/// Removes a file or a directory with all in it; nothing there is fine.
pub(crate) fn remove(path: &Path) -> Result<()> {
    let result = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).context("removing", path),
        _ => Ok(()),
    }
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) => Path::new("."),
        None => path,
    }
}
