//! An update on its way into the staging folder: nothing is there under its name before all of it was verified.

use crate::admission::admit;
use crate::unpack::{Sink, Unpacker};
use anyhow::{Context, Result};
use nix::sys::statvfs::statvfs;
use plenum_protocol::update::{ARCHITECTURE, Manifest, PublicKey, Version};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// What the data partition keeps free for meetings while an update lies there.
const RESERVE: u64 = 64 << 20;

/// What this box knows when it decides about an update.
#[derive(Debug, Clone)]
pub struct Admission {
    pub running: Version,
    pub rejected: Vec<(Version, String)>,
    pub trusted: Vec<PublicKey>,
}

pub struct Staging {
    folder: PathBuf,
    partial: PathBuf,
    unpacker: Unpacker,
    files: Files,
}

struct Files {
    partial: PathBuf,
    admission: Admission,
    open: Vec<File>,
}

impl Staging {
    pub fn begin(folder: &Path, admission: Admission) -> Result<Staging> {
        discard(folder)?;
        let partial = folder.with_extension("partial");
        fs::create_dir_all(&partial).with_context(|| format!("{} cannot be made", partial.display()))?;
        let unpacker = Unpacker::new(admission.trusted.clone());
        let files = Files { partial: partial.clone(), admission, open: Vec::new() };
        Ok(Staging { folder: folder.to_owned(), partial, unpacker, files })
    }

    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.unpacker.push(bytes, &mut self.files)?)
    }

    /// Bytes, done and of.
    pub fn progress(&self) -> (u64, u64) {
        self.unpacker.progress()
    }

    /// On the disk, verified, and under its name.
    pub fn finish(self) -> Result<Manifest> {
        let manifest = self.unpacker.finish()?;
        let what = || format!("{} cannot be written", self.folder.display());
        for file in &self.files.open {
            file.sync_all().with_context(what)?;
        }
        File::open(&self.partial)?.sync_all().with_context(what)?;
        fs::rename(&self.partial, &self.folder).with_context(what)?;
        Ok(manifest)
    }
}

/// Removes what an earlier update left.
pub fn discard(folder: &Path) -> Result<()> {
    for path in [folder.to_owned(), folder.with_extension("partial")] {
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("{} cannot be removed", path.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

impl Sink for Files {
    fn manifest(&mut self, manifest: &Manifest) -> Result<(), String> {
        let known = &self.admission;
        admit(manifest, ARCHITECTURE, &known.running, &known.rejected).map_err(|error| error.to_string())?;
        let space = statvfs(&self.partial).map_err(|error| format!("the free space is unknown: {error}"))?;
        let free = space.blocks_available().saturating_mul(space.fragment_size());
        let needed = manifest.payload_bytes() + RESERVE;
        if free < needed {
            let (free, needed) = (free >> 20, needed >> 20);
            return Err(format!(
                "the data partition has {free} MiB free and needs {needed}: free space there"
            ));
        }
        for payload in &manifest.payloads {
            let path = self.partial.join(&payload.name);
            self.open.push(File::create(&path).map_err(|error| format!("{}: {error}", path.display()))?);
        }
        Ok(())
    }

    fn piece(&mut self, place: usize, bytes: &[u8]) -> Result<(), String> {
        let file = self.open.get_mut(place).ok_or("a payload without a file")?;
        file.write_all(bytes).map_err(|error| format!("the update cannot be kept: {error}"))
    }
}
