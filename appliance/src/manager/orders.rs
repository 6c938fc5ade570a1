//! What is ordered of the box is done elsewhere; here stands who may, and that they did.

use super::{Manager, Now, Refused, allow, name_of};
use crate::access::sessions::Who;
use crate::audit::Draft;
use crate::self_test::Wanted;
use plenum_protocol::manager::{
    AcmeSettings, AdminRole, AuditEvent, BackupSettings, HostName, MailSettings, NetworkSettings,
    TimeSettings, UpdateAction, UpdateSource,
};
use serde_json::json;

impl Manager {
    pub fn administers(&self, who: &Who) -> Result<(), Refused> {
        allow(who, &[AdminRole::Administrator], false)
    }

    /// Administrators, and the set-up before there is one.
    pub fn sets_up(&self, who: &Who) -> Result<(), Refused> {
        allow(who, &[AdminRole::Administrator], true)
    }

    /// What the settings say that a test of the box can compare.
    pub fn what_to_test(&self, who: &Who, now: Now) -> Result<Wanted, Refused> {
        allow(who, &[AdminRole::Administrator], true)?;
        Ok(Wanted {
            host_name: self.host_name()?,
            certificate: self.certificate(who, now)?.kind,
            updates: !self.kept::<UpdateSource>()?.source.is_empty(),
            mail: self.relay()?,
            backup_key: self.backup_key()?.is_some(),
        })
    }

    /// The settings as JSON for who helps an administrator: nothing secret, and nobody's address.
    pub fn support_settings(&self, who: &Who, now: Now) -> Result<String, Refused> {
        allow(who, &[AdminRole::Administrator], false)?;
        let acme: AcmeSettings = self.kept()?;
        let mail: MailSettings = self.kept()?;
        let update: UpdateSource = self.kept()?;
        let settings = json!({
            "network": self.kept::<NetworkSettings>()?,
            "host_name": self.kept::<HostName>()?,
            "time": self.kept::<TimeSettings>()?,
            "update": { "source": update.source, "restart_window": update.restart_window },
            "backup": self.kept::<BackupSettings>()?,
            "certificate": { "kind": self.certificate(who, now)?.kind },
            "acme": { "enabled": acme.enabled, "directory": acme.directory },
            "mail": { "server": mail.server, "port": mail.port, "encryption": mail.encryption },
        });
        self.change(now, Draft::new(name_of(who), AuditEvent::SupportShown, ""), |_| Ok(()))?;
        serde_json::to_string_pretty(&settings).map_err(|error| Refused::mistake(&error))
    }

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

    /// An order of the box's own display.
    pub fn note(&self, who: &str, event: AuditEvent, now: Now) -> Result<(), Refused> {
        self.change(now, Draft::new(who, event, ""), |_| Ok(()))
    }

    /// Of the backups; `who` is as the audit log names it.
    pub fn note_backup(&self, who: &str, event: AuditEvent, name: &str, now: Now) -> Result<(), Refused> {
        self.change(now, Draft::new(who, event, name), |_| Ok(()))
    }

    pub fn note_power(&self, who: &Who, restart: bool, now: Now) -> Result<(), Refused> {
        let event = if restart { AuditEvent::Restarted } else { AuditEvent::SwitchedOff };
        self.change(now, Draft::new(name_of(who), event, ""), |_| Ok(()))
    }

    /// To look for an update changes nothing.
    pub fn note_update(&self, who: &Who, action: UpdateAction, now: Now) -> Result<(), Refused> {
        let subject = match action {
            UpdateAction::Check => return Ok(()),
            UpdateAction::Install => "install",
            UpdateAction::Cancel => "cancel",
            UpdateAction::Restart => "restart",
            UpdateAction::Rollback => "rollback",
        };
        self.change(now, Draft::new(name_of(who), AuditEvent::UpdateOrdered, subject), |_| Ok(()))
    }
}
