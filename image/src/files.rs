//! Copying trees, and small helpers around files.

use anyhow::{Context, Result};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Copies a folder's content over another one: owner root, modes 0755 and 0644 (0755 for what is executable),
/// whatever umask the checkout was made with.
pub fn overlay(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("{} cannot be read", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            fs::create_dir_all(&target)?;
            overlay(&entry.path(), &target)?;
        } else if kind.is_symlink() {
            let _ = fs::remove_file(&target);
            symlink(fs::read_link(entry.path())?, &target)?;
        } else {
            install(&entry.path(), &target)?;
        }
    }
    Ok(())
}

/// Copies one file; its folder is made.
pub fn install(from: &Path, to: &Path) -> Result<()> {
    let executable =
        fs::metadata(from).with_context(|| format!("{} is missing", from.display()))?.permissions().mode()
            & 0o100
            != 0;
    let content = fs::read(from).with_context(|| format!("{} cannot be read", from.display()))?;
    write(to, &content, if executable { 0o755 } else { 0o644 })
}

/// Replaces a file, or a link in its place.
pub fn write(path: &Path, content: impl AsRef<[u8]>, mode: u32) -> Result<()> {
    let folder = path.parent().expect("a file lies in a folder");
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    remove(path)?;
    fs::write(path, content).with_context(|| format!("{} cannot be written", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(())
}

/// Removes a file, a link or a whole folder, if it is there.
pub fn remove(path: &Path) -> Result<()> {
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
    let removed = if metadata.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.with_context(|| format!("{} cannot be removed", path.display()))
}

/// An empty folder in the place of whatever was there.
pub fn fresh(path: &Path) -> Result<()> {
    remove(path)?;
    fs::create_dir_all(path).with_context(|| format!("{} cannot be made", path.display()))
}

/// Replaces every `@NAME@` of a template.
pub fn fill(template: &Path, values: &[(&str, &str)]) -> Result<String> {
    let mut text =
        fs::read_to_string(template).with_context(|| format!("{} cannot be read", template.display()))?;
    for (name, value) in values {
        text = text.replace(&format!("@{name}@"), value);
    }
    Ok(text)
}

/// Fills every template of a folder into another one.
pub fn fill_folder(from: &Path, to: &Path, values: &[(&str, &str)]) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("{} cannot be read", from.display()))? {
        let entry = entry?;
        fs::write(to.join(entry.file_name()), fill(&entry.path(), values)?)?;
    }
    Ok(())
}

/// Gives a folder and everything in it one time: a FAT file system keeps it.
pub fn clamp_times(path: &Path, epoch: u64) -> Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            clamp_times(&entry?.path(), epoch)?;
        }
    }
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(epoch);
    let times = fs::FileTimes::new().set_accessed(time).set_modified(time);
    let file = fs::File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
    file.set_times(times).with_context(|| format!("{} keeps its time", path.display()))
}
