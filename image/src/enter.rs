//! Enters a root: a mount namespace of its own with folders bound into it, then `chroot` and `exec`.
//!
//! It is a program of its own (`plenum-image enter`) because a mount namespace is changed most safely in a
//! process with one thread, and because `exec` keeps the pid: whoever started it ends the program itself.

use anyhow::{Context, Result, bail};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(Debug, clap::Args)]
pub struct Options {
    #[arg(long)]
    root: PathBuf,
    /// `OUTSIDE:INSIDE`: the folder or file appears there inside the root.
    #[arg(long)]
    bind: Vec<String>,
    #[arg(trailing_var_arg = true, required = true)]
    program: Vec<OsString>,
}

const SYSTEM: [&str; 3] = ["/dev", "/proc", "/sys"];

/// Returns only if it fails.
pub fn run(options: &Options) -> Result<()> {
    unshare(CloneFlags::CLONE_NEWNS).context("no mount namespace: run this as root")?;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&Path>, "/", None::<&Path>, private, None::<&Path>)?;
    for folder in SYSTEM {
        bind(Path::new(folder), &inside(&options.root, folder))?;
    }
    for folder in ["/tmp", "/run"] {
        let target = inside(&options.root, folder);
        mount(Some("tmpfs"), &target, Some("tmpfs"), MsFlags::MS_NOSUID, None::<&Path>)?;
    }
    for pair in &options.bind {
        let Some((outside, target)) = pair.split_once(':') else {
            bail!("`--bind {pair}` is not OUTSIDE:INSIDE");
        };
        bind(Path::new(outside), &inside(&options.root, target))?;
    }
    nix::unistd::chroot(&options.root)
        .with_context(|| format!("{} cannot be entered", options.root.display()))?;
    std::env::set_current_dir("/")?;
    let (program, arguments) = options.program.split_first().expect("clap requires one");
    let error = Command::new(program).args(arguments).exec();
    Err(error).with_context(|| format!("{} did not start in the tools root", program.display()))
}

fn inside(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

fn bind(outside: &Path, inside: &Path) -> Result<()> {
    if outside.is_dir() {
        std::fs::create_dir_all(inside)?;
    } else if !inside.exists() {
        std::fs::create_dir_all(inside.parent().unwrap_or(Path::new("/")))?;
        std::fs::File::create(inside)?;
    }
    let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
    mount(Some(outside), inside, None::<&Path>, flags, None::<&Path>)
        .with_context(|| format!("{} cannot be bound to {}", outside.display(), inside.display()))
}
