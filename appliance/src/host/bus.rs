//! The interfaces of systemd that set network, name and time. Polkit lets the daemon call these and no others
//! (`50-plenum-appliance.rules`).

/// org.freedesktop.network1(5)
#[zbus::proxy(
    interface = "org.freedesktop.network1.Manager",
    default_service = "org.freedesktop.network1",
    default_path = "/org/freedesktop/network1"
)]
pub(super) trait Network {
    fn reload(&self) -> zbus::Result<()>;
}

/// org.freedesktop.hostname1(5)
#[zbus::proxy(
    interface = "org.freedesktop.hostname1",
    default_service = "org.freedesktop.hostname1",
    default_path = "/org/freedesktop/hostname1"
)]
pub(super) trait HostName {
    fn set_hostname(&self, name: &str, interactive: bool) -> zbus::Result<()>;
}

/// systemd-timesyncd.service(8)
#[zbus::proxy(
    interface = "org.freedesktop.timesync1.Manager",
    default_service = "org.freedesktop.timesync1",
    default_path = "/org/freedesktop/timesync1"
)]
pub(super) trait TimeSync {
    #[zbus(name = "SetRuntimeNTPServers")]
    fn set_runtime_ntp_servers(&self, servers: &[&str]) -> zbus::Result<()>;
}
