#![forbid(unsafe_code)]

use anyhow::Context as _;
use plenum_appliance::bus;
use plenum_appliance::system::System;
use plenum_appliance::updater::Updater;
use plenum_daemon::Context;
use plenum_protocol::settings::ApplianceSettings;
use std::process::ExitCode;
use tokio::sync::mpsc;

fn main() -> ExitCode {
    plenum_daemon::run("appliance", serve)
}

async fn serve(context: Context<ApplianceSettings>) -> anyhow::Result<()> {
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
