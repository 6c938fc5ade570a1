//! What the settings say, for the box's test of itself and for who helps an administrator.

use super::orders::{administers, sets_up};
use super::{Manager, Now, Refused, name_of};
use crate::access::sessions::Who;
use crate::audit::Draft;
use crate::self_test::Wanted;
use plenum_protocol::manager::{
    AcmeSettings, AuditEvent, BackupSettings, HostName, MailSettings, NetworkSettings, SyslogSettings,
    TimeSettings, UpdateSource,
};
use serde_json::json;

impl Manager {
    /// What the settings say that a test of the box can compare.
    pub fn what_to_test(&self, who: &Who, now: Now) -> Result<Wanted, Refused> {
        sets_up(who)?;
        let source = Some(self.kept::<UpdateSource>()?).filter(|it| !it.source.is_empty());
        Ok(Wanted {
            host_name: self.host_name()?,
            certificate: self.certificate(who, now)?.kind,
            updates: source.map(|source| (source, self.desired.borrow().proxy.clone())),
            mail: self.relay()?,
            backup_key: self.backup_key()?.is_some(),
        })
    }

    /// The settings as JSON for who helps an administrator: nothing secret, and nobody's address.
    pub fn support_settings(&self, who: &Who, now: Now) -> Result<String, Refused> {
        administers(who)?;
        let acme: AcmeSettings = self.kept()?;
        let mail: MailSettings = self.kept()?;
        let update: UpdateSource = self.kept()?;
        let syslog: SyslogSettings = self.kept()?;
        let settings = json!({
            "network": self.kept::<NetworkSettings>()?,
            "host_name": self.kept::<HostName>()?,
            "time": self.kept::<TimeSettings>()?,
            "update": { "source": update.source, "restart_window": update.restart_window },
            "backup": self.kept::<BackupSettings>()?,
            "certificate": { "kind": self.certificate(who, now)?.kind },
            "acme": { "enabled": acme.enabled, "directory": acme.directory },
            "syslog": { "server": syslog.server, "port": syslog.port },
            "mail": { "server": mail.server, "port": mail.port, "encryption": mail.encryption },
        });
        self.change(now, Draft::new(name_of(who), AuditEvent::SupportShown, ""), |_| Ok(()))?;
        serde_json::to_string_pretty(&settings).map_err(|error| Refused::mistake(&error))
    }
}
