//! `plenum-appliance --config FILE`

#![forbid(unsafe_code)]

use anyhow::Context as _;
use plenum_appliance::api::Api;
use plenum_appliance::bus;
use plenum_appliance::manager::{self, Manager, Now};
use plenum_appliance::system::System;
use plenum_appliance::updater::Updater;
use plenum_daemon::Context;
use plenum_protocol::settings::ApplianceSettings;
use plenum_store::{Probe, Store};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot};

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
    // Opening what is stored takes a moment in which updates need not wait.
    let (opened, open) = oneshot::channel();
    tokio::spawn(async move {
        // Whatever is wrong with what is stored: an update may be what mends it.
        if let Err(error) = administer(settings, listener, opened).await {
            log::error!("the box cannot be administered: {error:#}");
        }
    });
    if !context.settings.update.enabled {
        // An error means that there is nothing to wait for.
        let _ = open.await;
        context.ready();
        context.shutdown.wait().await;
        return Ok(());
    }
    let connection = match context.settings.common.bus_address.as_str() {
        "" => zbus::connection::Builder::system(),
        address => zbus::connection::Builder::address(address),
    };
    let connection = connection.build().await.context("the message bus cannot be reached")?;
    let (updater, status) = Updater::new(context.settings.update.clone(), System::new(connection.clone()))?;
    let (sender, requests) = mpsc::channel(16);
    bus::serve(&connection, sender, status).await.context("the bus name cannot be taken")?;
    context.ready();
    updater.run(requests, context.shutdown.wait()).await;
    Ok(())
}

/// Set-up and administration, until the daemon ends.
async fn administer(
    settings: ApplianceSettings,
    listener: UnixListener,
    opened: oneshot::Sender<()>,
) -> anyhow::Result<()> {
    let started = Instant::now();
    let now = move || Now { wall: SystemTime::now(), mono: started.elapsed() };
    let manager = Arc::new(tokio::task::spawn_blocking(move || open(&settings, now())).await??);
    let router = Api::new(Arc::clone(&manager), started, ISSUER).router();
    tokio::spawn(axum::serve(listener, router).into_future());
    // Nobody may be waiting.
    let _ = opened.send(());
    let mut due = tokio::time::interval(EXPIRE_EVERY);
    loop {
        due.tick().await;
        manager.expire(now());
    }
}

fn open(settings: &ApplianceSettings, now: Now) -> anyhow::Result<Manager> {
    let probe = Probe::own_program().context("the program cannot be run as a probe")?;
    let store = Store::open(manager::options(&settings.state_dir).probe(probe))
        .with_context(|| format!("`state_dir = {}`", settings.state_dir.display()))?;
    Ok(Manager::new(store, &settings.setup_code_file, Box::new(random), now)?)
}

fn random(bytes: &mut [u8]) {
    aws_lc_rs::rand::fill(bytes).expect("the kernel's random numbers cannot fail after the start");
}
