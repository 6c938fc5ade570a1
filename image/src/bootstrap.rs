//! mmdebstrap: roots made of the packages of a lock file.

use crate::lock::Lock;
use crate::tools::Tools;
use crate::{digest, shell};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Neither documentation nor translations: nobody reads them there.
const LEFT_OUT: [&str; 8] = [
    "/usr/share/doc/*",
    "/usr/share/man/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/usr/share/bash-completion/*",
    "/usr/share/zsh/*",
    "/usr/share/lintian/*",
    "/usr/share/i18n/*",
];

/// Of what is left out; the last word counts.
const KEPT: &str = "/usr/share/doc/*/copyright";

/// Names the archive of a lock file: another set of paths is another archive.
pub fn archive_id(lock: &Lock) -> String {
    let text = format!("{}\n{}\n{KEPT}", lock.id(), LEFT_OUT.join("\n"));
    digest::sha256_of(text.as_bytes())[..12].to_owned()
}

/// The tools root, by the mmdebstrap of this machine.
pub fn tools(lock: &Lock, repository: &Path, root: &Path) -> Result<()> {
    let half = root.with_extension("half");
    if half.exists() {
        fs::remove_dir_all(&half)?;
    }
    let mut command = Command::new("mmdebstrap");
    arguments(&mut command, lock);
    shell::run(command.arg("trixie").arg(&half).arg(source(&repository.to_string_lossy())))
        .context("mmdebstrap (Debian's package of this name) failed")?;
    fs::rename(&half, root)?;
    Ok(())
}

/// A root as a tar archive, by the mmdebstrap of the tools root.
pub fn archive(tools: &Tools, lock: &Lock, repository: &Path, tar: &Path, epoch: u64) -> Result<()> {
    let folder = tar.parent().expect("an archive lies in a folder");
    let name = tar.file_name().expect("an archive has a name").to_string_lossy();
    let tools = tools.with(repository, "/repository").with(folder, "/archive");
    let mut command = tools.command("mmdebstrap");
    arguments(&mut command, lock);
    command.env("SOURCE_DATE_EPOCH", epoch.to_string());
    let half = format!("/archive/{name}.half");
    shell::run(command.args(["--format=tar", "trixie", &half]).arg(source("/repository")))?;
    fs::rename(folder.join(format!("{name}.half")), tar)?;
    Ok(())
}

fn arguments(command: &mut Command, lock: &Lock) {
    command.args(["--quiet", "--mode=root", "--variant=custom", "--architectures=amd64"]);
    command.arg(format!("--include={}", lock.names().collect::<Vec<_>>().join(",")));
    command.arg("--aptopt=APT::Install-Recommends \"false\"");
    for path in LEFT_OUT {
        command.arg(format!("--dpkgopt=path-exclude={path}"));
    }
    command.arg(format!("--dpkgopt=path-include={KEPT}"));
}

/// Trusted: every file's digest was compared with the lock file's.
fn source(repository: &str) -> String {
    format!("deb [trusted=yes] copy:{repository} ./")
}
