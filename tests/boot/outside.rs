//! What the network sees.

use anyhow::{Result, ensure};
use plenum_tests::machine::{Machine, https};

pub(crate) fn page(machine: &mut Machine) -> Result<()> {
    let page = https::get(machine.site.https_port, "/")?;
    ensure!(page.contains("<title>Plenum"), "not the join page: {page}");
    let about = https::get(machine.site.https_port, "/api/about")?;
    ensure!(about.contains("\"version\""), "signaling says nothing of itself: {about}");
    Ok(())
}

pub(crate) fn meeting(machine: &mut Machine) -> Result<()> {
    let meeting = machine.site.open_meeting("Boot")?;
    ensure!(meeting.guest_link != meeting.host_link, "guest and host have the same link");
    let query = serde_json::json!({ "link": meeting.guest_link }).to_string();
    let info = https::post(machine.site.https_port, "/api/link", &query)?;
    ensure!(info.contains("Boot"), "the guest link leads elsewhere: {info}");
    Ok(())
}

/// Through the firewall, from the machine's own network: everything that is not in the manifest is silent.
pub(crate) fn ports(machine: &mut Machine) -> Result<()> {
    // A network namespace at the other end of a virtual cable would need more than the image has; the packet
    // filter itself says what it lets in.
    let rules = machine.shell()?.run("nft list chain inet plenum input")?;
    ensure!(rules.contains("policy drop"), "the default is not to drop: {rules}");
    for line in rules.lines().filter(|line| line.contains("dport") && line.contains("accept")) {
        let known = ["10000", "443", "3478", "dport 68", "dport 546"].iter().any(|port| line.contains(port));
        ensure!(known, "an unknown port is open: {line}");
    }
    Ok(())
}
