//! The loop of the daemon: requests, ends of work, and time go into the state machine, and what it answers is
//! done. The record is kept before anything is begun.

pub mod phase;
mod window;
mod work;

use crate::bus::{Asked, Request};
use crate::slots::{BOOT_FAILURE, BootFailure, REPORT, Report};
use crate::sources::https::{Client, join};
use crate::sources::{Proxy, Source};
use crate::staging::{self, Admission};
use crate::status::Status;
use crate::system::System;
use crate::{identity, record};
use anyhow::{Context, Result};
use phase::{Action, Event, Outcome, Phase, Record};
use plenum_protocol::manager::UpdateSource;
use plenum_protocol::settings::UpdateSettings;
use plenum_protocol::update::{PublicKey, Version};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use window::Window;
use work::Message;

/// How often it is looked whether people still meet.
const LOOK: Duration = Duration::from_secs(5);

/// Why a version was left that did not fail.
pub const WENT_BACK: &str = "an administrator went back from it";

pub struct Updater {
    settings: UpdateSettings,
    /// As the settings file has them.
    file: UpdateSettings,
    window: Option<Window>,
    running: Version,
    trusted: Vec<PublicKey>,
    client: Client,
    system: System,
    record: Record,
    /// What `CheckForUpdate` found, and where.
    available: Option<(Version, Available)>,
    /// Whether it looks for one at the moment.
    looking: bool,
    /// A restart that waits.
    wish: Option<Wish>,
    /// What is being done now; `Cancel` ends it.
    work: Option<AbortHandle>,
    messages: (mpsc::Sender<Message>, mpsc::Receiver<Message>),
    status: watch::Sender<Status>,
}

pub enum Available {
    Url(String),
    File(File),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Restart,
    Rollback,
}

impl Updater {
    pub fn new(settings: UpdateSettings, system: System) -> Result<(Updater, watch::Receiver<Status>)> {
        let running = identity::version()?;
        let window = window_of(&settings.restart_window).map_err(anyhow::Error::msg);
        let window = window.context("`update.restart_window`")?;
        let status = Status { version: running.to_string(), ..Status::default() };
        let (status, seen) = watch::channel(status);
        let updater = Updater {
            window,
            trusted: identity::trusted(&settings.trusted_keys)?,
            client: Client::new(&settings.authorities, "", Proxy::default())?,
            record: record::read(&settings.state_dir.join("update.json")).unwrap_or_default(),
            system,
            running,
            file: settings.clone(),
            settings,
            available: None,
            looking: false,
            wish: None,
            work: None,
            messages: mpsc::channel(64),
            status,
        };
        Ok((updater, seen))
    }

    fn record_path(&self) -> PathBuf {
        self.settings.state_dir.join("update.json")
    }

    /// Until `stop` resolves.
    pub async fn run(mut self, mut requests: mpsc::Receiver<Asked>, stop: impl Future<Output = ()>) {
        self.started();
        let mut look = tokio::time::interval(LOOK);
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => return,
                Some((request, answer)) = requests.recv() => {
                    // A caller who has gone does not wait for it.
                    let _ = answer.send(self.ask(request));
                }
                Some(message) = self.messages.1.recv() => self.told(message),
                _ = look.tick(), if self.wish.is_some() => self.consider().await,
            }
        }
    }

    fn started(&mut self) {
        let report: Report = record::read(Path::new(REPORT)).unwrap_or_default();
        let failure: Option<BootFailure> = record::read(Path::new(BOOT_FAILURE));
        let target = match &self.record.phase {
            Phase::ReadyToRestart(it) | Phase::Restarting(it) | Phase::Trying(it) => Some(it.to_string()),
            _ => report.given_up.clone(),
        };
        let reason = failure.filter(|it| Some(&it.version) == target.as_ref()).map(|it| it.reason);
        let bootable = target.is_some_and(|it| report.bootable.contains(&it));
        let given_up = report.given_up.and_then(|it| it.parse().ok());
        self.handle(Event::Started { running: self.running.clone(), bootable, reason, given_up });
        if matches!(self.record.last, Some(Outcome::RolledBack(..))) {
            let _ = std::fs::remove_file(BOOT_FAILURE);
        }
        if matches!(self.record.phase, Phase::Trying(_)) {
            self.wait_for_health();
        }
    }

    /// Keeps the record, then does what follows.
    fn handle(&mut self, event: Event) {
        let mut changed = self.record.clone();
        let mut action = changed.handle(event);
        if changed.last != self.record.last {
            changed.last_at = now();
        }
        if changed != self.record
            && let Err(error) = record::write(&self.record_path(), &changed)
        {
            let reason = format!("the state of the update cannot be kept: {error:#}");
            log::error!("{reason}");
            self.show_reason(reason.clone());
            action = changed.not_kept(action, reason);
            changed.last_at = now();
        }
        if let Some(last) = changed.last.as_ref().filter(|last| Some(*last) != self.record.last.as_ref()) {
            log::info!("the update: {last}");
        }
        self.record = changed;
        self.show();
        if let Some(action) = action {
            self.perform(action);
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            // Begun by `install`, which has the source.
            Action::Download => {}
            Action::Write => self.run_unit("plenum-slot-write.service", Event::Written),
            Action::VerifySlot => self.run_unit("plenum-slot-seal.service", Event::SlotVerified),
            Action::Clean => {
                if let Err(error) = staging::discard(&self.settings.staging_dir) {
                    log::warn!("{error:#}");
                }
            }
            Action::Restart => self.reboot(),
        }
    }

    fn ask(&mut self, request: Request) -> Result<(), String> {
        match request {
            Request::Check { sticks } => {
                self.check(sticks);
                Ok(())
            }
            Request::Install(source) => self.install(source),
            Request::Offer(file) => self.offer(file),
            Request::Cancel => self.cancel(),
            Request::Restart { now } => self.restart(now),
            Request::Rollback { now } => self.roll_back(now),
            Request::Configure(wanted, proxy) => self.configure(&wanted, proxy),
        }
    }

    /// What an administrator has chosen goes before the settings file.
    fn configure(&mut self, wanted: &UpdateSource, proxy: Proxy) -> Result<(), String> {
        let file = &self.file;
        let or =
            |chosen: &str, file: &str| if chosen.is_empty() { file.to_owned() } else { chosen.to_owned() };
        self.settings.source = or(&wanted.source, &file.source);
        if !wanted.channel.is_empty() && !self.settings.source.is_empty() {
            self.settings.source = join(&self.settings.source, &wanted.channel);
        }
        self.settings.restart_window = or(&wanted.restart_window, &file.restart_window);
        self.window = window_of(&self.settings.restart_window)?;
        let client = Client::new(&self.settings.authorities, &wanted.authorities, proxy);
        self.client = client.map_err(|error| format!("{error:#}"))?;
        Ok(())
    }

    fn install(&mut self, source: Option<Source>) -> Result<(), String> {
        if self.record.phase != Phase::Idle {
            return Err(format!("an update is under way ({}): wait for it, or cancel it", self.state()));
        }
        // It would go back to the version that is being written.
        if self.wish.is_some() {
            return Err("a restart is ordered: wait for it, or cancel it".to_owned());
        }
        let source = match source {
            Some(source) => source,
            None => match self.available.take() {
                Some((_, Available::Url(url))) => Source::Url(url),
                Some((_, Available::File(file))) => Source::File(file),
                None => return Err("no update is known: look for one first".to_owned()),
            },
        };
        self.show_reasons(Vec::new());
        self.handle(Event::Install);
        match &self.record.last {
            Some(Outcome::Failed(reason)) if self.record.phase == Phase::Idle => Err(reason.clone()),
            _ => {
                self.download(source);
                Ok(())
            }
        }
    }

    fn cancel(&mut self) -> Result<(), String> {
        if self.wish.take().is_some() {
            self.show();
            return Ok(());
        }
        if self.record.phase != Phase::Downloading {
            return Err(format!("there is nothing that could be cancelled ({})", self.state()));
        }
        if let Some(work) = self.work.take() {
            work.abort();
        }
        self.handle(Event::Failed("it was cancelled".to_owned()));
        Ok(())
    }

    fn restart(&mut self, now: bool) -> Result<(), String> {
        let Phase::ReadyToRestart(_) = self.record.phase else {
            return Err(format!("no new version is ready ({})", self.state()));
        };
        if now {
            self.handle(Event::Restart);
        } else {
            self.wish = Some(Wish::Restart);
            self.show();
        }
        Ok(())
    }

    fn roll_back(&mut self, now: bool) -> Result<(), String> {
        if self.record.phase != Phase::Idle {
            return Err(format!("an update is under way ({}): the other slot is its", self.state()));
        }
        if now {
            self.go_back();
        } else {
            self.wish = Some(Wish::Rollback);
            self.show();
        }
        Ok(())
    }

    /// Whether what waits may happen now.
    async fn consider(&mut self) {
        let Some(wish) = self.wish else { return };
        let reason = match self.window {
            Some(window) if window.is_open(now()) => None,
            Some(_) => Some(format!("it waits for the window {}", self.settings.restart_window)),
            None => match self.system.people().await {
                Ok(0) => None,
                Ok(people) => Some(format!("it waits until nobody meets: {people} people are in meetings")),
                // Whether somebody meets is not known.
                Err(error) => Some(format!("it waits: {error:#}")),
            },
        };
        match reason {
            Some(reason) => self.show_reasons(vec![reason]),
            None => {
                self.wish = None;
                // If it is refused, nothing waits any more.
                self.show();
                match wish {
                    Wish::Restart => self.handle(Event::Restart),
                    Wish::Rollback if self.record.phase == Phase::Idle => self.go_back(),
                    Wish::Rollback => {}
                }
            }
        }
    }

    fn told(&mut self, message: Message) {
        match message {
            Message::Event(event) => {
                if let Event::Failed(reason) = &event {
                    log::error!("the update failed: {reason}");
                }
                self.handle(event);
            }
            Message::Progress(progress) => {
                self.status.send_modify(|status| status.progress = progress);
            }
            Message::Found(version, available) => {
                if version > self.running {
                    self.available = Some((version, available));
                }
                self.show();
            }
            Message::Looked => {
                self.looking = false;
                self.show();
            }
            Message::Problem(reason) => {
                log::warn!("{reason}");
                self.show_reason(reason);
            }
            Message::WentBack => {
                let reason = WENT_BACK.to_owned();
                self.record.rejected.push((self.running.clone(), reason.clone()));
                self.record.last = Some(Outcome::RolledBack(self.running.clone(), reason));
                self.record.last_at = now();
                if let Err(error) = record::write(&self.record_path(), &self.record) {
                    log::error!("{error:#}");
                }
                self.reboot();
            }
        }
    }

    fn admission(&self) -> Admission {
        Admission {
            running: self.running.clone(),
            rejected: self.record.rejected.clone(),
            trusted: self.trusted.clone(),
        }
    }

    fn state(&self) -> String {
        self.status.borrow().state.clone()
    }

    fn show(&self) {
        self.status.send_modify(|status| {
            status.show(&self.record);
            if self.wish.is_some() {
                status.state = "waiting".to_owned();
            } else if self.looking && self.record.phase == Phase::Idle {
                status.state = "checking".to_owned();
            } else if status.state != "downloading" {
                status.progress = (0, 0);
            }
            let available = self.available.as_ref();
            status.available = available.map(|(version, _)| version.to_string()).unwrap_or_default();
        });
    }

    fn show_reasons(&self, reasons: Vec<String>) {
        self.status.send_modify(|status| status.reasons = reasons);
    }

    fn show_reason(&self, reason: String) {
        self.status.send_modify(|status| status.reasons.push(reason));
    }
}

fn window_of(text: &str) -> Result<Option<Window>, String> {
    (!text.is_empty()).then(|| text.parse()).transpose()
}

/// Whether this is a window, and if not, what one looks like.
pub fn check_window(text: &str) -> Result<(), String> {
    text.parse::<Window>().map(drop)
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
