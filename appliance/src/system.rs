//! What the daemon asks of others on the bus: systemd for its one-shot units, logind for a restart, the SFU for
//! meetings. Polkit lets it do these things and no more (`50-plenum-appliance.rules`).

use anyhow::{Context, Result, bail};
use futures_util::StreamExt;
use plenum_protocol::manager::Meetings;
use plenum_protocol::sfu::Sfu1Proxy;
use plenum_protocol::signaling::{BusRoomLeft, Signaling1Proxy};
use std::time::Duration;
use zbus::Connection;
use zbus::OwnedObjectPath;
use zbus::proxy::CacheProperties;

#[zbus::proxy(
    interface = "org.freedesktop.systemd1.Manager",
    default_service = "org.freedesktop.systemd1",
    default_path = "/org/freedesktop/systemd1"
)]
pub trait Manager {
    fn subscribe(&self) -> zbus::Result<()>;
    fn start_unit(&self, name: &str, mode: &str) -> zbus::Result<OwnedObjectPath>;
    fn load_unit(&self, name: &str) -> zbus::Result<OwnedObjectPath>;
    #[allow(clippy::type_complexity, reason = "the signature of systemd")]
    fn list_units_filtered(&self, states: &[&str]) -> zbus::Result<Vec<UnitRow>>;
    #[zbus(signal)]
    fn job_removed(&self, id: u32, job: OwnedObjectPath, unit: String, result: String) -> zbus::Result<()>;
}

/// As org.freedesktop.systemd1(5) describes a unit in lists.
pub type UnitRow =
    (String, String, String, String, String, String, OwnedObjectPath, u32, String, OwnedObjectPath);

#[zbus::proxy(interface = "org.freedesktop.systemd1.Unit", default_service = "org.freedesktop.systemd1")]
pub trait Unit {
    #[zbus(property)]
    fn active_state(&self) -> zbus::Result<String>;
}

#[zbus::proxy(
    interface = "org.freedesktop.login1.Manager",
    default_service = "org.freedesktop.login1",
    default_path = "/org/freedesktop/login1"
)]
trait Login {
    fn reboot(&self, interactive: bool) -> zbus::Result<()>;
    fn power_off(&self, interactive: bool) -> zbus::Result<()>;
}

/// `signaling` reads a dump of 50,000 rooms in a few seconds.
const ROOMS_LIMIT: Duration = Duration::from_secs(60);

async fn timely<T>(call: impl Future<Output = zbus::Result<T>>) -> Result<T> {
    let answer = tokio::time::timeout(ROOMS_LIMIT, call).await;
    answer.context("it does not answer")?.map_err(|error| match error {
        // What it says itself, without the name of the error.
        zbus::Error::MethodError(_, Some(detail), _) => anyhow::anyhow!(detail),
        error => error.into(),
    })
}

#[derive(Clone)]
pub struct System {
    bus: Connection,
}

impl System {
    pub fn new(bus: Connection) -> System {
        System { bus }
    }

    pub fn bus(&self) -> &Connection {
        &self.bus
    }

    async fn manager(&self) -> Result<ManagerProxy<'static>> {
        let manager = ManagerProxy::new(&self.bus).await?;
        match manager.subscribe().await {
            // Once for a connection is enough.
            Err(zbus::Error::MethodError(name, ..)) if name.ends_with(".AlreadySubscribed") => {}
            other => other.context("systemd does not answer")?,
        }
        Ok(manager)
    }

    /// Starts a one-shot unit and waits until it has ended.
    pub async fn run(&self, unit: &str) -> Result<()> {
        let manager = self.manager().await?;
        let mut removed = manager.receive_job_removed().await?;
        let job = manager
            .start_unit(unit, "replace")
            .await
            .with_context(|| format!("{unit} could not be started"))?;
        while let Some(signal) = removed.next().await {
            let signal = signal.args()?;
            if signal.job == job {
                match signal.result.as_str() {
                    "done" => return Ok(()),
                    other => bail!("{unit} ended with {other}: journalctl -u {unit} tells why"),
                }
            }
        }
        bail!("systemd went away while {unit} ran")
    }

    /// Returns when the unit is active, however long that takes.
    pub async fn wait_for(&self, unit: &str) -> Result<()> {
        let manager = self.manager().await?;
        let path = manager.load_unit(unit).await?;
        let unit = UnitProxy::builder(&self.bus).path(path).build().await?;
        let mut states = unit.receive_active_state_changed().await;
        if unit.active_state().await? == "active" {
            return Ok(());
        }
        while let Some(state) = states.next().await {
            if state.get().await? == "active" {
                return Ok(());
            }
        }
        bail!("systemd went away")
    }

    pub async fn is_active(&self, unit: &str) -> Result<bool> {
        let path = self.manager().await?.load_unit(unit).await?;
        let unit = UnitProxy::builder(&self.bus).path(path).build().await?;
        Ok(unit.active_state().await? == "active")
    }

    /// Names of units that failed.
    pub async fn failed_units(&self) -> Result<Vec<String>> {
        let rows = self.manager().await?.list_units_filtered(&["failed"]).await?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }

    pub async fn reboot(&self) -> Result<()> {
        let login = LoginProxy::new(&self.bus).await?;
        login.reboot(false).await.context("the restart was refused")
    }

    pub async fn power_off(&self) -> Result<()> {
        let login = LoginProxy::new(&self.bus).await?;
        login.power_off(false).await.context("switching off was refused")
    }

    /// The daemon that has the rooms.
    pub async fn signaling(&self) -> Result<Signaling1Proxy<'static>> {
        let builder = Signaling1Proxy::builder(&self.bus).cache_properties(CacheProperties::No);
        Ok(builder.build().await?)
    }

    /// Who knows it may open meetings.
    pub async fn host_key(&self) -> Result<String> {
        timely(self.signaling().await?.host_key()).await
    }

    /// The rooms as a dump.
    pub async fn export_rooms(&self) -> Result<Vec<u8>> {
        timely(self.signaling().await?.export_rooms()).await
    }

    pub async fn list_rooms(&self) -> Result<Vec<BusRoomLeft>> {
        timely(self.signaling().await?.list_rooms()).await
    }

    pub async fn check_rooms(&self, dump: Vec<u8>) -> Result<u32> {
        timely(self.signaling().await?.check_rooms(&dump)).await
    }

    pub async fn restore_rooms(
        &self,
        dump: Vec<u8>,
        host_key: &str,
        deletions: bool,
        left: &[BusRoomLeft],
    ) -> Result<(u32, u32)> {
        timely(self.signaling().await?.restore_rooms(&dump, host_key, deletions, left)).await
    }

    /// People who are in meetings.
    pub async fn people(&self) -> Result<u32> {
        Ok(self.meetings().await?.people)
    }

    pub async fn meetings(&self) -> Result<Meetings> {
        let sfu = Sfu1Proxy::new(&self.bus).await?;
        let rooms = tokio::time::timeout(Duration::from_secs(5), sfu.list_rooms()).await;
        let rooms = rooms.context("the media server does not answer")?.context("the media server")?;
        let people = rooms.iter().map(|room| room.peers).sum();
        Ok(Meetings { rooms: rooms.len() as u32, people, known: true })
    }
}
