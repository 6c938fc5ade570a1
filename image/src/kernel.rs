//! The unpacked kernel package: its image for the kernel image, its modules for the root.

use crate::build::Build;
use crate::initrd::modules;
use crate::shell::run;
use crate::{files, packages, paths};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;

/// Gives the version: the name of the modules' folder.
pub fn prepare(build: &Build) -> Result<String> {
    let root = build.root();
    let modules = root.join("usr/lib/modules");
    let entry = fs::read_dir(&modules)?.next().context("the kernel package brought no modules")??;
    let version = entry.file_name().to_string_lossy().into_owned();
    fs::rename(root.join("boot").join(format!("vmlinuz-{version}")), build.work.join("vmlinuz"))?;
    files::fresh(&root.join("boot"))?;
    // The first time to learn what needs what, the second without what has left.
    depmod(build, &version)?;
    remove_modules(&modules.join(&version))?;
    depmod(build, &version)?;
    Ok(version)
}

fn depmod(build: &Build, version: &str) -> Result<()> {
    run(build.tools.command("depmod").args(["--basedir=/build/root", version]))
}

/// Those of `removed-modules.list`, and all that need them.
fn remove_modules(folder: &Path) -> Result<()> {
    let leaving = packages::list(&paths::definitions().join("packages/removed-modules.list"))?;
    for path in &leaving {
        let there = folder.join("kernel").join(path).is_dir();
        ensure!(there, "removed-modules.list: the kernel has no {path} (has it moved?)");
    }
    let leaves = |path: &str| {
        let path = path.strip_prefix("kernel/").unwrap_or(path);
        leaving.iter().any(|folder| path.starts_with(folder))
    };
    let text = fs::read_to_string(folder.join("modules.dep")).context("depmod made no list")?;
    for (path, needs) in modules::parse(&text) {
        if leaves(path) || needs.into_iter().any(leaves) {
            files::remove(&folder.join(path))?;
        }
    }
    Ok(())
}
