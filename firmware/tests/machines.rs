//! Plans for recorded machines, and what holds for every plan. `PLENUM_BLESS=1` writes the golden plans anew.

#![forbid(unsafe_code)]

use plenum_firmware::plan::divide;
use plenum_firmware::profile::{combined, shipped};
use plenum_firmware::{Cpus, Inventory, Setting, Tree, plan};
use std::fs;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

fn machines() -> Vec<(String, Tree)> {
    let entries = fs::read_dir(folder("machines")).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, Tree::parse(&fs::read_to_string(&path).unwrap()).unwrap())
    };
    entries.map(read).collect()
}

fn planned(tree: &Tree) -> Vec<Setting> {
    plan(tree, &shipped().unwrap(), &[])
}

/// A machine with `cores` cores of `threads` threads on `nodes` nodes, and a NIC of `queues`.
fn made(cores: usize, threads: usize, nodes: usize, queues: usize, random: &mut fastrand::Rng) -> Tree {
    let mut tree = Tree::default();
    let cpus = cores * threads;
    tree.set("sys/devices/system/cpu/online", &(0..cpus).collect::<Cpus>().to_string());
    for cpu in 0..cpus {
        let siblings: Cpus = (0..threads).map(|thread| cpu % cores + thread * cores).collect();
        let path = format!("sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
        tree.set(&path, &siblings.to_string());
    }
    for node in 0..nodes {
        let own: Cpus = (0..cpus).filter(|cpu| cpu % cores * nodes / cores == node).collect();
        tree.set(&format!("sys/devices/system/node/node{node}/cpulist"), &own.to_string());
    }
    let folder = "sys/class/net/eth0";
    tree.set(&format!("{folder}/device/driver"), "igb");
    tree.set(&format!("{folder}/device/numa_node"), &random.usize(0..nodes).to_string());
    tree.set(&format!("{folder}/speed"), "10000");
    tree.set("ethtool/eth0/channels/combined", &queues.to_string());
    tree.set("ethtool/eth0/channels/combined-max", &queues.to_string());
    tree.set("ethtool/eth0/ring/rx", "256");
    tree.set("ethtool/eth0/ring/rx-max", "4096");
    tree.set("ethtool/eth0/coalesce/rx-usecs", &random.u32(0..200).to_string());
    for queue in 0..queues {
        tree.set(&format!("{folder}/queues/rx-{queue}/rps_cpus"), "0");
        tree.set(&format!("{folder}/queues/tx-{queue}/xps_cpus"), "0");
        tree.set(&format!("interrupts/{}", queue + 40), &format!("eth0-TxRx-{queue}"));
        tree.set(&format!("proc/irq/{}/smp_affinity_list", queue + 40), "0");
    }
    tree
}

fn check(name: &str, tree: &Tree) {
    let online = Cpus::from_list(tree.get("sys/devices/system/cpu/online").unwrap()).unwrap();
    let settings = planned(tree);
    let mut after = tree.clone();
    for it in &settings {
        assert!(!it.reason.is_empty() && !it.source.is_empty(), "{name}: {it:?}");
        let named = match it.path.rsplit('/').next().unwrap() {
            "rps_cpus" | "xps_cpus" => Cpus::from_mask(&it.new),
            "smp_affinity_list" => Cpus::from_list(&it.new),
            "50-plenum-tune.conf" => Cpus::from_list(it.new.rsplit('=').next().unwrap()),
            _ => continue,
        };
        let named = named.unwrap_or_else(|| panic!("{name}: {it:?}"));
        assert!(named.0.is_subset(&online.0), "{name}: no such processor: {it:?}");
    }
    for it in &settings {
        after.set(&it.path, &it.new);
    }
    assert_eq!(planned(&after), [], "{name}: planning on the planned state yields nothing");
}

#[test]
fn recorded_machines_have_their_golden_plans() {
    for (name, tree) in machines() {
        let json = serde_json::to_string_pretty(&planned(&tree)).unwrap() + "\n";
        let file = folder("plans").join(format!("{name}.json"));
        if std::env::var_os("PLENUM_BLESS").is_some() {
            fs::write(&file, &json).unwrap();
        }
        let golden = fs::read_to_string(&file).unwrap_or_default();
        assert!(golden == json, "{name}: the plan has changed; PLENUM_BLESS=1 writes it, git diff shows it");
        check(&name, &tree);
    }
}

#[test]
fn every_plan_stays_on_the_machine_and_leaves_nothing_to_plan() {
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let (cores, threads) = (random.usize(1..=128), random.usize(1..=2));
        let nodes = random.usize(1..=cores.min(8));
        let queues = random.usize(1..=64);
        check(&format!("seed {seed}"), &made(cores, threads, nodes, queues, &mut random));
    }
}

#[test]
fn media_and_interrupts_share_small_machines_and_divide_large_ones() {
    let profiles = shipped().unwrap();
    for (cores, shared, interrupts, media) in
        [(1, true, 1, 1), (2, true, 2, 2), (4, false, 1, 3), (64, false, 8, 56)]
    {
        let tree = made(cores, 1, 1, 1, &mut fastrand::Rng::with_seed(0));
        let machine = Inventory::read(&tree, &[]);
        let divided = divide(&machine, &combined(&profiles, &machine).0);
        assert_eq!(
            (divided.shared, divided.interrupts.len(), divided.media.len()),
            (shared, interrupts, media)
        );
        assert!(shared || divided.interrupts.iter().all(|cpu| !divided.media.contains(cpu)));
    }
}
