//! What happens to the box, and what it says afterwards.

use super::{Lab, forged};
use anyhow::{Context, Result, bail, ensure};
use plenum_tests::machine::{Machine, https};
use std::time::{Duration, Instant};

/// Under emulation, and beside other work.
const INSTALL_LIMIT: Duration = Duration::from_secs(400);
const BOOT_LIMIT: Duration = Duration::from_secs(600);
const OFF_LIMIT: Duration = Duration::from_secs(90);
/// The tries of an entry, and the boot after them.
const BOOTS: u32 = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Usb,
    File,
    Https,
}

/// The box as it comes from the factory.
pub(super) fn refusals(lab: &mut Lab) -> Result<()> {
    let forged = forged::of(&lab.update(super::GOOD[0])?)?;
    lab.plug_in(super::GOOD[0], &[("foreign", forged.foreign), ("older", forged.older)])?;
    let mut machine = up(lab)?;
    lab.meeting = machine.site.open_meeting_within("Before the update", BOOT_LIMIT)?.guest_link;
    mount_stick(&mut machine)?;
    // The version that runs has its entry renamed when it has proved itself.
    machine.shell()?.run("systemctl start plenum-slot-prove.service")?;
    let before = slots(&mut machine)?;
    let (update, rest) =
        ("/run/stick/*.update", format!("tail -c +{} /run/stick/*.update", forged.length + 1));
    let kinds = [
        (format!("head -c 50000000 {update}"), "truncated"),
        (format!("(head -c 30000 {update}; head -c 1000 /dev/zero; tail -c +31001 {update})"), "tampered"),
        (format!("(cat {update}; echo)"), "oversized"),
        (format!("(cat /run/stick/foreign; {rest})"), "signed with the foreign key"),
        (format!("(cat /run/stick/older; {rest})"), "version 0.0.9 is older"),
    ];
    for (make, words) in kinds {
        refused(&mut machine, &make, words)?;
        let now = slots(&mut machine)?;
        ensure!(now == before, "`{make}`: a refused update has changed the slots from\n{before}\nto\n{now}");
    }
    machine.power_off(OFF_LIMIT)
}

fn refused(machine: &mut Machine, make: &str, words: &str) -> Result<()> {
    let shell = machine.shell()?;
    shell.run(&format!("{make} > /run/damaged.update && plenum update install /run/damaged.update"))?;
    let mut said = String::new();
    let end = Instant::now() + INSTALL_LIMIT;
    while !(said.contains("last       failed") && said.contains(words)) {
        ensure!(Instant::now() < end, "`{make}` was not refused with `{words}`:\n{said}");
        std::thread::sleep(Duration::from_millis(500));
        said = shell.run("plenum update status || true")?;
    }
    shell.run("rm /run/damaged.update").map(drop)
}

/// Installs a version, starts it, and finds it good.
pub(super) fn forward(lab: &mut Lab, version: &str, way: Way) -> Result<()> {
    install(lab, version, way)?;
    let mut machine = up(lab)?;
    until(&mut machine, BOOT_LIMIT, &format!("last       good {version}"))?;
    lab.running = version.to_owned();
    as_before(lab, &mut machine)?;
    machine.power_off(OFF_LIMIT)
}

/// Installs a version that cannot prove itself, and looks at the box after it has gone back.
pub(super) fn left_again(lab: &mut Lab, version: &str, way: Way, why: &str) -> Result<()> {
    install(lab, version, way)?;
    let mut machine = after_tries(lab)?;
    let said = machine.shell()?.run("plenum update status || true")?;
    ensure!(
        said.contains(&format!("last       rolled-back {version}")) && said.contains(why),
        "the reason is not told:\n{said}"
    );
    as_before(lab, &mut machine)?;
    machine.power_off(OFF_LIMIT)
}

pub(super) fn rolled_back(lab: &mut Lab) -> Result<()> {
    let mut machine = up(lab)?;
    machine.shell()?.run("plenum update rollback --now || true")?;
    machine.wait_until_off(BOOT_LIMIT)?;
    lab.running = super::GOOD[0].to_owned();
    let mut machine = up(lab)?;
    until(&mut machine, BOOT_LIMIT, "an administrator went back from it")?;
    as_before(lab, &mut machine)?;
    machine.power_off(OFF_LIMIT)
}

/// Of a version that has been good, while the box is off.
pub(super) fn damaged_slot(lab: &mut Lab) -> Result<()> {
    let mut machine = up(lab)?;
    let start = machine.shell()?.run(
        "for part in /sys/class/block/$(basename $(readlink -f /dev/mapper/root))/slaves/*; \
         do echo $(cat $part/size) $(cat $part/start); done | sort -n | tail -1 | cut -d' ' -f2",
    )?;
    let start: u64 = start.parse().context("where the slot lies")?;
    machine.power_off(OFF_LIMIT)?;
    drop(machine);
    plenum_tests::machine::overwrite(&lab.options, start * 512, 8 << 20)?;
    let damaged = std::mem::replace(&mut lab.running, super::GOOD[0].to_owned());
    let mut machine = after_tries(lab)?;
    until(&mut machine, BOOT_LIMIT, &format!("last       rolled-back {damaged} it no longer starts"))?;
    as_before(lab, &mut machine)
}

/// Until the restart into it.
fn install(lab: &mut Lab, version: &str, way: Way) -> Result<()> {
    lab.options.drives.clear();
    match way {
        Way::Https => lab.mirror(version)?,
        Way::Usb | Way::File => lab.plug_in(version, &[])?,
    }
    let mut machine = up(lab)?;
    if way == Way::File {
        mount_stick(&mut machine)?;
        machine.shell()?.run("plenum update install /run/stick/*.update")?;
    } else {
        machine.shell()?.run("plenum update check")?;
        until(&mut machine, INSTALL_LIMIT, &format!("available  {version}"))?;
        machine.shell()?.run("plenum update install")?;
    }
    until(&mut machine, INSTALL_LIMIT, "ready-to-restart")?;
    // The bus may be gone before it answers.
    machine.shell()?.run("plenum update restart --now || true")?;
    machine.wait_until_off(BOOT_LIMIT)
}

/// A boot that gets to its end.
fn up(lab: &Lab) -> Result<Machine> {
    let mut machine = Machine::start(&lab.options)?;
    match complete(&mut machine)? {
        true => Ok(machine),
        false => bail!("it started again by itself; the console said:\n{}", machine.console()),
    }
}

/// The first boot that gets to its end, after the tries of a bad version.
fn after_tries(lab: &Lab) -> Result<Machine> {
    for number in 1..=BOOTS {
        let mut machine = Machine::start(&lab.options)?;
        if complete(&mut machine)? {
            ensure!(number > 1, "the bad version was not even tried");
            return Ok(machine);
        }
    }
    bail!("the box did not go back within three tries")
}

/// Whether it gets up rather than starting again by itself.
fn complete(machine: &mut Machine) -> Result<bool> {
    let end = Instant::now() + BOOT_LIMIT;
    while Instant::now() < end {
        if machine.has_ended() {
            return Ok(false);
        }
        let asked = machine.shell().and_then(|shell| shell.run("systemctl is-active boot-complete.target"));
        if asked.is_ok() {
            return Ok(true);
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    bail!("neither up nor down; the console said:\n{}", machine.console())
}

fn mount_stick(machine: &mut Machine) -> Result<()> {
    machine.shell()?.run("mkdir -p /run/stick && mount -o ro -t ext4 /dev/sda /run/stick").map(drop)
}

/// Labels of partitions, and boot entries.
fn slots(machine: &mut Machine) -> Result<String> {
    machine.shell()?.run("udevadm settle; ls /dev/disk/by-partlabel /boot/EFI/Linux")
}

/// The version, and rooms and settings.
fn as_before(lab: &Lab, machine: &mut Machine) -> Result<()> {
    let said = machine.shell()?.run("plenum update status || true")?;
    ensure!(said.starts_with(&format!("version    {}", lab.running)), "another version runs:\n{said}");
    machine.site.open_meeting_within("With the host key of before", BOOT_LIMIT)?;
    let body = serde_json::json!({ "link": lab.meeting }).to_string();
    let answer = https::post(machine.site.https_port, "/api/link", &body)?;
    ensure!(answer.contains("Before the update"), "the meeting is another: {answer}");
    Ok(())
}

/// Until the status says so, or tells of a failure that it did not tell of before.
fn until(machine: &mut Machine, limit: Duration, words: &str) -> Result<()> {
    let end = Instant::now() + limit;
    let mut before = None;
    loop {
        let said = machine.shell()?.run("plenum update status || true")?;
        if said.contains(words) {
            return Ok(());
        }
        let failed = said.lines().find(|line| line.starts_with("last       failed")).map(str::to_owned);
        let known = before.get_or_insert_with(|| failed.clone());
        ensure!(failed.is_none() || failed == *known, "{said}");
        ensure!(Instant::now() < end, "not within {} s: {words}:\n{said}", limit.as_secs());
        std::thread::sleep(Duration::from_millis(500));
    }
}
