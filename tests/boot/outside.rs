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
