//! `plenum-slots write`: the idle slot's two partitions, by systemd-sysupdate.

use super::STAGING;
use super::disk::Disk;
use super::esp::Esp;
use super::sums::{self, Sums};
use crate::identity;
use anyhow::{Context, Result, bail, ensure};
use std::path::Path;
use std::process::Command;

pub fn run(private: &Path) -> Result<()> {
    let sums = sums::verified(Path::new(STAGING), private)?;
    let running = identity::version()?;
    ensure!(sums.version > running, "version {} is not newer than the running {running}", sums.version);
    // From here on nothing may start what lies in the idle slot.
    Esp::mounted().remove_others(&[&running])?;
    let disk = Disk::booted()?;
    disk.empty_idle()?;
    sysupdate(&sums)
}

fn sysupdate(sums: &Sums) -> Result<()> {
    let mut command = Command::new("/usr/lib/systemd/systemd-sysupdate");
    command.args(["--verify=yes", "update"]).arg(sums.version.to_string());
    let answer = command.output().context("systemd-sysupdate cannot be started")?;
    let text = String::from_utf8_lossy(&answer.stderr);
    log::info!("{}", text.trim());
    if !answer.status.success() {
        let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no word");
        bail!("systemd-sysupdate could not write the slot: {last}");
    }
    Ok(())
}
