//! Set-up and administration of the box: what the JSON API ([`crate::api`]) may ask, decided here. Every change
//! and its audit entry are one transaction.
//!
//! Calls block, for the store and for hashing passwords.

mod accounts;
mod acme;
mod area;
mod areas;
mod auditors;
mod backup;
mod certificate;
mod door;
mod history;
mod institution;
mod mail;
mod metrics;
mod network;
mod orders;
mod provision;
mod refused;
pub mod rooms;
mod second_factor;
mod setup;
mod summary;
#[cfg(test)]
mod tests;
mod text;

pub use acme::Account as AcmeAccount;
pub(crate) use acme::Typed as AcmeTyped;
pub use area::Area;
pub use backup::Taken;
pub use institution::Logo;
pub(crate) use mail::Typed as MailTyped;
pub use network::CONFIRM_WITHIN;
pub use orders::{administers, sets_up};
pub use refused::Refused;

use crate::access::account::Account;
use crate::access::sessions::{Current, Sessions, Who};
use crate::audit::{self, Draft};
use crate::host::DEFAULT_NAME;
use crate::sources::Proxy;
use acme::Asking;
use area::Kept;
use auditors::Forwarding;
use backup::Keys;
use certificate::{Pem, Waiting};
use history::{Minute, Quarter};
use institution::LogoPart;
use mail::{MailPassword, Told};
use metrics::Reader;
use network::Trial;
use plenum_daemon::bucket::Bucket;
use plenum_daemon::throttle::{AddressKeys, Guesses, Throttle};
use plenum_protocol::manager::{
    AcmeSettings, AdminRole, BackupSettings, HostName, Institution, MailSettings, NetworkSettings,
    SessionInfo, SignedIn, SyslogSettings, TimeSettings, UpdateSource,
};
use plenum_store::{Declaration, Options, Store, Transaction};
use provision::Offered;
use setup::Setup;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// Version of the stored types' shapes.
const SCHEMA: u16 = 1;
/// Wrong setup codes, passwords and second factors (AU6).
const GUESSES: Guesses = Guesses { burst: 10, per_minute: 2, everybody_burst: 60, everybody_per_minute: 20 };

/// Provides random bytes.
pub type Entropy = Box<dyn FnMut(&mut [u8]) + Send>;

/// When a call is made.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    pub wall: SystemTime,
    /// Since the start of the daemon.
    pub mono: Duration,
}

impl Now {
    pub fn unix_millis(self) -> u64 {
        self.since_1970().as_millis() as u64
    }

    pub(crate) fn unix_seconds(self) -> u64 {
        self.since_1970().as_secs()
    }

    fn since_1970(self) -> Duration {
        self.wall.duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

pub struct Manager {
    store: Store,
    memory: Mutex<Memory>,
    /// Where the display finds the setup code.
    code_file: PathBuf,
    /// Held while a secret is looked at.
    guessing: Mutex<()>,
    /// Held while it is read what the machine is to be like: what is told last has been read last. Also while a trial of
    /// network settings begins or ends.
    telling: Mutex<()>,
    desired: watch::Sender<Desired>,
}

/// What the machine is to be like, whoever makes it so ([`crate::host`]).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Desired {
    pub network: NetworkSettings,
    /// Fully qualified; empty where nobody has said one.
    pub host_name: String,
    /// For the pages' own certificate. Empty during the set-up: a browser that has just accepted the certificate
    /// would have to accept another one in the middle of it.
    pub page_name: String,
    pub time_servers: Vec<String>,
    pub update: UpdateSource,
    /// For what the box asks of others.
    pub proxy: Proxy,
    pub syslog: SyslogSettings,
    /// Whether the audit log goes to that server, too.
    pub forward_audit: bool,
    /// Key and chain of the pages in PEM; `None`: they make their own.
    pub certificate: Option<String>,
    /// Key and certificate that prove to an ACME directory whose name this is, while it looks.
    pub proof: Option<String>,
}

impl Desired {
    /// As the box is called where nobody has said a name.
    pub fn name(&self) -> &str {
        if self.host_name.is_empty() { DEFAULT_NAME } else { &self.host_name }
    }
}

/// What a restart of the daemon forgets.
struct Memory {
    sessions: Sessions,
    throttle: Throttle,
    addresses: AddressKeys,
    /// Wrong attempts in the audit log.
    noted: Bucket,
    fill: Entropy,
    trial: Option<Trial>,
    offered: Option<Offered>,
    acme: Asking,
}

/// Everything that is stored here, for the register of processing activities.
pub fn stored_types() -> Vec<Declaration> {
    vec![
        Declaration::of::<Account>(),
        Declaration::of::<audit::Entry>(),
        Declaration::of::<audit::Head>(),
        Declaration::of::<audit::Signer>(),
        Declaration::of::<Forwarding>(),
        Declaration::of::<Setup>(),
        Declaration::of::<Kept<Institution>>(),
        Declaration::of::<LogoPart>(),
        Declaration::of::<Kept<HostName>>(),
        Declaration::of::<Kept<TimeSettings>>(),
        Declaration::of::<Kept<NetworkSettings>>(),
        Declaration::of::<Kept<UpdateSource>>(),
        Declaration::of::<Kept<BackupSettings>>(),
        Declaration::of::<Keys>(),
        Declaration::of::<Kept<AcmeSettings>>(),
        Declaration::of::<acme::Binding>(),
        Declaration::of::<acme::Account>(),
        Declaration::of::<acme::Progress>(),
        Declaration::of::<Kept<MailSettings>>(),
        Declaration::of::<Kept<SyslogSettings>>(),
        Declaration::of::<MailPassword>(),
        Declaration::of::<Told>(),
        Declaration::of::<Minute>(),
        Declaration::of::<Quarter>(),
        Declaration::of::<Reader>(),
        Declaration::of::<Pem>(),
        Declaration::of::<Waiting>(),
    ]
}

/// The store of the manager in `directory`.
pub fn options(directory: &Path) -> Options {
    Options::new(directory, SCHEMA)
        .tree::<Account>()
        .tree::<audit::Entry>()
        .tree::<audit::Head>()
        .tree::<audit::Signer>()
        .tree::<Forwarding>()
        .tree::<Setup>()
        .tree::<Kept<Institution>>()
        .tree::<LogoPart>()
        .tree::<Kept<HostName>>()
        .tree::<Kept<TimeSettings>>()
        .tree::<Kept<NetworkSettings>>()
        .tree::<Kept<UpdateSource>>()
        .tree::<Kept<BackupSettings>>()
        .tree::<Keys>()
        .tree::<Kept<AcmeSettings>>()
        .tree::<acme::Binding>()
        .tree::<acme::Account>()
        .tree::<acme::Progress>()
        .tree::<Kept<MailSettings>>()
        .tree::<Kept<SyslogSettings>>()
        .tree::<MailPassword>()
        .tree::<Told>()
        .tree::<Minute>()
        .tree::<Quarter>()
        .tree::<Reader>()
        .tree::<Pem>()
        .tree::<Waiting>()
}

impl Manager {
    pub fn new(store: Store, code_file: &Path, mut fill: Entropy, now: Now) -> Result<Manager, Refused> {
        let addresses = AddressKeys::new(&mut *fill);
        let throttle = Throttle::new(GUESSES);
        let noted = Bucket::default();
        let memory = Memory {
            sessions: Sessions::default(),
            throttle,
            addresses,
            noted,
            fill,
            trial: None,
            offered: None,
            acme: Asking::default(),
        };
        let (memory, guessing) = (Mutex::new(memory), Mutex::new(()));
        let code_file = code_file.to_owned();
        let desired = watch::Sender::new(Desired::default());
        let telling = Mutex::new(());
        let manager = Manager { store, memory, code_file, guessing, telling, desired };
        manager.begin_setup(now)?;
        manager.desired.send_replace(manager.desire()?);
        Ok(manager)
    }

    /// What the machine is to be like, now and after each change.
    pub fn desired(&self) -> watch::Receiver<Desired> {
        self.desired.subscribe()
    }

    /// Fully qualified; empty where nobody has said one.
    pub fn host_name(&self) -> Result<String, Refused> {
        Ok(self.kept::<HostName>()?.host_name)
    }

    /// As the box is called where nobody has said a name.
    pub fn name(&self) -> Result<String, Refused> {
        Ok(Some(self.host_name()?).filter(|name| !name.is_empty()).unwrap_or_else(|| DEFAULT_NAME.to_owned()))
    }

    /// Random bytes.
    pub fn random(&self, bytes: &mut [u8]) {
        (self.memory().random())(bytes);
    }

    fn desire(&self) -> Result<Desired, Refused> {
        self.desire_with(self.tried())
    }

    /// Network settings that nobody has confirmed yet.
    fn tried(&self) -> Option<NetworkSettings> {
        self.memory().trial.as_ref().map(|trial| trial.settings().clone())
    }

    fn desire_with(&self, tried: Option<NetworkSettings>) -> Result<Desired, Refused> {
        let host_name = self.host_name()?;
        let network = tried.map_or_else(|| self.kept(), Ok)?;
        Ok(Desired {
            proxy: Proxy::of(&network),
            network,
            page_name: if self.setup_is_open()? { String::new() } else { host_name.clone() },
            host_name,
            time_servers: self.kept::<TimeSettings>()?.servers,
            update: self.kept()?,
            forward_audit: self.audit_is_forwarded()?,
            syslog: self.kept()?,
            certificate: self.served()?,
            proof: self.shown_proof(),
        })
    }

    /// After a change has been stored. What cannot be read now stays as it was until the next change.
    fn tell(&self) {
        let _last = self.telling();
        match self.desire() {
            Ok(desired) => drop(self.desired.send_replace(desired)),
            Err(error) => log::error!(error:%; "the machine is not told of a change"),
        }
    }

    /// The session of a cookie; `attended`: a person asks, and not a page that refreshes itself.
    pub fn current(&self, token: Option<&str>, attended: bool, now: Now) -> Option<Current> {
        self.memory().sessions.current(token?, attended, now.mono)
    }

    pub fn info(&self, current: Option<&Current>) -> Result<SessionInfo, Refused> {
        let account = match current.map(|current| &current.who) {
            Some(Who::Account { name, role }) => {
                let recovery_codes_left = self.recovery_codes_left(name)?;
                Some(SignedIn { name: name.clone(), role: *role, recovery_codes_left })
            }
            Some(Who::Setup) | None => None,
        };
        Ok(SessionInfo {
            setup_open: self.setup_is_open()?,
            has_administrator: self.administrators()? > 0,
            in_setup: current.is_some_and(|current| current.who == Who::Setup),
            steps_done: self.steps_done()?,
            account,
            csrf_token: current.map(|current| current.csrf.expose().to_owned()),
            idle_seconds_left: current.map(|current| current.idle_left.as_secs() as u32),
            seconds_left: current.map(|current| current.left.as_secs() as u32),
        })
    }

    /// When the last entry of the audit log was made, in milliseconds since 1970.
    pub fn last_noted(&self) -> Result<Option<u64>, Refused> {
        let Some(head) = self.store.tree::<audit::Head>().get(&())? else { return Ok(None) };
        Ok(self.store.tree::<audit::Entry>().get(&head.number)?.map(|entry| entry.at))
    }

    /// Deletes what has reached the end of its retention, and logs how much it was (DM5).
    pub fn expire(&self, now: Now) {
        self.store.expire(now.wall).on_done(|result| match result {
            Ok(expired) if expired.total() > 0 => {
                log::info!(records = expired.total(); "expired records deleted");
            }
            Ok(_) => {}
            Err(error) => log::error!(error:%; "expired records could not be deleted"),
        });
    }

    fn telling(&self) -> MutexGuard<'_, ()> {
        self.telling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Every call leaves it whole.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does `work` and adds the entry about it, both or neither.
    fn change<R: Send + 'static>(
        &self,
        now: Now,
        draft: Draft,
        work: impl FnOnce(&mut Transaction<'_, '_>) -> Result<R, Refused> + Send + 'static,
    ) -> Result<R, Refused> {
        let done = self.store.transaction(now.wall, move |tx| {
            let result = work(tx)?;
            audit::add(tx, draft, now.wall)?;
            Ok::<R, Refused>(result)
        });
        done.wait()
    }
}

/// Calls of the manager block: on a thread of their own they keep nobody waiting.
pub(crate) async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, Refused> + Send + 'static,
) -> Result<R, Refused> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Refused::mistake(&error)))
}

impl Memory {
    fn random(&mut self) -> &mut dyn FnMut(&mut [u8]) {
        &mut *self.fill
    }
}

/// Whether this session may do what these roles may, and the set-up too if `setup` says so.
fn allow(who: &Who, roles: &[AdminRole], setup: bool) -> Result<(), Refused> {
    let allowed = match who {
        Who::Setup => setup,
        Who::Account { role, .. } => roles.contains(role),
    };
    allowed.then_some(()).ok_or_else(Refused::not_allowed)
}

/// For the audit log.
pub(crate) fn name_of(who: &Who) -> String {
    match who {
        Who::Setup => "setup".to_owned(),
        Who::Account { name, .. } => name.clone(),
    }
}
