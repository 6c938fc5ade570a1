//! What the bus shows of an update.

use crate::updater::phase::{Outcome, Phase, Record};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    pub version: String,
    pub state: String,
    pub target: String,
    pub progress: (u64, u64),
    pub available: String,
    /// Version, kind, reason, seconds since 1970.
    pub last: (String, String, String, u64),
    pub rejected: Vec<(String, String)>,
    pub reasons: Vec<String>,
}

impl Status {
    pub fn show(&mut self, record: &Record) {
        let (state, target) = match &record.phase {
            Phase::Idle => ("idle", None),
            Phase::Downloading => ("downloading", None),
            Phase::Writing(it) => ("writing", Some(it)),
            Phase::VerifyingSlot(it) => ("verifying-slot", Some(it)),
            Phase::ReadyToRestart(it) => ("ready-to-restart", Some(it)),
            Phase::Restarting(it) => ("restarting", Some(it)),
            Phase::Trying(it) => ("trying", Some(it)),
        };
        self.state = state.to_owned();
        self.target = target.map(ToString::to_string).unwrap_or_default();
        self.rejected =
            record.rejected.iter().map(|(version, reason)| (version.to_string(), reason.clone())).collect();
        let (version, kind, reason) = match &record.last {
            None => (String::new(), "", String::new()),
            Some(Outcome::Good(it)) => (it.to_string(), "good", String::new()),
            Some(Outcome::Failed(reason)) => (String::new(), "failed", reason.clone()),
            Some(Outcome::Interrupted) => {
                (String::new(), "interrupted", "the box was restarted meanwhile: begin again".to_owned())
            }
            Some(Outcome::RolledBack(it, reason)) => (it.to_string(), "rolled-back", reason.clone()),
        };
        self.last = (version, kind.to_owned(), reason, record.last_at);
    }
}
