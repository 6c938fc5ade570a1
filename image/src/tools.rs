//! The tools root: a Debian of pinned packages in which every foreign program runs.

use crate::lock::Lock;
use crate::{bootstrap, packages, paths};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A root to run programs in.
#[derive(Debug, Clone)]
pub struct Tools {
    root: PathBuf,
    binds: Vec<(PathBuf, String)>,
}

impl Tools {
    /// The tools root of the lock file; made when it is not in the cache.
    pub fn open() -> Result<Tools> {
        let lock = Lock::read(&paths::definitions().join("packages/tools.lock"))?;
        let root = paths::cache().join(format!("tools-{}", lock.id()));
        if !root.join("complete").is_file() {
            eprintln!("making the tools root once: {}", root.display());
            let repository = packages::fetch(&lock)?;
            bootstrap::tools(&lock, &repository, &root).context("the tools root could not be made")?;
            std::fs::write(root.join("complete"), "")?;
        }
        Ok(Tools { root, binds: Vec::new() })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The same root with a folder or file of this machine in it. The same inside paths for every build:
    /// no path of this machine gets into what is built.
    pub fn with(&self, outside: &Path, inside: &str) -> Tools {
        let mut tools = self.clone();
        tools.binds.push((outside.to_owned(), inside.to_owned()));
        tools
    }

    /// A program in the root. The process that is started is the program itself.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(enterer());
        command.arg("enter").arg("--root").arg(&self.root);
        for (outside, inside) in &self.binds {
            command.arg("--bind").arg(format!("{}:{inside}", outside.display()));
        }
        command.arg("--").arg(program);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C.UTF-8");
        command
    }

    /// The same for a program that writes the time into what it makes: its clock stands at `epoch`.
    pub fn command_at(&self, epoch: u64, program: &str) -> Command {
        let mut command = self.command("env");
        command.arg("LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1");
        command.arg(format!("FAKETIME={epoch}")).args(["FAKETIME_FMT=%s", "FAKETIME_DONT_FAKE_MONOTONIC=1"]);
        command.arg(program).env("SOURCE_DATE_EPOCH", epoch.to_string());
        command
    }
}

/// `plenum-image`: this program, or the one beside it.
fn enterer() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    let beside = |folder: &Path| folder.join("plenum-image");
    // A test's program lies one folder deeper.
    let candidates = own.ancestors().skip(1).take(2).map(beside);
    candidates.into_iter().find(|path| path.is_file()).unwrap_or_else(|| "plenum-image".into())
}
