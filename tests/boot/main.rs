//! The image in a virtual machine: `cargo xtask test boot`.
//!
//! One machine for all checks, because it takes a minute to boot. Each check is a function that says in its
//! error what it found.

mod hardening;
mod inside;
mod outside;
mod scan;
mod units;

use anyhow::{Context, Result};
use plenum_tests::machine::site::{Site, host_key};
use plenum_tests::machine::{Machine, Network, Options, lan};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Without hardware virtualisation and beside other work.
const BOOT_LIMIT: Duration = Duration::from_secs(400);

type Check = (&'static str, fn(&mut Machine) -> Result<()>);

const CHECKS: &[Check] = &[
    ("every unit is up", inside::units),
    ("the join page and its headers", outside::page),
    ("a meeting is opened with the host key", outside::meeting),
    ("the packet filter opens only the ports of the manifest", inside::ports),
    ("each daemon was ready in time", inside::readiness),
    ("each daemon has its own user and no right more", inside::processes),
    ("systemd-analyze security is at most 2.0", inside::security),
    ("the listening sockets are the manifest", inside::sockets),
    ("the firewall drops what is not allowed", inside::firewall),
    ("the root is verified and read-only", inside::root),
    ("the data partition is encrypted, and sealed by the TPM", inside::data),
    ("the journal is persistent and bounded", inside::journal),
    ("the machine ID is kept, and the journal lies under it", inside::identity),
    ("kernel and NICs are tuned", inside::tuning),
    ("the sysctls hold", inside::sysctls),
    ("this boot is blessed", inside::blessed),
    ("Secure Boot is on, with our key alone", inside::secure_boot),
    ("docs/hardening.md is what the image shows, inside and in a scan", hardening::document),
];

#[test]
#[ignore = "boots a virtual machine: cargo xtask test boot"]
fn the_image_boots_into_the_conference() {
    let image =
        PathBuf::from(std::env::var_os("PLENUM_IMAGE").expect("cargo xtask test boot names the image"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let site = Site {
        https_port: free_port().expect("a free port"),
        media: false,
        host_key: host_key(folder.path()).expect("a host key"),
    };
    lan::enter().expect("a network of its own");
    let options = Options {
        network: Network::Lan,
        secure_boot: true,
        ..Options::new(image, folder.path().to_owned(), site)
    };
    let mut machine = Machine::start(&options).expect("a machine");
    let took = machine.wait_for_page(BOOT_LIMIT).expect("the join page");
    eprintln!("power-on to the join page: {:.1} s", took.as_secs_f32());
    let failures: Vec<String> = CHECKS.iter().filter_map(|check| one(check, &mut machine)).collect();
    assert!(failures.is_empty(), "\n{}\n\nthe console said:\n{}", failures.join("\n"), machine.console());
}

fn one((name, check): &Check, machine: &mut Machine) -> Option<String> {
    let began = Instant::now();
    let result = check(machine);
    let verdict = if result.is_ok() { "ok" } else { "FAILED" };
    eprintln!("{verdict:>6}  {name} ({:.1} s)", began.elapsed().as_secs_f32());
    result.err().map(|error| format!("{name}: {error:#}"))
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}
