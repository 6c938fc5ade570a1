//! A credential and sticks with a `plenum.toml` that is wrong, given one after the other: the display says where, and what to do.

use crate::display;
use anyhow::{Context, Result};
use plenum_appliance::provisioning::{EXAMPLE, FILE};
use plenum_tests::machine::{Machine, lan, stick};

/// The last one is shown as long as it is the last one: two that say the same would not be told apart.
const BROKEN: [(&str, &str, &str, &str); 12] = [
    ("version = 1", "version = = 1", "", "`plenum config example` shows"),
    ("version = 1", "version = 2", "version", "write `version = 1`"),
    ("domains =", "domians =", "", "unknown field `domians`"),
    ("gateway = \"192.0.2.1\"", "gateway = \"198.51.100.1\"", "network.ipv4.gateway", "in the network"),
    ("prefix = 24", "prefix = 33", "network.ipv4.prefix", "1 to 32"),
    (lan::PORT, "enp9s9", "network.ports", "there is no port enp9s9"),
    ("# vlan = 42", "vlan = 5000", "network.vlan", "1 to 4094"),
    ("imprint = \"https:", "imprint = \"http:", "institution.imprint", "https://"),
    ("host_name = \"konferenz.", "host_name = \"kon ferenz.", "host_name", "letters, digits and hyphens"),
    (
        "second_factor = \"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\"",
        "second_factor = \"1\"",
        "administrator.second_factor",
        "base32",
    ),
    (
        "password = \"and another sentence for him\"",
        "password = \"short\"",
        "auditor.password",
        "take 12 characters",
    ),
    ("port = 465", "port = 0", "mail.port", "1 to 65535"),
];

/// Name and text of a credential with a mistake.
pub(crate) fn credential() -> (String, String) {
    (FILE.to_owned(), sound().replacen("version = 1", "version = 3", 1))
}

/// The example for a port that the machine has.
fn sound() -> String {
    EXAMPLE.replace("enp1s0", lan::PORT)
}

pub(crate) fn is_explained_as_a_credential(machine: &mut Machine) -> Result<()> {
    let explained = |shown: &str| shown.contains(", version: ") && shown.contains("write `version = 1`");
    display::wait(machine, "what is wrong with the credential, and the remedy", explained).map(drop)
}

pub(crate) fn are_explained(machine: &mut Machine) -> Result<()> {
    for (number, (from, to, key, remedy)) in BROKEN.iter().enumerate() {
        let text = sound().replacen(from, to, 1);
        let line = text.lines().position(|line| line.contains(to)).context("the example has changed")? + 1;
        let name = format!("broken-{number}");
        stick::fat(&machine.folder().join(format!("{name}.raw")), &[(FILE, text.as_bytes())])?;
        machine.qmp()?.plug_in(&name)?;
        let place = if key.is_empty() { format!("line {line}: ") } else { format!("line {line}, {key}: ") };
        let explained = |shown: &str| shown.contains(&place) && shown.contains(remedy);
        let shown = display::wait(machine, &format!("`{place}` with the remedy `{remedy}`"), explained);
        machine.qmp()?.unplug(&name)?;
        shown.with_context(|| format!("`{to}`"))?;
    }
    let code = machine.shell()?.run("test -s /run/plenum/appliance/setup.code");
    code.map(drop).context("something of them was applied")
}
