//! One cut: the box is switched on again, and has to come back with everything it had promised.

use super::record::{Acknowledged, find_update, unknown, until};
use anyhow::{Context, Result, bail};
use plenum_tests::machine::site::{Site, host_key};
use plenum_tests::machine::{Machine, Options};
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(600);
/// A version on trial has three tries, and the boot after them is the old one's.
const BOOTS: u32 = 4;

/// What is looked at after the cut.
pub(crate) struct Task<'a> {
    /// The disk as the cut left it.
    pub(crate) disk: PathBuf,
    /// The machine's folder before the recording: TPM, firmware variables, host key.
    pub(crate) before: &'a Path,
    pub(crate) folder: PathBuf,
    pub(crate) port: u16,
    pub(crate) stick: &'a Path,
    /// Acknowledged before the cut.
    pub(crate) acknowledged: &'a [Acknowledged],
    /// Success had been reported before the cut.
    pub(crate) reported: bool,
    /// The update is installed again where the cut prevented it, to its end.
    pub(crate) install: bool,
}

#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Found {
    pub(crate) booted: bool,
    pub(crate) boots: u32,
    pub(crate) version: String,
    pub(crate) state: String,
    pub(crate) last: String,
    pub(crate) acknowledged: usize,
    pub(crate) lost: usize,
    pub(crate) stuck: bool,
    /// The update was installed again, to its end.
    pub(crate) installed_again: bool,
    pub(crate) error: String,
}

pub(crate) fn run(task: &Task<'_>) -> Found {
    let mut found = Found { acknowledged: task.acknowledged.len(), ..Found::default() };
    if let Err(error) = look(task, &mut found) {
        found.error = format!("{error:#}");
        found.stuck = found.booted;
    }
    found
}

fn look(task: &Task<'_>, found: &mut Found) -> Result<()> {
    let options = options(task)?;
    let mut machine = up(&options, found)?;
    found.booted = true;
    let links: Vec<&str> = task.acknowledged.iter().map(|one| one.link.as_str()).collect();
    found.lost = lost(&machine, &links)?;
    let rests =
        |text: &str| field(text, "state").starts_with("idle") || field(text, "state").starts_with("ready");
    until(&mut machine, "plenum update status", rests, || Ok(()))?;
    let text = machine.shell()?.run("plenum update status || true")?;
    (found.version, found.state, found.last) =
        (field(&text, "version"), field(&text, "state"), field(&text, "last"));
    let new = found.last.starts_with("good");
    if task.reported && !new {
        bail!("the update had been reported to be ready, and did not start:\n{text}");
    }
    if !new && found.state.starts_with("idle") && task.install {
        find_update(&mut machine)?;
        machine.shell()?.run("plenum update install")?;
        let ready = |text: &str| text.contains("ready-to-restart") || text.contains("last       failed");
        until(&mut machine, "plenum update status", ready, || Ok(()))?;
        let text = machine.shell()?.run("plenum update status || true")?;
        if !text.contains("ready-to-restart") {
            bail!("the update cannot be installed after the cut:\n{text}");
        }
        found.installed_again = true;
    }
    Ok(())
}

/// On a version that has proved itself; it may start again by itself on the way.
fn up(options: &Options, found: &mut Found) -> Result<Machine> {
    while found.boots < BOOTS {
        found.boots += 1;
        let mut machine = Machine::start(options)?;
        let end = Instant::now() + LIMIT;
        while !machine.has_ended() {
            if Instant::now() > end {
                bail!("not up within {} s; the console said:\n{}", LIMIT.as_secs(), machine.console());
            }
            let complete =
                machine.shell().and_then(|shell| shell.run("systemctl is-active boot-complete.target"));
            if complete.is_ok() {
                return Ok(machine);
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }
    bail!("it started again and again")
}

/// The pages are there before the meetings are.
fn lost(machine: &Machine, links: &[&str]) -> Result<usize> {
    machine.site.open_meeting_within("After the cut", LIMIT)?;
    if links.is_empty() {
        return Ok(0);
    }
    unknown(machine.site.https_port, links).context("the meetings cannot be asked for")
}

fn options(task: &Task<'_>) -> Result<Options> {
    if task.folder.exists() {
        fs::remove_dir_all(&task.folder)?;
    }
    copy_machine(task.before, &task.folder)?;
    let site = Site::new(task.port, host_key(&task.folder)?);
    let drives = vec![task.stick.to_owned()];
    // Several machines at a time: each has one processor, which costs emulation least.
    Ok(Options { drives, processors: 1, ..Options::new(task.disk.clone(), task.folder.clone(), site) })
}

/// All of a machine but its disk.
pub(crate) fn copy_machine(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to.join("tpm"))?;
    for name in ["variables.fd", "host.key"] {
        copy(&from.join(name), &to.join(name))?;
    }
    for file in fs::read_dir(from.join("tpm"))? {
        let file = file?;
        copy(&file.path(), &to.join("tpm").join(file.file_name()))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("{} cannot be copied", from.display())).map(drop)
}

/// Of `plenum update status`.
fn field(text: &str, name: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_default().trim().to_owned()
}
