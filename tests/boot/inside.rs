//! What the debug variant sees of itself.

use crate::units as unit_list;
use anyhow::{Context, Result, bail, ensure};
use plenum_image::listening;
use plenum_tests::machine::Machine;
use std::collections::BTreeSet;

pub(crate) fn units(machine: &mut Machine) -> Result<()> {
    let shell = machine.shell()?;
    shell.run("systemctl is-system-running --wait || true")?;
    let failed = shell.run("systemctl list-units --failed --plain --no-legend --no-pager")?;
    ensure!(failed.is_empty(), "failed units:\n{failed}");
    for daemon in unit_list::daemons(shell)? {
        let state = shell.run(&format!("systemctl show {daemon} -p SubState,NRestarts"))?;
        let fine = state.contains("SubState=running") && state.contains("NRestarts=0");
        ensure!(fine, "{daemon}: {state}");
    }
    Ok(())
}

/// Emulation is some twenty times slower than a processor: ready in 2 s there is far less here.
pub(crate) fn readiness(machine: &mut Machine) -> Result<()> {
    let shell = machine.shell()?;
    for daemon in unit_list::daemons(shell)? {
        let (started, ready) = ("ExecMainStartTimestampMonotonic", "ActiveEnterTimestampMonotonic");
        let times = shell.run(&format!("systemctl show {daemon} -p {started},{ready}"))?;
        let time = |name: &str| {
            let line = times.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.and_then(|value| value.parse::<u64>().ok()).filter(|value| *value > 0)
        };
        let (Some(started), Some(ready)) = (time(started), time(ready)) else {
            bail!("{daemon} was never ready: {times}");
        };
        let seconds = ready.saturating_sub(started) as f32 / 1e6;
        eprintln!("        {daemon} ready {seconds:.1} s after its start");
        ensure!(seconds < 40.0, "{daemon} took {seconds:.1} s");
    }
    Ok(())
}

/// HD3, from the kernel's point of view.
pub(crate) fn processes(machine: &mut Machine) -> Result<()> {
    let shell = machine.shell()?;
    let mut users = BTreeSet::new();
    for daemon in unit_list::daemons(shell)? {
        let status = shell.run(&format!("cat /proc/$(systemctl show {daemon} -P MainPID)/status"))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.map(|rest| rest.split_whitespace().next().unwrap_or_default().to_owned())
                .with_context(|| format!("no {name} of {daemon}"))
        };
        let user = field("Uid")?;
        ensure!(user != "0", "{daemon} runs as root");
        ensure!(users.insert(user.clone()), "{daemon} shares the user {user}");
        for capabilities in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            let value = field(capabilities)?;
            ensure!(value.trim_matches('0').is_empty(), "{daemon} has {capabilities} {value}");
        }
        ensure!(field("NoNewPrivs")? == "1", "{daemon} may gain privileges");
        ensure!(field("Seccomp")? == "2", "{daemon} has no system-call filter");
    }
    Ok(())
}

/// Daemons and units that run once alike.
pub(crate) fn security(machine: &mut Machine) -> Result<()> {
    let shell = machine.shell()?;
    let mut above = Vec::new();
    for unit in unit_list::ours(shell)? {
        let level = unit_list::exposure(shell, &unit.name)?;
        if level > 2.0 {
            above.push(format!("{} {level}", unit.name));
        }
    }
    ensure!(above.is_empty(), "above 2.0: {}", above.join(", "));
    Ok(())
}

/// HD5: no socket more and none less than `listening.list` names.
pub(crate) fn sockets(machine: &mut Machine) -> Result<()> {
    let shell = machine.shell()?;
    let manifest = listening::parse(&shell.run(&format!("cat /{}", listening::LIST))?)?;
    let found = shell.run("ss --no-header --tcp --udp --listening --numeric --processes")?;
    let mut seen = BTreeSet::new();
    for line in found.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (protocol, local) = (words[0], words[4]);
        let (address, port) = local.rsplit_once(':').with_context(|| format!("no port in `{line}`"))?;
        let address = address.split('%').next().unwrap_or(address).trim_matches(['[', ']']);
        let port: u16 = port.parse().with_context(|| format!("no port in `{line}`"))?;
        let any = matches!(address, "*" | "::" | "0.0.0.0");
        let place = manifest.iter().position(|one| {
            let fits = match one.address.as_str() {
                "*" => any,
                kind if kind.chars().all(|letter| letter.is_uppercase() || letter == '-') => !any,
                exact => address == exact,
            };
            fits && one.protocol == protocol && one.port == port
        });
        let Some(place) = place else { bail!("not in the manifest: {line}") };
        // A socket that systemd opened is listed with systemd beside the daemon.
        let short = &manifest[place].process[..manifest[place].process.len().min(15)];
        ensure!(line.contains(short), "another process than {short}: {line}");
        seen.insert(place);
    }
    for (place, one) in manifest.iter().enumerate() {
        let dynamic = one.reach == listening::Reach::Dhcp;
        ensure!(dynamic || seen.contains(&place), "nobody listens: {} {}", one.protocol, one.port);
    }
    Ok(())
}

/// Every rule that lets a port in names one of the manifest's sets, or a client's port of DHCP.
pub(crate) fn ports(machine: &mut Machine) -> Result<()> {
    let shell = machine.shell()?;
    let manifest = listening::parse(&shell.run(&format!("cat /{}", listening::LIST))?)?;
    let rules = shell.run("nft list chain inet plenum input")?;
    let open = rules.lines().filter(|line| line.contains("dport") && line.contains("accept"));
    for line in open {
        let ports = line.split("dport").nth(1).unwrap_or_default();
        let numbers = ports.split(|letter: char| !letter.is_ascii_digit()).filter(|word| !word.is_empty());
        for number in numbers {
            let known = |one: &listening::Listener| {
                one.reach != listening::Reach::Nobody && one.port.to_string() == number
            };
            ensure!(manifest.iter().any(known), "port {number} is open and not in the manifest: {line}");
        }
    }
    Ok(())
}

pub(crate) fn firewall(machine: &mut Machine) -> Result<()> {
    let rules = machine.shell()?.run("nft list ruleset")?;
    for chain in ["input", "forward", "output"] {
        let text =
            rules.split(&format!("chain {chain} {{")).nth(1).with_context(|| format!("no chain {chain}"))?;
        ensure!(text.split('}').next().unwrap_or_default().contains("policy drop"), "{chain} does not drop");
    }
    Ok(())
}

/// HD1
pub(crate) fn root(machine: &mut Machine) -> Result<()> {
    let shell = machine.shell()?;
    let mount = shell.run("findmnt --noheadings --output SOURCE,FSTYPE,OPTIONS /")?;
    ensure!(mount.contains("/dev/mapper/root") && mount.contains("erofs"), "{mount}");
    ensure!(shell.run("dmsetup status root")?.contains("verity V"), "the root is not verified");
    ensure!(shell.run("touch /usr/x").is_err(), "the root can be written");
    let lockdown = shell.run("cat /sys/kernel/security/lockdown")?;
    ensure!(lockdown.contains("[integrity]") || lockdown.contains("[confidentiality]"), "{lockdown}");
    Ok(())
}

pub(crate) fn data(machine: &mut Machine) -> Result<()> {
    let shell = machine.shell()?;
    let mount = shell.run("findmnt --noheadings --output SOURCE,FSTYPE,OPTIONS /var")?;
    ensure!(mount.contains("/dev/mapper/data"), "/var is not the data partition: {mount}");
    for option in ["nosuid", "nodev", "noexec"] {
        ensure!(mount.contains(option), "/var lacks {option}: {mount}");
    }
    let open = shell
        .run("systemctl is-active plenum-data-open-tpm2.service plenum-data-open-key-file.service || true")?;
    ensure!(open.lines().next() == Some("active"), "not opened by the TPM: {open}");
    ensure!(shell.run("dmsetup table data")?.contains("crypt"), "the data is not encrypted");
    // LUKS2 keeps its tokens as JSON at the beginning of the partition.
    let policy = shell.run(
        "dd if=/dev/disk/by-partlabel/plenum-data bs=64K count=1 status=none \
         | grep --text --only-matching '\"tpm2[-_a-z]*pcrs\":\\[[0-9,]*\\]' | sort -u",
    )?;
    ensure!(policy.contains("\"tpm2_pubkey_pcrs\":[11]"), "not sealed to our signature of PCR 11: {policy}");
    Ok(())
}

pub(crate) fn journal(machine: &mut Machine) -> Result<()> {
    let shell = machine.shell()?;
    let header = shell.run("journalctl --header --no-pager | grep '^File path'")?;
    ensure!(header.contains("/var/log/journal/"), "the journal is not kept: {header}");
    let limits = shell.run("systemd-analyze cat-config systemd/journald.conf --no-pager")?;
    ensure!(limits.contains("SystemMaxUse=512M"), "the journal has no bound");
    Ok(())
}

/// The ID is on the ESP for the next boot, and the journal lies under it.
pub(crate) fn identity(machine: &mut Machine) -> Result<()> {
    let shell = machine.shell()?;
    shell
        .run("systemctl is-active plenum-machine-id.service || systemctl start plenum-machine-id.service")?;
    let id = shell.run("cat /etc/machine-id")?;
    let kept = shell.run("cat /boot/plenum/machine-id")?;
    ensure!(id.len() == 32 && id == kept, "this boot is {id}, the next one would be {kept}");
    let header = shell.run("journalctl --header --no-pager | grep '^File path'")?;
    ensure!(header.contains(&format!("/var/log/journal/{id}/")), "the journal lies elsewhere: {header}");
    Ok(())
}

/// It ran at the start, and shows a plan to whoever asks.
pub(crate) fn tuning(machine: &mut Machine) -> Result<()> {
    let shell = machine.shell()?;
    shell.run("systemctl is-active plenum-tune.service").context("plenum-tune.service")?;
    let plan = shell.run("plenum-tune --dry-run")?;
    ensure!(plan.contains("Profiles: "), "no plan: {plan}");
    Ok(())
}

/// HD6: every line of the image's own file is what the kernel says.
pub(crate) fn sysctls(machine: &mut Machine) -> Result<()> {
    let shell = machine.shell()?;
    let file = shell.run("cat /etc/sysctl.d/10-plenum.conf")?;
    let mut wrong = Vec::new();
    for line in file.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let (name, wanted) = line.split_once('=').with_context(|| format!("`{line}` sets nothing"))?;
        let path = name.trim().replace('.', "/");
        let have = shell.run(&format!("cat /proc/sys/{path}")).unwrap_or_else(|_| "not there".to_owned());
        if have.trim() != wanted.trim() {
            wrong.push(format!("{} is {have} and not {}", name.trim(), wanted.trim()));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("; "));
    Ok(())
}

/// Boot counting: all daemons were ready, so the entry has lost its tries.
pub(crate) fn blessed(machine: &mut Machine) -> Result<()> {
    let shell = machine.shell()?;
    shell.run("systemctl is-active --quiet boot-complete.target").context("boot-complete.target")?;
    let entries = shell.run("ls /boot/EFI/Linux")?;
    ensure!(!entries.contains('+'), "the entry still counts its tries: {entries}");
    Ok(())
}

/// A firmware that checks what it starts, and whose keys are ours and not those of a vendor.
pub(crate) fn secure_boot(machine: &mut Machine) -> Result<()> {
    let status = machine.shell()?.run("bootctl status --no-pager 2>&1 || true")?;
    ensure!(status.contains("Secure Boot: enabled (user)"), "{status}");
    Ok(())
}

/// Its automount lets go of it after two minutes, by the same job: what requires `boot.mount` would stop with it.
pub(crate) fn idle_esp(machine: &mut Machine) -> Result<()> {
    const RUNNING: &str = "systemctl list-units --state=active --type=service,mount,target --plain --no-legend \
                           | cut -d' ' -f1 | grep -v '^boot.mount$' | grep -E '^plenum|mount$|target$'";
    let shell = machine.shell()?;
    let before = shell.run(RUNNING)?;
    shell.run(
        "systemctl stop boot.mount; while systemctl list-jobs --no-legend | grep -q .; do sleep 0.2; done",
    )?;
    let after = shell.run(RUNNING)?;
    ensure!(after == before, "with the ESP went other units; before:\n{before}\nafter:\n{after}");
    shell.run("grep -q ' /var ' /proc/mounts && ls /boot/EFI/Linux").map(drop)
}
