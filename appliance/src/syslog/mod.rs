//! Sends the operations logs, and the audit log if an auditor has agreed, to a server of the institution, over TLS
//! (RFC 5425). What the box still has is not lost while the server cannot be reached: sending goes on behind the last
//! line and the last entry that were handed over.

mod message;

use crate::audit::Numbered;
use crate::certificate;
use crate::journal::{self, Entry};
use crate::manager::{Desired, Refused};
use anyhow::{Context, Result};
use plenum_daemon::durable;
use plenum_protocol::manager::{LogLine, SyslogSettings, SyslogState};
use rustls::pki_types::ServerName;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, interval, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const LIMIT: Duration = Duration::from_secs(20);
const AGAIN: Duration = Duration::from_secs(30);
/// A power cut repeats at most so much.
const KEEP_EVERY: Duration = Duration::from_secs(10);
const LOOK_FOR_ENTRIES_EVERY: Duration = Duration::from_secs(2);
/// Entries of the audit log that are read at once.
const ENTRIES: usize = 100;

type Tls = TlsStream<TcpStream>;
/// Begins to read the journal behind a place in it, or with what comes next.
type Follow = dyn Fn(Option<&str>) -> Result<mpsc::Receiver<Entry>> + Send + Sync;

/// Reads entries of the audit log: so many at the most, behind this one.
pub type Trail = dyn Fn(u64, usize) -> Result<Vec<Numbered>, Refused> + Send + Sync;

pub struct Syslog {
    follow: Box<Follow>,
    places: Places,
    state: watch::Sender<SyslogState>,
}

/// Where it goes on.
struct Places {
    /// Holds the place of the last line that was sent.
    journal: PathBuf,
    /// Holds the number of the last entry of the audit log that was sent.
    audit: PathBuf,
}

/// What is to be sent, and to whom.
#[derive(Clone, PartialEq, Eq)]
struct Order {
    settings: SyslogSettings,
    host_name: String,
    audit: bool,
}

impl Order {
    fn of(desired: &Desired) -> Order {
        let (settings, host_name) = (desired.syslog.clone(), desired.name().to_owned());
        Order { settings, host_name, audit: desired.forward_audit }
    }
}

impl Syslog {
    /// In `folder` it keeps where it goes on.
    pub fn new(folder: &Path) -> (Syslog, watch::Receiver<SyslogState>) {
        Syslog::of(folder, journal::follow)
    }

    pub fn of(
        folder: &Path,
        follow: impl Fn(Option<&str>) -> Result<mpsc::Receiver<Entry>> + Send + Sync + 'static,
    ) -> (Syslog, watch::Receiver<SyslogState>) {
        let (state, seen) = watch::channel(SyslogState::default());
        let places = Places { journal: folder.join("syslog.place"), audit: folder.join("audit.place") };
        (Syslog { follow: Box::new(follow), places, state }, seen)
    }

    /// Until nobody can change the settings any more.
    pub async fn keep(self, mut desired: watch::Receiver<Desired>, trail: Box<Trail>) {
        loop {
            let order = Order::of(&desired.borrow_and_update());
            self.state.send_modify(|state| state.enabled = !order.settings.server.is_empty());
            let other = |desired: &Desired| Order::of(desired) != order;
            let ended = tokio::select! {
                changed = desired.wait_for(other) => match changed {
                    Ok(_) => None,
                    Err(_) => return,
                },
                error = self.send(&order, &*trail) => Some(error),
            };
            let problem = ended.map(|error| format!("{error:#}")).unwrap_or_default();
            self.state.send_modify(|state| state.connected = false);
            let Some(problem) = Some(problem).filter(|problem| !problem.is_empty()) else { continue };
            self.failed(problem);
            tokio::select! {
                changed = desired.wait_for(other) => if changed.is_err() { return },
                () = tokio::time::sleep(AGAIN) => {}
            }
        }
    }

    fn failed(&self, problem: String) {
        self.state.send_modify(|state| {
            if state.problem != problem {
                log::warn!("the logs are not sent to the server: {problem}");
            }
            state.problem = problem;
        });
    }

    /// Ends with what went wrong; without a server it does not end.
    async fn send(&self, order: &Order, trail: &Trail) -> anyhow::Error {
        if !order.audit {
            // Whoever gets it next gets all of it.
            let _ = std::fs::remove_file(&self.places.audit);
        }
        if order.settings.server.is_empty() {
            self.state.send_modify(|state| state.problem = String::new());
            // What is logged until there is a server again is not for it.
            let _ = std::fs::remove_file(&self.places.journal);
            std::future::pending::<()>().await;
        }
        match self.try_send(order, trail).await {
            Ok(()) => anyhow::anyhow!("the journal has ended"),
            Err(error) => error,
        }
    }

    async fn try_send(&self, order: &Order, trail: &Trail) -> Result<()> {
        let (mut from, mut to) = split(connect(&order.settings).await?);
        let mut sent = Sent::read(&self.places);
        let mut lines = (self.follow)(sent.place.as_deref())?;
        self.state.send_modify(|state| (state.connected, state.problem) = (true, String::new()));
        let (mut kept, mut look) = (Instant::now(), interval(LOOK_FOR_ENTRIES_EVERY));
        loop {
            tokio::select! {
                line = lines.recv() => {
                    let Some(Entry { place, line }) = line else { return Ok(()) };
                    self.line(line, &order.host_name, &mut to).await?;
                    (sent.place, sent.changed) = (Some(place), true);
                }
                _ = look.tick(), if order.audit => {
                    self.entries(&mut sent, trail, &order.host_name, &mut to).await?;
                }
                error = closed(&mut from) => return Err(error),
            }
            if kept.elapsed() >= KEEP_EVERY {
                kept = Instant::now();
                sent.keep();
            }
        }
    }

    async fn line(&self, line: Option<LogLine>, host_name: &str, to: &mut WriteHalf<Tls>) -> Result<()> {
        if let Some(line) = line {
            write(to, &message::line(&line, host_name)).await?;
        }
        self.state.send_modify(|state| state.sent += 1);
        Ok(())
    }

    /// What the audit log has behind the last entry.
    async fn entries(
        &self,
        sent: &mut Sent<'_>,
        trail: &Trail,
        host_name: &str,
        to: &mut WriteHalf<Tls>,
    ) -> Result<()> {
        for entry in trail(sent.entry, ENTRIES).context("the audit log cannot be read")? {
            write(to, &message::entry(&entry, host_name)?).await?;
            (sent.entry, sent.changed) = (entry.number, true);
            self.state.send_modify(|state| state.sent += 1);
        }
        Ok(())
    }
}

/// How far it has come; kept at the end, also where other settings end it.
struct Sent<'a> {
    files: &'a Places,
    place: Option<String>,
    entry: u64,
    /// Since it was kept.
    changed: bool,
}

impl Sent<'_> {
    fn read(files: &Places) -> Sent<'_> {
        let read = |path: &Path| std::fs::read_to_string(path).ok();
        let entry = read(&files.audit).and_then(|text| text.parse().ok()).unwrap_or_default();
        Sent { files, place: read(&files.journal), entry, changed: false }
    }

    fn keep(&mut self) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        let Places { journal, audit } = self.files;
        let place = self.place.as_ref().map(|place| durable::replace(journal, place.as_bytes(), 0o600));
        let number = self.entry.to_string();
        let entry = (self.entry > 0).then(|| durable::replace(audit, number.as_bytes(), 0o600));
        for error in [place, entry].into_iter().flatten().filter_map(|kept| kept.err()) {
            log::warn!(error:%; "after a restart some lines are sent to the syslog server again");
        }
    }
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        self.keep();
    }
}

async fn connect(settings: &SyslogSettings) -> Result<Tls> {
    let SyslogSettings { server, port, authorities, .. } = settings;
    let stream = timeout(LIMIT, TcpStream::connect((server.as_str(), *port))).await.context("no answer");
    let stream = stream.and_then(|it| Ok(it?)).with_context(|| format!("{server} port {port}"))?;
    let name = ServerName::try_from(server.clone()).context("the server is no name and no address")?;
    let connector =
        TlsConnector::from(Arc::new(certificate::trusting(certificate::authorities(authorities))?));
    let tls = timeout(LIMIT, connector.connect(name, stream)).await.context("no answer to TLS")?;
    tls.with_context(|| format!("{server} could not prove who it is"))
}

async fn write(to: &mut WriteHalf<Tls>, frame: &[u8]) -> Result<()> {
    let written = async {
        to.write_all(frame).await?;
        to.flush().await
    };
    timeout(LIMIT, written).await.context("the server takes nothing")?.context("the connection broke")
}

/// A syslog server says nothing: whatever comes is the end.
async fn closed(from: &mut ReadHalf<Tls>) -> anyhow::Error {
    let mut buffer = [0; 256];
    loop {
        match from.read(&mut buffer).await {
            Ok(0) => return anyhow::anyhow!("the server has closed the connection"),
            Ok(_) => {}
            Err(error) => return anyhow::Error::from(error).context("the connection broke"),
        }
    }
}
