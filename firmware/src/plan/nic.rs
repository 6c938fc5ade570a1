//! Queues, rings, coalescing, offloads and affinity of one NIC.

use super::{Cores, Planner};
use crate::inventory::Nic;

/// Bytes of a usual video packet on the wire.
const PACKET_LEN: u64 = 1_100;
/// Bits of a packet, with Mbit/s: packets per ms = Mbit/s × 1,000 / bits.
const PACKET_BITS: u64 = PACKET_LEN * 8;

impl Planner<'_> {
    pub(super) fn nic(&mut self, nic: &Nic, cores: &Cores) {
        let queues = self.queues(nic, cores);
        self.rings(nic, queues);
        self.coalescing(nic);
        self.offloads(nic);
        self.affinity(nic, cores, queues);
    }

    /// One queue per core that answers interrupts; how many receive queues there are then.
    fn queues(&mut self, nic: &Nic, cores: &Cores) -> usize {
        let folder = format!("ethtool/{}/channels", nic.name);
        let most = self.tree.number(&format!("{folder}/combined-max")).unwrap_or(0) as usize;
        // 0: the driver counts its queues in another way.
        let now = self.tree.number(&format!("{folder}/combined")).unwrap_or(0);
        let profile = self.profile;
        let Some(wanted) = profile.values.interrupt_share.as_ref().filter(|_| most > 0 && now > 0) else {
            return nic.receive_queues;
        };
        let queues = cores.interrupts.len().min(most).max(1);
        let why = format!("one queue for each of {} cores that answer interrupts", cores.interrupts.len());
        self.want(&format!("{folder}/combined"), &queues.to_string(), wanted, why);
        queues
    }

    fn rings(&mut self, nic: &Nic, queues: usize) {
        let folder = format!("ethtool/{}/ring", nic.name);
        let profile = self.profile;
        let Some(wanted) = &profile.values.ring_ms else { return };
        let Some(speed) = nic.speed.filter(|speed| (1..=1_000_000).contains(speed)) else { return };
        let packets = speed * 1_000 / PACKET_BITS * wanted.value / queues.max(1) as u64;
        for side in ["rx", "tx"] {
            let most = self.tree.number(&format!("{folder}/{side}-max")).unwrap_or(0);
            let now = self.tree.number(&format!("{folder}/{side}")).unwrap_or(0);
            let new = packets.max(256).next_power_of_two().min(most);
            // 0: the driver decides.
            if now > 0 && new > now {
                let why = format!("{} ({} ms at {speed} Mbit/s)", wanted.reason, wanted.value);
                self.want(&format!("{folder}/{side}"), &new.to_string(), wanted, why);
            }
        }
    }

    fn coalescing(&mut self, nic: &Nic) {
        let folder = format!("ethtool/{}/coalesce", nic.name);
        let profile = self.profile;
        let Some(wanted) = &profile.values.coalesce_max_us else { return };
        let adaptive = self.tree.number(&format!("{folder}/adaptive-rx")) == Some(1);
        let path = format!("{folder}/rx-usecs");
        if !adaptive && self.tree.number(&path).is_some_and(|now| now > wanted.value) {
            self.want(&path, &wanted.value.to_string(), wanted, wanted.reason.clone());
        }
    }

    fn offloads(&mut self, nic: &Nic) {
        let profile = self.profile;
        for (name, wanted) in &profile.offloads {
            let path = format!("ethtool/{}/features/{name}", nic.name);
            let fixed = self.tree.get(&path).is_some_and(|state| state.ends_with("[fixed]"));
            if !fixed {
                let new = if wanted.value { "on" } else { "off" };
                self.want(&path, new, wanted, wanted.reason.clone());
            }
        }
    }

    fn affinity(&mut self, nic: &Nic, cores: &Cores, queues: usize) {
        let profile = self.profile;
        let Some(wanted) = &profile.values.interrupt_share else { return };
        let core = |queue: usize| cores.interrupts.get(queue % cores.interrupts.len().max(1)).copied();
        for interrupt in nic.interrupts.iter().filter(|it| it.queue < queues) {
            let Some(core) = core(interrupt.queue) else { return };
            let path = format!("proc/irq/{}/smp_affinity_list", interrupt.number);
            let why = format!("{} queue {} is answered by one core", nic.name, interrupt.queue);
            self.want(&path, &core.to_string(), wanted, why);
        }
        let folder = format!("sys/class/net/{}/queues", nic.name);
        // scaling.rst: RPS is redundant where every core that may answer has a queue of its own.
        let few = queues < cores.interrupts.len();
        let spread = if few { cores.interrupt_cpus() } else { Default::default() };
        for queue in 0..queues {
            let why = if few {
                format!(
                    "{queues} queues for {} cores: software spreads the rest (scaling.rst)",
                    cores.interrupts.len()
                )
            } else {
                "every core that answers interrupts has a queue: RPS would only hand packets on (scaling.rst)"
                    .into()
            };
            self.want(&format!("{folder}/rx-{queue}/rps_cpus"), &spread.mask(), wanted, why);
        }
        self.transmit(nic, &folder, queues.min(nic.transmit_queues));
    }

    /// XPS: every processor has a queue, no queue more processors than it must (scaling.rst).
    fn transmit(&mut self, nic: &Nic, folder: &str, queues: usize) {
        let (profile, machine) = (self.profile, self.machine);
        let Some(wanted) = profile.values.interrupt_share.as_ref().filter(|_| queues > 1) else { return };
        for queue in 0..queues {
            let cpus = machine.cpus.keys().enumerate();
            let cpus: crate::Cpus =
                cpus.filter(|(at, _)| at % queues == queue).map(|(_, cpu)| *cpu).collect();
            let why =
                format!("{} queue {queue} sends for the same processors always (scaling.rst)", nic.name);
            self.want(&format!("{folder}/tx-{queue}/xps_cpus"), &cpus.mask(), wanted, why);
        }
    }
}
