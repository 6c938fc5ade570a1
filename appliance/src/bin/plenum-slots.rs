//! The root side of updates, for one-shot units.

#![forbid(unsafe_code)]

use anyhow::{Context, Result};
use clap::Parser;
use plenum_appliance::slots::esp::Esp;
use plenum_appliance::slots::{BOOT_FAILURE, BootFailure, FAILURE, boot, forget, seal, write};
use plenum_appliance::{identity, record};
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

#[derive(Parser)]
#[command(name = "plenum-slots", version, about = "Slots and boot entries; started by units")]
enum Task {
    /// Look what was booted, put right what a power cut left, count a proven version anew.
    Boot,
    /// Write the staged update into the idle slot.
    Write,
    /// Read the slot back, and make it bootable.
    Seal,
    /// The running version has proved itself.
    Prove,
    /// Make the other version the one that starts.
    Rollback,
    /// Forget everything that was stored since the factory.
    Forget,
    /// The health check failed: start again while that can help.
    Failed,
    /// Wait to be stopped: the unit's time is the deadline of the boot.
    Deadline,
    /// The boot took too long: keep what it was waiting for.
    Late,
}

fn main() -> ExitCode {
    plenum_daemon::logging::start("slots", log::LevelFilter::Info);
    let task = Task::parse();
    let told = matches!(task, Task::Write | Task::Seal | Task::Rollback);
    match run(&task) {
        Ok(()) => {
            if told {
                let _ = fs::remove_file(FAILURE);
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            log::error!("{error:#}");
            if told {
                // The journal has it too.
                let _ = fs::write(FAILURE, format!("{error:#}"));
            }
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> Result<()> {
    let (esp, running) = (Esp::mounted(), identity::version()?);
    match task {
        Task::Boot => {
            let report = boot::start(&esp, &running)?;
            for note in &report.notes {
                log::warn!("{note}");
            }
            boot::publish(&report)
        }
        Task::Write => write::run(&private()?),
        Task::Seal => seal::run(&private()?),
        Task::Prove => boot::prove(&esp, &running),
        Task::Rollback => {
            let other = boot::roll_back(&esp, &running)?;
            log::info!("the next boot starts version {other}");
            Ok(())
        }
        Task::Forget => forget::run(),
        Task::Failed => failed(&esp, &running.to_string()),
        Task::Deadline => loop {
            std::thread::park();
        },
        Task::Late => late(&running.to_string()),
    }
}

/// The unit has a /tmp of its own.
fn private() -> Result<std::path::PathBuf> {
    let folder = Path::new("/tmp/plenum-slots");
    fs::create_dir_all(folder).context("there is no private folder")?;
    Ok(folder.to_owned())
}

fn failed(esp: &Esp, running: &str) -> Result<()> {
    if !boot::may_retry(esp, &running.parse()?)? {
        log::error!(
            "version {running} is not healthy, and nothing else could be started instead: it goes on"
        );
        return Ok(());
    }
    log::error!("version {running} is on trial and not healthy: starting again");
    let status = Command::new("systemctl").args(["--force", "reboot"]).status();
    anyhow::ensure!(status.context("systemctl cannot be started")?.success(), "the restart was refused");
    Ok(())
}

/// Called when the deadline's unit ends; only a time-out is a failure.
fn late(version: &str) -> Result<()> {
    if std::env::var("SERVICE_RESULT").is_ok_and(|result| result != "timeout") {
        return Ok(());
    }
    let jobs = Command::new("systemctl").args(["list-jobs", "--no-legend", "--plain"]).output();
    let jobs = jobs.map(|it| String::from_utf8_lossy(&it.stdout).into_owned()).unwrap_or_default();
    let names = jobs
        .lines()
        .filter(|line| line.ends_with("running"))
        .filter_map(|line| line.split_whitespace().nth(1));
    let names: Vec<&str> = names.collect();
    let reason = if names.is_empty() {
        "the boot was not complete in time".to_owned()
    } else {
        format!("the boot was not complete in time: it waited for {}", names.join(", "))
    };
    log::error!("version {version}: {reason}");
    let failure = BootFailure { version: version.to_owned(), reason };
    record::write(Path::new(BOOT_FAILURE), &failure)
}
