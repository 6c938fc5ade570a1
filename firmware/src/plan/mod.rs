//! From what a machine has and what its profiles want to the settings that are missing.

mod cores;
mod nic;
mod system;

pub use cores::{Cores, divide};

use crate::profile::{Basis, Profile, Value, combined};
use crate::{Cpus, Inventory, Tree};
use serde::{Deserialize, Serialize};

/// Keeps plenum-sfu on its cores; it starts one media thread on each that it may use.
pub const DROP_IN: &str = "run/systemd/system/plenum-sfu.service.d/50-plenum-tune.conf";

/// One value to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// As in [`Tree`].
    pub path: String,
    /// None: there is no such file yet.
    pub old: Option<String>,
    pub new: String,
    pub reason: String,
    pub basis: Basis,
    /// The profile that wants it.
    pub source: String,
}

/// Everything that differs from what the profiles want, in the order in which it is to be applied. NICs: those
/// named, or else all that are hardware.
pub fn plan(tree: &Tree, profiles: &[Profile], nics: &[String]) -> Vec<Setting> {
    let machine = Inventory::read(tree, nics);
    let (profile, _) = combined(profiles, &machine);
    let mut planner = Planner { tree, machine: &machine, profile: &profile, settings: Vec::new() };
    let cores = divide(&machine, &profile);
    planner.system();
    planner.processors(&cores);
    for nic in &machine.nics {
        planner.nic(nic, &cores);
    }
    planner.media(&cores);
    planner.settings
}

struct Planner<'a> {
    tree: &'a Tree,
    machine: &'a Inventory,
    profile: &'a Profile,
    settings: Vec<Setting>,
}

impl Planner<'_> {
    /// If `path` exists and is something else. `why` is the profile's reason with what was found.
    fn want<T>(&mut self, path: &str, new: &str, wanted: &Value<T>, why: String) {
        let Some(old) = self.tree.get(path) else { return };
        if !same(path, old, new) {
            self.push(path, Some(old.to_owned()), new, wanted, why);
        }
    }

    fn push<T>(&mut self, path: &str, old: Option<String>, new: &str, wanted: &Value<T>, reason: String) {
        self.settings.push(Setting {
            path: path.to_owned(),
            old,
            new: new.to_owned(),
            reason,
            basis: wanted.basis,
            source: wanted.source.clone(),
        });
    }
}

/// Whether two texts mean one value: the kernel pads masks by the number of its processors.
pub(crate) fn same(path: &str, one: &str, other: &str) -> bool {
    let parse = match path.rsplit('/').next() {
        Some("rps_cpus" | "xps_cpus") => Cpus::from_mask,
        Some("smp_affinity_list") => Cpus::from_list,
        _ => return one.trim() == other.trim(),
    };
    matches!((parse(one), parse(other)), (Some(one), Some(other)) if one == other)
}
