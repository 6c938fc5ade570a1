//! QEMU's command line.

use super::{Network, Options, lan};
use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use plenum_image::tools::Tools;
use std::fs::File;
use std::path::Path;
use std::process::Command;

/// What network cards are called towards QEMU.
pub(super) fn cards(network: Network) -> &'static [&'static str] {
    match network {
        Network::Forwarded => &["card"],
        Network::Lan => &["card", "lan-card"],
    }
}

pub(super) fn command(tools: &Tools, options: &Options) -> Result<Command> {
    let mut command = tools.command("qemu-system-x86_64");
    let mut add = |words: &str| {
        command.args(words.split(' '));
    };
    add(&format!("-smp {}", options.processors));
    add("-machine q35,smm=on -nodefaults -no-user-config -display none -no-reboot");
    add(if has_kvm() { "-accel kvm -cpu host" } else { "-accel tcg,thread=multi -cpu max" });
    add(&format!("-m {}", options.memory));
    add("-drive if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.secboot.fd");
    add("-global driver=cfi.pflash01,property=secure,value=on");
    add("-drive if=pflash,format=raw,unit=1,file=/machine/variables.fd");
    disk(&mut add, options)?;
    add("-device virtio-blk-pci,drive=disk -device virtio-rng-pci -device VGA");
    add("-serial file:/machine/console.log -device virtio-serial-pci");
    add("-chardev socket,id=shell,path=/machine/shell.sock,server=on,wait=off");
    add("-device virtserialport,chardev=shell,name=plenum.shell");
    add("-qmp unix:/machine/qmp.sock,server=on,wait=off");
    network(&mut add, options);
    usb(&mut add, options.drives.len());
    if options.tpm {
        add("-chardev socket,id=tpm,path=/machine/tpm.sock");
        add("-tpmdev emulator,id=tpm,chardev=tpm -device tpm-tis,tpmdev=tpm");
    }
    let more = options.credentials.iter().map(|(name, text)| format!("{name}={}", STANDARD.encode(text)));
    for credential in options.site.credentials(options.network)?.into_iter().chain(more) {
        command.arg("-smbios").arg(format!("type=11,value=io.systemd.credential.binary:{credential}"));
    }
    Ok(command)
}

fn disk(add: &mut impl FnMut(&str), options: &Options) -> Result<()> {
    if !options.writes {
        add("-drive if=none,id=disk,file=/machine/disk.qcow2,format=qcow2,cache=unsafe,discard=unmap");
        return Ok(());
    }
    let log = options.folder.join("writes.log");
    let append = if log.is_file() { "on" } else { "off" };
    File::options().create(true).append(true).open(log)?;
    let (file, log) =
        ("file.driver=qcow2,file.file.driver=file,file.file.filename=/machine/disk.qcow2", "log.driver=file");
    add(&format!(
        "-blockdev driver=blklogwrites,node-name=disk,discard=unmap,{file},{log},log.filename=/machine/writes.log,log-append={append}"
    ));
    Ok(())
}

fn network(add: &mut impl FnMut(&str), options: &Options) {
    add(&format!("-netdev user,id=host{}", options.site.forwards()));
    add("-device virtio-net-pci,id=card,netdev=host,addr=0x10");
    if options.network == Network::Lan {
        add(&format!("-netdev tap,id=lan,ifname={},script=no,downscript=no", lan::INTERFACE));
        add(&format!("-device virtio-net-pci,id=lan-card,netdev=lan,mac={},addr={}", lan::MAC, lan::PLACE));
    }
}

fn usb(add: &mut impl FnMut(&str), drives: usize) {
    add("-device qemu-xhci");
    for number in 0..drives {
        add(&format!("-drive if=none,id=usb{number},file={},format=raw,readonly=on", drive(number)));
        add(&format!("-device usb-storage,drive=usb{number},removable=on"));
    }
}

/// Where a drive lies in the tools root.
pub(super) fn drive(number: usize) -> String {
    format!("/drives/{number}.raw")
}

/// Nested KVM is there on many machines and boots no firmware on some: only a machine that is none itself is
/// trusted with it.
fn has_kvm() -> bool {
    let nested = std::fs::read_to_string("/proc/cpuinfo").is_ok_and(|info| info.contains(" hypervisor"));
    !nested && Path::new("/dev/kvm").exists()
}
