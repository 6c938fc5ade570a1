//! `docs/hardening.md`: what the booted image says of itself, and what a scan sees of it. What would differ from
//! boot to boot (process numbers, counters, addresses that the network gives) is left out.

use crate::scan::{self, Found, Scan};
use crate::units;
use anyhow::{Context, Result, bail, ensure};
use plenum_image::listening;
use plenum_tests::machine::{Machine, lan};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/hardening.md");

const HEAD: &str = "# Hardening, as the booted image shows it

Written by `cargo xtask test boot --bless` and compared by `cargo xtask test boot`: do not edit it. It is taken from
the debug variant, which has a shell for tests (`image/root-debug`) and otherwise the same units, firewall and
sockets; the shell's own unit is left out. What should listen stands in
`image/root/usr/lib/plenum/listening.list`, the firewall's source in `image/root/etc/nftables.conf`.
";

pub(crate) fn document(machine: &mut Machine) -> Result<()> {
    let scan = scan_and_check(machine)?;
    let mut text = HEAD.to_owned();
    exposure(machine, &mut text)?;
    sockets(machine, &mut text)?;
    firewall(machine, &mut text)?;
    outside(&scan, &mut text)?;
    if std::env::var_os("PLENUM_BLESS").is_some() {
        return std::fs::write(DOCUMENT, text).context("docs/hardening.md cannot be written");
    }
    compare(&std::fs::read_to_string(Path::new(DOCUMENT)).unwrap_or_default(), &text)
}

fn compare(written: &str, found: &str) -> Result<()> {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (old, new) = (lines(written), lines(found));
    let gone = old.iter().filter(|line| !new.contains(line)).map(|line| format!("- {line}"));
    let come = new.iter().filter(|line| !old.contains(line)).map(|line| format!("+ {line}"));
    let drift: Vec<String> = gone.chain(come).take(20).collect();
    if written != found {
        bail!(
            "docs/hardening.md is not what this image shows; look at it, and if it is wanted write it with \
             `cargo xtask test boot --bless`:\n{}",
            drift.join("\n")
        );
    }
    Ok(())
}

/// `systemd-analyze security`: a table of all units, and what each is not locked out of.
fn exposure(machine: &mut Machine, text: &mut String) -> Result<()> {
    let shell = machine.shell()?;
    text.push_str(
        "
## systemd-analyze security

0 is locked up, 10 is free; the boot suite refuses a unit above 2.0. Units of root run once and end: they make and
open the data partition, enrol its recovery key, write slots and look at USB sticks. The last column is what a unit is
not locked out of, with the number of the setting's items.

| unit | exposure | user | kind | left open |
|---|---|---|---|---|
",
    );
    for unit in units::ours(shell)? {
        let level = units::exposure(shell, &unit.name)?;
        let user = if unit.user.is_empty() { "root" } else { &unit.user };
        let kind = if unit.once { "once" } else { "daemon" };
        let report = shell.run(&format!("systemd-analyze security --no-pager --json=short {}", unit.name))?;
        writeln!(text, "| `{}` | {level:.1} | {user} | {kind} | {} |", unit.name, left_open(&report)?)?;
    }
    Ok(())
}

/// Settings of a report in JSON that are not as tight as they could be.
fn left_open(report: &str) -> Result<String> {
    let rows: Vec<Value> = serde_json::from_str(report).context("systemd-analyze prints no JSON")?;
    let mut settings: BTreeMap<&str, u32> = BTreeMap::new();
    for row in rows.iter().filter(|row| row["set"] == Value::Bool(false) && row["exposure"].is_string()) {
        let name = row["name"].as_str().context("systemd-analyze names no setting")?;
        *settings.entry(name.split('=').next().unwrap_or(name)).or_default() += 1;
    }
    let shown = settings.into_iter().map(|(name, items)| match items {
        1 => format!("`{name}`"),
        items => format!("`{name}` {items}"),
    });
    Ok(shown.collect::<Vec<_>>().join(", "))
}

/// `ss -tulpn` without numbers of processes and descriptors.
fn sockets(machine: &mut Machine, text: &mut String) -> Result<()> {
    let shell = machine.shell()?;
    let manifest = listening::parse(&shell.run(&format!("cat /{}", listening::LIST))?)?;
    let found = shell.run("ss --no-header --tcp --udp --listening --numeric --processes")?;
    let mut rows = BTreeSet::new();
    for line in found.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (address, port) = words[4].rsplit_once(':').with_context(|| format!("no port in `{line}`"))?;
        let given = |one: &&listening::Listener| {
            one.reach == listening::Reach::Dhcp && one.protocol == words[0] && one.port.to_string() == port
        };
        // DHCP has a socket for a moment only, and on an address that the network gives.
        if manifest.iter().find(given).is_some() {
            continue;
        }
        let names: BTreeSet<&str> = line.split('"').skip(1).step_by(2).collect();
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        rows.insert(format!("{:<6} {:<18} {port:>6}  {names}", words[0], address));
    }
    for one in manifest.iter().filter(|one| one.reach == listening::Reach::Dhcp) {
        rows.insert(format!("{:<6} {:<18} {:>6}  {}", one.protocol, one.address, one.port, one.process));
    }
    text.push_str(
        "
## ss -tulpn

The same as the manifest, which `tests/boot/inside.rs` holds it to. DHCP clients listen while they ask.

```text
",
    );
    for row in rows {
        writeln!(text, "{}", row.trim_end())?;
    }
    writeln!(text, "```")?;
    Ok(())
}

fn firewall(machine: &mut Machine, text: &mut String) -> Result<()> {
    let rules = machine.shell()?.run("nft list ruleset")?;
    text.push_str("\n## nft list ruleset\n\nNumbers behind `skuid` are users of the image.\n\n```text\n");
    for line in rules.lines() {
        let line = match line.split_once("counter packets") {
            Some((before, after)) => {
                let rest: Vec<&str> = after.split_whitespace().skip(3).collect();
                format!("{before}counter {}", rest.join(" "))
            }
            None => line.to_owned(),
        };
        writeln!(text, "{}", line.trim_end().replace('\t', "    "))?;
    }
    writeln!(text, "```")?;
    Ok(())
}

/// Silence has to be the firewall's: it counts what it drops. Otherwise lost packets would look like it.
fn scan_and_check(machine: &mut Machine) -> Result<Scan> {
    let before = dropped(machine)?;
    let scan = scan::run(lan::MACHINE)?;
    let silent = (scan.tcp.silent.len() + scan.udp.silent.len()) as u64;
    let counted = dropped(machine)? - before;
    eprintln!("        {silent} ports silent, {counted} packets dropped by the firewall");
    ensure!(counted >= silent, "only {counted} packets of {silent} silent ports reached the firewall");
    Ok(scan)
}

fn dropped(machine: &mut Machine) -> Result<u64> {
    let rules = machine.shell()?.run("nft list chain inet plenum input")?;
    let packets =
        rules.split("counter packets ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
    packets.context("the firewall does not count what it drops")
}

fn outside(scan: &Scan, text: &mut String) -> Result<()> {
    text.push_str(
        "
## A scan from the same network

IPv4, every TCP port and common UDP ports. *Open*: a connection, or an answer to a STUN binding request.
*Closed*: a reset, or port unreachable. *Silent*: nothing came back. The firewall counts what it drops, and the suite
fails when it counted less than was silent; UDP port 10000 is let through, and the media server answers no stranger.

| | ports asked | open | closed | silent |
|---|---|---|---|---|
",
    );
    for (protocol, found) in [("TCP", &scan.tcp), ("UDP", &scan.udp)] {
        let asked = found.open.len() + found.closed.len() + found.silent.len();
        let (open, closed) = (list(&found.open), list(&found.closed));
        writeln!(text, "| {protocol} | {asked} | {open} | {closed} | {} |", found.silent.len())?;
    }
    writeln!(text, "\nUDP ports asked: {}.", list(&all(&scan.udp)))?;
    Ok(())
}

fn all(found: &Found) -> Vec<u16> {
    let mut all = [&found.open[..], &found.closed, &found.silent].concat();
    all.sort_unstable();
    all
}

fn list(ports: &[u16]) -> String {
    if ports.is_empty() {
        return "none".to_owned();
    }
    ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}
