//! Makes the machine what the settings say: network, name, time, and what `web` shows. What fails is tried again,
//! and its reason is shown until it holds.

mod bus;
mod network;
mod ports;

pub use ports::ports;

use crate::bus::{Asked, Request};
use crate::manager::Desired;
use crate::sources::Proxy;
use anyhow::{Context, Result};
use plenum_daemon::durable;
use plenum_protocol::manager::{SettingsArea, UpdateSource};
use plenum_protocol::settings::ApplianceSettings;
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use zbus::Connection;

const AGAIN: Duration = Duration::from_secs(20);
/// What a box is called that nobody has given a name.
pub const DEFAULT_NAME: &str = "plenum";
/// In the folder that `web` looks into.
const CERTIFICATE: &str = "server.pem";
const PROOF: &str = "acme-tls.pem";
const NAMES: &str = "names";
/// `web` is of the folder's group, which the file gets too.
const PRIVATE: u32 = 0o640;

/// Why a part of the machine is not what the settings say, in plain words.
pub type Problems = BTreeMap<SettingsArea, String>;

pub struct Host {
    /// Missing on a machine that is no appliance: it is left alone.
    bus: Option<Connection>,
    /// Missing where there is no image to update.
    pub updates: Option<mpsc::Sender<Asked>>,
    network_dir: PathBuf,
    web_dir: PathBuf,
    public_addresses_file: PathBuf,
    /// What holds: at first, what the image brings along.
    done: Desired,
    /// networkd has not yet read the files as they are: that they are right already says nothing of it.
    reload_due: bool,
    problems: watch::Sender<Problems>,
}

impl Host {
    pub fn new(settings: &ApplianceSettings, bus: Option<Connection>) -> (Host, watch::Receiver<Problems>) {
        let (problems, seen) = watch::channel(Problems::new());
        let host = Host {
            bus,
            updates: None,
            network_dir: settings.network_dir.clone(),
            web_dir: settings.web_dir.clone(),
            public_addresses_file: settings.public_addresses_file.clone(),
            done: Desired::default(),
            reload_due: true,
            problems,
        };
        (host, seen)
    }

    /// Until nobody can change the settings any more.
    pub async fn keep(mut self, mut desired: watch::Receiver<Desired>) {
        loop {
            let wanted = desired.borrow_and_update().clone();
            let problems = self.make(&wanted).await;
            self.problems.send_if_modified(|shown| {
                let changed = *shown != problems;
                problems.values().filter(|_| changed).for_each(|problem| log::error!("{problem}"));
                *shown = problems;
                changed
            });
            let again = !self.problems.borrow().is_empty();
            tokio::select! {
                changed = desired.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(AGAIN), if again => {}
            }
        }
    }

    async fn make(&mut self, wanted: &Desired) -> Problems {
        let mut problems = Problems::new();
        let mut done = self.done.clone();
        let mut note = |part, result: Result<()>| match result {
            Ok(()) => true,
            Err(error) => {
                problems.insert(part, format!("{error:#}"));
                false
            }
        };
        let network = self.network(wanted).await;
        if note(SettingsArea::Network, network.and(self.public_addresses(wanted))) {
            done.network = wanted.network.clone();
        }
        let name = (wanted.host_name != done.host_name).then_some(wanted.host_name.as_str());
        if note(SettingsArea::HostName, self.host_name(name).await) {
            done.host_name = wanted.host_name.clone();
        }
        let servers = (wanted.time_servers != done.time_servers).then_some(wanted.time_servers.as_slice());
        if note(SettingsArea::Time, self.time(servers).await) {
            done.time_servers = wanted.time_servers.clone();
        }
        let update = |desired: &Desired| (desired.update.clone(), desired.proxy.clone());
        let source = Some(update(wanted)).filter(|wanted| *wanted != update(&done));
        if note(SettingsArea::Updates, self.update(source).await) {
            (done.update, done.proxy) = update(wanted);
        }
        note(SettingsArea::Pages, self.pages(wanted));
        self.done = done;
        problems
    }

    async fn network(&mut self, wanted: &Desired) -> Result<()> {
        let Some(bus) = &self.bus else { return Ok(()) };
        let written = network::write(&self.network_dir, &wanted.network);
        self.reload_due |= !matches!(written, Ok(false));
        written.context("the network cannot be set")?;
        if self.reload_due {
            let networkd = bus::NetworkProxy::new(bus).await?;
            networkd.reload().await.context("systemd-networkd did not take up the network's settings")?;
            self.reload_due = false;
            log::info!("the network's settings were taken up");
        }
        Ok(())
    }

    /// For the media server.
    fn public_addresses(&self, wanted: &Desired) -> Result<()> {
        let addresses = &wanted.network.public_addresses;
        let lines: String = addresses.iter().map(|address| format!("{address}\n")).collect();
        put(&self.public_addresses_file, &lines, 0o644)
            .context("the media server cannot be told the public addresses")
    }

    async fn host_name(&self, name: Option<&str>) -> Result<()> {
        let (Some(bus), Some(name)) = (&self.bus, name) else { return Ok(()) };
        let name = if name.is_empty() { DEFAULT_NAME } else { name };
        let hostnamed = bus::HostNameProxy::new(bus).await?;
        hostnamed.set_hostname(name, false).await.context("systemd-hostnamed did not take the host name")
    }

    async fn time(&self, servers: Option<&[String]>) -> Result<()> {
        let (Some(bus), Some(servers)) = (&self.bus, servers) else { return Ok(()) };
        let timesyncd = bus::TimeSyncProxy::new(bus).await?;
        let servers: Vec<&str> = servers.iter().map(String::as_str).collect();
        let set = timesyncd.set_runtime_ntp_servers(&servers).await;
        set.context("systemd-timesyncd did not take the time servers")
    }

    async fn update(&self, source: Option<(UpdateSource, Proxy)>) -> Result<()> {
        let (Some(updates), Some((source, proxy))) = (&self.updates, source) else { return Ok(()) };
        let (answer, answered) = oneshot::channel();
        let request = Request::Configure(source, proxy);
        updates.send((request, answer)).await.context("the daemon is stopping")?;
        answered.await.context("the daemon is stopping")?.map_err(anyhow::Error::msg)
    }

    /// Certificate and names, for `web`.
    fn pages(&self, wanted: &Desired) -> Result<()> {
        let folder = &self.web_dir;
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let certificate = wanted.certificate.as_deref().unwrap_or_default();
        put(&folder.join(CERTIFICATE), certificate, PRIVATE)
            .context("the pages cannot be given their certificate")?;
        let proof = wanted.proof.as_deref().unwrap_or_default();
        put(&folder.join(PROOF), proof, PRIVATE)
            .context("the pages cannot be given the proof for an ACME directory")?;
        let name = format!("{}\n", wanted.page_name);
        put(&folder.join(NAMES), name.trim_start(), PRIVATE)
            .context("the pages cannot be told the box's name")
    }
}

/// Nothing is a file that is not there.
fn put(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    if text.is_empty() {
        return match fs::remove_file(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed,
        };
    }
    match fs::read_to_string(path) {
        Ok(there) if there == text => Ok(()),
        _ => durable::replace(path, text.as_bytes(), mode),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_pages_get_certificate_and_name_and_lose_them_again() {
        let folder = tempfile::tempdir().unwrap();
        let settings =
            ApplianceSettings { web_dir: folder.path().join("web"), ..ApplianceSettings::default() };
        let (mut host, problems) = Host::new(&settings, None);
        let wanted = Desired {
            certificate: Some("PEM\n".into()),
            proof: Some("PROOF\n".into()),
            page_name: "box.example".into(),
            ..Desired::default()
        };
        assert_eq!(host.make(&wanted).await, Problems::new());
        let read = |name: &str| fs::read_to_string(settings.web_dir.join(name)).ok();
        assert_eq!(read(CERTIFICATE).as_deref(), Some("PEM\n"));
        assert_eq!(read(PROOF).as_deref(), Some("PROOF\n"));
        assert_eq!(read(NAMES).as_deref(), Some("box.example\n"));
        assert_eq!(host.make(&Desired::default()).await, Problems::new());
        assert_eq!((read(CERTIFICATE), read(PROOF), read(NAMES)), (None, None, None));
        assert!(problems.borrow().is_empty());
    }

    #[tokio::test]
    async fn the_media_server_is_told_the_public_addresses() {
        let folder = tempfile::tempdir().unwrap();
        let settings = ApplianceSettings {
            web_dir: folder.path().join("web"),
            public_addresses_file: folder.path().join("public"),
            ..ApplianceSettings::default()
        };
        let (mut host, _problems) = Host::new(&settings, None);
        let mut wanted = Desired::default();
        wanted.network.public_addresses =
            ["203.0.113.10", "2001:db8::1"].map(|it| it.parse().unwrap()).into();
        assert_eq!(host.make(&wanted).await, Problems::new());
        let read = || fs::read_to_string(&settings.public_addresses_file).ok();
        assert_eq!(read().as_deref(), Some("203.0.113.10\n2001:db8::1\n"));
        assert_eq!(host.make(&Desired::default()).await, Problems::new());
        assert_eq!(read(), None);
    }

    #[tokio::test]
    async fn what_cannot_be_done_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let settings = ApplianceSettings { web_dir: file.join("web"), ..ApplianceSettings::default() };
        let (host, mut problems) = Host::new(&settings, None);
        let (_desire, desired) = watch::channel(Desired::default());
        tokio::spawn(host.keep(desired));
        problems.changed().await.unwrap();
        assert!(problems.borrow()[&SettingsArea::Pages].contains("cannot be made"));
    }
}
