//! The machine as it is: what pages and the display show beside the settings. What it is told to do is in [`orders`].

mod orders;

use crate::certificate::Probe;
use crate::host::{self, Problems};
use crate::identity;
use crate::manager::Refused;
use crate::self_test::{capacity, dns};
use crate::system::System;
use crate::updates::{self, Updates};
use anyhow::Result;
use nix::sys::statvfs::statvfs;
use nix::time::{ClockId, clock_gettime};
use orders::no_appliance;
use plenum_daemon::addresses;
use plenum_protocol::manager::{
    AcmePhase, AcmeState, CertificateInfo, Clock, Disk, ManagerErrorCode, Meetings, NetworkState, Overview,
    Port, Problem, SettingsArea, SyslogState,
};
use plenum_protocol::settings::ApplianceSettings;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::{OnceCell, watch};
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use zbus::Connection;

const PORTS: &str = "/sys/class/net";
/// For drivers of ports that load their firmware first.
const PORTS_LIMIT: Duration = Duration::from_secs(15);
const PORTS_PAUSE: Duration = Duration::from_millis(250);
/// Touched by systemd-timesyncd when it has set the clock.
const SYNCHRONIZED: &str = "/run/systemd/timesync/synchronized";
/// Less than this is worth a word.
const LOW_DISK_BYTES: u64 = 512 << 20;
const EXPIRY_WARNING_DAYS: i64 = 21;
/// Of one that the box renews by itself.
const RENEWAL_WARNING_DAYS: i64 = 14;
const DAY_SECONDS: i64 = 86_400;

pub struct Machine {
    /// `None`: no bus can be reached.
    pub system: Option<System>,
    /// `None`: there is no image to update.
    pub updates: Option<Updates>,
    pub problems: watch::Receiver<Problems>,
    pub syslog: watch::Receiver<SyslogState>,
    probe: Probe,
    version: String,
    applies: bool,
    data: PathBuf,
    metrics: Vec<PathBuf>,
    recovery_key: PathBuf,
    /// Nanoseconds to encrypt a packet, measured once.
    packet: OnceCell<u32>,
}

impl Machine {
    pub fn new(settings: &ApplianceSettings, problems: watch::Receiver<Problems>) -> Result<Machine> {
        Ok(Machine {
            system: None,
            updates: None,
            problems,
            syslog: watch::channel(SyslogState::default()).1,
            probe: Probe::new(settings.web_address)?,
            version: identity::version()
                .map_or_else(|_| env!("CARGO_PKG_VERSION").to_owned(), |it| it.to_string()),
            applies: settings.machine,
            data: settings.state_dir.clone(),
            metrics: settings.metrics_sockets.clone(),
            recovery_key: settings.recovery_key_file.clone(),
            packet: OnceCell::new(),
        })
    }

    /// Of the image, or of the program where there is none.
    pub fn version(&self) -> &str {
        &self.version
    }

    pub async fn overview(
        &self,
        host_name: String,
        seconds_left: Option<u32>,
        acme: Option<AcmeState>,
    ) -> Overview {
        let (certificate, meetings, failed, local_name) =
            tokio::join!(self.certificate(), self.meetings(), self.failed_units(), self.local_name());
        let disk = self.disk();
        let clock = clock();
        let network = self.network(seconds_left);
        let mut problems = Vec::new();
        if self.system.is_some() && !meetings.known {
            problems.push(Problem::MediaServerSilent);
        }
        if certificate.is_none() {
            problems.push(Problem::PagesSilent);
        }
        if network.addresses.iter().all(IpAddr::is_loopback) {
            problems.push(Problem::NoAddress);
        }
        problems.extend(self.not_applied());
        problems.extend(failed.into_iter().map(|unit| Problem::UnitFailed { unit }));
        problems.extend(low(disk));
        let update = self.updates.as_ref().map(Updates::state);
        problems.extend(update.as_ref().and_then(updates::failed));
        problems.extend(self.recovery_key().map(|_| Problem::RecoveryKeyWaits));
        problems.extend(certificate.as_ref().and_then(|it| expires(it, acme.as_ref(), clock)));
        problems.extend(acme.and_then(|it| not_renewed(it, clock)));
        Overview {
            version: self.version.clone(),
            host_name: if host_name.is_empty() { host::DEFAULT_NAME.to_owned() } else { host_name },
            local_name,
            uptime: uptime(),
            problems,
            meetings,
            capacity: self.capacity(&network.ports).await,
            disk,
            last_backup: None,
            clock,
            network,
            certificate,
            update,
        }
    }

    /// Empty on a machine that is no appliance.
    async fn local_name(&self) -> String {
        match self.bus().filter(|_| self.applies) {
            Some(bus) => dns::local_name(bus).await.unwrap_or_default(),
            None => String::new(),
        }
    }

    async fn capacity(&self, ports: &[Port]) -> u32 {
        let measure = async || spawn_blocking(capacity::measure).await.unwrap_or(u32::MAX);
        capacity::of_this_machine(*self.packet.get_or_init(measure).await, ports).people
    }

    pub fn network(&self, seconds_left: Option<u32>) -> NetworkState {
        NetworkState {
            ports: host::ports(Path::new(PORTS)),
            addresses: addresses::own().unwrap_or_default(),
            seconds_left,
            applies: self.applies,
            problem: self.problems.borrow().get(&SettingsArea::Network).cloned().unwrap_or_default(),
            proposed: None,
        }
    }

    /// Refuses names of ports that this machine does not have.
    pub fn has_ports(&self, names: &[String]) -> Result<(), Refused> {
        let Some(ports) = self.port_names() else { return Ok(()) };
        match names.iter().find(|name| !ports.contains(name)) {
            Some(name) => Err(Refused::malformed("ports", format!("there is no port {name}"))),
            None => Ok(()),
        }
    }

    /// `None` on a machine that is no appliance: its ports say nothing of the box that settings are for.
    pub fn port_names(&self) -> Option<Vec<String>> {
        let ports = || host::ports(Path::new(PORTS)).into_iter().map(|port| port.name).collect();
        self.applies.then(ports)
    }

    /// As [`Machine::port_names`], once all of these are there or the wait for them is over: just after the start
    /// drivers may still be loading.
    pub async fn ports_once_there(&self, names: &[String]) -> Option<Vec<String>> {
        let end = Instant::now() + PORTS_LIMIT;
        while self.has_ports(names).is_err() && Instant::now() < end {
            sleep(PORTS_PAUSE).await;
        }
        self.port_names()
    }

    /// Of all daemons.
    pub fn metrics_sockets(&self) -> &[PathBuf] {
        &self.metrics
    }

    pub async fn certificate(&self) -> Option<CertificateInfo> {
        self.probe.look().await.inspect_err(|error| log::debug!("certificate: {error:#}")).ok()
    }

    pub async fn meetings(&self) -> Meetings {
        let Some(system) = &self.system else { return Meetings::default() };
        system.meetings().await.inspect_err(|error| log::debug!("meetings: {error:#}")).unwrap_or_default()
    }

    /// In meetings. If nobody can say it: as good as none if `at_once`, and else a refusal.
    pub async fn people(&self, at_once: bool) -> Result<u32, Refused> {
        match self.meetings().await {
            Meetings { known: false, .. } if !at_once => Err(Refused::new(
                ManagerErrorCode::Unavailable,
                "the media server does not say whether people meet: order it at once, or try again",
            )),
            meetings => Ok(meetings.people),
        }
    }

    /// `None` while the meeting server does not answer.
    pub async fn host_key(&self) -> Option<String> {
        let key = self.system.as_ref()?.host_key().await;
        key.inspect_err(|error| log::warn!("the host key: {error:#}")).ok()
    }

    /// `None` once it has been noted, and where there is none.
    pub fn recovery_key(&self) -> Option<String> {
        let key = std::fs::read_to_string(&self.recovery_key).ok()?;
        Some(key.trim().to_owned()).filter(|key| self.applies && !key.is_empty())
    }

    pub fn updates(&self) -> Result<&Updates, Refused> {
        self.updates.as_ref().ok_or_else(no_appliance)
    }

    /// Where the box's daemons meet.
    pub fn bus(&self) -> Option<&Connection> {
        self.system.as_ref().map(System::bus)
    }

    /// Of the data partition.
    pub fn disk(&self) -> Disk {
        disk(&self.data)
    }

    fn not_applied(&self) -> Vec<Problem> {
        let mut problems = self.problems.borrow().clone();
        let syslog = self.syslog.borrow().problem.clone();
        if !syslog.is_empty() {
            problems.insert(SettingsArea::Syslog, syslog);
        }
        problems.into_iter().map(|(area, detail)| Problem::NotApplied { area, detail }).collect()
    }

    async fn failed_units(&self) -> Vec<String> {
        let Some(system) = self.system.as_ref().filter(|_| self.applies) else { return Vec::new() };
        system.failed_units().await.unwrap_or_default()
    }
}

pub fn is_low(disk: Disk) -> bool {
    disk.total > 0 && disk.free < LOW_DISK_BYTES
}

fn low(disk: Disk) -> Option<Problem> {
    is_low(disk).then_some(Problem::LowDisk { free_megabytes: (disk.free >> 20) as u32 })
}

fn days_until(end: i64, clock: Clock) -> i64 {
    (end - (clock.now / 1_000) as i64).div_euclid(DAY_SECONDS)
}

/// One that the box renews by itself is no problem before its renewal has failed, however short it is valid.
fn expires(certificate: &CertificateInfo, acme: Option<&AcmeState>, clock: Clock) -> Option<Problem> {
    let warning = match acme.map(|acme| acme.phase) {
        None => EXPIRY_WARNING_DAYS,
        Some(AcmePhase::Failed) => RENEWAL_WARNING_DAYS,
        Some(AcmePhase::Waiting | AcmePhase::Good) => 0,
    };
    let days = days_until(certificate.not_after, clock);
    (days < warning).then_some(Problem::CertificateExpires { days: days as i32 })
}

/// While the last one is good for long, there is time for another attempt.
fn not_renewed(acme: AcmeState, clock: Clock) -> Option<Problem> {
    let failure = acme.failure?;
    let lasts = acme.until.is_some_and(|end| days_until(end, clock) >= RENEWAL_WARNING_DAYS);
    (!lasts).then_some(Problem::CertificateNotRenewed { failure })
}

fn disk(folder: &Path) -> Disk {
    let Ok(stat) = statvfs(folder) else { return Disk::default() };
    let block = stat.fragment_size();
    Disk { total: block * stat.blocks(), free: block * stat.blocks_available() }
}

pub fn clock() -> Clock {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    Clock { now, synchronized: Path::new(SYNCHRONIZED).exists() }
}

fn uptime() -> u64 {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(0, |time| time.tv_sec() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenum_protocol::manager::{AcmeFailure, AcmeReason};

    const CLOCK: Clock = Clock { now: 1_000_000_000_000, synchronized: true };

    fn in_days(days: i64) -> i64 {
        1_000_000_000 + days * DAY_SECONDS
    }

    fn acme(phase: AcmePhase, until: Option<i64>) -> AcmeState {
        let failure = AcmeFailure { reason: AcmeReason::Dns, name: "x".into(), detail: "x".into(), at: 1 };
        AcmeState { phase, next: 0, until, failure: Some(failure).filter(|_| phase == AcmePhase::Failed) }
    }

    #[test]
    fn a_certificate_is_named_before_it_expires() {
        let expires = |days: i64, acme: Option<AcmeState>| {
            let certificate = CertificateInfo { not_after: in_days(days), ..CertificateInfo::default() };
            expires(&certificate, acme.as_ref(), CLOCK)
        };
        assert_eq!(expires(21, None), None);
        assert_eq!(expires(20, None), Some(Problem::CertificateExpires { days: 20 }));
        assert_eq!(expires(-3, None), Some(Problem::CertificateExpires { days: -3 }));
        let good = || Some(acme(AcmePhase::Good, Some(in_days(2))));
        assert_eq!(expires(2, good()), None, "it is renewed in time");
        assert_eq!(expires(-1, good()), Some(Problem::CertificateExpires { days: -1 }));
        let failed = || Some(acme(AcmePhase::Failed, Some(in_days(13))));
        assert_eq!(expires(14, failed()), None);
        assert_eq!(expires(13, failed()), Some(Problem::CertificateExpires { days: 13 }));
    }

    #[test]
    fn a_directory_that_gives_nothing_is_named_when_it_matters() {
        let named = |phase, until: Option<i64>| not_renewed(acme(phase, until.map(in_days)), CLOCK).is_some();
        assert!(named(AcmePhase::Failed, None), "visitors see the box's own");
        assert!(named(AcmePhase::Failed, Some(13)));
        assert!(!named(AcmePhase::Failed, Some(14)));
        assert!(!named(AcmePhase::Waiting, None) && !named(AcmePhase::Good, Some(1)));
    }

    #[test]
    fn a_disk_that_fills_up_is_named() {
        assert_eq!(low(Disk { total: 1 << 34, free: LOW_DISK_BYTES }), None);
        assert_eq!(low(Disk { total: 1 << 34, free: 5 << 20 }), Some(Problem::LowDisk { free_megabytes: 5 }));
        assert_eq!(low(Disk::default()), None);
    }
}
