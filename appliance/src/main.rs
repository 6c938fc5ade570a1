//! `plenum-appliance --config FILE`

#![forbid(unsafe_code)]

use anyhow::Context as _;
use plenum_appliance::access::code;
use plenum_appliance::api::Api;
use plenum_appliance::backup::Backups;
use plenum_appliance::host::Host;
use plenum_appliance::machine::Machine;
use plenum_appliance::manager::{self, Manager, Now};
use plenum_appliance::syslog::Syslog;
use plenum_appliance::system::System;
use plenum_appliance::updater::Updater;
use plenum_appliance::updates::Updates;
use plenum_appliance::{acme, bus, console, monitor, unasked};
use plenum_daemon::Context;
use plenum_daemon::steady::SteadyClock;
use plenum_protocol::settings::ApplianceSettings;
use plenum_store::{Probe, Store};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot};
use zbus::Connection;

const EXPIRE_EVERY: Duration = Duration::from_secs(3_600);
/// What the second factor of an administrator is filed under on their device.
const ISSUER: &str = "Plenum";

fn main() -> ExitCode {
    if let Some(code) = plenum_store::probe_main(std::env::args_os()) {
        return code;
    }
    plenum_daemon::run("appliance", serve)
}

async fn serve(context: Context<ApplianceSettings>) -> anyhow::Result<()> {
    let settings = context.settings.clone();
    let listener = context
        .sockets
        .unix_listener("http", &settings.http_socket, 0o660)
        .with_context(|| format!("`http_socket = {}`", settings.http_socket.display()))?;
    let connection = connect(&settings).await;
    let bus = connection.as_ref().ok().cloned();
    let (mut host, problems) = Host::new(&settings, bus.clone().filter(|_| settings.machine));
    let mut machine = Machine::new(&settings, problems)?;
    machine.system = bus.clone().map(System::new);
    let (syslog, sent) = Syslog::new(&settings.state_dir);
    machine.syslog = sent;
    let (opened, open) = oneshot::channel();
    if !settings.update.enabled {
        tokio::spawn(administer(settings, listener, Parts { host, machine, syslog, bus: None }, opened));
        // An error means that there is nothing to wait for.
        let _ = open.await;
        context.ready();
        context.shutdown.wait().await;
        return Ok(());
    }
    let connection = connection.context("the message bus cannot be reached")?;
    let (updater, status) = Updater::new(settings.update.clone(), System::new(connection.clone()))?;
    let (sender, requests) = mpsc::channel(16);
    host.updates = Some(sender.clone());
    machine.updates = Some(Updates::new(sender.clone(), status.clone()));
    // Opening what is stored takes a moment in which updates need not wait.
    tokio::spawn(administer(settings, listener, Parts { host, machine, syslog, bus }, opened));
    bus::serve(&connection, sender, status).await.context("the bus name cannot be taken")?;
    context.ready();
    updater.run(requests, context.shutdown.wait()).await;
    Ok(())
}

async fn connect(settings: &ApplianceSettings) -> zbus::Result<Connection> {
    let connection = match settings.common.bus_address.as_str() {
        "" => zbus::connection::Builder::system(),
        address => zbus::connection::Builder::address(address),
    };
    connection.build().await
}

/// What set-up and administration act on.
struct Parts {
    host: Host,
    machine: Machine,
    syslog: Syslog,
    /// For the display; missing where there is none.
    bus: Option<Connection>,
}

/// Set-up and administration, until the daemon ends. Whatever is wrong with what is stored: an update may be what
/// mends it, and so it is told and the daemon goes on.
async fn administer(
    settings: ApplianceSettings,
    listener: UnixListener,
    parts: Parts,
    opened: oneshot::Sender<()>,
) {
    if let Err(error) = try_administer(settings, listener, parts, opened).await {
        log::error!("the box cannot be administered: {error:#}");
    }
}

async fn try_administer(
    settings: ApplianceSettings,
    listener: UnixListener,
    parts: Parts,
    opened: oneshot::Sender<()>,
) -> anyhow::Result<()> {
    let started = Instant::now();
    let web_address = settings.web_address;
    let now = move || Now { wall: SystemTime::now(), mono: started.elapsed() };
    let (backup_dir, scratch) = (settings.backup_dir.clone(), settings.http_socket.with_file_name("backup"));
    let manager = Arc::new(tokio::task::spawn_blocking(move || open(&settings, now())).await??);
    tokio::spawn(parts.host.keep(manager.desired()));
    let entries = Arc::clone(&manager);
    let trail = Box::new(move |number, most| entries.audit_after(number, most));
    tokio::spawn(parts.syslog.keep(manager.desired(), trail));
    tokio::spawn(acme::keep(Arc::clone(&manager), now, web_address));
    let asked = Arc::clone(&manager);
    let setup_is_open = tokio::task::spawn_blocking(move || asked.setup_code()).await??.is_some();
    let (system, version) = (parts.machine.system.clone(), parts.machine.version().to_owned());
    let backups = Arc::new(Backups::new(Arc::clone(&manager), system, backup_dir, scratch, version));
    let api = Api::new(Arc::clone(&manager), parts.machine, Arc::clone(&backups), started, ISSUER);
    if let Some(bus) = &parts.bus {
        console::serve(bus, api.clone()).await.context("the display cannot be served")?;
    }
    tokio::spawn(monitor::keep(api.clone()));
    tokio::spawn(unasked::keep(api.clone()));
    tokio::spawn(axum::serve(listener, api.router()).into_future());
    if let Some(bus) = parts.bus.filter(|_| setup_is_open) {
        tokio::spawn(look_at_sticks(System::new(bus)));
    }
    // Nobody may be waiting.
    let _ = opened.send(());
    tokio::spawn(back_up(backups, now));
    let mut second = tokio::time::interval(Duration::from_secs(1));
    let mut expire = tokio::time::interval(EXPIRE_EVERY);
    let asked = Arc::clone(&manager);
    let seen = tokio::task::spawn_blocking(move || asked.last_noted()).await?;
    let seen = seen.unwrap_or_else(|refused| {
        log::error!("the last entry of the audit log cannot be read: {refused}");
        None
    });
    let begun = now();
    let mut clock = SteadyClock::new(seen, EXPIRE_EVERY, begun.unix_millis(), begun.mono);
    loop {
        let expiring = tokio::select! {
            _ = second.tick() => false,
            _ = expire.tick() => {
                let now = now();
                if !clock.is_steady(now.unix_millis(), now.mono) {
                    continue;
                }
                true
            }
        };
        let manager = Arc::clone(&manager);
        tokio::task::spawn_blocking(move || match expiring {
            true => manager.expire(now()),
            false => manager.pass_time(now()),
        })
        .await?;
    }
}

/// Never returns.
async fn back_up(backups: Arc<Backups>, now: impl Fn() -> Now) {
    let mut minute = tokio::time::interval(Duration::from_secs(60));
    loop {
        minute.tick().await;
        backups.pass_time(now()).await;
    }
}

/// For a stick that was there before the box was switched on; later ones are told by udev.
async fn look_at_sticks(system: System) {
    if let Err(error) = system.run("plenum-usb-settings.service").await {
        log::error!("nobody looks for plenum.toml on USB sticks: {error:#}");
    }
}

fn open(settings: &ApplianceSettings, now: Now) -> anyhow::Result<Manager> {
    let probe = Probe::own_program().context("the program cannot be run as a probe")?;
    let store = Store::open(manager::options(&settings.state_dir).probe(probe))
        .with_context(|| format!("`state_dir = {}`", settings.state_dir.display()))?;
    Ok(Manager::new(store, &settings.setup_code_file, Box::new(code::system_random), now)?)
}
