//! Directories that are of no use any more but may still be looked at: a damaged database, or what a newer
//! release left behind when the box was rolled back. Only the latest stays, and only for a week, because what
//! it contains was promised to be deleted some day.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use crate::{Result, error::Context as _, layout, time};

/// How long it is kept.
const RETENTION: Duration = Duration::from_secs(7 * 86_400);

/// Moves `path` of schema `schema` aside and deletes what was set aside before.
pub(crate) fn set_aside(root: &Path, path: &Path, schema: u16, now: SystemTime) -> Result<PathBuf> {
    for (old, _) in list(root)? {
        layout::remove(&old)?;
    }
    let target = root.join(format!("aside-v{schema}-{}", time::millis(now)));
    layout::rename(path, &target)?;
    layout::sync_directory(root)?;
    Ok(target)
}

/// Deletes what was set aside more than a week before `now`; returns how many directories.
pub(crate) fn expire(root: &Path, now: SystemTime) -> Result<u64> {
    let mut expired = 0;
    for (path, since) in list(root)? {
        if since.saturating_add(time::duration_millis(RETENTION)) <= time::millis(now) {
            layout::remove(&path)?;
            expired += 1;
        }
    }
    Ok(expired)
}

/// Each with the time since when.
fn list(root: &Path) -> Result<Vec<(PathBuf, u64)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).context("reading", root)? {
        let entry = entry.context("reading", root)?;
        let name = entry.file_name();
        let parts = name.to_str().and_then(|name| name.strip_prefix("aside-v")?.split_once('-'));
        let since = parts.and_then(|(_, since)| since.parse().ok());
        found.extend(since.map(|since| (entry.path(), since)));
    }
    Ok(found)
}
