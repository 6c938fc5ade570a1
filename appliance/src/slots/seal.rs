//! `plenum-slots seal`: the slot read back and compared; only then the entry that starts it.
//!
//! The kernel image is written here and not by systemd-sysupdate: it renames before FAT has the data, and after a
//! power cut the boot loader found an empty file (5 of 5). Here the name that the boot loader sees comes last.

use super::STAGING;
use super::digest::sha256;
use super::disk::Disk;
use super::entries::Entry;
use super::esp::Esp;
use super::sums::{self, Part, Sums};
use crate::identity;
use anyhow::{Context, Result, ensure};
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

pub fn run(private: &Path) -> Result<()> {
    let staging = Path::new(STAGING);
    let sums = sums::verified(staging, private)?;
    let disk = Disk::booted()?;
    compare(&disk, &sums, staging)?;
    let esp = Esp::mounted();
    esp.remove_others(&[&identity::version()?])?;
    place(&esp, &sums, staging)
}

fn compare(disk: &Disk, sums: &Sums, staging: &Path) -> Result<()> {
    let idle = disk.idle()?;
    for (partition, part) in idle.iter().zip([&sums.root, &sums.verity]) {
        let length = fs::metadata(staging.join(&part.name)).with_context(|| part.name.clone())?.len();
        ensure!(
            partition.uuid == part.uuid && partition.label == format!("plenum_{}", sums.version),
            "the slot is not labelled as version {}: it was not written whole",
            sums.version
        );
        let digest = disk.digest(partition, length)?;
        ensure!(digest == part.sha256, "the disk gives back other bytes of {} than were written", part.name);
    }
    Ok(())
}

fn place(esp: &Esp, sums: &Sums, staging: &Path) -> Result<()> {
    let folder = esp.folder();
    let new = folder.join(format!("{}.new", sums.kernel.name));
    copy(&staging.join(&sums.kernel.name), &new, &sums.kernel)?;
    esp.sync()?;
    let mut file = File::open(&new)?;
    posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
    let found = sha256(&mut file, |_| Ok(()))?;
    ensure!(
        found == sums.kernel.sha256,
        "the ESP gives back other bytes of {} than were written",
        sums.kernel.name
    );
    fs::rename(&new, folder.join(Entry::counted(&sums.version).to_string()))?;
    esp.sync()
}

/// What is copied is what the signed sums say, whoever changes the source meanwhile.
fn copy(from: &Path, to: &Path, part: &Part) -> Result<()> {
    let mut source = File::open(from).with_context(|| format!("the update has no {}", part.name))?;
    let mut target = File::create(to).with_context(|| format!("{} cannot be written", to.display()))?;
    let found = sha256(&mut source, |piece| target.write_all(piece).context("the ESP cannot be written"))?;
    ensure!(found == part.sha256, "{} is not what the signed sums say", part.name);
    target.sync_all().context("the ESP cannot be written")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(kernel: &[u8]) -> Sums {
        let sha256 = sha256(&mut &kernel[..], |_| Ok(())).unwrap();
        let part = |name: &str| Part { name: name.to_owned(), sha256: sha256.clone(), uuid: String::new() };
        let (root, verity, kernel) = (part("root"), part("verity"), part("plenum_0.2.0.efi"));
        Sums { version: "0.2.0".parse().unwrap(), root, verity, kernel }
    }

    #[test]
    fn an_entry_appears_only_for_what_the_sums_say() {
        let folder = tempfile::tempdir().unwrap();
        let esp = Esp::at(folder.path());
        fs::create_dir_all(esp.folder()).unwrap();
        let staged = folder.path().join("plenum_0.2.0.efi");
        fs::write(&staged, "tampered").unwrap();
        let refused = place(&esp, &sums(b"kernel"), folder.path()).unwrap_err();
        assert!(refused.to_string().contains("not what the signed sums say"), "{refused}");
        assert_eq!(esp.entries().unwrap(), []);
        fs::write(&staged, "kernel").unwrap();
        place(&esp, &sums(b"kernel"), folder.path()).unwrap();
        assert_eq!(esp.entries().unwrap()[0].to_string(), "plenum_0.2.0+3.efi");
    }
}
