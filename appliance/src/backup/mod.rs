//! Backups of the box (BK1): made, kept, tested, given out and restored. `docs/backup-file.md` describes the files.

pub mod contents;
mod folder;
pub mod schedule;
pub mod seal;

use crate::access::sessions::Who;
use crate::manager::{Manager, Now, Refused, Taken, blocking};
use crate::system::System;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use contents::{Contents, Left};
use folder::Folder;
use plenum_protocol::manager::{
    AuditEvent, BackupState, ManagerErrorCode, Problem, RestoreTest, Restored, SavedFile,
};
use plenum_protocol::signaling::BusRoomLeft;
use seal::{About, Key, Kind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

/// Who orders it, for the audit log, when nobody does.
pub const BY_ITSELF: &str = "box";

pub struct Backups {
    manager: Arc<Manager>,
    /// `None`: no bus can be reached, and so nobody gives the rooms.
    system: Option<System>,
    folder: Folder,
    version: String,
    memory: Mutex<Memory>,
    /// A folder for a moment, on a tmpfs: for one call at a time.
    scratch: Arc<tokio::sync::Mutex<PathBuf>>,
    /// From taking what a backup has until it lies on the disk.
    making: tokio::sync::Mutex<()>,
}

/// What a restart of the daemon forgets.
#[derive(Default)]
struct Memory {
    /// Why the last backup could not be made.
    problem: String,
    tried: Option<Duration>,
}

impl Backups {
    /// `folder` is made when the first backup is; `scratch` is a folder that does not exist.
    pub fn new(
        manager: Arc<Manager>,
        system: Option<System>,
        folder: PathBuf,
        scratch: PathBuf,
        version: String,
    ) -> Backups {
        let scratch = Arc::new(tokio::sync::Mutex::new(scratch));
        let (folder, memory, making) = (Folder::new(folder), Mutex::default(), tokio::sync::Mutex::default());
        Backups { manager, system, folder, version, memory, scratch, making }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Every call leaves it whole.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The manager's calls, the disk and packing block.
    async fn blocking<R: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Backups) -> Result<R, Refused> + Send + 'static,
    ) -> Result<R, Refused> {
        let backups = Arc::clone(self);
        blocking(move || work(&backups)).await
    }

    pub async fn state(self: &Arc<Self>, now: Now) -> Result<BackupState, Refused> {
        self.blocking(move |it| it.read_state(now)).await
    }

    fn read_state(&self, now: Now) -> Result<BackupState, Refused> {
        let (key, key_number) = self.manager.backup_key_state()?;
        Ok(BackupState {
            key,
            key_number,
            files: self.folder.list(now.unix_millis()),
            problem: self.memory().problem.clone(),
            last_test: self.folder.last_test(),
        })
    }

    /// For the overview.
    pub fn problems(&self) -> Vec<Problem> {
        let problem = self.memory().problem.clone();
        if !problem.is_empty() {
            return vec![Problem::BackupFailed { detail: problem }];
        }
        match self.manager.backup_key() {
            Ok(None) => vec![Problem::NoBackup],
            _ => Vec::new(),
        }
    }

    /// When the newest one was made, in milliseconds since 1970.
    pub fn newest(&self, now: Now) -> Option<u64> {
        self.folder.newest(now.unix_millis())
    }

    /// Makes one if the time for it has come.
    pub async fn pass_time(self: &Arc<Self>, now: Now) {
        let Ok(settings) = self.manager.backup_settings() else { return };
        let Some(at) = schedule::daily(&settings.daily_at) else { return };
        let waits = self.memory().tried.is_some_and(|tried| now.mono < tried + schedule::RETRY);
        let last = self.newest(now).map(|made| UNIX_EPOCH + Duration::from_millis(made));
        let has_key = matches!(self.manager.backup_key(), Ok(Some(_)));
        if has_key && !waits && schedule::is_due(at, last, now.wall) {
            self.memory().tried = Some(now.mono);
            // It is told by `problems`.
            let _ = self.make(BY_ITSELF, now).await;
        }
    }

    /// Makes one, sees whether it can be restored, and removes those that are too many.
    pub async fn make(self: &Arc<Self>, who: &str, now: Now) -> Result<BackupState, Refused> {
        let made = self.try_make(now).await;
        self.memory().problem = made.as_ref().err().map(|refused| refused.to_string()).unwrap_or_default();
        let name = made.inspect_err(|refused| log::error!("no backup was made: {refused}"))?;
        log::info!("a backup was made");
        self.note(who, AuditEvent::BackupMade, &name, now).await?;
        let test = self.test(who, &name, now).await?;
        if !test.problem.is_empty() {
            self.memory().problem = format!("the backup was made and cannot be read: {}", test.problem);
        }
        self.blocking(move |it| {
            let settings = it.manager.backup_settings()?;
            it.folder.tidy(settings.keep.into(), now.unix_millis()).map_err(unavailable)?;
            it.read_state(now)
        })
        .await
    }

    async fn try_make(self: &Arc<Self>, now: Now) -> Result<String, Refused> {
        let _one = self.making.lock().await;
        let manager = self.blocking(move |it| it.manager.export(now)).await?;
        let system = self.system()?;
        let contents = Contents {
            manager: text(manager)?,
            rooms: text(system.export_rooms().await.map_err(silent)?)?,
            host_key: system.host_key().await.map_err(silent)?,
        };
        self.blocking(move |it| {
            let content = serde_json::to_vec(&contents).map_err(unavailable)?;
            let file = it.seal(Kind::Backup, &content, now)?;
            let name = it.name(Kind::Backup, now)?;
            it.folder.write(&name, &file).map_err(unavailable)?;
            Ok(name)
        })
        .await
    }

    async fn note(
        self: &Arc<Self>,
        who: &str,
        event: AuditEvent,
        name: &str,
        now: Now,
    ) -> Result<(), Refused> {
        let (who, name) = (who.to_owned(), name.to_owned());
        self.blocking(move |it| it.manager.note(&who, event, &name, now)).await
    }

    fn seal(&self, kind: Kind, content: &[u8], now: Now) -> Result<Vec<u8>, Refused> {
        let no_key = || Refused::conflict("there is no key for the backups yet: make one and note it");
        let key = self.manager.backup_key()?.ok_or_else(no_key)?;
        let (made, host_name) = (now.unix_millis(), self.manager.name()?);
        let about = About { kind, made, version: &self.version, host_name: &host_name };
        let mut fill = |bytes: &mut [u8]| self.manager.random(bytes);
        Ok(seal::seal(&key, &about, content, &mut fill))
    }

    fn name(&self, kind: Kind, now: Now) -> Result<String, Refused> {
        Ok(folder::name(&self.manager.name()?, now.unix_millis(), kind))
    }

    pub fn file(&self, name: &str) -> Result<SavedFile, Refused> {
        let bytes = self.folder.read(name).map_err(|error| unknown(&error))?;
        Ok(saved(name.to_owned(), &bytes))
    }

    /// What there is now, to be kept beside the backups.
    pub async fn deletions(self: &Arc<Self>, now: Now) -> Result<SavedFile, Refused> {
        let rooms = self.system()?.list_rooms().await.map_err(silent)?;
        self.blocking(move |it| {
            let left = Left { accounts: it.manager.account_names()?, rooms };
            let content = serde_json::to_vec(&left).map_err(unavailable)?;
            Ok(saved(it.name(Kind::Deletions, now)?, &it.seal(Kind::Deletions, &content, now)?))
        })
        .await
    }

    /// Somebody was deleted: nothing that lies on the box has them any more (DM4), and a new backup takes the place of
    /// those that had.
    pub async fn after_deletion(self: &Arc<Self>, now: Now) {
        if self.forget(now).await {
            let _ = self.make(BY_ITSELF, now).await;
        }
    }

    /// Whether there were any. One that is being made is waited for: it may have what was deleted.
    async fn forget(&self, now: Now) -> bool {
        let _one = self.making.lock().await;
        if !matches!(self.manager.backup_key(), Ok(Some(_))) || self.folder.list(now.unix_millis()).is_empty()
        {
            return false;
        }
        if let Err(error) = self.folder.forget_before(now.unix_millis()) {
            log::error!("backups with what was deleted are still on the box: {error:#}");
        }
        true
    }

    /// Opens it and reads it to its end.
    pub async fn test(self: &Arc<Self>, who: &str, name: &str, now: Now) -> Result<RestoreTest, Refused> {
        let asked = name.to_owned();
        let file = self.blocking(move |it| it.folder.read(&asked).map_err(|error| unknown(&error))).await?;
        let mut test = RestoreTest {
            at: now.unix_millis(),
            name: name.to_owned(),
            accounts: 0,
            settings: 0,
            rooms: 0,
            problem: String::new(),
        };
        match self.try_test(file).await {
            Ok((taken, rooms)) => {
                (test.accounts, test.settings, test.rooms) = (taken.accounts, taken.settings, rooms);
            }
            Err(refused) => test.problem = refused.to_string(),
        }
        let kept = test.clone();
        self.blocking(move |it| it.folder.note_test(&kept).map_err(unavailable)).await?;
        self.note(who, AuditEvent::RestoreTested, name, now).await?;
        Ok(test)
    }

    async fn try_test(self: &Arc<Self>, file: Vec<u8>) -> Result<(Taken, u32), Refused> {
        let scratch = Arc::clone(&self.scratch).lock_owned().await;
        let (taken, rooms) = self
            .blocking(move |it| {
                let key = it.manager.backup_key()?.ok_or_else(|| Refused::conflict("there is no key"))?;
                let (_, contents) = opened(&key, &file)?;
                Ok((Manager::check_export(contents.manager.as_bytes(), &scratch)?, contents.rooms))
            })
            .await?;
        let rooms = self.system()?.check_rooms(rooms.into_bytes()).await.map_err(unavailable)?;
        Ok((taken, rooms))
    }

    /// On a box that is being set up. Rooms first: whoever repeats it after a fault takes the same ones.
    pub async fn restore(
        self: &Arc<Self>,
        who: Who,
        (backup, deletions): (Vec<u8>, Option<Vec<u8>>),
        key: &str,
        now: Now,
    ) -> Result<Restored, Refused> {
        let malformed = || Refused::malformed("key", "a key has 32 letters and digits");
        let key = Key::typed(key).ok_or_else(malformed)?;
        let (asked, opens) = (who.clone(), key.clone());
        let scratch = Arc::clone(&self.scratch).lock_owned().await;
        let (header, contents, deletions, scratch) = self
            .blocking(move |it| {
                it.manager.restores(&asked)?;
                let (header, contents) = opened(&opens, &backup)?;
                let deletions = deletions.map(|file| left(&opens, &file)).transpose()?;
                // Nothing is taken of a backup that cannot be read to its end.
                Manager::check_export(contents.manager.as_bytes(), &scratch)?;
                Ok((header, contents, deletions, scratch))
            })
            .await?;
        let (deletions_made, left) = deletions.unzip();
        if deletions_made.is_some_and(|made| made < header.made) {
            let detail = "the list of deletions is older than the backup: take the newest one";
            return Err(Refused::malformed("deletions", detail));
        }
        let rooms: &[BusRoomLeft] = left.as_ref().map_or(&[], |left| &left.rooms);
        let (rooms, rooms_left_out) = self
            .system()?
            .restore_rooms(contents.rooms.into_bytes(), &contents.host_key, left.is_some(), rooms)
            .await
            .map_err(unavailable)?;
        let subject = format!("{} {}", header.host_name, header.made);
        let taken = self
            .blocking(move |it| {
                let dump = contents.manager.as_bytes();
                it.manager.restore(&who, &subject, (dump, &key), left.as_ref(), &scratch, now)
            })
            .await?;
        Ok(Restored {
            made: header.made,
            deletions: deletions_made,
            version: header.version,
            host_name: header.host_name,
            accounts: taken.accounts,
            accounts_left_out: taken.accounts_left_out,
            rooms,
            rooms_left_out,
            network: taken.network,
        })
    }

    fn system(&self) -> Result<&System, Refused> {
        self.system.as_ref().ok_or_else(|| silent(anyhow::anyhow!("the message bus cannot be reached")))
    }
}

fn opened(key: &Key, file: &[u8]) -> Result<(seal::Header, Contents), Refused> {
    let (header, content) = seal::open(key, file, Kind::Backup).map_err(|fault| about("backup", fault))?;
    let contents = serde_json::from_slice(&content).map_err(|_| seal::Fault::TooNew)?;
    Ok((header, contents))
}

fn left(key: &Key, file: &[u8]) -> Result<(u64, Left), Refused> {
    let opened = seal::open(key, file, Kind::Deletions);
    let (header, content) = opened.map_err(|fault| about("deletions", fault))?;
    let left = serde_json::from_slice(&content).map_err(|_| about("deletions", seal::Fault::TooNew))?;
    Ok((header.made, left))
}

/// A wrong key is the key's fault.
fn about(field: &str, fault: seal::Fault) -> Refused {
    let field = if matches!(fault, seal::Fault::WrongKey(_)) { "key" } else { field };
    Refused::from(fault).in_field(field)
}

fn saved(name: String, bytes: &[u8]) -> SavedFile {
    SavedFile { name, content: STANDARD.encode(bytes) }
}

fn text(dump: Vec<u8>) -> Result<String, Refused> {
    String::from_utf8(dump).map_err(unavailable)
}

fn unknown(error: &anyhow::Error) -> Refused {
    Refused::malformed("name", format!("{error:#}"))
}

fn unavailable(error: impl Into<anyhow::Error>) -> Refused {
    Refused::new(ManagerErrorCode::Unavailable, format!("{:#}", error.into()))
}

fn silent(error: anyhow::Error) -> Refused {
    Refused::new(
        ManagerErrorCode::Unavailable,
        format!("the meeting server does not give its rooms: {error:#}"),
    )
}
