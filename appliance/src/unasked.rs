//! Updates that nobody asks for: the source is looked at once a day, and what is there is installed if an administrator
//! wants that. The restart waits as one that was ordered does.

use crate::api::Api;
use crate::manager::Refused;
use crate::updates::Updates;
use plenum_protocol::manager::{UpdateAction, UpdateOrder, UpdateSource, UpdateState};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// In the audit log.
const WHO: &str = "box";
/// Whether something is to be done.
const EVERY: Duration = Duration::from_secs(5 * 60);
/// The first time when the box has run for that long: it has other work at its start.
const LOOK_EVERY: Duration = Duration::from_secs(24 * 3_600);
const FIRST_LOOK: Duration = Duration::from_secs(10 * 60);

/// What is remembered until the daemon ends.
#[derive(Debug, Default)]
struct Memory {
    /// When the source was looked at, since the start of the daemon.
    looked: Option<Duration>,
    /// For which version a restart was ordered: whoever cancels it has the last word.
    ordered: String,
}

/// Until the daemon ends.
pub async fn keep(api: Api) {
    let mut memory = Memory::default();
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(refused) = look(&api, &mut memory).await {
            log::warn!("the update source: {refused}");
        }
    }
}

async fn look(api: &Api, memory: &mut Memory) -> Result<(), Refused> {
    let wanted: UpdateSource = api.call(|manager, _| manager.update_source()).await?;
    let Ok(updates) = api.machine().updates() else { return Ok(()) };
    let mut state = updates.state();
    if memory.is_due(api.now().mono) && state.state == "idle" {
        memory.looked = Some(api.now().mono);
        state = updates.look().await?;
    }
    // Nothing is remembered as ordered that was not.
    match wanted.automatic.then(|| memory.next(&state)).flatten() {
        Some(action) => order(api, updates, action).await,
        None => Ok(()),
    }
}

async fn order(api: &Api, updates: &Updates, action: UpdateAction) -> Result<(), Refused> {
    api.call(move |manager, now| manager.note_update(WHO.to_owned(), action, now)).await?;
    updates.order(UpdateOrder { action, now: false }).await.map(drop)
}

impl Memory {
    fn is_due(&self, now: Duration) -> bool {
        match self.looked {
            Some(looked) => now >= looked + LOOK_EVERY,
            None => now >= FIRST_LOOK,
        }
    }

    fn next(&mut self, state: &UpdateState) -> Option<UpdateAction> {
        // It has failed here, or somebody has gone back from it.
        let was_left = matches!(state.last.as_str(), "rolled-back" | "went-back");
        match state.state.as_str() {
            "idle" if !state.available.is_empty() => {
                (!was_left || state.available != state.last_version).then_some(UpdateAction::Install)
            }
            "ready-to-restart" if state.target != self.ordered => {
                self.ordered.clone_from(&state.target);
                Some(UpdateAction::Restart)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = LOOK_EVERY;

    fn state(state: &str, available: &str, target: &str) -> UpdateState {
        UpdateState {
            state: state.into(),
            available: available.into(),
            target: target.into(),
            ..UpdateState::default()
        }
    }

    #[test]
    fn up2_the_source_is_looked_at_once_a_day() {
        let mut memory = Memory::default();
        assert!(!memory.is_due(Duration::ZERO) && memory.is_due(FIRST_LOOK));
        memory.looked = Some(FIRST_LOOK);
        assert!(!memory.is_due(DAY) && memory.is_due(FIRST_LOOK + DAY));
    }

    #[test]
    fn up2_what_is_there_is_installed_and_one_restart_ordered() {
        let mut memory = Memory::default();
        assert_eq!(memory.next(&state("idle", "", "")), None);
        assert_eq!(memory.next(&state("idle", "1.1.0", "")), Some(UpdateAction::Install));
        assert_eq!(memory.next(&state("downloading", "1.1.0", "")), None);
        let ready = state("ready-to-restart", "", "1.1.0");
        assert_eq!(memory.next(&ready), Some(UpdateAction::Restart));
        assert_eq!(memory.next(&ready), None, "somebody may have cancelled it");
        assert_eq!(memory.next(&state("ready-to-restart", "", "1.2.0")), Some(UpdateAction::Restart));
    }

    #[test]
    fn up3_what_failed_here_is_not_installed_again() {
        for last in ["rolled-back", "went-back"] {
            let left =
                UpdateState { last: last.into(), last_version: "1.1.0".into(), ..state("idle", "1.1.0", "") };
            assert_eq!(Memory::default().next(&left), None);
            let newer = UpdateState { available: "1.2.0".into(), ..left };
            assert_eq!(Memory::default().next(&newer), Some(UpdateAction::Install));
        }
    }
}
