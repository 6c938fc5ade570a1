//! The log of a disk's writes as QEMU's `blklogwrites` keeps it: the format of Linux' dm-log-writes
//! (Documentation/admin-guide/device-mapper/log-writes.rst), every number little endian.

use anyhow::{Context, Result, ensure};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

const MAGIC: u64 = 0x006a_7366_7773_6872;
const SECTOR: u64 = 512;
const FLUSH: u64 = 1;
const DISCARD: u64 = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) kind: Kind,
    /// First byte on the disk.
    pub(crate) start: u64,
    pub(crate) bytes: u64,
    /// Where the written bytes lie in the log.
    data: u64,
    /// Length of the log up to and with this write.
    pub(crate) end: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Data,
    /// Everything before it is on the disk for good.
    Flush,
    Discard,
}

pub(crate) struct Writes {
    file: File,
    pub(crate) all: Vec<Write>,
}

impl Writes {
    pub(crate) fn open(path: &Path) -> Result<Writes> {
        let file = File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
        let mut head = [0; 28];
        file.read_exact_at(&mut head, 0)?;
        let sector = u32::from_le_bytes([head[24], head[25], head[26], head[27]]);
        ensure!(
            word(&head, 0) == MAGIC && u64::from(sector) == SECTOR,
            "{} is no log of writes",
            path.display()
        );
        let (mut all, mut at) = (Vec::new(), SECTOR);
        for _ in 0..word(&head, 2) {
            let mut entry = [0; 32];
            file.read_exact_at(&mut entry, at).context("the log of writes is cut off")?;
            let flags = word(&entry, 2);
            let kind = match flags {
                flags if flags & FLUSH != 0 => Kind::Flush,
                flags if flags & DISCARD != 0 => Kind::Discard,
                _ => Kind::Data,
            };
            let (start, bytes) = (word(&entry, 0) * SECTOR, word(&entry, 1) * SECTOR);
            let data = at + SECTOR;
            at = if kind == Kind::Discard { data } else { data + bytes };
            all.push(Write { kind, start, bytes, data, end: at });
        }
        Ok(Writes { file, all })
    }

    /// What was written; nothing for a discard, after which a disk may still give back what was there.
    pub(crate) fn data(&self, write: &Write) -> Result<Vec<u8>> {
        let mut data = vec![0; if write.kind == Kind::Data { write.bytes as usize } else { 0 }];
        self.file.read_exact_at(&mut data, write.data)?;
        Ok(data)
    }
}

fn word(bytes: &[u8], number: usize) -> u64 {
    bytes[8 * number..8 * number + 8].try_into().map_or(0, u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(entries: &[(u64, u64, u64, &[u8])]) -> Vec<u8> {
        let mut log = Vec::new();
        for number in [MAGIC, 1, entries.len() as u64, SECTOR] {
            log.extend(number.to_le_bytes());
        }
        log.resize(SECTOR as usize, 0);
        for (sector, sectors, flags, data) in entries {
            for number in [*sector, *sectors, *flags, 0] {
                log.extend(number.to_le_bytes());
            }
            log.resize(log.len().next_multiple_of(SECTOR as usize), 0);
            log.extend(*data);
        }
        log
    }

    #[test]
    fn reads_writes_flushes_and_discards() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let data = [7; 1_024];
        std::fs::write(
            &path,
            log(&[(10, 2, 0, &data), (0, 0, FLUSH, &[]), (4, 8, DISCARD, &[]), (1, 2, 0, &data)]),
        )
        .unwrap();
        let writes = Writes::open(&path).unwrap();
        let kinds: Vec<Kind> = writes.all.iter().map(|write| write.kind).collect();
        assert_eq!(kinds, [Kind::Data, Kind::Flush, Kind::Discard, Kind::Data]);
        assert_eq!((writes.all[0].start, writes.all[0].end), (5_120, 2_048));
        assert_eq!(writes.data(&writes.all[3]).unwrap(), data);
        assert!(writes.data(&writes.all[2]).unwrap().is_empty());
        assert_eq!(writes.all[3].end, std::fs::metadata(&path).unwrap().len());
    }

    #[test]
    fn refuses_what_is_no_log() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(&path, [0; 512]).unwrap();
        assert!(Writes::open(&path).is_err());
    }
}
