//! Getting in: signing in and out, and what slows down guessing (AU6).

use super::{Manager, Now, Refused};
use crate::access::account::{self, Account};
use crate::access::password::Hashed;
use crate::access::second_factor::Used;
use crate::access::sessions::{Current, Opened, Who};
use crate::audit::Draft;
use plenum_protocol::manager::{AuditEvent, ManagerErrorCode, SignIn};
use std::net::IpAddr;
use std::sync::PoisonError;

/// Wrong attempts in the audit log: so many at once, and then one an hour, or whoever guesses for months fills it.
const NOTED_BURST: u32 = 100;
const NOTED_PER_HOUR: u32 = 1;
const MINUTES_PER_HOUR: u32 = 60;

/// Whose wrong attempts are counted together.
#[derive(Debug, Clone, Copy)]
pub(super) enum Guesser<'a> {
    /// A stranger's network; `None`: who is on the box itself.
    Address(Option<IpAddr>),
    /// Somebody who has a session, and so knows the name.
    Account(&'a str),
}

impl Manager {
    /// Password first; who knows it is asked for the second factor (AU2).
    pub fn sign_in(&self, address: Option<IpAddr>, typed: &SignIn, now: Now) -> Result<Opened, Refused> {
        let name = account::name(&typed.name);
        let known = name.as_ref().map(|name| self.store.tree::<Account>().get(name)).transpose()?.flatten();
        let subject = if known.is_some() { name.clone().unwrap_or_default() } else { String::new() };
        let (known, account, used) =
            self.guess(Guesser::Address(address), &subject, AuditEvent::SignInFailed, now, || {
                proven(known, &typed.password, typed.code.as_deref(), now)
            })?;
        let event = match used {
            Used::OneTimePassword => AuditEvent::SignedIn,
            Used::RecoveryCode => AuditEvent::RecoveryCodeUsed,
        };
        let name = name.expect("an account was found by it");
        let role = account.role;
        let last_sign_in = now.unix_millis();
        let entered = Account { last_sign_in: Some(last_sign_in), ..account };
        self.use_up(Draft::new(&name, event, &name), known, entered.clone(), now)?;
        let opened = self.open_session(Who::Account { name: name.clone(), role }, now);
        // Whoever removed the account, or changed what opens it, has closed the sessions that there were.
        match self.store.tree::<Account>().get(&name)? {
            Some(there) if there.opens_as(&entered) => Ok(opened),
            _ => {
                self.memory().sessions.close(opened.token.expose());
                Err(Refused::wrong_credentials())
            }
        }
    }

    /// Once more, before what cannot be undone (AU8); `event` is in the audit log afterwards.
    pub(super) fn prove(
        &self,
        name: &str,
        (password, code): (&str, &str),
        event: AuditEvent,
        now: Now,
    ) -> Result<(), Refused> {
        let known = self.store.tree::<Account>().get(&name.to_owned())?;
        let (known, account, _) =
            self.guess(Guesser::Account(name), name, AuditEvent::SignInFailed, now, || {
                proven(known, password, Some(code), now)
            })?;
        self.use_up(Draft::new(name, event, ""), known, account, now)
    }

    /// The code is used up with it, and only if nobody was quicker: what was checked is what is replaced.
    fn use_up(&self, draft: Draft, known: Account, used: Account, now: Now) -> Result<(), Refused> {
        let key = draft.who.clone();
        self.change(now, draft, move |tx| match tx.get::<Account>(&key)? {
            Some(there) if there == known => Ok(tx.put(&key, &used)?),
            _ => Err(Refused::wrong_credentials()),
        })
    }

    pub fn sign_out(&self, token: &str, current: &Current, now: Now) -> Result<(), Refused> {
        self.memory().sessions.close(token);
        match &current.who {
            Who::Setup => Ok(()),
            Who::Account { name, .. } => {
                self.change(now, Draft::new(name, AuditEvent::SignedOut, name), |_| Ok(()))
            }
        }
    }

    pub(super) fn open_session(&self, who: Who, now: Now) -> Opened {
        let mut memory = self.memory();
        let super::Memory { sessions, fill, .. } = &mut *memory;
        sessions.open(who, now.mono, &mut **fill)
    }

    /// Lets `check` look at a secret, unless too many wrong ones were tried. One at a time: none is looked at
    /// before the last one is counted, and hashing passwords takes memory.
    pub(super) fn guess<R>(
        &self,
        who: Guesser<'_>,
        subject: &str,
        wrong: AuditEvent,
        now: Now,
        check: impl FnOnce() -> Result<R, Refused>,
    ) -> Result<R, Refused> {
        let _one = self.guessing.lock().unwrap_or_else(PoisonError::into_inner);
        let key = match who {
            Guesser::Address(address) => self.memory().addresses.key(address),
            Guesser::Account(name) => self.memory().addresses.named(name),
        };
        self.memory().throttle.check(key, now.mono).map_err(Refused::too_many)?;
        let result = check();
        match &result {
            Ok(_) => self.memory().throttle.right(key, now.mono),
            Err(refused) if refused.code() == ManagerErrorCode::WrongCredentials => {
                self.memory().throttle.wrong(key, now.mono);
                self.note_wrong(Draft::new("unknown", wrong, subject), now)?;
            }
            Err(_) => {}
        }
        result
    }

    /// Guessing for months must not fill the disk.
    fn note_wrong(&self, draft: Draft, now: Now) -> Result<(), Refused> {
        // The bucket counts by the minute.
        if self.memory().noted.take(NOTED_BURST, NOTED_PER_HOUR, now.mono / MINUTES_PER_HOUR).is_err() {
            log::warn!("a wrong password, code or setup code, beyond what the audit log takes in");
            return Ok(());
        }
        self.change(now, draft, |_| Ok(()))
    }
}

/// The account as it was, and as it is once the code is used up. Nobody's password takes as long as somebody's.
fn proven(
    known: Option<Account>,
    password: &str,
    code: Option<&str>,
    now: Now,
) -> Result<(Account, Account, Used), Refused> {
    let nobody = Hashed::of_nobody();
    let hashed = known.as_ref().map_or(&nobody, |account| &account.password);
    if !hashed.matches(password) {
        return Err(Refused::wrong_credentials());
    }
    let known = known.filter(|it| it.confirmed).ok_or_else(Refused::wrong_credentials)?;
    let Some(code) = code else {
        return Err(Refused::new(ManagerErrorCode::SecondFactorNeeded, "a code is needed as well"));
    };
    let mut account = known.clone();
    let taken = account.second_factor.take(code, now.unix_seconds());
    let used = taken.ok_or_else(Refused::wrong_credentials)?;
    Ok((known, account, used))
}
