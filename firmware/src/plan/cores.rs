//! Which cores answer interrupts and which forward media.

use crate::profile::Profile;
use crate::{Cpus, Inventory};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cores {
    /// One hardware thread each.
    pub interrupts: Vec<usize>,
    /// One hardware thread each: a sibling shares the units that encrypt.
    pub media: Vec<usize>,
    /// On a small machine both are all of its processors.
    pub shared: bool,
}

/// The cores nearest to the NICs answer interrupts, the others forward.
pub fn divide(machine: &Inventory, profile: &Profile) -> Cores {
    let number = |value: &Option<crate::profile::Value<u64>>, default| {
        value.as_ref().map_or(default, |it| it.value as usize)
    };
    let all = machine.cores();
    if all.len() < number(&profile.values.shared_below, usize::MAX) {
        let every: Vec<usize> = machine.cpus.keys().copied().collect();
        return Cores { interrupts: every.clone(), media: every, shared: true };
    }
    let count = (all.len() / number(&profile.values.interrupt_share, 8)).clamp(1, all.len() - 1);
    let near = machine.nics.iter().find_map(|nic| nic.node);
    let far = |cpu: &usize| near.is_some_and(|node| machine.cpus.get(cpu).is_none_or(|it| it.node != node));
    let mut ordered = all;
    ordered.sort_by_key(|cpu| (far(cpu), *cpu));
    let mut media = ordered.split_off(count);
    media.sort_unstable();
    Cores { interrupts: ordered, media, shared: false }
}

impl Cores {
    pub fn interrupt_cpus(&self) -> Cpus {
        self.interrupts.iter().copied().collect()
    }

    pub fn media_cpus(&self) -> Cpus {
        self.media.iter().copied().collect()
    }
}
