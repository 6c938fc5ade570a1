//! A cpio archive in the format that the kernel reads ("newc", `Documentation/driver-api/early-userspace`):
//! sorted, owned by root, with one time for all, so that the same files always give the same bytes.

use anyhow::{Context, Result};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

pub(crate) fn archive(folder: &Path, epoch: u64) -> Result<Vec<u8>> {
    let time = u32::try_from(epoch).context("the time does not fit into the archive")?;
    let mut paths = Vec::new();
    collect(folder, Path::new(""), &mut paths)?;
    paths.sort();
    let mut bytes = Vec::new();
    for (index, path) in paths.iter().enumerate() {
        let full = folder.join(path);
        let metadata = fs::symlink_metadata(&full)?;
        let content = if metadata.is_symlink() {
            fs::read_link(&full)?.as_os_str().as_bytes().to_vec()
        } else if metadata.is_file() {
            fs::read(&full)?
        } else {
            Vec::new()
        };
        // Permissions of folders must not follow the umask of whoever builds.
        let mode = if metadata.is_dir() { 0o040_755 } else { metadata.permissions().mode() };
        let links = if metadata.is_dir() { 2 } else { 1 };
        entry(&mut bytes, index as u32 + 1, path.as_os_str().as_bytes(), mode, links, time, &content)?;
    }
    entry(&mut bytes, 0, b"TRAILER!!!", 0, 1, 0, &[])?;
    Ok(bytes)
}

fn collect(folder: &Path, below: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder.join(below))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            collect(folder, &path, paths)?;
        }
        paths.push(path);
    }
    Ok(())
}

fn entry(
    bytes: &mut Vec<u8>,
    inode: u32,
    name: &[u8],
    mode: u32,
    links: u32,
    time: u32,
    content: &[u8],
) -> Result<()> {
    let size = u32::try_from(content.len()).context("a file is too large for the initrd")?;
    let name_size = name.len() as u32 + 1;
    bytes.extend_from_slice(b"070701");
    // inode, mode, uid, gid, links, time, size, device and special device (major, minor), name, checksum
    for field in [inode, mode, 0, 0, links, time, size, 0, 0, 0, 0, name_size, 0] {
        bytes.extend_from_slice(format!("{field:08X}").as_bytes());
    }
    bytes.extend_from_slice(name);
    bytes.push(0);
    pad(bytes);
    bytes.extend_from_slice(content);
    pad(bytes);
    Ok(())
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_aligned_and_end_with_the_trailer() {
        let mut bytes = Vec::new();
        entry(&mut bytes, 1, b"etc/a", 0o100_644, 1, 7, b"hello").unwrap();
        assert_eq!(&bytes[..6], b"070701");
        assert_eq!(&bytes[46..54], b"00000007", "the time");
        assert_eq!(&bytes[54..62], b"00000005", "the size");
        assert_eq!(bytes.len() % 4, 0);
    }
}
