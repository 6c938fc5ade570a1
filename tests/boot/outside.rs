//! What the network sees.

use crate::display;
use anyhow::{Result, bail, ensure};
use plenum_tests::machine::{Machine, https, lan};
use std::net::UdpSocket;
use std::time::Duration;

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

/// RFC 6762 section 5.1: a query from a port of its own is answered there.
pub(crate) fn own_name(machine: &mut Machine) -> Result<()> {
    display::wait(machine, "its name", |shown| shown.contains("https://plenum.local/setup"))?;
    let socket = UdpSocket::bind((lan::HERE, 0))?;
    socket.set_read_timeout(Some(Duration::from_secs(2)))?;
    let query = b"\0\x01\0\0\0\x01\0\0\0\0\0\0\x06plenum\x05local\0\0\x01\0\x01";
    let mut answer = [0; 1_500];
    for _ in 0..5 {
        socket.send_to(query, ("224.0.0.251", 5_353))?;
        let Ok((length, from)) = socket.recv_from(&mut answer) else { continue };
        let names = answer[..length].windows(4).any(|bytes| bytes == lan::MACHINE.octets());
        ensure!(names && from.ip() == lan::MACHINE, "an answer without the address: {:?}", &answer[..length]);
        return Ok(());
    }
    bail!("nobody answers to plenum.local")
}
