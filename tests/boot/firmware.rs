//! What a firmware with our key alone starts, and what opens the data.

use crate::display;
use anyhow::{Context, Result, bail, ensure};
use plenum_image::shell::{output, run};
use plenum_image::tools::Tools;
use plenum_tests::machine::{Machine, Options, https};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// For mtools, with the folder of a `disk.raw` at /image: where systemd-repart puts the first partition.
pub(crate) const ESP: &str = "/image/disk.raw@@1048576";

/// On machines that start the untouched kernel image: one with another byte in it, and one without a signature.
pub(crate) fn refuses_what_is_not_ours(options: &Options, limit: Duration) -> Result<()> {
    let changes: [(&str, Change); 2] =
        [("changed", |kernel| flip_a_byte(kernel)), ("unsigned", take_the_signature)];
    for (what, change) in changes {
        let folder = tempfile::tempdir()?;
        let disk = folder.path().join("disk.raw");
        run(Command::new("cp").arg("--sparse=always").arg(&options.image).arg(&disk))?;
        change_kernel(folder.path(), change)?;
        let mut machine = Machine::start(&Options {
            tpm: false,
            secure_boot: true,
            ..Options::new(disk, folder.path().join("machine"), options.site.clone())
        })?;
        machine
            .wait_for_console("ccess denied", limit)
            .with_context(|| format!("the {what} kernel image"))?;
        ensure!(
            !machine.whole_console().contains("Linux version"),
            "the {what} kernel was started all the same"
        );
    }
    Ok(())
}

type Change = fn(&mut Vec<u8>) -> Result<()>;

fn change_kernel(folder: &Path, change: Change) -> Result<()> {
    let tools = Tools::open()?.with(folder, "/image");
    let listed = output(tools.command("mdir").args(["-b", "-i", ESP, "::/EFI/Linux"]))?;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    let entry = listed.lines().find(|line| line.ends_with(".efi")).context("no kernel image on the ESP")?;
    run(tools.command("mcopy").args(["-i", ESP, entry, "/image/kernel.efi"]))?;
    let path = folder.join("kernel.efi");
    let mut bytes = fs::read(&path)?;
    change(&mut bytes)?;
    fs::write(&path, bytes)?;
    run(tools.command("mcopy").args(["-o", "-i", ESP, "/image/kernel.efi", entry]))
}

/// In the middle of the kernel image, which is the kernel or the initrd.
fn flip_a_byte(kernel: &mut [u8]) -> Result<()> {
    let middle = kernel.len() / 2;
    kernel[middle] ^= 1;
    Ok(())
}

/// The certificate table of a PE32+ file, which is its end (PE Format, "Optional Header Data Directories").
fn take_the_signature(kernel: &mut Vec<u8>) -> Result<()> {
    let number = |at: usize| -> Result<usize> {
        let bytes = kernel.get(at..at + 4).context("the kernel image is cut off")?;
        Ok(u32::from_le_bytes(bytes.try_into()?) as usize)
    };
    let directory = number(0x3c)? + 24 + 112 + 4 * 8;
    let (table, length) = (number(directory)?, number(directory + 4)?);
    ensure!(table > 0 && table + length <= kernel.len(), "the kernel image bears no signature");
    kernel.truncate(table);
    kernel[directory..directory + 8].fill(0);
    Ok(())
}

/// In a file of a tmpfs, for the manager alone.
pub(crate) fn recovery_key(machine: &mut Machine) -> Result<String> {
    let shell = machine.shell()?;
    let file = shell.run("stat --format='%a %U' /run/plenum/recovery.key")?;
    ensure!(file == "400 plenum-appliance", "the recovery key is for others too: {file}");
    let key = shell.run("cat /run/plenum/recovery.key")?;
    ensure!(key.split('-').filter(|part| part.len() == 8).count() == 8, "no recovery key: `{key}`");
    let journal = shell.run(&format!("journalctl --no-pager | grep --count {} || true", &key[..8]))?;
    ensure!(journal == "0", "the recovery key is in the journal");
    Ok(key)
}

/// The set-up has shown it to somebody who has noted it.
pub(crate) fn forgotten_key(machine: &mut Machine) -> Result<()> {
    let shell = machine.shell()?;
    ensure!(shell.run("test -e /run/plenum/recovery.key").is_err(), "the noted key is still there");
    shell.run("test -e /var/lib/plenum/recovery-key.taken").map(drop)
}

/// At a second boot: with the data of the first, and without another recovery key.
pub(crate) fn opened_unattended(machine: &mut Machine) -> Result<()> {
    let shell = machine.shell()?;
    shell.run("systemctl is-system-running --wait || true")?;
    shell
        .run("systemctl is-active --quiet plenum-data-open-tpm2.service")
        .context("not opened by the TPM")?;
    shell.run("test -e /var/lib/plenum/recovery-key.taken").context("the data of the first boot is gone")?;
    ensure!(shell.run("test -s /run/plenum/recovery.key").is_err(), "a second recovery key was made");
    Ok(())
}

/// With the TPM of another machine the data stays shut until somebody types the recovery key.
pub(crate) fn asks_for_the_recovery_key(options: &Options, key: &str, limit: Duration) -> Result<Machine> {
    fs::remove_dir_all(options.folder.join("tpm"))?;
    let mut machine = Machine::start(options)?;
    machine.wait_for_console("recovery key", limit)?;
    if https::get(machine.site.https_port, "/").is_ok() {
        bail!("the pages are there before the data is open");
    }
    machine.qmp()?.type_line(key)?;
    let took = machine.wait_for_page(limit)?;
    eprintln!("        with another TPM and the recovery key: {:.0} s", took.as_secs_f32());
    let shell = machine.shell()?;
    shell.run("systemctl is-system-running --wait").context("a unit failed")?;
    let mount = shell.run("findmnt --noheadings --output SOURCE /var")?;
    ensure!(mount == "/dev/mapper/data", "/var is {mount}");
    Ok(machine)
}

/// Ordered with the keyboard, as the manual says it; then it is as it came from the factory.
pub(crate) fn forgets_everything(
    mut machine: Machine,
    options: &Options,
    limit: Duration,
) -> Result<Machine> {
    display::resets_to_factory(&mut machine)?;
    // QEMU ends where a machine would start again.
    machine.wait_until_off(limit)?;
    drop(machine);
    let mut machine = Machine::start(options)?;
    machine.wait_for_page(limit)?;
    let shell = machine.shell()?;
    shell.run("systemctl is-system-running --wait").context("a unit failed after the reset")?;
    ensure!(
        shell.run("test -e /var/lib/plenum/recovery-key.taken").is_err(),
        "the data from before is still there"
    );
    shell.run("test -s /run/plenum/recovery.key").context("the new data has no recovery key")?;
    display::shows_a_setup_code(&mut machine).context("it cannot be set up again")?;
    Ok(machine)
}
