//! What leaves the root: package managers, shells, what only served the build, and state.

use crate::{files, licences, packages, paths};
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// HD4: the shipped image has neither shell nor package manager. The debug variant keeps `debug.list`.
pub fn run(root: &Path, debug: bool) -> Result<()> {
    remove_packages(root, debug)?;
    for path in packages::list(&paths::definitions().join("packages/removed-paths.list"))? {
        files::remove(&root.join(path.trim_start_matches('/')))?;
    }
    licences::keep_alone(&root.join("usr/share/doc"))?;
    if !debug {
        remove_scripts(root)?;
        remove_dangling(root, &root.join("usr/bin"))?;
        remove_dangling(root, &root.join("usr/sbin"))?;
    }
    without_privilege(root)?;
    state(root)
}

/// Nobody needs a program that gives them another user's rights.
fn without_privilege(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, metadata) = (entry.path(), entry.metadata()?);
        let mode = metadata.permissions().mode();
        if metadata.is_dir() {
            without_privilege(&path)?;
        } else if metadata.is_file() && mode & 0o6000 != 0 {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode & 0o1777))?;
        }
    }
    Ok(())
}

/// Names of the packages that leave.
pub fn leaving(debug: bool) -> Result<BTreeSet<String>> {
    let folder = paths::definitions().join("packages");
    let mut names: BTreeSet<String> = packages::list(&folder.join("removed.list"))?.into_iter().collect();
    if debug {
        for kept in packages::list(&folder.join("debug.list"))? {
            names.remove(&kept);
        }
    }
    Ok(names)
}

/// By the lists of the package database, and not by dpkg: it would run scripts, and is itself among them.
fn remove_packages(root: &Path, debug: bool) -> Result<()> {
    let leaving = leaving(debug)?;
    let info = root.join("var/lib/dpkg/info");
    let mut kept = BTreeSet::new();
    let mut gone = BTreeSet::new();
    for entry in fs::read_dir(&info).context("the base packages left no database")? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".list")) else {
            continue;
        };
        let name = name.split(':').next().unwrap_or(name);
        let list = if leaving.contains(name) { &mut gone } else { &mut kept };
        list.extend(fs::read_to_string(&path)?.lines().map(str::to_owned));
    }
    kept.extend(packages::list(&paths::definitions().join("packages/kept-paths.list"))?);
    for path in gone.difference(&kept) {
        let full = root.join(path.trim_start_matches('/'));
        if fs::symlink_metadata(&full).is_ok_and(|metadata| !metadata.is_dir()) {
            fs::remove_file(&full)?;
        }
    }
    Ok(())
}

/// Scripts that nothing can run any more.
fn remove_scripts(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            remove_scripts(&path)?;
        } else if kind.is_file() && entry.metadata()?.permissions().mode() & 0o111 != 0 && is_script(&path)? {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

fn is_script(path: &Path) -> Result<bool> {
    let mut start = [0; 2];
    let length = fs::File::open(path)?.read(&mut start)?;
    Ok(length == 2 && &start == b"#!")
}

/// Links to what has left.
fn remove_dangling(root: &Path, folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Ok(target) = fs::read_link(&path) else { continue };
        let full = if target.is_absolute() {
            root.join(target.strip_prefix("/").expect("it is absolute"))
        } else {
            folder.join(target)
        };
        if fs::symlink_metadata(&full).is_err() {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// State belongs to the data partition, and identity to the machine.
fn state(root: &Path) -> Result<()> {
    for folder in ["var", "run", "tmp", "home", "root", "srv", "media", "opt", "mnt"] {
        files::fresh(&root.join(folder))?;
    }
    fs::set_permissions(root.join("root"), fs::Permissions::from_mode(0o700))?;
    fs::set_permissions(root.join("tmp"), fs::Permissions::from_mode(0o1777))?;
    // PrivateTmp= of services that start before the data partition is mounted.
    fs::create_dir(root.join("var/tmp"))?;
    fs::set_permissions(root.join("var/tmp"), fs::Permissions::from_mode(0o1777))?;
    // The ESP is mounted there, and nowhere else.
    files::fresh(&root.join("boot"))?;
    for left in [
        "etc/.pwd.lock",
        "etc/passwd-",
        "etc/group-",
        "etc/shadow-",
        "etc/gshadow-",
        "etc/subuid-",
        "etc/subgid-",
        "etc/hostname",
        "etc/resolv.conf",
        "etc/mtab",
    ] {
        files::remove(&root.join(left))?;
    }
    // PID 1 mounts the machine's own over it. Empty, and not `uninitialized`: that would be a first boot for ever, at
    // which systemd looks through the presets of all units.
    files::write(&root.join("etc/machine-id"), "", 0o444)?;
    std::os::unix::fs::symlink("../proc/self/mounts", root.join("etc/mtab"))?;
    std::os::unix::fs::symlink("../run/systemd/resolve/stub-resolv.conf", root.join("etc/resolv.conf"))?;
    Ok(())
}
