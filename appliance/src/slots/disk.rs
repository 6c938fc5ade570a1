//! The disk that was booted from: its slots, read and labelled.

use super::digest::sha256;
use super::gpt::{self, Partition, Table};
use anyhow::{Context, Result, ensure};
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Discoverable Partitions Specification, x86-64.
pub const ROOT: &str = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709";
pub const VERITY: &str = "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5";
/// What systemd-sysupdate takes for a slot without a version.
const EMPTY: &str = "_empty";
/// More than LUKS2 has for its header and all its keys (16 MiB): without them nobody reads the rest.
const HEADER_BYTES: u64 = 32 << 20;

pub struct Disk {
    file: File,
    path: PathBuf,
    /// UUIDs of the running slot's two partitions.
    running: [String; 2],
}

impl Disk {
    /// The disk with the partition that the kernel's command line names.
    pub fn booted() -> Result<Disk> {
        let command_line = fs::read_to_string("/proc/cmdline").context("the kernel's command line")?;
        let hash = command_line.split_whitespace().find_map(|word| word.strip_prefix("roothash="));
        let hash = hash.filter(|hash| hash.len() == 64).context("the command line names no root hash")?;
        let running = [uuid(&hash[..32]), uuid(&hash[32..])];
        let link = Path::new("/dev/disk/by-partuuid").join(&running[0]);
        let partition =
            fs::canonicalize(&link).with_context(|| format!("{} is not there", link.display()))?;
        let name = partition.file_name().context("a partition without a name")?;
        let folder = fs::canonicalize(Path::new("/sys/class/block").join(name))?;
        let disk = folder.parent().and_then(Path::file_name).context("a partition without a disk")?;
        Disk::open(&Path::new("/dev").join(disk), running)
    }

    pub fn open(path: &Path, running: [String; 2]) -> Result<Disk> {
        let file = OpenOptions::new().read(true).write(true).open(path);
        let file = file.with_context(|| format!("{} cannot be opened", path.display()))?;
        Ok(Disk { file, path: path.to_owned(), running })
    }

    fn table(&self, at: u64) -> Result<(Table, u64)> {
        let mut header = vec![0; gpt::SECTOR as usize];
        self.file.read_exact_at(&mut header, at)?;
        let (start, length) = gpt::entries_at(&header).with_context(|| self.path.display().to_string())?;
        let mut entries = vec![0; length];
        self.file.read_exact_at(&mut entries, start)?;
        Ok((Table::read(header, entries).with_context(|| self.path.display().to_string())?, start))
    }

    pub fn partitions(&self) -> Result<Vec<Partition>> {
        Ok(self.table(gpt::SECTOR)?.0.partitions())
    }

    /// Root and verity partition of the slot that does not run.
    pub fn idle(&self) -> Result<[Partition; 2]> {
        let all = self.partitions()?;
        ensure!(
            self.running.iter().all(|uuid| all.iter().any(|one| one.uuid == *uuid)),
            "the running slot is not on {}",
            self.path.display()
        );
        let find = |kind: &str| {
            let mut found = all.iter().filter(|one| one.kind == kind && !self.running.contains(&one.uuid));
            found.next().cloned().with_context(|| format!("{} has no second slot", self.path.display()))
        };
        Ok([find(ROOT)?, find(VERITY)?])
    }

    /// Takes the version from the idle slot: systemd-sysupdate will write there and nowhere else, and whatever
    /// lies there is no version until it is whole.
    pub fn empty_idle(&self) -> Result<()> {
        let idle = self.idle()?;
        self.change(|table| idle.iter().try_for_each(|partition| table.set_label(partition.start, EMPTY)))
    }

    /// Takes a partition from the table, and what opens it from the disk. The kernel sees it until the next start.
    pub fn forget(&self, label: &str) -> Result<()> {
        let all = self.partitions()?;
        // Gone already: somebody orders again what did not come to its end.
        let Some(partition) = all.iter().find(|one| one.label == label) else { return Ok(()) };
        // One of the two copies may have lost it, before the power was cut.
        self.change(|table| match table.partitions().iter().any(|it| it.start == partition.start) {
            true => table.remove(partition.start),
            false => Ok(()),
        })?;
        let mut random = vec![0; 1 << 20];
        for at in (0..HEADER_BYTES.min(partition.bytes)).step_by(random.len()) {
            aws_lc_rs::rand::fill(&mut random).ok().context("the kernel has no random numbers")?;
            let length = random.len().min((partition.bytes - at) as usize);
            self.file.write_all_at(&random[..length], partition.start + at)?;
        }
        Ok(self.file.sync_all()?)
    }

    /// In both copies of the table.
    fn change(&self, change: impl Fn(&mut Table) -> Result<()>) -> Result<()> {
        let mut header = vec![0; gpt::SECTOR as usize];
        self.file.read_exact_at(&mut header, gpt::SECTOR)?;
        // The second copy first: whichever is interrupted, one of the two is whole.
        for at in [gpt::other_at(&header), gpt::SECTOR] {
            let (mut table, start) = self.table(at)?;
            change(&mut table)?;
            self.file.write_all_at(table.entries(), start)?;
            self.file.write_all_at(table.header(), at)?;
            self.file.sync_all()?;
        }
        Ok(())
    }

    /// SHA-256 of the first bytes of a partition, as the disk gives them back and not the page cache.
    pub fn digest(&self, partition: &Partition, length: u64) -> Result<String> {
        ensure!(length <= partition.bytes, "it is larger than its partition");
        self.file.sync_all()?;
        posix_fadvise(&self.file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
        let mut file = &self.file;
        file.seek(SeekFrom::Start(partition.start))?;
        sha256(&mut file.take(length), |_| Ok(()))
    }
}

fn uuid(hex: &str) -> String {
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
