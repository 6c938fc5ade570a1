//! What auditors may do with the audit log: read it, save it, and have it sent to the syslog server (LG5). They alone,
//! and each time is an entry (LG6).

use super::{Manager, Now, Refused, allow, name_of};
use crate::access::sessions::Who;
use crate::audit::{self, Draft, Numbered, Signer};
use plenum_daemon::secret::Digest;
use plenum_protocol::manager::{
    AdminRole, AuditEntry, AuditEvent, AuditForwarding, AuditPage, ForwardAudit, SyslogSettings,
};
use plenum_store::{Category, Field, Retention, Stored};
use serde::{Deserialize, Serialize};

const PAGE: usize = 100;

/// To which server an auditor has the audit log sent. An administrator sets the server, and must not read the log by
/// setting their own (LG6): for another one, the auditor has to agree again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Forwarding {
    server: String,
    port: u16,
    /// Who vouches for the server.
    authorities: Digest,
}

impl Stored for Forwarding {
    type Key = ();
    const TREE: &'static str = "audit_forwarding";
    const CATEGORY: Category = Category::Configuration;
    const PURPOSE: &'static str = "says to which server an auditor has the audit log sent";
    const RETENTION: Retention = Retention::UntilRemoved("an auditor ends it, or a factory reset");
    const KEY: Field = Field::new("", "there is only one");
    const FIELDS: &'static [Field] = &[
        Field::new("server", "host name or address"),
        Field::new("port", "TCP port"),
        Field::new("authorities", "SHA-256 of the authorities that are trusted for it"),
    ];
}

impl Forwarding {
    fn to(settings: &SyslogSettings) -> Forwarding {
        let SyslogSettings { server, port, authorities, .. } = settings;
        let authorities = Digest::of(authorities.as_bytes());
        Forwarding { server: server.clone(), port: *port, authorities }
    }
}

impl Manager {
    /// Newest first, from before entry `before` on.
    pub fn audit(&self, who: &Who, before: Option<u64>, now: Now) -> Result<AuditPage, Refused> {
        allow(who, &[AdminRole::Auditor], false)?;
        let last = self.store.tree::<audit::Head>().get(&())?.map_or(0, |head| head.number);
        let end = before.unwrap_or(u64::MAX).min(last + 1);
        let start = end.saturating_sub(PAGE as u64);
        let mut entries = Vec::new();
        for entry in self.store.tree::<audit::Entry>().range(start..end) {
            let entry = entry?;
            let audit::Entry { at, who, event, subject, before, after, hash: _ } = entry.value;
            let event = event.known();
            entries.push(AuditEntry { number: entry.key, at, who, event, subject, before, after });
        }
        entries.reverse();
        let whole = matches!(audit::verify(&self.store)?, audit::Verdict::Whole { .. });
        if before.is_none() {
            self.change(now, Draft::new(name_of(who), AuditEvent::AuditRead, ""), |_| Ok(()))?;
        }
        let before = entries.last().map(|entry| entry.number).filter(|first| *first > 1);
        Ok(AuditPage { entries, whole, before })
    }

    /// All of it, signed; the entry that says so is the last one in it.
    pub fn audit_file(&self, who: &Who, now: Now) -> Result<String, Refused> {
        allow(who, &[AdminRole::Auditor], false)?;
        let signer = self.signer(now)?;
        self.change(now, Draft::new(name_of(who), AuditEvent::AuditSaved, ""), |_| Ok(()))?;
        let entries = audit::after(&self.store, 0, usize::MAX)?;
        let file = signer.file(&self.name()?, now.unix_millis(), &entries);
        file.map_err(|error| Refused::mistake(&format!("{error:#}")))
    }

    pub fn audit_forwarding(&self, who: &Who, now: Now) -> Result<AuditForwarding, Refused> {
        allow(who, &[AdminRole::Auditor], false)?;
        let settings: SyslogSettings = self.kept()?;
        let agreed = self.store.tree::<Forwarding>().get(&())?;
        let forwarding = agreed == Some(Forwarding::to(&settings));
        let stopped = agreed.is_some() && !forwarding;
        let key = self.signer(now)?.public().map_err(|error| Refused::mistake(&format!("{error:#}")))?;
        let SyslogSettings { server, port, .. } = settings;
        Ok(AuditForwarding { server, port, forwarding, stopped, connected: false, key })
    }

    /// To the server that was shown, and to no other.
    pub fn forward_audit(
        &self,
        who: &Who,
        wanted: ForwardAudit,
        now: Now,
    ) -> Result<AuditForwarding, Refused> {
        allow(who, &[AdminRole::Auditor], false)?;
        let settings: SyslogSettings = self.kept()?;
        let ForwardAudit { forwarding, server, port } = wanted;
        let same = (&server, port) == (&settings.server, settings.port);
        if forwarding && (server.is_empty() || !same) {
            let said = "this is not the syslog server that an administrator has set";
            return Err(Refused::conflict(said).in_field("server"));
        }
        let before = self.store.tree::<Forwarding>().get(&())?.map(|there| there.server);
        let agreed = forwarding.then(|| Forwarding::to(&settings));
        let draft = Draft::new(name_of(who), AuditEvent::AuditForwarded, "");
        let draft = draft.change(before.as_ref(), agreed.as_ref().map(|agreed| &agreed.server));
        self.change(now, draft, move |tx| {
            match &agreed {
                Some(agreed) => tx.put(&(), agreed)?,
                None => tx.remove::<Forwarding>(&()).map(drop)?,
            }
            Ok(())
        })?;
        self.tell();
        self.audit_forwarding(who, now)
    }

    /// What is sent to the syslog server.
    pub fn audit_after(&self, number: u64, most: usize) -> Result<Vec<Numbered>, Refused> {
        Ok(audit::after(&self.store, number, most)?)
    }

    pub(super) fn audit_is_forwarded(&self) -> Result<bool, Refused> {
        let agreed = self.store.tree::<Forwarding>().get(&())?;
        Ok(agreed == Some(Forwarding::to(&self.kept()?)))
    }

    /// Made when it is first asked for.
    fn signer(&self, now: Now) -> Result<Signer, Refused> {
        if let Some(signer) = self.store.tree::<Signer>().get(&())? {
            return Ok(signer);
        }
        let fresh = Signer::random(self.memory().random());
        let made = self.store.transaction(now.wall, move |tx| {
            let signer = tx.get::<Signer>(&())?.unwrap_or(fresh);
            tx.put(&(), &signer)?;
            Ok::<Signer, Refused>(signer)
        });
        made.wait()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dm1_every_stored_field_is_declared() {
        plenum_store::check_fields(&[Forwarding::to(&SyslogSettings::default())]).unwrap();
    }
}
