//! Free space, and the ballast that is given back when there is none.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use nix::fcntl::{FallocateFlags, fallocate};

use crate::{Error, Result, error::Context as _, layout};

/// Kept free for sled (a segment is 512 KiB), the journal and the file system's own needs, so that "full" is
/// noticed before sled runs into it.
pub(crate) const RESERVE: u64 = 2 << 20;

/// Bytes that this process may still write under `path`.
pub(crate) fn available(path: &Path) -> Result<u64> {
    let status = nix::sys::statvfs::statvfs(path).context("asking for the free space of", path)?;
    Ok(status.blocks_available().saturating_mul(status.fragment_size()))
}

/// An error unless there are so many bytes beside the reserve.
pub(crate) fn demand(path: &Path, bytes: u64) -> Result<()> {
    let available = available(path)?;
    let needed = bytes + RESERVE;
    match available >= needed {
        true => Ok(()),
        false => Err(Error::DiskFull { dir: path.display().to_string(), available, needed }),
    }
}

/// A file that only takes up space.
#[derive(Debug)]
pub(crate) struct Ballast {
    path: PathBuf,
    bytes: u64,
}

impl Ballast {
    pub(crate) fn new(root: &Path, bytes: u64) -> Ballast {
        Ballast { path: root.join("ballast"), bytes }
    }

    /// Takes the space if it is not taken yet and there is plenty of it.
    pub(crate) fn take(&self) -> Result<bool> {
        let taken = std::fs::metadata(&self.path).is_ok_and(|metadata| metadata.len() == self.bytes);
        if taken || self.bytes == 0 {
            return Ok(true);
        }
        if available(self.path.parent().unwrap_or(Path::new(".")))? < self.bytes + 2 * RESERVE {
            return Ok(false);
        }
        let file = File::create(&self.path).context("creating", &self.path)?;
        let length = i64::try_from(self.bytes).unwrap_or(i64::MAX);
        if let Err(errno) = fallocate(&file, FallocateFlags::empty(), 0, length) {
            layout::remove(&self.path)?;
            return Err(errno).context("allocating", &self.path);
        }
        Ok(true)
    }

    pub(crate) fn free(&self) -> Result<()> {
        layout::remove(&self.path)
    }
}
