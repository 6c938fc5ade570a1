//! Sends the operations logs to a server of the institution, over TLS (RFC 5425). What the journal still has is not
//! lost while the server cannot be reached: sending goes on behind the last line that was handed over.

mod message;

use crate::certificate;
use crate::journal::{self, Entry};
use crate::manager::Desired;
use anyhow::{Context, Result};
use plenum_daemon::durable;
use plenum_protocol::manager::{SyslogSettings, SyslogState};
use rustls::pki_types::ServerName;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const LIMIT: Duration = Duration::from_secs(20);
const AGAIN: Duration = Duration::from_secs(30);
/// A power cut repeats at most so much.
const KEEP_EVERY: Duration = Duration::from_secs(10);

type Tls = TlsStream<TcpStream>;
/// Begins to read the journal behind a place in it, or with what comes next.
type Follow = dyn Fn(Option<&str>) -> Result<mpsc::Receiver<Entry>> + Send + Sync;

pub struct Syslog {
    follow: Box<Follow>,
    /// Holds the place of the last line that was sent.
    place_file: PathBuf,
    state: watch::Sender<SyslogState>,
}

impl Syslog {
    pub fn new(place_file: PathBuf) -> (Syslog, watch::Receiver<SyslogState>) {
        Syslog::of(place_file, journal::follow)
    }

    pub fn of(
        place_file: PathBuf,
        follow: impl Fn(Option<&str>) -> Result<mpsc::Receiver<Entry>> + Send + Sync + 'static,
    ) -> (Syslog, watch::Receiver<SyslogState>) {
        let (state, seen) = watch::channel(SyslogState::default());
        (Syslog { follow: Box::new(follow), place_file, state }, seen)
    }

    /// Until nobody can change the settings any more.
    pub async fn keep(self, mut desired: watch::Receiver<Desired>) {
        loop {
            let (settings, host_name) = {
                let desired = desired.borrow_and_update();
                (desired.syslog.clone(), desired.name().to_owned())
            };
            self.state.send_modify(|state| state.enabled = !settings.server.is_empty());
            let other = |desired: &Desired| desired.syslog != settings || desired.name() != host_name;
            let ended = tokio::select! {
                changed = desired.wait_for(other) => match changed {
                    Ok(_) => None,
                    Err(_) => return,
                },
                error = self.send(&settings, &host_name) => Some(error),
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
    async fn send(&self, settings: &SyslogSettings, host_name: &str) -> anyhow::Error {
        if settings.server.is_empty() {
            self.state.send_modify(|state| state.problem = String::new());
            // What is logged until there is a server again is not for it.
            let _ = std::fs::remove_file(&self.place_file);
            std::future::pending::<()>().await;
        }
        match self.try_send(settings, host_name).await {
            Ok(()) => anyhow::anyhow!("the journal has ended"),
            Err(error) => error,
        }
    }

    async fn try_send(&self, settings: &SyslogSettings, host_name: &str) -> Result<()> {
        let (mut from, mut to) = split(connect(settings).await?);
        let mut place = std::fs::read_to_string(&self.place_file).ok();
        let mut entries = (self.follow)(place.as_deref())?;
        self.state.send_modify(|state| (state.connected, state.problem) = (true, String::new()));
        let mut kept = Instant::now();
        let sent = loop {
            let entry = tokio::select! {
                entry = entries.recv() => entry,
                error = closed(&mut from) => break Err(error),
            };
            let Some(Entry { place: at, line }) = entry else { break Ok(()) };
            if let Some(line) = line
                && let Err(error) = write(&mut to, &message::frame(&line, host_name)).await
            {
                break Err(error);
            }
            self.state.send_modify(|state| state.sent += 1);
            place = Some(at);
            if kept.elapsed() >= KEEP_EVERY {
                kept = Instant::now();
                self.keep_place(place.as_deref());
            }
        };
        self.keep_place(place.as_deref());
        sent
    }

    fn keep_place(&self, place: Option<&str>) {
        let Some(place) = place else { return };
        if let Err(error) = durable::replace(&self.place_file, place.as_bytes(), 0o600) {
            log::warn!(error:%; "after a restart some lines are sent to the syslog server again");
        }
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
