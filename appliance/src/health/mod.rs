//! What a new version has to pass before the boot counts as complete: no unit failed, and a call through
//! signaling, SFU and relay carries sound and picture.

mod call;

use crate::slots::{BOOT_FAILURE, BootFailure};
use crate::system::System;
use crate::{identity, record};
use anyhow::{Context, Result, bail, ensure};
use std::path::{Path, PathBuf};
use zbus::Connection;

/// Daemons that have to be there.
const DAEMONS: [&str; 5] = [
    "plenum-appliance.service",
    "plenum-sfu.service",
    "plenum-signaling.service",
    "plenum-turn.service",
    "plenum-web.service",
];

#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// The key with which a meeting is opened
    #[arg(long, default_value = "/run/credentials/plenum-health.service/host.key")]
    host_key: PathBuf,
    /// PEM file of the authority of this box's pages
    #[arg(long, default_value = "/run/credentials/plenum-health.service/ca.pem")]
    ca: PathBuf,
    /// HOST[:PORT] of the pages
    #[arg(long, default_value = "localhost")]
    address: String,
}

/// The reason of a failure is kept for the version that starts after it.
pub async fn check(options: &Options) -> Result<()> {
    let version = identity::version()?;
    let Err(error) = examine(options).await else {
        log::info!("version {version} is healthy");
        return Ok(());
    };
    let reason = format!("{error:#}");
    let failure = BootFailure { version: version.to_string(), reason };
    if let Err(error) = record::write(Path::new(BOOT_FAILURE), &failure) {
        log::error!("the reason cannot be kept: {error:#}");
    }
    Err(error)
}

async fn examine(options: &Options) -> Result<()> {
    let bus = Connection::system().await.context("the message bus cannot be reached")?;
    let system = System::new(bus);
    let failed = system.failed_units().await?;
    ensure!(failed.is_empty(), "units failed: {}", failed.join(", "));
    for daemon in DAEMONS {
        if !system.is_active(daemon).await? {
            bail!("{daemon} is not running");
        }
    }
    call::make(options).await.context("the synthetic call failed")
}
