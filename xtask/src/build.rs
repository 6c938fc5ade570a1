//! Builds the user interface and the daemons.

use crate::shell::{cargo, in_root, root, run, target_dir};
use crate::{generate, setup};
use anyhow::{Context, Result};
use std::path::PathBuf;

pub(crate) fn everything(release: bool) -> Result<()> {
    setup::install(setup::HOUSE)?;
    user_interface()?;
    programs(release)
}

/// The daemons and the harness. Always the whole workspace: a part of it would unify features differently,
/// and half of the dependencies would be built twice.
pub(crate) fn programs(release: bool) -> Result<()> {
    let mut command = cargo();
    command.args(["build", "--quiet", "--workspace", "--bins"]);
    if release {
        command.arg("--release");
    }
    run(&mut command)
}

pub(crate) fn bin_dir(release: bool) -> PathBuf {
    target_dir().join(if release { "release" } else { "debug" })
}

/// `npm ci` when the lock file changed since the last time, then the production build.
pub(crate) fn user_interface() -> Result<()> {
    generate::typescript(false)?;
    packages("services/web/ui")?;
    // Standard output is for what was asked for, as JSON perhaps.
    let mut build = in_root("npm");
    run(build.args(["--prefix", "services/web/ui", "run", "--silent", "build"]).stdout(std::io::stderr()))
}

/// Those of the operations manual, of the user interface as it is now.
pub(crate) fn pictures() -> Result<()> {
    setup::install(setup::SUITES)?;
    setup::install(setup::PICTURES)?;
    user_interface()?;
    run(in_root("npm").args(["--prefix", "services/web/ui", "run", "--silent", "pictures"]))
}

/// The Python packages of `tests/browser/requirements.txt` in a folder of their own: Schemathesis tries an API by its
/// OpenAPI document, and aiosmtpd is a mail server.
pub(crate) fn python_packages() -> Result<PathBuf> {
    let list = root().join("tests/browser/requirements.txt");
    let wanted = std::fs::read(&list).context("tests/browser/requirements.txt cannot be read")?;
    let folder = target_dir().join("python");
    let stamp = folder.join(".plenum-lock");
    if !std::fs::read(&stamp).is_ok_and(|have| have == wanted) {
        if folder.exists() {
            std::fs::remove_dir_all(&folder).context("the old Python packages cannot be removed")?;
        }
        let mut install = in_root("pip3");
        install.args(["install", "--quiet", "--disable-pip-version-check", "--root-user-action=ignore"]);
        run(install.arg("--target").arg(&folder).arg("--requirement").arg(&list))?;
        std::fs::write(&stamp, wanted).context("the stamp of the Python packages cannot be written")?;
    }
    Ok(folder)
}

/// Installs the npm packages of a folder, unless they are those of its lock file already.
pub(crate) fn packages(folder: &str) -> Result<()> {
    let lock = root().join(folder).join("package-lock.json");
    let stamp = root().join(folder).join("node_modules/.plenum-lock");
    let wanted =
        std::fs::read(&lock).with_context(|| format!("{folder}/package-lock.json cannot be read"))?;
    if std::fs::read(&stamp).is_ok_and(|have| have == wanted) {
        return Ok(());
    }
    run(in_root("npm").args(["ci", "--prefix", folder, "--no-audit", "--no-fund", "--silent"]))?;
    std::fs::write(&stamp, wanted).context("the stamp of the npm packages cannot be written")
}
