//! A factory reset: the data partition leaves the table, and the next start makes one as the first start did.
//!
//! The table comes first. Whenever the power is cut, the box either has its data still, or starts as a new one.

use super::disk::Disk;
use anyhow::{Context, Result};
use plenum_daemon::durable;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// As the definitions of systemd-repart name it (`50-data.conf`).
const DATA: &str = "plenum-data";
/// Opens the data of a machine without TPM.
const KEY: &str = "/boot/plenum/data.key";

pub fn run() -> Result<()> {
    Disk::booted()?.forget(DATA)?;
    forget_key(Path::new(KEY)).with_context(|| format!("{KEY} cannot be removed"))
}

/// Overwritten in place first: a file system may keep what is only removed.
fn forget_key(path: &Path) -> std::io::Result<()> {
    let length = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        metadata => metadata?.len(),
    };
    let file = fs::OpenOptions::new().write(true).open(path)?;
    std::io::copy(&mut std::io::Read::take(std::io::repeat(0), length), &mut &file)?;
    file.sync_all()?;
    fs::remove_file(path)?;
    durable::sync_folder(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_gone_and_none_is_no_fault() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.key");
        fs::write(&path, [7; 64]).unwrap();
        let link = folder.path().join("link");
        fs::hard_link(&path, &link).unwrap();
        forget_key(&path).unwrap();
        assert!(!path.exists());
        assert_eq!(fs::read(link).unwrap(), [0; 64]);
        forget_key(&path).unwrap();
    }
}
