//! From one version to the next by USB stick, and back by itself from one whose SFU does not start:
//! `cargo xtask test update`.

use crate::{boot, options};
use anyhow::{Context, Result, bail, ensure};
use plenum_tests::machine::{Machine, Options};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// What an installation takes under emulation, and what three boots that fail do.
const INSTALL_LIMIT: Duration = Duration::from_secs(400);
const BOOT_LIMIT: Duration = Duration::from_secs(600);
/// The tries of an entry, and the boot after them.
const BOOTS: u32 = 4;

#[test]
#[ignore = "boots a virtual machine several times: cargo xtask test update"]
fn a_good_version_is_taken_and_a_bad_one_goes_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut options = options(folder.path()).expect("an image");
    options.secure_boot = false;
    options.drives = vec![stick(folder.path(), "PLENUM_UPDATE").expect("a stick with the update")];
    let meeting = take_the_good_one(&options).expect("the update");
    options.drives =
        vec![stick(folder.path(), "PLENUM_BROKEN_UPDATE").expect("a stick with a broken update")];
    go_back_from_the_bad_one(&options, &meeting).expect("the fall-back");
}

/// Gives the link of a meeting that was opened before.
fn take_the_good_one(options: &Options) -> Result<String> {
    let mut machine = boot(options);
    let meeting = machine.site.open_meeting_within("Before the update", BOOT_LIMIT)?.guest_link;
    healthy(&mut machine)?;
    let before = slots(&mut machine)?;
    refuse_what_is_damaged(&mut machine)?;
    ensure!(slots(&mut machine)? == before, "a refused update has changed the slots");
    install(&mut machine)?;
    restart(&mut machine)?;
    drop(machine);
    Ok(meeting)
}

fn go_back_from_the_bad_one(options: &Options, meeting: &str) -> Result<()> {
    let mut machine = boot(options);
    healthy(&mut machine)?;
    let status = status(&mut machine)?;
    ensure!(status.contains("last       good"), "the new version was not found good:\n{status}");
    knows(&machine, meeting)?;
    install(&mut machine)?;
    restart(&mut machine)?;
    drop(machine);
    for number in 1..=BOOTS {
        let mut machine = Machine::start(options)?;
        if ended_by_itself(&mut machine)? {
            eprintln!("        boot {number} of the broken version ended");
            continue;
        }
        let status = self::status(&mut machine)?;
        ensure!(
            status.contains("rolled-back") && status.contains("plenum-sfu.service"),
            "after {} boots the reason is not told:\n{status}",
            number - 1
        );
        return knows(&machine, meeting);
    }
    bail!("the box did not go back within three tries")
}

/// Whether it starts again before it is up and on a version that has proved itself.
fn ended_by_itself(machine: &mut Machine) -> Result<bool> {
    let end = Instant::now() + BOOT_LIMIT;
    while Instant::now() < end {
        if machine.has_ended() {
            return Ok(true);
        }
        let shell = machine.shell().and_then(|shell| {
            shell.run("systemctl is-active boot-complete.target >/dev/null && plenum update status")
        });
        if shell.is_ok() {
            return Ok(false);
        }
        std::thread::sleep(Duration::from_secs(2));
    }
    bail!("neither up nor down; the console said:\n{}", machine.console())
}

fn healthy(machine: &mut Machine) -> Result<()> {
    let check = "systemctl is-active boot-complete.target";
    until(machine, BOOT_LIMIT, "the boot is complete", check, |text| text.trim() == "active")
}

fn status(machine: &mut Machine) -> Result<String> {
    machine.shell()?.run("plenum update status || true")
}

fn install(machine: &mut Machine) -> Result<()> {
    machine.shell()?.run("plenum update check")?;
    let ask = "plenum update status || true";
    until(machine, INSTALL_LIMIT, "the stick is found", ask, |text| text.contains("available"))?;
    machine.shell()?.run("plenum update install")?;
    until(machine, INSTALL_LIMIT, "the update is ready", ask, |text| text.contains("ready-to-restart"))
}

fn restart(machine: &mut Machine) -> Result<()> {
    // The bus may be gone before it answers.
    machine.shell()?.run("plenum update restart --now || true")?;
    let end = Instant::now() + BOOT_LIMIT;
    while !machine.has_ended() {
        ensure!(Instant::now() < end, "it did not restart; the console said:\n{}", machine.console());
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}

/// Before a byte of a slot is written, with the reason in words.
fn refuse_what_is_damaged(machine: &mut Machine) -> Result<()> {
    let shell = machine.shell()?;
    shell.run("mkdir -p /run/stick && mount -o ro -t ext4 /dev/sda /run/stick")?;
    let kinds = [
        ("head -c 50000000 /run/stick/*.update", "truncated"),
        (
            "(head -c 3000 /run/stick/*.update; head -c 1000 /dev/zero; tail -c +4001 /run/stick/*.update)",
            "tampered",
        ),
        ("(cat /run/stick/*.update; echo)", "oversized"),
    ];
    for (make, word) in kinds {
        shell.run(&format!("{make} > /run/damaged.update && plenum update install /run/damaged.update"))?;
        let ask = "plenum update status || true";
        let end = Instant::now() + INSTALL_LIMIT;
        loop {
            let text = shell.run(ask)?;
            if text.contains("last       failed") && text.contains(word) {
                break;
            }
            ensure!(Instant::now() < end, "`{make}` was not refused as {word}:\n{text}");
            std::thread::sleep(Duration::from_secs(1));
        }
        shell.run("rm /run/damaged.update")?;
    }
    shell.run("umount /run/stick")?;
    Ok(())
}

/// Labels of partitions, and boot entries.
fn slots(machine: &mut Machine) -> Result<String> {
    machine.shell()?.run("udevadm settle; ls /dev/disk/by-partlabel /boot/EFI/Linux")
}

/// Rooms are there as before.
fn knows(machine: &Machine, link: &str) -> Result<()> {
    let body = serde_json::json!({ "link": link }).to_string();
    let answer = plenum_tests::machine::https::post(machine.site.https_port, "/api/link", &body)?;
    ensure!(answer.contains("Before the update"), "the meeting is another: {answer}");
    Ok(())
}

fn until(
    machine: &mut Machine,
    limit: Duration,
    what: &str,
    line: &str,
    is: impl Fn(&str) -> bool,
) -> Result<()> {
    let end = Instant::now() + limit;
    loop {
        let text = machine.shell()?.run(&format!("{line} || true"))?;
        if is(&text) {
            return Ok(());
        }
        ensure!(Instant::now() < end, "not within {} s: {what}:\n{text}", limit.as_secs());
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// A file system with the update that the variable names.
fn stick(folder: &Path, variable: &str) -> Result<PathBuf> {
    let update =
        PathBuf::from(std::env::var_os(variable).context("cargo xtask test update names the updates")?);
    let content = folder.join(variable);
    fs::create_dir_all(&content)?;
    let name = update.file_name().context("an update without a name")?;
    fs::hard_link(&update, content.join(name))
        .or_else(|_| fs::copy(&update, content.join(name)).map(drop))?;
    let image = folder.join(format!("{variable}.ext4"));
    let mut make = Command::new("/usr/sbin/mkfs.ext4");
    make.args(["-q", "-d"]).arg(&content).arg(&image).arg("400M");
    plenum_image::shell::run(&mut make)?;
    Ok(image)
}
