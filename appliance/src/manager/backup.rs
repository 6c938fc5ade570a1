//! Backups: their key, what the store gives to them, and what it takes from them.

use super::area::{Area, Kept};
use super::certificate::Pem;
use super::institution::LogoPart;
use super::mail::MailPassword;
use super::metrics::Reader;
use super::setup::Setup;
use super::{Manager, Now, Refused, acme, allow, name_of, options, text};
use crate::access::account::Account;
use crate::access::sessions::Who;
use crate::audit::Draft;
use crate::backup::contents::Left;
use crate::backup::schedule;
use crate::backup::seal::{Fault, Key};
use plenum_protocol::manager::{
    AcmeSettings, AdminRole, AuditEvent, BackupKey, BackupKeyState, BackupSettings, HostName, Institution,
    MailSettings, ManagerErrorCode, NetworkSettings, SetupStep, SyslogSettings, TimeSettings, UpdateSource,
};
use plenum_store::{Category, Field, Retention, Store, Stored, Transaction};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::Path;

const MAX_KEPT: u8 = 60;
/// What makes this box this one. The audit log stays with the machine, and so does what belongs to its set-up.
pub(super) const BACKED_UP: &[&str] = &[
    Account::TREE,
    Pem::TREE,
    <Kept<Institution>>::TREE,
    LogoPart::TREE,
    <Kept<HostName>>::TREE,
    <Kept<TimeSettings>>::TREE,
    <Kept<NetworkSettings>>::TREE,
    <Kept<UpdateSource>>::TREE,
    <Kept<BackupSettings>>::TREE,
    <Kept<AcmeSettings>>::TREE,
    acme::Binding::TREE,
    acme::Account::TREE,
    acme::Progress::TREE,
    <Kept<MailSettings>>::TREE,
    MailPassword::TREE,
    <Kept<SyslogSettings>>::TREE,
    Reader::TREE,
];

impl Area for BackupSettings {
    const NAME: &'static str = "backup";
    const PURPOSE: &'static str = "says when backups are made";
    const FIELDS: &'static [Field] = &[
        Field::new("revision", "how often it was changed"),
        Field::new("daily_at", "time of the day"),
        Field::new("keep", "how many are kept"),
    ];

    fn revision(&mut self) -> &mut u32 {
        &mut self.revision
    }

    fn check(&mut self) -> Result<(), Refused> {
        text::line("daily_at", &mut self.daily_at, 5)?;
        if !self.daily_at.is_empty() && schedule::daily(&self.daily_at).is_none() {
            return Err(Refused::malformed("daily_at", "a time of the day is written as in 02:00"));
        }
        match (1..=MAX_KEPT).contains(&self.keep) {
            true => Ok(()),
            false => Err(Refused::malformed("keep", format!("between 1 and {MAX_KEPT} are kept"))),
        }
    }
}

/// Empty where there is none.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Keys {
    used: String,
    /// Shown until somebody has noted it.
    waiting: String,
}

impl Stored for Keys {
    type Key = ();
    const TREE: &'static str = "backup_keys";
    const CATEGORY: Category = Category::Credential;
    const PURPOSE: &'static str = "seals backups";
    const RETENTION: Retention = Retention::UntilRemoved("a factory reset");
    const KEY: Field = Field::new("", "there is only one");
    const FIELDS: &'static [Field] =
        &[Field::new("used", "key of the backups"), Field::new("waiting", "key that nobody has noted yet")];
}

impl Keys {
    /// Somebody knows it already.
    pub(super) fn of(key: &Key) -> Keys {
        Keys { used: key.shown(), waiting: String::new() }
    }
}

/// What came of a restore.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    pub accounts: u32,
    pub accounts_left_out: u32,
    pub settings: u32,
    pub network: NetworkSettings,
}

impl Manager {
    fn keys(&self) -> Result<Keys, Refused> {
        Ok(self.store.tree::<Keys>().get(&())?.unwrap_or_default())
    }

    /// The key that seals, if there is one.
    pub fn backup_key(&self) -> Result<Option<Key>, Refused> {
        Ok(Key::typed(&self.keys()?.used))
    }

    pub fn backup_key_state(&self) -> Result<(BackupKeyState, String), Refused> {
        let keys = self.keys()?;
        let number = Key::typed(&keys.used).map(|key| key.number()).unwrap_or_default();
        let state = match (keys.waiting.is_empty(), keys.used.is_empty()) {
            (false, _) => BackupKeyState::Waiting,
            (true, false) => BackupKeyState::Noted,
            (true, true) => BackupKeyState::Missing,
        };
        Ok((state, number))
    }

    pub fn shown_backup_key(&self, who: &Who) -> Result<BackupKey, Refused> {
        allow(who, &[AdminRole::Administrator], true)?;
        Ok(shown(&self.keys()?))
    }

    /// It takes the place of the present one when somebody has noted it.
    pub fn make_backup_key(&self, who: &Who, now: Now) -> Result<BackupKey, Refused> {
        allow(who, &[AdminRole::Administrator], true)?;
        let key = Key::random(self.memory().random());
        let draft = Draft::new(name_of(who), AuditEvent::BackupKeyMade, key.number());
        let keys = self.change(now, draft, move |tx| {
            let keys = Keys { waiting: key.shown(), ..tx.get::<Keys>(&())?.unwrap_or_default() };
            tx.put(&(), &keys)?;
            Ok(keys)
        })?;
        Ok(shown(&keys))
    }

    /// Whoever has noted it knows how it ends.
    pub fn take_backup_key(&self, who: &Who, last_part: &str, now: Now) -> Result<BackupKey, Refused> {
        allow(who, &[AdminRole::Administrator], true)?;
        let waiting = self.keys()?.waiting;
        let Some(key) = Key::typed(&waiting) else {
            return Err(Refused::conflict("there is no key of the backups that waits to be noted"));
        };
        let ending = key.shown();
        let ending = ending.rsplit('-').next().unwrap_or_default();
        if !ending.eq_ignore_ascii_case(last_part.trim()) {
            return Err(Refused::malformed("last_part", "this is not how the key ends"));
        }
        let keys = Keys::of(&key);
        let stored = keys.clone();
        let draft = Draft::new(name_of(who), AuditEvent::BackupKeyTaken, key.number());
        self.change(now, draft, move |tx| Ok(tx.put(&(), &stored)?))?;
        Ok(shown(&keys))
    }

    /// Settings, accounts and certificate, as a dump of the store.
    pub fn export(&self, now: Now) -> Result<Vec<u8>, Refused> {
        Ok(self.store.dump_trees(now.wall, BACKED_UP).wait()?)
    }

    pub fn backup_settings(&self) -> Result<BackupSettings, Refused> {
        self.kept()
    }

    /// Names of the accounts that there are.
    pub fn account_names(&self) -> Result<BTreeSet<String>, Refused> {
        let entries = self.store.tree::<Account>().iter();
        entries.map(|entry| Ok(entry?.key)).collect()
    }

    /// Whether a dump can be read to its end, and what it has. Changes nothing; `scratch` is a folder for a moment.
    pub fn check_export(dump: &[u8], scratch: &Path) -> Result<Taken, Refused> {
        let found = with_dump(dump, scratch, Found::read)?;
        let settings = found.parts.iter().filter(|part| part.is_area && part.records > 0).count() as u32;
        Ok(Taken { accounts: found.accounts.len() as u32, settings, ..Taken::default() })
    }

    /// Takes what a backup has, in the place of what is there. With `left`, accounts that are not in it stay deleted.
    pub fn restore(
        &self,
        who: &Who,
        subject: &str,
        (dump, key): (&[u8], &Key),
        left: Option<&Left>,
        scratch: &Path,
        now: Now,
    ) -> Result<Taken, Refused> {
        self.restores(who)?;
        let found = with_dump(dump, scratch, Found::read)?;
        let mut taken = Taken { network: found.network.0, ..Taken::default() };
        let is_left = |name: &String| left.is_none_or(|left| left.accounts.contains(name));
        let (accounts, gone): (Vec<_>, Vec<_>) =
            found.accounts.into_iter().partition(|(name, _)| is_left(name));
        (taken.accounts, taken.accounts_left_out) = (accounts.len() as u32, gone.len() as u32);
        let (keys, proposed) = (Keys::of(key), taken.network.clone());
        let draft = Draft::new(name_of(who), AuditEvent::Restored, subject);
        let (pems, logo, parts) = (found.pems, found.logo, found.parts);
        self.change(now, draft, move |tx| {
            for (name, account) in &accounts {
                tx.put(name, account)?;
            }
            parts.into_iter().try_for_each(|part| (part.put)(tx))?;
            Pem::replace(tx, &pems)?;
            LogoPart::replace(tx, &logo)?;
            tx.put(&(), &keys)?;
            let steps = [SetupStep::Restore, SetupStep::Time, SetupStep::Name, SetupStep::Institution];
            Setup::mark(tx, &steps)?;
            Setup::propose(tx, &proposed)
        })?;
        self.tell();
        Ok(taken)
    }

    /// Whether this session may restore a backup: on a box that is being set up.
    pub fn restores(&self, who: &Who) -> Result<(), Refused> {
        allow(who, &[], true)?;
        match self.setup_is_open()? {
            true => Ok(()),
            false => Err(Refused::conflict("a backup is restored on a box that is being set up")),
        }
    }
}

fn shown(keys: &Keys) -> BackupKey {
    let waiting = Key::typed(&keys.waiting);
    let number = waiting.clone().or_else(|| Key::typed(&keys.used)).map(|key| key.number());
    BackupKey { key: waiting.map(|key| key.shown()), key_number: number.unwrap_or_default() }
}

/// What a dump has, in memory: the store is written afterwards, in one transaction.
struct Found {
    accounts: Vec<(String, Account)>,
    network: Kept<NetworkSettings>,
    pems: Vec<Pem>,
    logo: Vec<LogoPart>,
    parts: Vec<Part>,
}

/// Records of one type, and how they are stored.
struct Part {
    is_area: bool,
    records: usize,
    put: Box<dyn Put>,
}

/// Stores them.
trait Put: FnOnce(&mut Transaction<'_, '_>) -> Result<(), Refused> + Send {}

impl<F: FnOnce(&mut Transaction<'_, '_>) -> Result<(), Refused> + Send> Put for F {}

impl Found {
    fn read(from: &Store) -> Result<Found, Refused> {
        Ok(Found {
            accounts: all::<Account>(from)?,
            network: from.tree().get(&())?.unwrap_or_default(),
            pems: all::<Pem>(from)?.into_iter().map(|(_, pem)| pem).collect(),
            logo: all::<LogoPart>(from)?.into_iter().map(|(_, part)| part).collect(),
            parts: vec![
                area::<Institution>(from)?,
                area::<HostName>(from)?,
                area::<TimeSettings>(from)?,
                area::<UpdateSource>(from)?,
                area::<BackupSettings>(from)?,
                area::<AcmeSettings>(from)?,
                records::<acme::Binding>(from)?,
                records::<acme::Account>(from)?,
                records::<acme::Progress>(from)?,
                area::<MailSettings>(from)?,
                records::<MailPassword>(from)?,
                area::<SyslogSettings>(from)?,
                records::<Reader>(from)?,
            ],
        })
    }
}

fn area<A: Area>(from: &Store) -> Result<Part, Refused> {
    let found = from.tree::<Kept<A>>().get(&())?;
    let records = usize::from(found.is_some());
    Ok(Part { is_area: true, records, put: Box::new(|tx| found.map_or(Ok(()), |area| area.replace(tx))) })
}

fn records<T: Stored<Key: Send> + Send + 'static>(from: &Store) -> Result<Part, Refused> {
    let found = all::<T>(from)?;
    Ok(Part {
        is_area: false,
        records: found.len(),
        put: Box::new(|tx| found.into_iter().try_for_each(|(key, value)| Ok(tx.put(&key, &value)?))),
    })
}

fn all<T: Stored>(from: &Store) -> Result<Vec<(T::Key, T)>, Refused> {
    from.tree::<T>().iter().map(|entry| entry.map(|it| (it.key, it.value)).map_err(Refused::from)).collect()
}

/// Opens a dump in a place of its own, of this version or an older one.
fn with_dump<R>(
    dump: &[u8],
    scratch: &Path,
    read: impl FnOnce(&Store) -> Result<R, Refused>,
) -> Result<R, Refused> {
    let unreadable = |error: plenum_store::Error| {
        log::error!(error:%; "the backup's settings cannot be read");
        Refused::new(ManagerErrorCode::BackupUnreadable, format!("its settings cannot be read: {error}"))
    };
    let opened = Store::restore(options(scratch).ballast_bytes(0), dump).map_err(unreadable);
    let result = opened.and_then(|store| {
        let result = read(&store);
        store.close().map_err(unreadable)?;
        result
    });
    if let Err(error) = std::fs::remove_dir_all(scratch) {
        log::error!(error:%; "{} stays behind", scratch.display());
    }
    result
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Refused {
        let code = match fault {
            Fault::Foreign(_) | Fault::Damaged => ManagerErrorCode::BackupUnreadable,
            Fault::TooNew => ManagerErrorCode::BackupTooNew,
            Fault::WrongKey(_) => ManagerErrorCode::BackupWrongKey,
        };
        Refused::new(code, fault.to_string())
    }
}
