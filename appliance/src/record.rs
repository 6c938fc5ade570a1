//! Small files that have to be whole after a power cut, for either version to read.

use anyhow::{Context, Result};
use plenum_daemon::durable;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs;
use std::path::Path;

/// Acknowledged when the disk has it.
pub fn write(path: &Path, value: &impl Serialize) -> Result<()> {
    let what = || format!("{} cannot be written", path.display());
    let folder = path.parent().with_context(what)?;
    fs::create_dir_all(folder).with_context(what)?;
    durable::replace(path, &serde_json::to_vec_pretty(value)?, 0o644).with_context(what)
}

/// `None` where there is none. What cannot be read is put aside, because an update must still be possible.
pub fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let bytes = fs::read(path).ok()?;
    match serde_json::from_slice(&bytes) {
        Ok(value) => Some(value),
        Err(error) => {
            let aside = path.with_extension("damaged");
            log::error!("{} is damaged ({error}) and was put aside as {}", path.display(), aside.display());
            let _ = fs::rename(path, aside);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_damage_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/update.json");
        assert_eq!(read::<u32>(&path), None);
        write(&path, &7).unwrap();
        assert_eq!(read::<u32>(&path), Some(7));
        fs::write(&path, "{").unwrap();
        assert_eq!(read::<u32>(&path), None);
        assert!(path.with_extension("damaged").is_file());
    }
}
