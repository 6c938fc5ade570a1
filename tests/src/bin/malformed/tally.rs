//! What one protocol's messages led to.

use anyhow::{Result, ensure};
use std::ops::Range;

/// A part of a protocol's messages.
pub(crate) struct Batch {
    pub(crate) seed: u64,
    pub(crate) protocol: &'static str,
    pub(crate) range: Range<usize>,
}

impl Batch {
    pub(crate) fn random(&self, index: usize) -> fastrand::Rng {
        crate::mutate::random(self.seed, self.protocol, index)
    }

    /// In parts of so many messages, to be sent at the same time.
    pub(crate) fn parts(&self, of: usize) -> impl Iterator<Item = Range<usize>> {
        let Range { start, end } = self.range;
        (start..end).step_by(of).map(move |at| at..(at + of).min(end))
    }
}

/// Counted by name.
#[derive(Default)]
pub(crate) struct Tally(Vec<(&'static str, u64)>);

impl Tally {
    pub(crate) fn add(&mut self, what: &'static str, count: u64) {
        match self.0.iter_mut().find(|(name, _)| *name == what) {
            Some((_, sum)) => *sum += count,
            None => self.0.push((what, count)),
        }
    }

    pub(crate) fn one(&mut self, what: &'static str) {
        self.add(what, 1);
    }

    pub(crate) fn take_in(&mut self, other: Tally) {
        other.0.into_iter().for_each(|(what, count)| self.add(what, count));
    }

    pub(crate) fn of(&self, what: &str) -> u64 {
        self.0.iter().find(|(name, _)| *name == what).map_or(0, |(_, count)| *count)
    }

    /// That a share of the messages, in percent, got so far: a house that lets nothing in proves nothing.
    pub(crate) fn at_least(&self, what: &str, percent: u64, of: usize) -> Result<()> {
        let (count, floor) = (self.of(what), of as u64 * percent / 100);
        ensure!(count >= floor, "only {count} of {of} were {what}, at least {floor} should be: {self}");
        Ok(())
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts: Vec<String> = self.0.iter().map(|(what, count)| format!("{count} {what}")).collect();
        f.write_str(&parts.join(", "))
    }
}
