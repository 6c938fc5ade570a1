//! Where an update stands. What is done to slots and disk comes back as events; a state is kept before what
//! it stands for is begun, so that the next boot knows what may have happened.

use plenum_protocol::update::Version;
use serde::{Deserialize, Serialize};

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
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Good(Version),
    Failed(String),
    Interrupted,
    RolledBack(Version, String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The daemon has started. `bootable`: whether the target's entry is still chosen by the boot loader.
    /// `reason`: what the boot check left behind.
    Started {
        running: Version,
        bootable: bool,
        reason: Option<String>,
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
        Record { phase: Phase::Idle, rejected: Vec::new(), last: None }
    }
}

impl Record {
    /// The caller keeps the changed record before it does the action.
    pub fn handle(&mut self, event: Event) -> Option<Action> {
        match (self.phase.clone(), event) {
            (_, Event::Started { running, bootable, reason }) => self.started(&running, bootable, reason),
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
            (
                Phase::Downloading | Phase::Writing(_) | Phase::VerifyingSlot(_) | Phase::Restarting(_),
                Event::Failed(reason),
            ) => self.end(Outcome::Failed(reason)),
            // Late words about something that has ended.
            _ => None,
        }
    }

    fn started(&mut self, running: &Version, bootable: bool, reason: Option<String>) -> Option<Action> {
        match self.phase.clone() {
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

    fn go(&mut self, phase: Phase, action: Option<Action>) -> Option<Action> {
        self.phase = phase;
        action
    }

    fn end(&mut self, outcome: Outcome) -> Option<Action> {
        self.last = Some(outcome);
        self.go(Phase::Idle, Some(Action::Clean))
    }
}
