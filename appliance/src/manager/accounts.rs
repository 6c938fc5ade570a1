//! Administrators and auditors.

use super::door::Guesser;
use super::second_factor::shown_to;
use super::{Manager, Now, Refused, allow, name_of};
use crate::access::account::{self, Account};
use crate::access::password::{self, Hashed};
use crate::access::second_factor::SecondFactor;
use crate::access::sessions::Who;
use crate::audit::Draft;
use plenum_protocol::manager::{
    AccountInfo, AdminRole, AuditEvent, ConfirmAccount, ManagerErrorCode, NewAccount, NewPassword,
    NewSecondFactor,
};

/// Few people administer a box; each is a record.
const MAX_ACCOUNTS: u64 = 200;

impl Manager {
    pub fn accounts(&self, who: &Who) -> Result<Vec<AccountInfo>, Refused> {
        allow(who, &[AdminRole::Administrator], true)?;
        let entries = self.store.tree::<Account>().iter();
        entries.map(|entry| entry.map(|entry| info(entry.key, &entry.value)).map_err(Refused::from)).collect()
    }

    /// Replaces one that was never confirmed: whoever lost the page with its second factor begins again.
    pub fn create_account(
        &self,
        who: &Who,
        typed: &NewAccount,
        issuer: &str,
        now: Now,
    ) -> Result<NewSecondFactor, Refused> {
        allow(who, &[AdminRole::Administrator], true)?;
        let name =
            account::name(&typed.name).ok_or_else(|| Refused::malformed("name", account::NAME_RULE))?;
        weak(&typed.password, &name)?;
        if self.store.tree::<Account>().len() >= MAX_ACCOUNTS {
            return Err(Refused::conflict("there are too many accounts: remove one first"));
        }
        let (second_factor, shown) = SecondFactor::new(issuer, &name, self.memory().random());
        let account = Account {
            role: typed.role,
            password: self.hashed(&typed.password),
            second_factor,
            confirmed: false,
            created: now.unix_millis(),
            last_sign_in: None,
        };
        let draft = Draft::new(name_of(who), AuditEvent::AccountCreated, &name)
            .change(None::<&()>, Some(&typed.role));
        let key = name.clone();
        self.change(now, draft, move |tx| match tx.get::<Account>(&key)? {
            Some(there) if there.confirmed => {
                Err(Refused::conflict("there is an account of this name").in_field("name"))
            }
            _ => Ok(tx.put(&key, &account)?),
        })?;
        Ok(shown_to(name, shown))
    }

    /// With a code of its second factor. From now on the account opens.
    pub fn confirm_account(
        &self,
        who: &Who,
        typed: &ConfirmAccount,
        now: Now,
    ) -> Result<AccountInfo, Refused> {
        allow(who, &[AdminRole::Administrator], true)?;
        let name = account::name(&typed.name).ok_or_else(unknown)?;
        let seconds = now.unix_seconds();
        let draft = Draft::new(name_of(who), AuditEvent::AccountConfirmed, &name);
        let code = typed.code.clone();
        let key = name.clone();
        let account = self.change(now, draft, move |tx| {
            let mut account = tx.get::<Account>(&key)?.ok_or_else(unknown)?;
            if account.confirmed {
                return Err(Refused::conflict("the account has been confirmed already"));
            }
            if account.second_factor.take(&code, seconds).is_none() {
                return Err(Refused::wrong_credentials().in_field("code"));
            }
            account.confirmed = true;
            tx.put(&key, &account)?;
            Ok(account)
        })?;
        Ok(info(name, &account))
    }

    pub fn remove_account(&self, who: &Who, name: &str, now: Now) -> Result<Vec<AccountInfo>, Refused> {
        allow(who, &[AdminRole::Administrator], false)?;
        let name = account::name(name).ok_or_else(unknown)?;
        let mut others = self.names_of_administrators()?;
        others.retain(|other| *other != name);
        let draft = Draft::new(name_of(who), AuditEvent::AccountRemoved, &name);
        let key = name.clone();
        self.change(now, draft, move |tx| {
            let account = tx.get::<Account>(&key)?.ok_or_else(unknown)?;
            // Another one may be removed at this moment.
            let administers =
                |other: &String| Ok(tx.get::<Account>(other)?.is_some_and(|it| it.is_administrator()));
            let left = others.iter().map(administers).collect::<plenum_store::Result<Vec<bool>>>()?;
            if account.is_administrator() && !left.contains(&true) {
                let detail = "this is the last administrator: make another one first";
                return Err(Refused::new(ManagerErrorCode::LastAdministrator, detail));
            }
            Ok(tx.remove::<Account>(&key)?)
        })?;
        self.memory().sessions.revoke(&name);
        self.accounts(who)
    }

    /// Signs the account out everywhere.
    pub fn change_password(&self, who: &Who, typed: &NewPassword, now: Now) -> Result<(), Refused> {
        let Who::Account { name, .. } = who else { return Err(Refused::not_allowed()) };
        weak(&typed.new, name).map_err(|refused| refused.in_field("new"))?;
        let account = self.store.tree::<Account>().get(name)?.ok_or_else(Refused::not_signed_in)?;
        self.guess(Guesser::Account(name), name, AuditEvent::SignInFailed, now, || {
            let right = account.password.matches(&typed.old);
            right.then_some(()).ok_or_else(|| Refused::wrong_credentials().in_field("old"))
        })?;
        let hashed = self.hashed(&typed.new);
        let key = name.clone();
        self.change(now, Draft::new(name, AuditEvent::PasswordChanged, name), move |tx| {
            let account = tx.get::<Account>(&key)?.ok_or_else(Refused::not_signed_in)?;
            Ok(tx.put(&key, &Account { password: hashed, ..account })?)
        })?;
        self.memory().sessions.revoke(name);
        Ok(())
    }

    /// Takes some tenths of a second, in which nobody waits for the memory.
    pub(super) fn hashed(&self, password: &str) -> Hashed {
        let mut salt = [0u8; 16];
        (self.memory().random())(&mut salt);
        Hashed::new(password, &mut |bytes| bytes.copy_from_slice(&salt[..bytes.len()]))
    }

    /// Those who can sign in.
    pub(super) fn administrators(&self) -> Result<usize, Refused> {
        Ok(self.names_of_administrators()?.len())
    }

    fn names_of_administrators(&self) -> Result<Vec<String>, Refused> {
        let mut names = Vec::new();
        for entry in self.store.tree::<Account>().iter() {
            let entry = entry?;
            names.extend(Some(entry.key).filter(|_| entry.value.is_administrator()));
        }
        Ok(names)
    }
}

impl Account {
    fn is_administrator(&self) -> bool {
        self.confirmed && self.role == AdminRole::Administrator
    }
}

fn weak(password: &str, name: &str) -> Result<(), Refused> {
    password::check(password, name)
        .map_err(|weak| Refused::new(ManagerErrorCode::WeakPassword, weak.to_string()).in_field("password"))
}

fn unknown() -> Refused {
    Refused::new(ManagerErrorCode::UnknownAccount, "there is no such account").in_field("name")
}

fn info(name: String, account: &Account) -> AccountInfo {
    AccountInfo {
        name,
        role: account.role,
        confirmed: account.confirmed,
        recovery_codes_left: account.second_factor.recovery_codes_left() as u32,
        created: account.created,
        last_sign_in: account.last_sign_in,
    }
}
