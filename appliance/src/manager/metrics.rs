//! Who may read the metrics: nobody, or whoever has a token that the box has made. Only its hash is kept.

use super::door::Guesser;
use super::{Manager, Now, Refused, allow, name_of};
use crate::access::sessions::Who;
use crate::audit::Draft;
use plenum_daemon::secret::{Digest, Secret};
use plenum_protocol::manager::{AdminRole, AuditEvent, MetricsAccess, MetricsToken};
use plenum_store::{Category, Field, Retention, Stored};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Reader {
    token: Digest,
}

impl Stored for Reader {
    type Key = ();
    const TREE: &'static str = "metrics_reader";
    const CATEGORY: Category = Category::Credential;
    const PURPOSE: &'static str = "lets a monitoring system read the box's metrics";
    const RETENTION: Retention =
        Retention::UntilRemoved("another token, closing the metrics, or a factory reset");
    const KEY: Field = Field::new("", "there is only one");
    const FIELDS: &'static [Field] = &[Field::new("token", "SHA-256 of the token")];
}

impl Manager {
    pub fn metrics_access(&self, who: &Who) -> Result<MetricsAccess, Refused> {
        allow(who, &[AdminRole::Administrator], false)?;
        Ok(MetricsAccess { open: self.store.tree::<Reader>().get(&())?.is_some() })
    }

    /// A new token, in the place of another.
    pub fn open_metrics(&self, who: &Who, now: Now) -> Result<MetricsToken, Refused> {
        allow(who, &[AdminRole::Administrator], false)?;
        let token = Secret::random(self.memory().random());
        let reader = Reader { token: token.digest() };
        let draft = Draft::new(name_of(who), AuditEvent::MetricsOpened, "");
        self.change(now, draft, move |tx| Ok(tx.put(&(), &reader)?))?;
        Ok(MetricsToken { token: token.expose().to_owned() })
    }

    pub fn close_metrics(&self, who: &Who, now: Now) -> Result<MetricsAccess, Refused> {
        allow(who, &[AdminRole::Administrator], false)?;
        let draft = Draft::new(name_of(who), AuditEvent::MetricsClosed, "");
        self.change(now, draft, |tx| Ok(tx.remove::<Reader>(&())?))?;
        Ok(MetricsAccess { open: false })
    }

    /// `false`: nobody may read them. A wrong token is a refusal, and slows down the next one (AU6).
    pub fn may_read_metrics(
        &self,
        address: Option<IpAddr>,
        token: Option<&str>,
        now: Now,
    ) -> Result<bool, Refused> {
        let Some(reader) = self.store.tree::<Reader>().get(&())? else { return Ok(false) };
        // Nobody guesses who brings none.
        let token = token.ok_or_else(Refused::wrong_credentials)?;
        self.guess(Guesser::Address(address), "", AuditEvent::MetricsRefused, now, || {
            match reader.token.matches(token) {
                true => Ok(true),
                false => Err(Refused::wrong_credentials()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dm1_every_stored_field_is_declared() {
        plenum_store::check_fields(&[Reader { token: Digest::of(b"x") }]).unwrap();
    }
}
