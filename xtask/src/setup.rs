//! What a fresh Debian machine lacks is installed: as root, or by sudo, after printing the one line.

use crate::shell::{self, has};
use anyhow::{Result, bail};
use std::process::Command;

/// A program, or a whole path, and the Debian package that brings it.
type Need = (&'static str, &'static str);

/// To build the daemons and the user interface, and to run the house.
pub(crate) const HOUSE: &[Need] = &[("cc", "gcc"), ("cmake", "cmake"), ("dbus-daemon", "dbus-daemon")];

/// To run every suite.
pub(crate) const SUITES: &[Need] = &[
    ("chromium", "chromium"),
    ("firefox-esr", "firefox-esr"),
    ("certutil", "libnss3-tools"),
    ("ip", "iproute2"),
    ("nft", "nftables"),
    ("mkfs.ext4", "e2fsprogs"),
    ("turnutils_uclient", "coturn"),
    ("busctl", "systemd"),
    ("openssl", "openssl"),
    ("pebble", "pebble"),
    ("/usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_gtls.so", "rsyslog-gnutls"),
    ("pip3", "python3-pip"),
];

/// To take the pictures of the manual, beside what the suites need: Chromium in other languages than English.
pub(crate) const PICTURES: &[Need] = &[("/usr/lib/chromium/locales/de.pak", "chromium-l10n")];

/// To build the image; everything else it needs is in its tools root.
pub(crate) const IMAGE: &[Need] = &[("mmdebstrap", "mmdebstrap"), ("git", "git")];

pub(crate) fn install(needs: &[Need]) -> Result<()> {
    if !has("node") || !has("npm") {
        bail!("Node.js is missing: install Node 20.19 or newer with npm (https://nodejs.org)");
    }
    let mut packages: Vec<&str> =
        needs.iter().filter(|(program, _)| !found(program)).map(|(_, package)| *package).collect();
    packages.dedup();
    if packages.is_empty() {
        return Ok(());
    }
    let line = format!("apt-get install -y --no-install-recommends {}", packages.join(" "));
    if !has("apt-get") {
        bail!("missing programs; on Debian they come with: {line}");
    }
    let root = nix::unistd::geteuid().is_root();
    let prefix = if root { "" } else { "sudo " };
    eprintln!("{prefix}{line}");
    if !root && !has("sudo") {
        bail!("neither root nor sudo: run the line above as root, then this command again");
    }
    let install =
        format!("export DEBIAN_FRONTEND=noninteractive; apt-get update -qq && {line} -qq >/dev/null");
    let mut command = if root { Command::new("sh") } else { Command::new("sudo") };
    if !root {
        command.arg("sh");
    }
    shell::run(command.arg("-c").arg(install))
}

/// Debian keeps some programs where an ordinary user's PATH does not look.
fn found(program: &str) -> bool {
    has(program) || ["/usr/sbin", "/sbin"].iter().any(|dir| std::path::Path::new(dir).join(program).is_file())
}
