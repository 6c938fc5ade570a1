//! The backups that lie on the box itself, and the result of the last restore test.

use super::seal::{self, Kind};
use anyhow::{Context, Result, bail};
use plenum_daemon::durable;
use plenum_protocol::manager::{BackupFile, RestoreTest};
use std::cmp::Reverse;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};
use time::OffsetDateTime;

const ENDING: &str = ".backup";
const LAST_TEST: &str = "last-test.json";
/// Milliseconds by which a clock that is set right goes back.
const AHEAD: u64 = 3_600_000;
/// The first line of a file is shorter.
const HEAD_BYTES: u64 = 2_048;

#[derive(Clone)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(path: PathBuf) -> Folder {
        Folder(path)
    }

    /// Newest first, and at the end those that were made while the clock was ahead of `now`. What is no backup is
    /// left out.
    pub(super) fn list(&self, now: u64) -> Vec<BackupFile> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let mut files: Vec<BackupFile> = entries.filter_map(|entry| about(&entry.path())).collect();
        files.sort_by_cached_key(|file| Reverse((!is_ahead(file, now), file.made, file.name.clone())));
        files
    }

    /// When the newest one was made, in milliseconds since 1970.
    pub(super) fn newest(&self, now: u64) -> Option<u64> {
        self.list(now).first().filter(|file| !is_ahead(file, now)).map(|file| file.made)
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)
            .context("the folder for backups")?;
        durable::replace(&self.0.join(name), bytes, 0o600)
            .with_context(|| format!("{name} cannot be written"))
    }

    /// Of a name that [`Folder::list`] gave.
    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>> {
        if !self.list(u64::MAX).iter().any(|file| file.name == name) {
            bail!("there is no backup of this name");
        }
        fs::read(self.0.join(name)).with_context(|| format!("{name} cannot be read"))
    }

    /// Keeps the newest ones.
    pub(super) fn tidy(&self, keep: usize, now: u64) -> Result<()> {
        self.remove(self.list(now).iter().skip(keep))
    }

    /// Keeps what was made at this moment.
    pub(super) fn forget_before(&self, now: u64) -> Result<()> {
        self.remove(self.list(now).iter().filter(|file| file.made < now || is_ahead(file, now)))
    }

    fn remove<'a>(&self, files: impl Iterator<Item = &'a BackupFile>) -> Result<()> {
        for file in files {
            fs::remove_file(self.0.join(&file.name)).with_context(|| file.name.clone())?;
        }
        Ok(())
    }

    pub(super) fn last_test(&self) -> Option<RestoreTest> {
        serde_json::from_slice(&fs::read(self.0.join(LAST_TEST)).ok()?).ok()
    }

    pub(super) fn note_test(&self, test: &RestoreTest) -> Result<()> {
        self.write(LAST_TEST, &serde_json::to_vec(test)?)
    }
}

fn is_ahead(file: &BackupFile, now: u64) -> bool {
    file.made > now.saturating_add(AHEAD)
}

fn about(path: &Path) -> Option<BackupFile> {
    use std::io::Read;
    let name = path.file_name()?.to_str()?.to_owned();
    if !name.ends_with(ENDING) {
        return None;
    }
    let file = fs::File::open(path).ok()?;
    let bytes = file.metadata().ok()?.len();
    let mut head = Vec::new();
    file.take(HEAD_BYTES).read_to_end(&mut head).ok()?;
    let header = seal::header(&head, Kind::Backup).ok()?;
    Some(BackupFile { name, made: header.made, bytes, version: header.version, key_number: header.key })
}

/// `plenum.example.org-20261127T020000Z.backup`
pub(super) fn name(host_name: &str, made: u64, kind: Kind) -> String {
    let time = OffsetDateTime::from(UNIX_EPOCH + Duration::from_millis(made));
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    let (hour, minute, second) = time.to_hms();
    let stamp = format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z");
    let ending = match kind {
        Kind::Backup => ENDING,
        Kind::Deletions => ".deletions",
    };
    format!("{host_name}-{stamp}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::seal::{About, Key, seal};

    const HOUR: u64 = 3_600_000;

    fn filled(directory: &Path, hours: impl IntoIterator<Item = u64>) -> Folder {
        let folder = Folder::new(directory.join("backups"));
        let key = Key::typed(&"A".repeat(32)).unwrap();
        for hour in hours {
            let made = hour * HOUR;
            let about = About { kind: Kind::Backup, made, version: "1", host_name: "box" };
            let file = seal(&key, &about, b"x", &mut |bytes| bytes.fill(1));
            folder.write(&name("box", made, Kind::Backup), &file).unwrap();
        }
        folder
    }

    #[test]
    fn the_newest_are_kept_and_nothing_from_before_a_deletion() {
        let directory = tempfile::tempdir().unwrap();
        let folder = filled(directory.path(), 1..=9);
        fs::write(directory.path().join("backups/foreign.backup"), "something else").unwrap();
        let now = 10 * HOUR;
        let made = |folder: &Folder| folder.list(now).iter().map(|file| file.made / HOUR).collect::<Vec<_>>();
        folder.tidy(4, now).unwrap();
        assert_eq!(made(&folder), [9, 8, 7, 6]);
        assert_eq!(folder.newest(now), Some(9 * HOUR));
        folder.forget_before(8 * HOUR).unwrap();
        assert_eq!(made(&folder), [9, 8]);
        assert!(folder.read("../backups/foreign.backup").is_err());
        assert!(folder.read("foreign.backup").is_err());
        assert!(folder.read(&folder.list(now)[0].name).is_ok());
    }

    #[test]
    fn what_a_clock_that_was_ahead_has_made_is_the_oldest() {
        let directory = tempfile::tempdir().unwrap();
        let folder = filled(directory.path(), [1, 2, 3, 90_000]);
        let now = 3 * HOUR;
        let made = |folder: &Folder| folder.list(now).iter().map(|file| file.made / HOUR).collect::<Vec<_>>();
        assert_eq!(made(&folder), [3, 2, 1, 90_000]);
        assert_eq!(folder.newest(now), Some(3 * HOUR));
        folder.tidy(3, now).unwrap();
        assert_eq!(made(&folder), [3, 2, 1]);
        let folder = filled(directory.path(), [3, 90_000]);
        folder.forget_before(now).unwrap();
        assert_eq!(made(&folder), [3]);
        let ahead = filled(&directory.path().join("other"), [90_000]);
        assert_eq!(ahead.newest(now), None, "the next one is due");
    }

    #[test]
    fn names_say_when() {
        assert_eq!(name("box", 1_795_745_400_000, Kind::Backup), "box-20261127T021000Z.backup");
    }
}
