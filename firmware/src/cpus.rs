//! Sets of processors in the kernel's two notations (Documentation/admin-guide/cputopology.rst).

use std::collections::BTreeSet;
use std::fmt;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cpus(pub BTreeSet<usize>);

/// The kernel's largest NR_CPUS on x86.
const MAX: usize = 8_192;

impl Cpus {
    /// `0-3,8`
    pub fn from_list(text: &str) -> Option<Cpus> {
        let mut set = BTreeSet::new();
        for part in text.trim().split(',').filter(|part| !part.is_empty()) {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            let (from, to): (usize, usize) = (from.parse().ok()?, to.parse().ok()?);
            if to >= MAX {
                return None;
            }
            set.extend(from..=to);
        }
        Some(Cpus(set))
    }

    /// `ff,ffffffff`: groups of 32 bits, the highest first.
    pub fn from_mask(text: &str) -> Option<Cpus> {
        let mut set = BTreeSet::new();
        for (group, word) in text.trim().split(',').rev().enumerate() {
            let word = u32::from_str_radix(word, 16).ok()?;
            set.extend((0..32).filter(|bit| word >> bit & 1 == 1).map(|bit| group * 32 + bit));
        }
        (set.last().is_none_or(|last| *last < MAX)).then_some(Cpus(set))
    }

    pub fn mask(&self) -> String {
        let groups = self.0.last().map_or(1, |last| last / 32 + 1);
        let word = |group: usize| {
            (0..32).filter(|bit| self.0.contains(&(group * 32 + bit))).fold(0u32, |word, bit| word | 1 << bit)
        };
        let mut text = format!("{:x}", word(groups - 1));
        for group in (0..groups - 1).rev() {
            text += &format!(",{:08x}", word(group));
        }
        text
    }
}

impl FromIterator<usize> for Cpus {
    fn from_iter<I: IntoIterator<Item = usize>>(cpus: I) -> Cpus {
        Cpus(cpus.into_iter().collect())
    }
}

/// As a list.
impl fmt::Display for Cpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest: Vec<usize> = self.0.iter().copied().rev().collect();
        let mut comma = "";
        while let Some(from) = rest.pop() {
            let mut to = from;
            while rest.last() == Some(&(to + 1)) {
                to = rest.pop().unwrap_or(to);
            }
            if from == to {
                write!(f, "{comma}{from}")?;
            } else {
                write!(f, "{comma}{from}-{to}")?;
            }
            comma = ",";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_notations_round_trip() {
        for list in ["0", "0-3,8", "0-63", "31-32,64", "0,2,4"] {
            let cpus = Cpus::from_list(list).unwrap();
            assert_eq!(cpus.to_string(), list);
            assert_eq!(Cpus::from_mask(&cpus.mask()).unwrap(), cpus);
        }
        assert_eq!(Cpus::from_list("0-31,35").unwrap().mask(), "8,ffffffff");
        assert_eq!(Cpus::from_list("0-99999999"), None);
    }
}
