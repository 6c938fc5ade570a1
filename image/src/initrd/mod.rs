//! The initrd: systemd, the drivers of disks, and what opens a verified root. No shell, no scripts.
//!
//! It is put together from the root file system: the files of `initrd/files.list` with the libraries they
//! need, the kernel modules of `initrd/modules.list` with theirs, and the overlay `initrd/root`.

pub(crate) mod cpio;
mod elf;
pub(crate) mod modules;

use crate::build::Build;
use crate::{files, packages, paths, shell};
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Writes `/build/initrd.cpio.zst`.
pub fn make(build: &Build, kernel: &str) -> Result<()> {
    let (root, staging) = (build.root(), build.work.join("initrd"));
    files::fresh(&staging)?;
    for link in ["bin", "sbin", "lib", "lib64"] {
        std::os::unix::fs::symlink(format!("usr/{link}"), staging.join(link))?;
    }
    for folder in ["dev", "proc", "run", "sys", "sysroot", "tmp", "var/tmp", "etc"] {
        fs::create_dir_all(staging.join(folder))?;
    }
    let definitions = paths::definitions().join("initrd");
    let mut wanted = BTreeSet::new();
    for pattern in packages::list(&definitions.join("files.list"))? {
        let found = matching(&root, &pattern)?;
        anyhow::ensure!(!found.is_empty(), "initrd/files.list: nothing in the root matches {pattern}");
        wanted.extend(found);
    }
    elf::add_libraries(&build.tools, &root, &mut wanted)?;
    for path in &wanted {
        copy(&root, &staging, path)?;
    }
    let modules = modules::closure(&root, kernel, &packages::list(&definitions.join("modules.list"))?)?;
    for path in &modules {
        copy(&root, &staging, path)?;
    }
    shell::run(build.tools.command("depmod").args(["--basedir=/build/initrd", kernel]))?;
    files::overlay(&definitions.join("root"), &staging)?;
    std::os::unix::fs::symlink("usr/lib/systemd/systemd", staging.join("init"))?;
    shell::run(build.tools.command("ldconfig").args(["-r", "/build/initrd"]))?;
    files::remove(&staging.join("var/cache"))?;
    fs::write(build.work.join("initrd.cpio"), cpio::archive(&staging, build.epoch)?)?;
    let mut zstd = build.tools.command("zstd");
    zstd.args(["--quiet", "--force", "-T2", build.compression(), "/build/initrd.cpio"]);
    shell::run(&mut zstd)
}

/// Paths of a root, without the leading slash, that a pattern names: `*` stands for a part of a file's name.
fn matching(root: &Path, pattern: &str) -> Result<Vec<PathBuf>> {
    let pattern = Path::new(pattern.trim_start_matches('/'));
    let name = pattern.file_name().and_then(|name| name.to_str()).context("a pattern has a name")?;
    let Some((before, after)) = name.split_once('*') else {
        let there = fs::symlink_metadata(root.join(pattern)).is_ok();
        return Ok(there.then(|| pattern.to_owned()).into_iter().collect());
    };
    let folder = pattern.parent().unwrap_or(Path::new(""));
    let mut found = Vec::new();
    for entry in fs::read_dir(root.join(folder)).with_context(|| format!("{}", folder.display()))? {
        let entry = entry?;
        let file = entry.file_name().to_string_lossy().into_owned();
        let fits =
            file.len() >= before.len() + after.len() && file.starts_with(before) && file.ends_with(after);
        if fits && !entry.file_type()?.is_dir() {
            found.push(folder.join(file));
        }
    }
    Ok(found)
}

/// Copies a file, or a link and what it leads to.
fn copy(root: &Path, staging: &Path, path: &Path) -> Result<()> {
    let (from, to) = (root.join(path), staging.join(path));
    let metadata = fs::symlink_metadata(&from).with_context(|| format!("{} is missing", path.display()))?;
    if fs::symlink_metadata(&to).is_ok() {
        return Ok(());
    }
    fs::create_dir_all(to.parent().expect("a file lies in a folder"))?;
    if metadata.is_dir() {
        for entry in fs::read_dir(&from)? {
            copy(root, staging, &path.join(entry?.file_name()))?;
        }
        return Ok(());
    }
    if !metadata.is_symlink() {
        return files::install(&from, &to);
    }
    let target = fs::read_link(&from)?;
    std::os::unix::fs::symlink(&target, &to)?;
    let followed = inside(path, &target);
    if fs::symlink_metadata(root.join(&followed)).is_ok() {
        copy(root, staging, &followed)?;
    }
    Ok(())
}

/// Where a link inside a root leads, as a path without the leading slash.
fn inside(link: &Path, target: &Path) -> PathBuf {
    let mut path =
        if target.is_absolute() { PathBuf::new() } else { link.parent().unwrap_or(link).to_owned() };
    for part in target.components() {
        match part {
            std::path::Component::ParentDir => {
                path.pop();
            }
            std::path::Component::Normal(name) => path.push(name),
            _ => {}
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_inside_the_root() {
        let leads =
            |link: &str, target: &str| inside(Path::new(link), Path::new(target)).display().to_string();
        assert_eq!(leads("usr/bin/reboot", "systemctl"), "usr/bin/systemctl");
        assert_eq!(leads("usr/lib/systemd/systemd-udevd", "../../bin/udevadm"), "usr/bin/udevadm");
        assert_eq!(leads("usr/sbin/init", "/usr/lib/systemd/systemd"), "usr/lib/systemd/systemd");
    }
}
