//! Updates of processors, in the form in which the kernel takes them before anything else
//! (`Documentation/arch/x86/microcode`): an archive that is not compressed, with one file for each maker.

use crate::build::Build;
use crate::files;
use crate::initrd::cpio;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;

/// Where Debian's packages have them, and the file that the kernel looks for.
const MAKERS: [(&str, &str); 2] = [("intel-ucode", "GenuineIntel.bin"), ("amd-ucode", "AuthenticAMD.bin")];

/// Moves them from the root into `/build/microcode.cpio`: nothing asks for them later.
pub fn take_out(build: &Build) -> Result<()> {
    let staging = build.work.join("microcode");
    for (folder, name) in MAKERS {
        let folder = build.root().join("usr/lib/firmware").join(folder);
        let joined = joined(&folder)?;
        files::write(&staging.join("kernel/x86/microcode").join(name), joined, 0o644)?;
        files::remove(&folder)?;
    }
    let archive = cpio::archive(&staging, build.epoch)?;
    fs::write(build.work.join("microcode.cpio"), archive).context("the microcode cannot be written")
}

/// Every update of a folder, in the order of the names.
fn joined(folder: &Path) -> Result<Vec<u8>> {
    let entries = fs::read_dir(folder).with_context(|| format!("no microcode in {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.retain(|path| is_update(path));
    paths.sort();
    ensure!(!paths.is_empty(), "{} holds no microcode: have the names changed?", folder.display());
    let mut bytes = Vec::new();
    for path in paths {
        bytes.extend(fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?);
    }
    Ok(bytes)
}

/// Intel's are called `06-55-04` after family, model and stepping, with `.initramfs` where only a booting kernel may
/// take them; AMD's `microcode_amd_fam17h.bin`.
fn is_update(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let processor = name.strip_suffix(".initramfs").unwrap_or(name);
    let intel = processor.len() == 8 && processor.split('-').count() == 3;
    intel || (name.starts_with("microcode_amd") && name.ends_with(".bin"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_and_notes_beside_the_updates_are_left_out() {
        for (name, wanted) in [
            ("06-55-04", true),
            ("microcode_amd_fam19h.bin", true),
            ("microcode_amd_fam19h.bin.asc", false),
            ("06-55-04.initramfs", true),
            ("README", false),
        ] {
            assert_eq!(is_update(Path::new(name)), wanted, "{name}");
        }
    }
}
