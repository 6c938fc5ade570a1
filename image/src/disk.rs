//! The factory disk: ESP, the first slot, an empty second one. Data is made at the first boot.

use crate::build::Build;
use crate::payload::Payload;
use crate::{files, paths, shell};
use anyhow::Result;

/// Writes `NAME.raw` (sparse) and `NAME.raw.zst` into the output folder.
pub fn make(build: &Build, payload: &Payload) -> Result<()> {
    esp(build)?;
    let definitions = build.work.join("disk");
    files::fresh(&definitions)?;
    let (root, verity) = (payload.root_uuid(), payload.verity_uuid());
    let values = [("VERSION", build.version.as_str()), ("ROOT", &root), ("VERITY", &verity)];
    files::fill_folder(&paths::definitions().join("repart/disk"), &definitions, &values)?;
    let name = build.name();
    let disk = build.out.join(format!("{name}.raw"));
    files::remove(&disk)?;
    let tools = build.tools.with(&build.out, "/out");
    let mut command = tools.command("systemd-repart");
    // 512: with larger sectors the firmware could not read the ESP.
    command.args(["--offline=yes", "--empty=create", "--size=auto", "--sector-size=512", "--dry-run=no"]);
    command.args(["--definitions=/build/disk", "--root=/build"]);
    command.arg(format!("--seed={}", build.seed())).arg(format!("/out/{name}.raw"));
    shell::run(command.env("SOURCE_DATE_EPOCH", build.epoch.to_string()))?;
    if build.quick {
        return Ok(());
    }
    shell::run(
        tools
            .command("zstd")
            // What is in it is compressed already: -12 takes eight times as long for 1 % less.
            .args(["--quiet", "--force", "-T2", "-3"])
            .arg(format!("/out/{name}.raw")),
    )
}

/// What the firmware reads: the loader under the name that needs no boot entry, and the UKI with its tries.
fn esp(build: &Build) -> Result<()> {
    let esp = build.work.join("esp");
    files::fresh(&esp)?;
    let loader = build.work.join("systemd-boot.efi");
    files::install(&loader, &esp.join("EFI/BOOT/BOOTX64.EFI"))?;
    files::install(&loader, &esp.join("EFI/systemd/systemd-bootx64.efi"))?;
    files::install(&paths::definitions().join("boot/loader.conf"), &esp.join("loader/loader.conf"))?;
    // Where systemd-boot, bootctl and systemd-sysupdate agree on what the ESP is for.
    files::write(&esp.join("loader/entries.srel"), "type1\n", 0o644)?;
    files::install(&build.work.join("plenum.efi"), &esp.join(format!("EFI/Linux/{}+3.efi", build.entry())))?;
    files::clamp_times(&esp, build.epoch)
}
