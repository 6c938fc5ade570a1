//! Reads a machine into a [`Tree`].

use crate::Tree;
use crate::ethtool::Ethtool;
use std::fs;
use std::path::Path;

const FEATURES: &[&str] = &[
    "rx-checksum",
    "rx-gro",
    "rx-udp-gro-forwarding",
    "tx-checksum-ip-generic",
    "tx-generic-segmentation",
    "tx-udp-segmentation",
];

/// Everything that planning looks at. What `root` lacks is left out. NICs are asked by ioctl, in the network
/// namespace of the caller, if `root` is `/`.
pub fn capture(root: &Path, sysctls: &[String]) -> Tree {
    let mut into = Capture { root, tree: Tree::default() };
    for name in ["sys_vendor", "product_name", "chassis_type"] {
        into.file(&format!("sys/class/dmi/id/{name}"));
    }
    for sysctl in sysctls {
        into.file(&sysctl_path(sysctl));
    }
    into.cpus();
    into.interrupts();
    for nic in into.list("sys/class/net") {
        into.nic(&nic);
    }
    into.file(crate::plan::DROP_IN);
    into.tree
}

/// `net.core.rmem_max` → `proc/sys/net/core/rmem_max`
pub(crate) fn sysctl_path(name: &str) -> String {
    format!("proc/sys/{}", name.replace('.', "/"))
}

struct Capture<'a> {
    root: &'a Path,
    tree: Tree,
}

impl Capture<'_> {
    fn file(&mut self, path: &str) {
        if let Ok(text) = fs::read_to_string(self.root.join(path)) {
            self.tree.set(path, &text.trim().replace('\n', "\\n"));
        }
    }

    fn link(&mut self, path: &str, name: &str) {
        let target = fs::read_link(self.root.join(path)).ok();
        if let Some(last) = target.as_deref().and_then(Path::file_name).and_then(|last| last.to_str()) {
            self.tree.set(name, last);
        }
    }

    fn list(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.root.join(folder)).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }

    fn cpus(&mut self) {
        let info = fs::read_to_string(self.root.join("proc/cpuinfo")).unwrap_or_default();
        if let Some((_, vendor)) =
            info.lines().find(|line| line.starts_with("vendor_id")).and_then(|line| line.split_once(':'))
        {
            self.tree.set("cpuinfo/vendor_id", vendor.trim());
        }
        self.file("sys/devices/system/cpu/online");
        for name in self.list("sys/devices/system/node") {
            self.file(&format!("sys/devices/system/node/{name}/cpulist"));
        }
        for name in self.list("sys/devices/system/cpu") {
            let folder = format!("sys/devices/system/cpu/{name}");
            for file in ["topology/physical_package_id", "topology/thread_siblings_list"] {
                self.file(&format!("{folder}/{file}"));
            }
            for file in ["cpufreq/scaling_governor", "cpufreq/scaling_available_governors"] {
                self.file(&format!("{folder}/{file}"));
            }
            for state in self.list(&format!("{folder}/cpuidle")) {
                for file in ["latency", "disable"] {
                    self.file(&format!("{folder}/cpuidle/{state}/{file}"));
                }
            }
        }
    }

    fn interrupts(&mut self) {
        let text = fs::read_to_string(self.root.join("proc/interrupts")).unwrap_or_default();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let number = words.next().and_then(|word| word.strip_suffix(':')?.parse::<usize>().ok());
            if let (Some(number), Some(action)) = (number, words.last()) {
                self.tree.set(&format!("interrupts/{number}"), action);
                self.file(&format!("proc/irq/{number}/smp_affinity_list"));
            }
        }
    }

    fn nic(&mut self, nic: &str) {
        let folder = format!("sys/class/net/{nic}");
        let kind = fs::read_to_string(self.root.join(format!("{folder}/type"))).unwrap_or_default();
        // ARPHRD_ETHER.
        if kind.trim() != "1" {
            return;
        }
        self.file(&format!("{folder}/speed"));
        self.file(&format!("{folder}/device/numa_node"));
        self.link(&format!("{folder}/device/driver"), &format!("{folder}/device/driver"));
        self.link(&format!("{folder}/device"), &format!("{folder}/device"));
        self.link(&format!("{folder}/device"), &format!("{folder}/pci"));
        for queue in self.list(&format!("{folder}/queues")) {
            let folder = format!("{folder}/queues/{queue}");
            let file = if queue.starts_with("rx-") { "rps_cpus" } else { "xps_cpus" };
            self.file(&format!("{folder}/{file}"));
            // A queue without the file is a queue.
            self.tree.set(&format!("{folder}/present"), "1");
        }
        if self.root != Path::new("/") {
            return;
        }
        let Ok(ethtool) = Ethtool::open(nic) else { return };
        for (path, value) in ethtool.read() {
            let known = path.strip_prefix("features/").is_none_or(|name| FEATURES.contains(&name));
            if known {
                self.tree.set(&format!("ethtool/{nic}/{path}"), &value);
            }
        }
    }
}
