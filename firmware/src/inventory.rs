//! What a machine has, read out of a [`Tree`].

use crate::{Cpus, Tree};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default)]
pub struct Inventory {
    pub vendor: String,
    pub product: String,
    /// SMBIOS 3.x, table 17: 23 rack mount, 35 mini PC; 0: unknown.
    pub chassis: u64,
    /// `GenuineIntel`, `AuthenticAMD`, …
    pub cpu_vendor: String,
    pub cpus: BTreeMap<usize, Cpu>,
    pub nics: Vec<Nic>,
}

#[derive(Debug, Clone, Default)]
pub struct Cpu {
    pub package: u64,
    /// NUMA node.
    pub node: usize,
    /// The hardware threads of this core, this one among them.
    pub siblings: Cpus,
    /// Number of an idle state and its exit latency in µs.
    pub idle: BTreeMap<usize, u64>,
}

#[derive(Debug, Clone, Default)]
pub struct Nic {
    pub name: String,
    /// Empty: a virtual device.
    pub driver: String,
    pub node: Option<usize>,
    /// Mbit/s.
    pub speed: Option<u64>,
    pub receive_queues: usize,
    pub transmit_queues: usize,
    /// Interrupts of queues.
    pub interrupts: Vec<Interrupt>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interrupt {
    pub number: usize,
    pub queue: usize,
}

impl Inventory {
    /// Of the NICs, those named, or else all that are hardware.
    pub fn read(tree: &Tree, named: &[String]) -> Inventory {
        let text = |path: &str| tree.get(path).unwrap_or_default().to_owned();
        let nics = tree.names("sys/class/net").into_iter().map(|name| nic(tree, name));
        Inventory {
            vendor: text("sys/class/dmi/id/sys_vendor"),
            product: text("sys/class/dmi/id/product_name"),
            chassis: tree.number("sys/class/dmi/id/chassis_type").unwrap_or(0),
            cpu_vendor: text("cpuinfo/vendor_id"),
            cpus: cpus(tree),
            nics: nics
                .filter(|nic| match named {
                    [] => !nic.driver.is_empty(),
                    named => named.contains(&nic.name),
                })
                .collect(),
        }
    }

    /// The first hardware thread of every core.
    pub fn cores(&self) -> Vec<usize> {
        let first = |(cpu, it): (&usize, &Cpu)| (it.siblings.0.first() == Some(cpu)).then_some(*cpu);
        self.cpus.iter().filter_map(first).collect()
    }
}

fn cpus(tree: &Tree) -> BTreeMap<usize, Cpu> {
    const CPU: &str = "sys/devices/system/cpu";
    const NODE: &str = "sys/devices/system/node";
    let online = tree.get(&format!("{CPU}/online")).and_then(Cpus::from_list).unwrap_or_default();
    let mut cpus = BTreeMap::new();
    for cpu in online.0.iter().copied() {
        let folder = format!("{CPU}/cpu{cpu}");
        let siblings = tree.get(&format!("{folder}/topology/thread_siblings_list")).and_then(Cpus::from_list);
        let mut siblings = siblings.unwrap_or_default();
        siblings.0.retain(|sibling| online.0.contains(sibling));
        siblings.0.insert(cpu);
        let latency = |state: usize| tree.number(&format!("{folder}/cpuidle/state{state}/latency"));
        let idle = tree.numbered(&format!("{folder}/cpuidle"), "state").into_iter();
        let idle = idle.filter_map(|state| Some((state, latency(state)?))).collect();
        let package = tree.number(&format!("{folder}/topology/physical_package_id")).unwrap_or(0);
        cpus.insert(cpu, Cpu { package, node: 0, siblings, idle });
    }
    for node in tree.numbered(NODE, "node") {
        let list = tree.get(&format!("{NODE}/node{node}/cpulist")).and_then(Cpus::from_list);
        for cpu in list.unwrap_or_default().0 {
            cpus.entry(cpu).and_modify(|cpu| cpu.node = node);
        }
    }
    cpus
}

fn nic(tree: &Tree, name: &str) -> Nic {
    let folder = format!("sys/class/net/{name}");
    let count = |prefix| tree.numbered(&format!("{folder}/queues"), prefix).len();
    let device = tree.get(&format!("{folder}/device")).unwrap_or_default();
    let pci = tree.get(&format!("{folder}/pci")).unwrap_or_default();
    let interrupts = tree.numbered("interrupts", "").into_iter().filter_map(|number| {
        let action = tree.get(&format!("interrupts/{number}"))?;
        Some(Interrupt { number, queue: queue_of(action, name, device, pci)? })
    });
    Nic {
        name: name.to_owned(),
        driver: tree.get(&format!("{folder}/device/driver")).unwrap_or_default().to_owned(),
        node: tree.number(&format!("{folder}/device/numa_node")).map(|node| node as usize),
        speed: tree.number(&format!("{folder}/speed")),
        receive_queues: count("rx-"),
        transmit_queues: count("tx-"),
        interrupts: interrupts.collect(),
    }
}

/// The queue of an interrupt by the name that its driver gave it: `eth0-TxRx-3` (igb, igc), `eth0-fp-3`
/// (bnx2x), `i40e-eth0-TxRx-3`, `eth0-rx-0` (e1000e), `virtio2-input.0`, `mlx5_comp3@pci:0000:41:00.0`.
fn queue_of(action: &str, name: &str, device: &str, pci: &str) -> Option<usize> {
    if let Some((queue, place)) = action.split_once("@pci:") {
        return (place == pci).then(|| queue.strip_prefix("mlx5_comp")?.parse().ok())?;
    }
    if let Some(rest) = action.strip_prefix(device).filter(|_| device.starts_with("virtio")) {
        let queue = rest.strip_prefix("-input.").or_else(|| rest.strip_prefix("-output."))?;
        return queue.parse().ok();
    }
    let rest = action.strip_prefix("i40e-").or_else(|| action.strip_prefix("ice-")).unwrap_or(action);
    let kind = rest.strip_prefix(name)?.strip_prefix('-')?;
    ["TxRx-", "fp-", "rx-", "tx-"].iter().find_map(|prefix| kind.strip_prefix(prefix)?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::queue_of;

    #[test]
    fn drivers_name_their_interrupts() {
        let of = |action| queue_of(action, "eth0", "virtio2", "0000:41:00.0");
        assert_eq!(of("eth0-TxRx-3"), Some(3));
        assert_eq!(of("i40e-eth0-TxRx-12"), Some(12));
        assert_eq!(of("eth0-fp-1"), Some(1));
        assert_eq!(of("virtio2-input.0"), Some(0));
        assert_eq!(of("mlx5_comp7@pci:0000:41:00.0"), Some(7));
        assert_eq!(of("mlx5_comp7@pci:0000:41:00.1"), None);
        assert_eq!(of("mlx5_async0@pci:0000:41:00.0"), None);
        assert_eq!(of("virtio2-config"), None);
        assert_eq!(of("eth01-TxRx-3"), None);
        assert_eq!(of("eth0"), None);
    }
}
