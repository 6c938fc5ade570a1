//! Small files that are whole or not there, also after a power cut: written beside their place, flushed, and only
//! then named. Both return when the disk has the file and its name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Puts `bytes` in the place of whatever was there.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let beside = Beside::write(path, bytes, mode)?;
    fs::rename(&beside.0, path)?;
    sync_folder(path)
}

/// [`ErrorKind::AlreadyExists`] leaves what is there as it is, and nobody ever sees a part of the file.
pub fn create_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let beside = Beside::write(path, bytes, mode)?;
    fs::hard_link(&beside.0, path)?;
    sync_folder(path)
}

/// Makes the name of a file durable, or that it is gone.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Gone when it is no longer needed.
struct Beside(PathBuf);

impl Beside {
    fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<Beside> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}-{count}.new", std::process::id()));
        let beside = Beside(path.with_file_name(name));
        // A remnant of a process that had the same number would keep its mode.
        match fs::remove_file(&beside.0) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside.0)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(beside)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // After a rename there is nothing left.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn replaced_whole_with_the_mode_and_nothing_left_beside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        replace(&path, b"one", 0o600).unwrap();
        replace(&path, b"two", 0o600).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        create_new(&path, b"one", 0o600).unwrap();
        let refused = create_new(&path, b"two", 0o600).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
