//! The partition table (UEFI Specification 2.10, section 5.3), as far as slots need it: which partition lies
//! where, changing labels, and removing one. Sectors have 512 bytes.

use anyhow::{Context, Result, bail, ensure};

pub const SECTOR: u64 = 512;
const SIGNATURE: &[u8] = b"EFI PART";
const MAX_ENTRY_BYTES: usize = 64 << 10;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Lower case, with dashes.
    pub kind: String,
    pub uuid: String,
    pub label: String,
    /// In bytes.
    pub start: u64,
    pub bytes: u64,
}

/// One of the two copies: header sector and entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    header: Vec<u8>,
    entries: Vec<u8>,
    entry_bytes: usize,
}

/// Where the entries of a header lie: first byte and length.
pub fn entries_at(header: &[u8]) -> Result<(u64, usize)> {
    ensure!(header.len() == SECTOR as usize && header.starts_with(SIGNATURE), "it has no GPT");
    let (count, size) = (word(header, 80) as usize, word(header, 84) as usize);
    if size < 128 || count == 0 || count.saturating_mul(size) > MAX_ENTRY_BYTES {
        bail!("its GPT has {count} entries of {size} bytes");
    }
    Ok((long(header, 72).saturating_mul(SECTOR), count * size))
}

/// Where the other copy's header lies.
pub fn other_at(header: &[u8]) -> u64 {
    long(header, 32).saturating_mul(SECTOR)
}

impl Table {
    pub fn read(header: Vec<u8>, entries: Vec<u8>) -> Result<Table> {
        let (_, length) = entries_at(&header)?;
        let entry_bytes = word(&header, 84) as usize;
        let table = Table { header, entries, entry_bytes };
        ensure!(table.entries.len() == length, "its GPT is cut off");
        ensure!(
            word(&table.header, 88) == crc32fast::hash(&table.entries),
            "the entries of its GPT are damaged"
        );
        ensure!(word(&table.header, 16) == table.header_sum(), "the header of its GPT is damaged");
        Ok(table)
    }

    fn header_sum(&self) -> u32 {
        let mut header = self.header.clone();
        header[16..20].fill(0);
        let length = (word(&header, 12) as usize).clamp(92, header.len());
        crc32fast::hash(&header[..length])
    }

    pub fn partitions(&self) -> Vec<Partition> {
        let used = self.entries.chunks_exact(self.entry_bytes).filter(|entry| entry[..16] != [0; 16]);
        used.map(|entry| {
            let (first, last) = (long(entry, 32), long(entry, 40));
            let units: Vec<u16> =
                entry[56..128].chunks_exact(2).map(|it| u16::from_le_bytes([it[0], it[1]])).collect();
            let label = String::from_utf16_lossy(&units);
            Partition {
                kind: guid(&entry[..16]),
                uuid: guid(&entry[16..32]),
                label: label.trim_end_matches('\0').to_owned(),
                start: first.saturating_mul(SECTOR),
                bytes: last.saturating_sub(first).saturating_add(1).saturating_mul(SECTOR),
            }
        })
        .collect()
    }

    /// The label of the partition that starts at this byte.
    pub fn set_label(&mut self, start: u64, label: &str) -> Result<()> {
        let units: Vec<u16> = label.encode_utf16().collect();
        ensure!(units.len() <= 36, "a label has 36 characters at the most");
        let entry = self.entry(start)?;
        entry[56..128].fill(0);
        for (place, unit) in units.iter().enumerate() {
            entry[56 + 2 * place..58 + 2 * place].copy_from_slice(&unit.to_le_bytes());
        }
        self.sum();
        Ok(())
    }

    /// The partition that starts at this byte is none any more.
    pub fn remove(&mut self, start: u64) -> Result<()> {
        self.entry(start)?.fill(0);
        self.sum();
        Ok(())
    }

    fn entry(&mut self, start: u64) -> Result<&mut [u8]> {
        let entry = self
            .entries
            .chunks_exact_mut(self.entry_bytes)
            .find(|entry| entry[..16] != [0; 16] && long(entry, 32).saturating_mul(SECTOR) == start);
        entry.with_context(|| format!("no partition starts at byte {start}"))
    }

    /// After a change.
    fn sum(&mut self) {
        let sum = crc32fast::hash(&self.entries);
        self.header[88..92].copy_from_slice(&sum.to_le_bytes());
        let sum = self.header_sum();
        self.header[16..20].copy_from_slice(&sum.to_le_bytes());
    }

    pub fn header(&self) -> &[u8] {
        &self.header
    }

    pub fn entries(&self) -> &[u8] {
        &self.entries
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|it| it.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn long(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|it| it.try_into().ok()).map_or(0, u64::from_le_bytes)
}

/// The first three fields are little endian (appendix A).
fn guid(bytes: &[u8]) -> String {
    let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    let hex: String = order.iter().map(|place| format!("{:02x}", bytes[*place])).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut entries = vec![0; 128 * 128];
        entries[..16].copy_from_slice(&[0x11; 16]);
        entries[16..32]
            .copy_from_slice(&[0x67, 0x45, 0x23, 0x01, 0xab, 0x89, 0xef, 0xcd, 1, 2, 3, 4, 5, 6, 7, 8]);
        entries[32..40].copy_from_slice(&2_048u64.to_le_bytes());
        entries[40..48].copy_from_slice(&4_095u64.to_le_bytes());
        let mut header = vec![0; 512];
        header[..8].copy_from_slice(SIGNATURE);
        header[12..16].copy_from_slice(&92u32.to_le_bytes());
        header[72..80].copy_from_slice(&2u64.to_le_bytes());
        header[80..84].copy_from_slice(&128u32.to_le_bytes());
        header[84..88].copy_from_slice(&128u32.to_le_bytes());
        let mut table = Table { header, entries, entry_bytes: 128 };
        table.set_label(2_048 * SECTOR, "plenum_0.1.0").unwrap();
        table
    }

    #[test]
    fn a_label_is_changed_and_the_sums_fit() {
        let mut table = table();
        table.set_label(2_048 * SECTOR, "_empty").unwrap();
        let read = Table::read(table.header().to_vec(), table.entries().to_vec()).unwrap();
        let partition = &read.partitions()[0];
        assert_eq!((partition.label.as_str(), partition.bytes), ("_empty", 2_048 * SECTOR));
        assert_eq!(partition.uuid, "01234567-89ab-cdef-0102-030405060708");
        assert!(table.set_label(1, "x").is_err());
    }

    #[test]
    fn a_partition_that_is_removed_is_gone_and_the_sums_fit() {
        let mut table = table();
        assert!(table.remove(1).is_err());
        table.remove(2_048 * SECTOR).unwrap();
        let read = Table::read(table.header().to_vec(), table.entries().to_vec()).unwrap();
        assert!(read.partitions().is_empty());
    }

    #[test]
    fn damage_is_noticed() {
        let table = table();
        for place in [0, 20, 88] {
            let mut header = table.header().to_vec();
            header[place] ^= 1;
            assert!(Table::read(header, table.entries().to_vec()).is_err(), "{place}");
        }
        let mut entries = table.entries().to_vec();
        entries[40] ^= 1;
        assert!(Table::read(table.header().to_vec(), entries).is_err());
    }
}
