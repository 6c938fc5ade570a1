//! What the box's own display may ask ([`crate::console`]): who stands before the box may do more than who has no
//! session, and less than an administrator.

use super::Api;
use crate::manager::Refused;
use crate::provisioning::{self, Trust};
use plenum_protocol::manager::{AuditEvent, Display, PowerAction};

/// In the audit log.
const WHO: &str = "display";

impl Api {
    pub(crate) async fn display(&self) -> Result<Display, Refused> {
        let asked = self.call(|manager, _| Ok((manager.setup_code()?, manager.offered_settings())));
        let (setup_code, offer) = asked.await?;
        Ok(Display { setup_code, offer, overview: self.overview().await? })
    }

    pub(crate) async fn restart_from_display(&self) -> Result<(), Refused> {
        self.note(AuditEvent::Restarted).await;
        self.machine.power(PowerAction::Restart).await
    }

    pub(crate) async fn reset_network_from_display(&self) -> Result<(), Refused> {
        self.call(|manager, now| manager.reset_network(WHO, now)).await
    }

    pub(crate) async fn apply_settings_from_display(&self) -> Result<(), Refused> {
        self.call(|manager, now| manager.apply_offered_settings(now)).await
    }

    /// From a USB stick.
    pub(crate) async fn offer_settings(&self, text: String, trust: Trust) -> Result<(), Refused> {
        let ports = self.machine.ports_once_there(&provisioning::ports_of(&text)).await;
        self.call(move |manager, now| manager.offer_settings(&text, trust, ports.as_deref(), now)).await
    }

    /// Whoever stands before the box could as well pull its plug: a disk that is full does not keep them from it.
    async fn note(&self, event: AuditEvent) {
        if let Err(error) = self.call(move |manager, now| manager.note(WHO, event, "", now)).await {
            log::error!(error:%; "the audit log does not say what was ordered at the display");
        }
    }

    /// The entry is for a box that fails to forget it.
    pub(crate) async fn reset_from_display(&self) -> Result<(), Refused> {
        self.note(AuditEvent::FactoryReset).await;
        self.machine.reset_to_factory().await
    }
}
