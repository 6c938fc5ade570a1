//! Boot entries in the ESP. FAT keeps nothing over a power cut that was not synced, and renames are what the
//! boot loader itself does.

use super::entries::Entry;
use anyhow::{Context, Result};
use nix::unistd::syncfs;
use plenum_protocol::update::Version;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

pub struct Esp {
    root: PathBuf,
}

impl Esp {
    pub fn mounted() -> Esp {
        Esp::at(Path::new("/boot"))
    }

    pub fn at(root: &Path) -> Esp {
        Esp { root: root.to_owned() }
    }

    pub fn folder(&self) -> PathBuf {
        self.root.join("EFI/Linux")
    }

    pub fn entries(&self) -> Result<Vec<Entry>> {
        let folder = self.folder();
        let listed = fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))?;
        let names = listed.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        Ok(names.filter_map(|name| name.parse().ok()).collect())
    }

    pub fn of(&self, version: &Version) -> Result<Option<Entry>> {
        Ok(self.entries()?.into_iter().find(|entry| entry.version == *version))
    }

    pub fn rename(&self, from: &Entry, to: &Entry) -> Result<()> {
        if from == to {
            return Ok(());
        }
        let folder = self.folder();
        let (old, new) = (folder.join(from.to_string()), folder.join(to.to_string()));
        fs::rename(&old, &new).with_context(|| format!("{} cannot be renamed", old.display()))?;
        self.sync()
    }

    /// Whatever no longer belongs there: entries, and what an interrupted update left.
    pub fn remove_others(&self, keep: &[&Version]) -> Result<Vec<String>> {
        let mut removed = Vec::new();
        for listed in fs::read_dir(self.folder())? {
            let listed = listed?;
            let name = listed.file_name().to_string_lossy().into_owned();
            let kept = name.parse::<Entry>().is_ok_and(|entry| keep.contains(&&entry.version));
            if !kept && listed.file_type()?.is_file() {
                fs::remove_file(listed.path()).with_context(|| format!("{name} cannot be removed"))?;
                removed.push(name);
            }
        }
        if !removed.is_empty() {
            self.sync()?;
        }
        Ok(removed)
    }

    pub fn sync(&self) -> Result<()> {
        let root = File::open(&self.root).with_context(|| format!("{}", self.root.display()))?;
        syncfs(&root).context("the ESP could not be synced")
    }

    /// The version that proved itself last.
    pub fn proven(&self) -> Option<Version> {
        fs::read_to_string(self.root.join("plenum/proven")).ok()?.trim().parse().ok()
    }

    pub fn set_proven(&self, version: &Version) -> Result<()> {
        if self.proven().as_ref() == Some(version) {
            return Ok(());
        }
        let folder = self.root.join("plenum");
        fs::create_dir_all(&folder)?;
        let new = folder.join("proven.new");
        fs::write(&new, version.to_string())
            .with_context(|| format!("{} cannot be written", new.display()))?;
        self.sync()?;
        fs::rename(&new, folder.join("proven"))?;
        self.sync()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_stays() {
        let folder = tempfile::tempdir().unwrap();
        let esp = Esp::at(folder.path());
        fs::create_dir_all(esp.folder()).unwrap();
        for name in ["plenum_0.1.0.efi", "plenum_0.2.0+3.efi", "plenum_0.3.0.efi.new", "x"] {
            fs::write(esp.folder().join(name), name).unwrap();
        }
        let running: Version = "0.1.0".parse().unwrap();
        assert_eq!(esp.remove_others(&[&running]).unwrap().len(), 3);
        let entry = esp.of(&running).unwrap().unwrap();
        esp.rename(&entry, &Entry::counted(&running)).unwrap();
        assert_eq!(esp.entries().unwrap(), [Entry::counted(&running)]);
        assert_eq!(esp.proven(), None);
        esp.set_proven(&running).unwrap();
        assert_eq!(esp.proven(), Some(running));
    }
}
