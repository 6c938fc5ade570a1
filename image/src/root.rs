//! The root file system as a folder: base packages, kernel, overlay, daemons; then what is not needed leaves.

use crate::build::Build;
use crate::lock::Lock;
use crate::shell::run;
use crate::{
    bootstrap, collect, credentials, files, kernel, licences, listening, microcode, packages, paths, strip,
};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Not the commit's time: the archive of a lock file is the same for every commit.
const BASE_EPOCH: u64 = 1_700_000_000;

/// Gives the kernel's version.
pub fn assemble(build: &Build) -> Result<String> {
    let root = build.root();
    files::fresh(&root)?;
    let base = base(build)?;
    let tools = build.tools.with(&base, "/base.tar");
    run(tools
        .command("tar")
        .args(["--extract", "--file=/base.tar", "--numeric-owner", "--xattrs"])
        .args(["--xattrs-include=*", "--directory=/build/root"]))?;
    unpack(build, "kernel.lock")?;
    let kernel = kernel::prepare(build)?;
    firmware(build)?;
    let definitions = paths::definitions();
    files::overlay(&definitions.join("root"), &root)?;
    if build.debug {
        files::overlay(&definitions.join("root-debug"), &root)?;
    }
    collect::install(&root, &build.programs)?;
    if let Some(overlay) = &build.overlay {
        files::overlay(overlay, &root)?;
    }
    run(build
        .tools
        .command("strip")
        .args(["--strip-debug"])
        .args(collect::PROGRAMS.map(|program| format!("/build/root/usr/bin/{program}"))))?;
    identity(build, &root)?;
    let ports = listening::firewall(&listening::read(&root)?);
    files::write(&root.join("etc/nftables.d/ports.nft"), ports, 0o644)?;
    configure(build)?;
    strip::run(&root, build.debug)?;
    licences::of_crates(&root.join("usr/share/doc"))?;
    credentials::check(&root)?;
    Ok(kernel)
}

/// The archive of the base packages; made once for a lock file.
fn base(build: &Build) -> Result<PathBuf> {
    let lock = Lock::read(&paths::definitions().join("packages/root.lock"))?;
    let tar = if build.fresh {
        build.work.join("base.tar")
    } else {
        paths::cache().join(format!("base-{}.tar", bootstrap::archive_id(&lock)))
    };
    if build.fresh || !tar.is_file() {
        let repository = packages::fetch(&lock)?;
        bootstrap::archive(&build.tools, &lock, &repository, &tar, BASE_EPOCH)
            .context("the base packages could not be installed")?;
    }
    Ok(tar)
}

/// Unpacks the packages of a lock file, without their scripts.
fn unpack(build: &Build, lock: &str) -> Result<()> {
    let lock = Lock::read(&paths::definitions().join("packages").join(lock))?;
    let repository = packages::fetch(&lock)?;
    for package in &lock.packages {
        let tools = build.tools.with(&repository.join(&package.filename), "/package.deb");
        run(tools.command("dpkg-deb").args(["--fsys-tarfile", "/package.deb"]).stdout(
            fs::File::create(build.work.join("package.tar"))
                .with_context(|| format!("{} cannot be unpacked", package.name))?,
        ))?;
        run(tools
            .command("tar")
            .args(["--extract", "--file=/build/package.tar", "--directory=/build/root"])
            .args(["--keep-directory-symlink"]))?;
    }
    files::remove(&build.work.join("package.tar"))
}

/// Of NICs for the root, of processors for the kernel image: the kernel takes microcode before it has a root.
fn firmware(build: &Build) -> Result<()> {
    unpack(build, "firmware.lock")?;
    microcode::take_out(build)
}

/// Who this system says that it is: systemd-sysupdate, systemd-boot and the pages read it.
fn identity(build: &Build, root: &Path) -> Result<()> {
    let version = &build.version;
    let variant = if build.debug { "VARIANT_ID=debug\nVARIANT=\"Debug\"\n" } else { "" };
    let release = format!(
        "ID=plenum\nID_LIKE=debian\nNAME=\"Plenum\"\nPRETTY_NAME=\"Plenum {version}\"\n\
         VERSION_ID={version}\nIMAGE_ID=plenum\nIMAGE_VERSION={version}\nDEFAULT_HOSTNAME=plenum\n{variant}"
    );
    // In /etc, because Debian's own key ring lies in /usr: nobody else's update may be taken.
    files::install(&build.keys.folder.join("update.pgp"), &root.join("etc/systemd/import-pubring.gpg"))?;
    files::write(&root.join("usr/lib/plenum/update.keys"), build.keys.trusted()?, 0o644)?;
    files::write(&root.join("usr/lib/os-release"), release, 0o644)
}

/// What package scripts and systemd would do at the first boot on a writable root.
fn configure(build: &Build) -> Result<()> {
    let tools = &build.tools;
    let at = |option: &str| format!("{option}=/build/root");
    run(tools.command("systemd-sysusers").arg(at("--root")).env("SOURCE_DATE_EPOCH", "86400"))?;
    run(tools.command("systemctl").arg(at("--root")).args(["preset-all", "--preset-mode=full"]))?;
    run(tools.command("systemd-hwdb").arg(at("--root")).args(["--usr", "update"]))?;
    run(tools.command("journalctl").arg(at("--root")).arg("--update-catalog"))?;
    run(tools.command("ldconfig").args(["-r", "/build/root"]))
}
