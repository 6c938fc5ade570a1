//! Another second factor for one's own account: whoever gets a new device, or needs new recovery codes (AU2).

use super::{Manager, Now, Refused};
use crate::access::account::Account;
use crate::access::second_factor::{SecondFactor, Shown};
use crate::access::sessions::Who;
use crate::audit::Draft;
use plenum_protocol::manager::{AuditEvent, NewSecondFactor, RenewSecondFactor};

impl Manager {
    /// Of the account whose session this is. The former one holds until a code of the new one was typed.
    pub fn renew_second_factor(
        &self,
        who: &Who,
        token: &str,
        typed: &RenewSecondFactor,
        issuer: &str,
        now: Now,
    ) -> Result<NewSecondFactor, Refused> {
        let Who::Account { name, .. } = who else { return Err(Refused::not_allowed()) };
        self.prove(name, (&typed.password, &typed.code), AuditEvent::SecondFactorShown, now)?;
        let mut memory = self.memory();
        let (factor, shown) = SecondFactor::new(issuer, name, memory.random());
        memory.sessions.offer(token, factor);
        Ok(shown_to(name.clone(), shown))
    }

    /// Signs the account out everywhere else: whoever has the former device has nothing any more.
    pub fn confirm_second_factor(&self, who: &Who, token: &str, code: &str, now: Now) -> Result<(), Refused> {
        let Who::Account { name, .. } = who else { return Err(Refused::not_allowed()) };
        let none = || Refused::conflict("no new second factor waits for its first code: ask for one again");
        let mut second_factor = self.memory().sessions.offered(token).ok_or_else(none)?;
        if second_factor.take(code, now.unix_seconds()).is_none() {
            return Err(Refused::wrong_credentials().in_field("code"));
        }
        let key = name.clone();
        self.change(now, Draft::new(name, AuditEvent::SecondFactorReplaced, name), move |tx| {
            let account = tx.get::<Account>(&key)?.ok_or_else(Refused::not_signed_in)?;
            Ok(tx.put(&key, &Account { second_factor, ..account })?)
        })?;
        self.memory().sessions.renewed(name, token);
        Ok(())
    }

    pub(super) fn recovery_codes_left(&self, account: &str) -> Result<u32, Refused> {
        let account = self.store.tree::<Account>().get(&account.to_owned())?;
        Ok(account.map_or(0, |it| it.second_factor.recovery_codes_left() as u32))
    }
}

pub(super) fn shown_to(name: String, shown: Shown) -> NewSecondFactor {
    let Shown { secret, uri, qr, recovery_codes } = shown;
    NewSecondFactor { name, secret, uri, qr, recovery_codes }
}
