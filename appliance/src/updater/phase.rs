//! Where an update stands. What is done to slots and disk comes back as events; a state is kept before what
//! it stands for is begun, so that the next boot knows what may have happened.

use plenum_protocol::update::Version;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Display, Formatter};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    Idle,
    /// Into the staging folder; no slot is touched.
    Downloading,
    /// From here on the other slot belongs to the new version, and the boot loader may choose it.
    Writing(Version),
    VerifyingSlot(Version),
    ReadyToRestart(Version),
    Restarting(Version),
    Trying(Version),
}

/// Kept on the data partition, for either version to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub phase: Phase,
    /// Version and reason.
    pub rejected: Vec<(Version, String)>,
    pub last: Option<Outcome>,
    /// Seconds since 1970; the caller's, set when `last` changes.
    #[serde(default)]
    pub last_at: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Good(Version),
    Failed(String),
    Interrupted,
    RolledBack(Version, String),
}

impl Display for Outcome {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Good(version) => write!(out, "version {version} has proved itself"),
            Outcome::Failed(reason) => write!(out, "it failed: {reason}"),
            Outcome::Interrupted => out.write_str("it was interrupted before its slot was whole"),
            Outcome::RolledBack(version, reason) => write!(out, "version {version} was left again: {reason}"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The daemon has started. `bootable`: whether the target's entry is still chosen by the boot loader.
    /// `reason`: what the boot check left behind.
    /// `given_up`: a newer version than the running one, whose tries are used up.
    Started {
        running: Version,
        bootable: bool,
        reason: Option<String>,
        given_up: Option<Version>,
    },
    Install,
    /// Signature, hashes and admission are good.
    Verified(Version),
    Written,
    SlotVerified,
    Failed(String),
    Restart,
    /// `boot-complete.target` was reached.
    Healthy,
}

/// What is to be done now that the record is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Download,
    Write,
    VerifySlot,
    /// Delete what was staged, and every kernel that is neither booted nor matches its slot.
    Clean,
    Restart,
}

impl Default for Record {
    fn default() -> Record {
        Record { phase: Phase::Idle, rejected: Vec::new(), last: None, last_at: 0 }
    }
}

impl Record {
    /// The caller keeps the changed record before it does the action.
    pub fn handle(&mut self, event: Event) -> Option<Action> {
        match (self.phase.clone(), event) {
            (_, Event::Started { running, bootable, reason, given_up }) => {
                self.started(&running, bootable, reason, given_up)
            }
            (Phase::Idle, Event::Install) => self.go(Phase::Downloading, Some(Action::Download)),
            (Phase::Downloading, Event::Verified(it)) => self.go(Phase::Writing(it), Some(Action::Write)),
            (Phase::Writing(it), Event::Written) => {
                self.go(Phase::VerifyingSlot(it), Some(Action::VerifySlot))
            }
            (Phase::VerifyingSlot(it), Event::SlotVerified) => self.go(Phase::ReadyToRestart(it), None),
            (Phase::ReadyToRestart(it), Event::Restart) => {
                self.go(Phase::Restarting(it), Some(Action::Restart))
            }
            (Phase::Trying(it), Event::Healthy) => self.end(Outcome::Good(it)),
            (Phase::Downloading | Phase::Writing(_) | Phase::VerifyingSlot(_), Event::Failed(reason)) => {
                self.end(Outcome::Failed(reason))
            }
            // The new entry stays the one that the next boot takes.
            (Phase::Restarting(it), Event::Failed(_)) => self.go(Phase::ReadyToRestart(it), None),
            // Late words about something that has ended.
            _ => None,
        }
    }

    /// The record could not be kept: nothing is begun that the next boot would not know of.
    pub fn not_kept(&mut self, action: Option<Action>, reason: String) -> Option<Action> {
        match action {
            Some(Action::Download | Action::Write | Action::VerifySlot) => self.end(Outcome::Failed(reason)),
            other => other,
        }
    }

    fn started(
        &mut self,
        running: &Version,
        bootable: bool,
        reason: Option<String>,
        given_up: Option<Version>,
    ) -> Option<Action> {
        match self.phase.clone() {
            // It was good once: its slot was damaged since, and the same version may be installed again.
            Phase::Idle if given_up.as_ref().is_some_and(|it| !self.has_left(it)) => {
                let unknown = || "it no longer starts: its slot may be damaged; install it again".to_owned();
                let version = given_up.unwrap_or_else(|| running.clone());
                self.end(Outcome::RolledBack(version, reason.unwrap_or_else(unknown)))
            }
            Phase::Idle => Some(Action::Clean),
            Phase::Downloading => self.end(Outcome::Interrupted),
            // The boot loader takes the newest entry, also when nobody asked for a restart.
            Phase::Writing(it)
            | Phase::VerifyingSlot(it)
            | Phase::ReadyToRestart(it)
            | Phase::Restarting(it)
            | Phase::Trying(it)
                if it == *running =>
            {
                self.go(Phase::Trying(it), None)
            }
            Phase::Writing(_) | Phase::VerifyingSlot(_) => self.end(Outcome::Interrupted),
            Phase::ReadyToRestart(_) if bootable => None,
            Phase::ReadyToRestart(it) | Phase::Restarting(it) | Phase::Trying(it) => {
                let unknown = || "it did not start, and left no reason".to_owned();
                let reason = reason.unwrap_or_else(unknown);
                self.rejected.push((it.clone(), reason.clone()));
                self.end(Outcome::RolledBack(it, reason))
            }
        }
    }

    /// Whether that the box went back from this version, and why, is known already.
    fn has_left(&self, version: &Version) -> bool {
        matches!(&self.last, Some(Outcome::RolledBack(left, _)) if left == version)
    }

    fn go(&mut self, phase: Phase, action: Option<Action>) -> Option<Action> {
        self.phase = phase;
        action
    }

    fn end(&mut self, outcome: Outcome) -> Option<Action> {
        self.last = Some(outcome);
        self.go(Phase::Idle, Some(Action::Clean))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_an_administrator_went_back_is_not_forgotten_at_the_next_start() {
        let [former, left]: [Version; 2] = ["0.1.0", "0.1.1"].map(|it| it.parse().unwrap());
        let last = Some(Outcome::RolledBack(left.clone(), "somebody went back".to_owned()));
        let started = |given_up: &Version| Event::Started {
            running: former.clone(),
            bootable: false,
            reason: None,
            given_up: Some(given_up.clone()),
        };
        let mut record = Record { last: last.clone(), ..Record::default() };
        assert_eq!(record.handle(started(&left)), Some(Action::Clean));
        assert_eq!(record.last, last);
        // Another one has been given up since.
        let other: Version = "0.1.2".parse().unwrap();
        assert_eq!(record.handle(started(&other)), Some(Action::Clean));
        assert!(matches!(record.last, Some(Outcome::RolledBack(version, _)) if version == other));
    }

    #[test]
    fn what_cannot_be_kept_is_not_begun() {
        let version: Version = "0.2.0".parse().unwrap();
        let mut record = Record { phase: Phase::Downloading, ..Record::default() };
        let action = record.handle(Event::Verified(version.clone()));
        let action = record.not_kept(action, "no space".to_owned());
        assert_eq!((record.phase, action), (Phase::Idle, Some(Action::Clean)));
        assert_eq!(record.last, Some(Outcome::Failed("no space".to_owned())));
        // A restart begins nothing that the next boot would have to know of.
        let mut record = Record { phase: Phase::ReadyToRestart(version.clone()), ..Record::default() };
        let action = record.handle(Event::Restart);
        assert_eq!(record.not_kept(action, "no space".to_owned()), Some(Action::Restart));
        assert_eq!(record.phase, Phase::Restarting(version));
    }
}
