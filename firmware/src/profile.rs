//! Hardware profiles: what is wanted on which machine, and why.

use crate::Inventory;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Shipped profiles; the first is for every machine.
const SHIPPED: &[(&str, &str)] = &[
    ("generic", include_str!("../profiles/generic.toml")),
    ("rack-server", include_str!("../profiles/rack-server.toml")),
    ("mini-pc", include_str!("../profiles/mini-pc.toml")),
    ("virtual-machine", include_str!("../profiles/virtual-machine.toml")),
];

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The name of its file.
    #[serde(skip)]
    pub name: String,
    pub description: String,
    /// One of them has to fit; none: every machine.
    #[serde(default, rename = "match")]
    pub matches: Vec<Match>,
    #[serde(default)]
    pub values: Values,
    /// By the kernel's names of NIC features.
    #[serde(default)]
    pub offloads: BTreeMap<String, Value<bool>>,
    /// By their names with dots.
    #[serde(default)]
    pub sysctl: BTreeMap<String, Value<u64>>,
}

/// Every list that is not empty has to hold the machine's value; `*` stands for any characters.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Match {
    /// DMI `sys_vendor`.
    pub vendor: Vec<String>,
    /// DMI `product_name`.
    pub product: Vec<String>,
    /// SMBIOS 3.x, table 17: 23 rack mount, 35 mini PC.
    pub chassis: Vec<u64>,
    /// Kernel driver of any NIC.
    pub nic_driver: Vec<String>,
    /// `GenuineIntel`, `AuthenticAMD`
    pub cpu_vendor: Vec<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Values {
    /// cpufreq governor.
    pub governor: Option<Value<String>>,
    /// Idle states that take longer to leave are switched off, µs.
    pub idle_latency_max_us: Option<Value<u64>>,
    /// One core in so many answers interrupts and serves no media.
    pub interrupt_share: Option<Value<u64>>,
    /// Machines with fewer cores share all of them.
    pub shared_below: Option<Value<u64>>,
    /// Receive rings hold what arrives in so many ms at the link's full speed.
    pub ring_ms: Option<Value<u64>>,
    /// Fixed interrupt coalescing is at most this long, µs.
    pub coalesce_max_us: Option<Value<u64>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Value<T> {
    pub value: T,
    /// Larger values that are there already stay.
    #[serde(default)]
    pub at_least: bool,
    pub basis: Basis,
    pub reason: String,
    /// The profile it is from.
    #[serde(skip)]
    pub source: String,
}

/// What a value rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// By us: docs/tuning.md.
    Measured,
    /// By the kernel's documentation, or by what our own code asks for.
    Documented,
    /// Not measured on such hardware yet.
    Expected,
}

#[derive(Debug, thiserror::Error)]
#[error("{file}: {problem}\nCorrect or remove it; firmware/profiles/generic.toml shows every key.")]
pub struct ProfileError {
    pub file: String,
    /// With key and value.
    pub problem: String,
}

impl Profile {
    pub fn parse(name: &str, text: &str) -> Result<Profile, ProfileError> {
        let error = |problem: String| ProfileError { file: format!("{name}.toml"), problem };
        let mut profile: Profile = toml::from_str(text).map_err(|it| error(it.to_string()))?;
        profile.name = name.to_owned();
        profile.check().map_err(error)?;
        profile.sign();
        Ok(profile)
    }

    fn check(&self) -> Result<(), String> {
        let bounds = [
            ("idle_latency_max_us", &self.values.idle_latency_max_us, 1..=100_000),
            ("interrupt_share", &self.values.interrupt_share, 2..=1_024),
            ("shared_below", &self.values.shared_below, 2..=1_024),
            ("ring_ms", &self.values.ring_ms, 1..=1_000),
            ("coalesce_max_us", &self.values.coalesce_max_us, 1..=10_000),
        ];
        for (key, value, range) in bounds {
            if let Some(it) = value.as_ref().filter(|it| !range.contains(&it.value)) {
                return Err(format!("values.{key} = {} is outside of {range:?}", it.value));
            }
        }
        for name in self.sysctl.keys() {
            let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            if !name.chars().all(plain) || name.contains("..") || name.starts_with('.') {
                return Err(format!("sysctl.\"{name}\" is no name of a sysctl"));
            }
        }
        Ok(())
    }

    /// Writes its name into every value.
    fn sign(&mut self) {
        let Values { governor, idle_latency_max_us, interrupt_share, shared_below, ring_ms, coalesce_max_us } =
            &mut self.values;
        if let Some(it) = governor {
            it.source.clone_from(&self.name);
        }
        let numbers = [idle_latency_max_us, interrupt_share, shared_below, ring_ms, coalesce_max_us];
        for it in numbers.into_iter().flatten() {
            it.source.clone_from(&self.name);
        }
        self.offloads.values_mut().for_each(|it| it.source.clone_from(&self.name));
        self.sysctl.values_mut().for_each(|it| it.source.clone_from(&self.name));
    }

    pub fn fits(&self, machine: &Inventory) -> bool {
        let any = |globs: &[String], text: &str| globs.is_empty() || globs.iter().any(|it| glob(it, text));
        self.matches.is_empty()
            || self.matches.iter().any(|it| {
                any(&it.vendor, &machine.vendor)
                    && any(&it.product, &machine.product)
                    && any(&it.cpu_vendor, &machine.cpu_vendor)
                    && (it.chassis.is_empty() || it.chassis.contains(&machine.chassis))
                    && (it.nic_driver.is_empty()
                        || machine.nics.iter().any(|nic| any(&it.nic_driver, &nic.driver)))
            })
    }

    /// Values of `other` go over one's own.
    fn overlay(&mut self, other: &Profile) {
        fn over<T: Clone>(under: &mut Option<Value<T>>, over: &Option<Value<T>>) {
            if over.is_some() {
                under.clone_from(over);
            }
        }
        over(&mut self.values.governor, &other.values.governor);
        over(&mut self.values.idle_latency_max_us, &other.values.idle_latency_max_us);
        over(&mut self.values.interrupt_share, &other.values.interrupt_share);
        over(&mut self.values.shared_below, &other.values.shared_below);
        over(&mut self.values.ring_ms, &other.values.ring_ms);
        over(&mut self.values.coalesce_max_us, &other.values.coalesce_max_us);
        self.offloads.extend(other.offloads.clone());
        self.sysctl.extend(other.sysctl.clone());
    }
}

/// The shipped profiles, the generic one first.
pub fn shipped() -> Result<Vec<Profile>, ProfileError> {
    SHIPPED.iter().map(|(name, text)| Profile::parse(name, text)).collect()
}

/// All that fit this machine as one, later ones over earlier ones, and their names.
pub fn combined(profiles: &[Profile], machine: &Inventory) -> (Profile, Vec<String>) {
    let empty = "description = \"\"";
    let mut all: Profile = toml::from_str(empty).expect("the only key that must be given is given");
    let mut names = Vec::new();
    for profile in profiles.iter().filter(|profile| profile.fits(machine)) {
        all.overlay(profile);
        names.push(profile.name.clone());
    }
    (all, names)
}

fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(head) else { return false };
    let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    ends.into_iter().any(|at| glob(tail, &text[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_profiles_are_valid() {
        assert_eq!(shipped().unwrap().len(), SHIPPED.len());
    }

    #[test]
    fn errors_name_file_key_and_value() {
        let text = "description = \"\"\n[values]\nturbo = 3\n";
        let error = Profile::parse("mine", text).unwrap_err().to_string();
        assert!(
            error.contains("mine.toml") && error.contains("turbo") && error.contains("Correct"),
            "{error}"
        );
        let text =
            "description = \"\"\n[values]\nring_ms = { value = 0, basis = \"expected\", reason = \"\" }";
        let error = Profile::parse("mine", text).unwrap_err().to_string();
        assert!(error.contains("values.ring_ms = 0"), "{error}");
    }

    #[test]
    fn globs() {
        assert!(glob("PowerEdge R*", "PowerEdge R640"));
        assert!(glob("*NUC*", "Intel NUC12"));
        assert!(!glob("NUC", "NUC12"));
    }
}
