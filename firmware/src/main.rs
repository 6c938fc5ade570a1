//! `plenum-tune`: shows, applies or takes back what this machine's profiles want.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout)] // A table for who runs it.

use anyhow::{Context, bail};
use clap::Parser;
use plenum_firmware::apply::{apply, merged, revert, sysctls};
use plenum_firmware::profile::{combined, shipped};
use plenum_firmware::{Inventory, Setting, Tree, capture, plan};
use std::fs;
use std::path::{Path, PathBuf};
use systemd_journal_logger::{JournalLog, connected_to_journal};

#[derive(Parser)]
#[command(about = "Sets up kernel, processors and NICs for conferences, and says why")]
struct Options {
    /// Show what would be changed, change nothing
    #[arg(long)]
    dry_run: bool,
    /// Take back what was changed since the machine started
    #[arg(long, conflicts_with = "dry_run")]
    revert: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print everything that planning looks at, as a recorded machine
    #[arg(long, conflicts_with_all = ["dry_run", "revert", "json"])]
    record: bool,
    /// Plan for a recorded machine (implies --dry-run)
    #[arg(long, value_name = "FILE", conflicts_with = "revert")]
    machine: Option<PathBuf>,
    /// These NICs only, virtual ones too
    #[arg(long, value_name = "NAME")]
    nic: Vec<String>,
    /// Where changes are recorded for --revert
    #[arg(long, value_name = "FILE", default_value = "/run/plenum/tune/applied.json")]
    state: PathBuf,
}

fn main() -> anyhow::Result<()> {
    if connected_to_journal() {
        JournalLog::new()?.with_syslog_identifier("plenum-tune".to_owned()).install()?;
        log::set_max_level(log::LevelFilter::Info);
    }
    let options = Options::parse();
    if options.revert {
        return take_back(&options.state);
    }
    let profiles = shipped()?;
    let tree = match &options.machine {
        Some(file) => {
            let text =
                fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
            Tree::parse(&text).map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))?
        }
        None => capture(Path::new("/"), &sysctls(&profiles)),
    };
    if options.record {
        print!("{}", tree.to_text());
        return Ok(());
    }
    let (_, names) = combined(&profiles, &Inventory::read(&tree, &options.nic));
    if options.dry_run || options.machine.is_some() {
        return show(&plan(&tree, &profiles, &options.nic), &names, options.json);
    }
    let outcome = apply(&profiles, &options.nic);
    for it in &outcome.changed {
        let old = it.old.as_deref().unwrap_or("nothing");
        log::info!("{}: {old} → {} because {} [{}, {:?}]", it.path, it.new, it.reason, it.source, it.basis);
    }
    for (it, error) in &outcome.refused {
        log::info!("{}: stays {}: {error}", it.path, it.old.as_deref().unwrap_or("absent"));
    }
    log::info!("{} settings changed, {} refused", outcome.changed.len(), outcome.refused.len());
    show(&outcome.changed, &names, options.json)?;
    if outcome.changed.is_empty() {
        return Ok(());
    }
    let record = merged(recorded(&options.state)?, outcome.changed);
    if let Some(folder) = options.state.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&options.state, serde_json::to_vec_pretty(&record)?)
        .with_context(|| format!("{} cannot be written", options.state.display()))
}

fn show(settings: &[Setting], profiles: &[String], json: bool) -> anyhow::Result<()> {
    if json {
        let all = serde_json::json!({ "profiles": profiles, "settings": settings });
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    println!("Profiles: {}", profiles.join(", "));
    let width = settings.iter().map(|it| it.path.len()).max().unwrap_or(0);
    for it in settings {
        let old = it.old.as_deref().unwrap_or("-");
        println!("{:width$}  {old} → {}", it.path, it.new);
        println!("{:width$}  {} [{}, {:?}]", "", it.reason, it.source, it.basis);
    }
    println!("{} settings", settings.len());
    Ok(())
}

fn recorded(file: &Path) -> anyhow::Result<Vec<Setting>> {
    match fs::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .with_context(|| format!("{} is damaged; remove it to forget old values", file.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", file.display())),
    }
}

fn take_back(file: &Path) -> anyhow::Result<()> {
    let record = recorded(file)?;
    let failed = revert(&record);
    for (it, error) in &failed {
        log::warn!("{} stays {}: {error}", it.path, it.new);
        eprintln!("{} stays {}: {error}", it.path, it.new);
    }
    if !failed.is_empty() {
        bail!("{} of {} settings could not be taken back", failed.len(), record.len());
    }
    if file.exists() {
        fs::remove_file(file)?;
    }
    println!("{} settings taken back", record.len());
    Ok(())
}
