//! A network of its own for the calling thread and all that it starts: a machine with [`super::Network::Lan`]
//! is on one wire with it. It is gone with the last process in it; nothing else of this machine is touched.

use anyhow::{Context, Result};
use nix::sched::{CloneFlags, unshare};
use std::net::Ipv4Addr;
use std::process::Command;

/// The interface on the machine's wire.
pub const INTERFACE: &str = "plenum0";

/// The machine's end of the wire: a card of its own, because QEMU's own network would answer whatever it sees.
pub const MACHINE: Ipv4Addr = Ipv4Addr::new(198, 18, 9, 2);

/// This end.
pub const HERE: Ipv4Addr = Ipv4Addr::new(198, 18, 9, 1);

pub const MAC: &str = "52:54:00:98:18:09";

/// What the machine calls that card, by its place.
pub const PORT: &str = "enp0s17";
pub(super) const PLACE: &str = "0x11";

/// The machine's settings for that card (systemd.network): there is no DHCP server on the wire.
pub(super) fn settings() -> String {
    format!(
        "[Match]\nPermanentMACAddress={MAC}\n[Network]\nAddress={MACHINE}/24\nIPv6AcceptRA=no\nMulticastDNS=yes\n"
    )
}

/// Who is in here also reaches the machine from networks behind this one: it answers as if asked by us.
const BEHIND: &str = "add table ip lan
add chain ip lan out { type nat hook postrouting priority srcnat; }
add rule ip lan out oifname plenum0 masquerade";

/// For the calling thread; threads that were there before stay where they are.
pub fn enter() -> Result<()> {
    unshare(CloneFlags::CLONE_NEWNET).context("no network namespace: run this as root")?;
    ip("link set lo up")?;
    ip(&format!("tuntap add {INTERFACE} mode tap"))?;
    ip(&format!("addr add {HERE}/24 dev {INTERFACE}"))?;
    ip(&format!("link set {INTERFACE} up"))?;
    // The file shows the network of whoever opens it.
    std::fs::write("/proc/sys/net/ipv4/ip_forward", "1")?;
    run(Command::new("nft").arg(BEHIND))
}

fn ip(words: &str) -> Result<()> {
    run(Command::new("ip").args(words.split(' ')))
}

fn run(command: &mut Command) -> Result<()> {
    plenum_image::shell::run(command)
}
