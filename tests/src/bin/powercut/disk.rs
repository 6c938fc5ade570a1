//! The disk as a power cut leaves it: all that was flushed, and any part of what was not.

use super::writes::{Kind, Write, Writes};
use anyhow::{Context, Result, ensure};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

const SECTOR: usize = 512;

pub(crate) struct Disk {
    file: File,
    /// Writes that are on it.
    applied: usize,
    /// What was there before the writes that a flush had not reached: first byte and bytes.
    undo: Vec<(u64, Vec<u8>)>,
}

/// How many writes the cut met that were not flushed, and how many of them it lost whole or in part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Loss {
    pub(crate) unflushed: usize,
    pub(crate) lost: usize,
}

impl Disk {
    /// `path` is the disk as it was before the first write of the log.
    pub(crate) fn open(path: &Path) -> Result<Disk> {
        let file = OpenOptions::new().read(true).write(true).open(path);
        let file = file.with_context(|| format!("{} cannot be opened", path.display()))?;
        Ok(Disk { file, applied: 0, undo: Vec::new() })
    }

    /// The disk after a cut when `count` writes had been given to it; cuts only go forward.
    pub(crate) fn cut(&mut self, writes: &Writes, count: usize, random: &mut fastrand::Rng) -> Result<Loss> {
        for (start, bytes) in self.undo.drain(..).rev() {
            self.file.write_all_at(&bytes, start)?;
        }
        let flushed =
            writes.all[..count].iter().rposition(|write| write.kind == Kind::Flush).map_or(0, |at| at + 1);
        ensure!(flushed >= self.applied, "cuts have to be in order");
        for write in &writes.all[self.applied..flushed] {
            self.file.write_all_at(&writes.data(write)?, write.start)?;
        }
        self.applied = flushed;
        let mut loss = Loss::default();
        for write in writes.all[flushed..count].iter().filter(|write| write.kind == Kind::Data) {
            loss.unflushed += 1;
            let data = writes.data(write)?;
            let kept = kept(write, random);
            loss.lost += usize::from(kept < data.len());
            let mut before = vec![0; kept];
            self.file.read_exact_at(&mut before, write.start)?;
            self.undo.push((write.start, before));
            self.file.write_all_at(&data[..kept], write.start)?;
        }
        Ok(loss)
    }
}

/// Whole, not at all, or torn at a sector: a disk with a volatile cache promises nothing else.
fn kept(write: &Write, random: &mut fastrand::Rng) -> usize {
    let bytes = write.bytes as usize;
    match random.u8(..4) {
        0 => 0,
        1 => random.usize(..=bytes / SECTOR) * SECTOR,
        _ => bytes,
    }
}
