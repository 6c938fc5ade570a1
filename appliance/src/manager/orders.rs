//! What is ordered of the box is done elsewhere; here stands who may, and that they did.

use super::{Manager, Now, Refused, allow, name_of};
use crate::access::sessions::Who;
use crate::audit::Draft;
use plenum_protocol::manager::{AdminRole, AuditEvent, FactoryReset, UpdateAction, UpdateSource};

/// Refuses everybody else.
pub fn administers(who: &Who) -> Result<(), Refused> {
    allow(who, &[AdminRole::Administrator], false)
}

/// Administrators, and the set-up before there is one.
pub fn sets_up(who: &Who) -> Result<(), Refused> {
    allow(who, &[AdminRole::Administrator], true)
}

impl Manager {
    /// Who may see the key that opens the data.
    pub fn note_recovery_key(&self, who: &Who, taken: bool, now: Now) -> Result<(), Refused> {
        allow(who, &[AdminRole::Administrator], true)?;
        let event = if taken { AuditEvent::RecoveryKeyTaken } else { AuditEvent::RecoveryKeyShown };
        self.change(now, Draft::new(name_of(who), event, ""), |_| Ok(()))
    }

    pub fn note_host_key(&self, who: &Who, now: Now) -> Result<(), Refused> {
        allow(who, &[AdminRole::Administrator], true)?;
        self.change(now, Draft::new(name_of(who), AuditEvent::HostKeyShown, ""), |_| Ok(()))
    }

    /// What was done elsewhere; `who` is as the audit log names them.
    pub fn note(&self, who: &str, event: AuditEvent, subject: &str, now: Now) -> Result<(), Refused> {
        self.change(now, Draft::new(who, event, subject), |_| Ok(()))
    }

    pub fn note_power(&self, who: &Who, restart: bool, now: Now) -> Result<(), Refused> {
        let event = if restart { AuditEvent::Restarted } else { AuditEvent::SwitchedOff };
        self.change(now, Draft::new(name_of(who), event, ""), |_| Ok(()))
    }

    /// Whether everything may be deleted: of this box, by an administrator who proves it again.
    pub fn allow_factory_reset(&self, who: &Who, order: &FactoryReset, now: Now) -> Result<(), Refused> {
        administers(who)?;
        let Who::Account { name, .. } = who else { return Err(Refused::not_allowed()) };
        if !order.host_name.trim().eq_ignore_ascii_case(&self.name()?) {
            return Err(Refused::malformed("host_name", "this box has another name"));
        }
        self.prove(name, (&order.password, &order.code), AuditEvent::FactoryReset, now)
    }

    pub fn update_source(&self) -> Result<UpdateSource, Refused> {
        self.kept()
    }

    /// To look for an update changes nothing.
    pub fn note_update(&self, who: String, action: UpdateAction, now: Now) -> Result<(), Refused> {
        let subject = match action {
            UpdateAction::Check => return Ok(()),
            UpdateAction::Install => "install",
            UpdateAction::Cancel => "cancel",
            UpdateAction::Restart => "restart",
            UpdateAction::Rollback => "rollback",
        };
        self.change(now, Draft::new(who, AuditEvent::UpdateOrdered, subject), |_| Ok(()))
    }
}
