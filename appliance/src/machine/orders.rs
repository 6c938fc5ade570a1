//! Orders to the machine.

use super::Machine;
use crate::manager::Refused;
use crate::system::System;
use plenum_protocol::manager::{ManagerErrorCode, PowerAction};

/// The next start is as the first one.
const FACTORY_RESET: &str = "plenum-slot-forget.service";
const RECOVERY_KEY_TAKEN: &str = "plenum-recovery-key-taken.service";

impl Machine {
    /// Refuses what only a box can do.
    pub fn appliance(&self) -> Result<&System, Refused> {
        self.system.as_ref().filter(|_| self.applies).ok_or_else(no_appliance)
    }

    pub async fn power(&self, action: PowerAction) -> Result<(), Refused> {
        let system = self.appliance()?;
        let done = match action {
            PowerAction::Restart => system.reboot().await,
            PowerAction::SwitchOff => system.power_off().await,
        };
        done.map_err(|error| {
            log::error!("the machine neither restarts nor switches off: {error:#}");
            Refused::new(ManagerErrorCode::Unavailable, format!("{error:#}"))
        })
    }

    /// Whoever has noted the key knows how it ends. It is not shown again.
    pub async fn take_recovery_key(&self, last_part: &str) -> Result<(), Refused> {
        let (Some(system), Some(key)) = (&self.system, self.recovery_key()) else {
            return Err(Refused::conflict("there is no recovery key that waits to be noted"));
        };
        let last = key.rsplit('-').next().unwrap_or_default();
        if !last.eq_ignore_ascii_case(last_part.trim()) {
            return Err(Refused::malformed("last_part", "this is not how the key ends"));
        }
        system.run(RECOVERY_KEY_TAKEN).await.map_err(|error| {
            log::error!("the recovery key is still shown: {error:#}");
            Refused::new(ManagerErrorCode::Unavailable, format!("{error:#}"))
        })
    }

    /// At the next start, which is now.
    pub async fn reset_to_factory(&self) -> Result<(), Refused> {
        self.appliance()?.run(FACTORY_RESET).await.map_err(|error| {
            log::error!("the factory reset did not come to its end: {error:#}");
            Refused::new(ManagerErrorCode::Unavailable, format!("it did not come to its end: {error:#}"))
        })?;
        self.power(PowerAction::Restart).await
    }
}

pub(super) fn no_appliance() -> Refused {
    Refused::conflict("this machine is no appliance: it can neither be updated nor restarted from here")
}
