//! The unified kernel image: kernel, microcode, initrd, command line and PCR signatures in one signed file.

use crate::build::Build;
use crate::payload::Payload;
use crate::{packages, paths, shell};
use anyhow::Result;

/// Writes `/build/plenum.efi`.
pub fn make(build: &Build, payload: &Payload, kernel: &str) -> Result<()> {
    let mut words = packages::list(&paths::definitions().join("boot/cmdline"))?;
    let variant = if build.debug { "boot/cmdline-debug" } else { "boot/cmdline-shipped" };
    words.extend(packages::list(&paths::definitions().join(variant))?);
    words.insert(0, format!("roothash={}", payload.root_hash));
    let tools = build.keys.in_tools(&build.tools);
    let mut command = tools.command_at(build.epoch, "ukify");
    command.args(["build", "--linux=/build/vmlinuz", "--initrd=/build/initrd.cpio.zst"]);
    command.arg("--microcode=/build/microcode.cpio");
    command.arg(format!("--uname={kernel}")).arg(format!("--cmdline={}", words.join(" ")));
    command.args(["--os-release=@/build/root/usr/lib/os-release", "--pcr-banks=sha256"]);
    command.args(["--pcr-private-key=/keys/pcr.key", "--pcr-public-key=/keys/pcr.pub"]);
    command.args(["--signtool=systemd-sbsign", "--secureboot-private-key=/keys/secure-boot.key"]);
    command.args(["--secureboot-certificate=/keys/secure-boot.crt", "--no-sign-kernel"]);
    command.args(["--output=/build/plenum.efi"]);
    shell::run(&mut command)
}

/// Signs systemd-boot with the same key.
pub fn sign_boot_loader(build: &Build) -> Result<()> {
    let tools = build.keys.in_tools(&build.tools);
    let mut command = tools.command_at(build.epoch, "/usr/lib/systemd/systemd-sbsign");
    command.args(["sign", "--private-key=/keys/secure-boot.key", "--certificate=/keys/secure-boot.crt"]);
    command.args(["--output=/build/systemd-boot.efi", "/usr/lib/systemd/boot/efi/systemd-bootx64.efi"]);
    shell::run(&mut command)
}
