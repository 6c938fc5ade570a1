//! Sysctls, clocks, sleep, and the cores of plenum-sfu.

use super::{Cores, DROP_IN, Planner};
use crate::capture::sysctl_path;

impl Planner<'_> {
    pub(super) fn system(&mut self) {
        let profile = self.profile;
        for (name, wanted) in &profile.sysctl {
            let path = sysctl_path(name);
            let enough = self.tree.number(&path).is_some_and(|old| old >= wanted.value);
            if !(wanted.at_least && enough) {
                self.want(&path, &wanted.value.to_string(), wanted, wanted.reason.clone());
            }
        }
    }

    pub(super) fn processors(&mut self, cores: &Cores) {
        let (profile, machine) = (self.profile, self.machine);
        for (cpu, found) in &machine.cpus {
            let folder = format!("sys/devices/system/cpu/cpu{cpu}");
            if let Some(wanted) = &profile.values.governor {
                let offered = self.tree.get(&format!("{folder}/cpufreq/scaling_available_governors"));
                if offered.is_some_and(|it| it.split_whitespace().any(|name| name == wanted.value)) {
                    let path = format!("{folder}/cpufreq/scaling_governor");
                    self.want(&path, &wanted.value, wanted, wanted.reason.clone());
                }
            }
            let busy = cores.media.contains(cpu) || cores.interrupts.contains(cpu);
            let Some(wanted) = profile.values.idle_latency_max_us.as_ref().filter(|_| busy) else { continue };
            for (state, latency) in found.idle.iter().filter(|(_, latency)| **latency > wanted.value) {
                let why = format!("{}: {latency} µs here, {} µs at the most", wanted.reason, wanted.value);
                self.want(&format!("{folder}/cpuidle/state{state}/disable"), "1", wanted, why);
            }
        }
    }

    pub(super) fn media(&mut self, cores: &Cores) {
        let profile = self.profile;
        let Some(wanted) = profile.values.interrupt_share.as_ref().filter(|_| !cores.shared) else { return };
        let new = format!("[Service]\\nCPUAffinity={}", cores.media_cpus());
        let old = self.tree.get(DROP_IN).map(str::to_owned);
        if old.as_deref() != Some(&new) {
            let why = format!("one media thread on each core that answers no interrupts: {}", wanted.reason);
            self.push(DROP_IN, old, &new, wanted, why);
        }
    }
}
