//! `plenum`: the box on the command line of the debug variant, and what its units run.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line talks to its caller")]

use anyhow::{Context, Result, bail, ensure};
use clap::{Parser, Subcommand};
use futures_util::StreamExt;
use plenum_appliance::access::code;
use plenum_appliance::backup::seal::Key;
use plenum_appliance::{audit, client, health, provisioning, usb};
use plenum_protocol::appliance::Appliance1Proxy;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::SystemTime;
use zbus::{Connection, Fd};

#[derive(Parser)]
#[command(name = "plenum", version, about = "Looks after this box")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Updates of the box
    #[command(subcommand)]
    Update(Update),
    /// Kernel, processors and NICs: what is set and why (`plenum tune --dry-run`)
    Tune {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Check whether this version works, with a call of two synthetic people
    Health(health::Options),
    /// One call of the API that the pages use: `plenum api --name ada@example.org get overview`
    Api(client::Options),
    /// Settings of a new box in one file, plenum.toml
    #[command(subcommand)]
    Config(Config),
    /// The audit log that an auditor has saved
    #[command(subcommand)]
    Audit(Audit),
    /// Offer the newest update on a USB stick to the daemon; a unit runs it
    #[command(hide = true)]
    Usb,
    /// Offer the plenum.toml on a USB stick, or of a credential, to the daemon; a unit runs it
    #[command(hide = true)]
    UsbSettings,
}

#[derive(Subcommand)]
enum Config {
    /// Name line, key and remedy of everything that is wrong with a file
    Check { file: PathBuf },
    /// Print a file with every key, and what each is for
    Example,
    /// Print a new key for backups, as the section [backup] takes it
    BackupKey,
}

#[derive(Subcommand)]
enum Audit {
    /// Say whether a file is as the box has written it, and name the key that signed it
    Verify {
        file: PathBuf,
        /// The key that the box shows under Audit log; without it, compare the one that is printed
        #[arg(long)]
        key: Option<String>,
    },
}

#[derive(Subcommand)]
enum Update {
    /// What runs, what is going on, and how the last update ended
    Status {
        /// Wait until nothing is going on
        #[arg(long)]
        wait: bool,
    },
    /// Look into the update source and on a USB stick
    Check,
    /// Install a file, an https URL, or what was found
    Install {
        /// A file or an https URL; what `check` found without it
        update: Option<String>,
    },
    /// Take back what was begun
    Cancel,
    /// Restart into the new version
    Restart {
        /// Even while people meet
        #[arg(long)]
        now: bool,
    },
    /// Go back to the version in the other slot
    Rollback {
        /// Even while people meet
        #[arg(long)]
        now: bool,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match task {
        Task::Update(update) => runtime.block_on(ask(update)),
        Task::Tune { arguments } => {
            let error = Command::new("plenum-tune").args(arguments).exec();
            Err(error).context("plenum-tune cannot be started")
        }
        Task::Health(options) => {
            plenum_daemon::logging::start("health", log::LevelFilter::Info);
            runtime.block_on(health::check(&options))
        }
        Task::Api(options) => {
            let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
            runtime.block_on(client::run(options, &mut input, &mut output))
        }
        Task::Config(Config::Example) => {
            print!("{}", provisioning::EXAMPLE);
            Ok(())
        }
        Task::Config(Config::BackupKey) => {
            println!("{}", Key::random(&mut code::system_random).shown());
            Ok(())
        }
        Task::Config(Config::Check { file }) => check(&file),
        Task::Audit(Audit::Verify { file, key }) => verify(&file, key.as_deref()),
        Task::UsbSettings => {
            plenum_daemon::logging::start("usb", log::LevelFilter::Info);
            runtime.block_on(usb::offer_settings())
        }
        Task::Usb => {
            plenum_daemon::logging::start("usb", log::LevelFilter::Info);
            runtime.block_on(usb::offer())
        }
    }
}

fn check(file: &Path) -> Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let Err(findings) = provisioning::read(&text, SystemTime::now()) else {
        println!("{}: a box can be set up with this file", file.display());
        return Ok(());
    };
    for finding in &findings {
        eprintln!("{} {finding}", file.display());
    }
    bail!("nothing of {} would be applied", file.display())
}

fn verify(file: &Path, key: Option<&str>) -> Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let found = audit::verify_file(&text).with_context(|| format!("{} cannot be trusted", file.display()))?;
    if let Some(key) = key {
        ensure!(key == found.key, "{} was signed by another key: {}", file.display(), found.key);
    }
    let numbers = found.numbers.map(|(first, last)| format!(", {first} to {last}")).unwrap_or_default();
    println!("box        {}", found.host);
    println!("entries    {}{numbers}: none was changed or left out", found.entries);
    println!("key        {}", found.key);
    Ok(())
}

async fn ask(update: Update) -> Result<()> {
    let bus = Connection::system().await.context("the message bus cannot be reached")?;
    let box_ = Appliance1Proxy::new(&bus).await?;
    let answer = match update {
        Update::Status { wait } => {
            if wait {
                wait_until_it_rests(&box_).await?;
            }
            return status(&box_).await;
        }
        Update::Check => box_.check_for_update().await,
        Update::Install { update } => install(&box_, update).await?,
        Update::Cancel => box_.cancel().await,
        Update::Restart { now } => box_.restart(now).await,
        Update::Rollback { now } => box_.rollback(now).await,
    };
    match answer {
        Err(zbus::Error::MethodError(_, Some(reason), _)) => bail!("{reason}"),
        other => other.context("plenum-appliance does not answer"),
    }
}

async fn install(box_: &Appliance1Proxy<'_>, update: Option<String>) -> Result<zbus::Result<()>> {
    Ok(match update {
        None => box_.install_url("").await,
        Some(url) if url.contains("://") => box_.install_url(&url).await,
        Some(path) => {
            let path = PathBuf::from(path);
            let file = File::open(&path).with_context(|| format!("{} cannot be read", path.display()))?;
            box_.install_file(Fd::from(&file)).await
        }
    })
}

/// Nothing is done by itself in these states.
const RESTING: [&str; 3] = ["idle", "ready-to-restart", "waiting"];

async fn wait_until_it_rests(box_: &Appliance1Proxy<'_>) -> Result<()> {
    let mut changes = box_.receive_state_changed().await;
    while let Some(change) = changes.next().await {
        if RESTING.contains(&change.get().await?.as_str()) {
            return Ok(());
        }
    }
    bail!("plenum-appliance went away")
}

async fn status(box_: &Appliance1Proxy<'_>) -> Result<()> {
    println!("version    {}", box_.version().await?);
    let (state, target, (done, of)) = (box_.state().await?, box_.target().await?, box_.progress().await?);
    let of_all = if of > 0 { format!(" {} of {} MiB", done >> 20, of >> 20) } else { String::new() };
    println!("state      {state} {target}{of_all}");
    let available = box_.available().await?;
    if !available.is_empty() {
        println!("available  {available}");
    }
    let (version, kind, reason, _) = box_.last().await?;
    if !kind.is_empty() {
        println!("last       {kind} {version} {reason}");
    }
    for (version, reason) in box_.rejected().await? {
        println!("rejected   {version} {reason}");
    }
    for reason in box_.reasons().await? {
        println!("note       {reason}");
    }
    ensure!(kind != "failed" || state != "idle", "the last update failed");
    Ok(())
}
