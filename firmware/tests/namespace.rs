//! Applies to a veth pair in a network namespace of its own, and takes it back. Needs root.

#![forbid(unsafe_code)]

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use plenum_firmware::apply::{apply, revert};
use plenum_firmware::profile::shipped;
use plenum_firmware::{Tree, capture};
use std::path::Path;
use std::process::Command;

fn ip(args: &str) {
    let status = Command::new("ip").args(args.split(' ')).status().expect("iproute2 is installed");
    assert!(status.success(), "ip {args}");
}

fn state() -> Tree {
    let names = plenum_firmware::apply::sysctls(&shipped().unwrap());
    let all = capture(Path::new("/"), &names).to_text();
    let ours = all.lines().filter(|line| line.contains("tune0") || line.contains("somaxconn"));
    Tree::parse(&ours.collect::<Vec<_>>().join("\n")).unwrap()
}

/// Namespaces belong to the thread and end with it.
#[test]
fn a_veth_is_tuned_once_and_restored() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: needs root for a network namespace");
        return;
    }
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).expect("root may make namespaces");
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).expect("mounts become private");
    mount(Some("sysfs"), "/sys", Some("sysfs"), MsFlags::empty(), none).expect("this namespace's devices");
    ip("link add tune0 numtxqueues 2 numrxqueues 2 type veth peer name tune1 numtxqueues 2 numrxqueues 2");
    std::fs::write("/proc/sys/net/core/somaxconn", "128").expect("a sysctl of this namespace");
    let before = state();

    // Only what belongs to the namespace: the machine's own sysctls are not there or cannot be written.
    let mut profiles = shipped().unwrap();
    for profile in &mut profiles {
        profile.sysctl.retain(|name, _| name == "net.core.somaxconn");
        profile.values.governor = None;
        profile.values.idle_latency_max_us = None;
        profile.values.shared_below.iter_mut().for_each(|it| it.value = 1_024);
        if let Some(it) = profile.offloads.get_mut("rx-udp-gro-forwarding") {
            it.value = true;
        }
    }
    let nics = ["tune0".to_owned()];
    let first = apply(&profiles, &nics);
    let paths: Vec<&str> = first.changed.iter().map(|it| it.path.as_str()).collect();
    for wanted in ["proc/sys/net/core/somaxconn", "ethtool/tune0/features/rx-udp-gro-forwarding"] {
        assert!(paths.contains(&wanted), "{wanted} is not in {paths:?}; refused: {:?}", first.refused);
    }
    assert_eq!(state().get("ethtool/tune0/features/rx-udp-gro-forwarding"), Some("on"));
    assert_eq!(state().get("proc/sys/net/core/somaxconn"), Some("4096"));
    let second = apply(&profiles, &nics);
    assert_eq!(second.changed, [], "the second time nothing is left to do");

    assert_eq!(revert(&first.changed), []);
    assert_eq!(state(), before);
}
