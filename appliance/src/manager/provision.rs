//! A set-up that stands in a file (`plenum.toml`), in place of the wizard.

use super::area::{Area, Kept};
use super::backup::Keys;
use super::certificate::Pem;
use super::setup::Setup;
use super::{Manager, Now, Refused, acme};
use crate::access::account::{self, Account};
use crate::access::second_factor::SecondFactor;
use crate::audit::Draft;
use crate::provisioning::{self, Finding, Person, Provisioning, Trust};
use plenum_protocol::manager::{AdminRole, AuditEvent, SettingsOffer};
use plenum_store::Transaction;

/// In the audit log.
const SIGNED: &str = "signed file";
const CONFIRMED: &str = "display";

/// What lies on a stick.
pub(super) struct Offered {
    file: Result<Box<Provisioning>, Vec<Finding>>,
    trust: Trust,
}

impl Manager {
    /// Applies a signed file at once, and keeps an unsigned one until somebody before the box confirms it.
    /// `ports`: those of the machine, where it is known.
    pub fn offer_settings(
        &self,
        text: &str,
        trust: Trust,
        ports: Option<&[String]>,
        now: Now,
    ) -> Result<(), Refused> {
        self.is_new()?;
        let file = provisioning::read_for(text, ports, now.wall).map(Box::new);
        for finding in file.as_ref().err().into_iter().flatten() {
            log::error!("plenum.toml {finding}");
        }
        if trust == Trust::Forged {
            log::error!("plenum.toml bears a signature that is wrong: it is not applied");
        }
        let signed = file.as_ref().ok().filter(|_| trust == Trust::Signed).cloned();
        let mut memory = self.memory();
        // The end of the set-up clears it: it may have come in the meantime.
        self.is_new()?;
        memory.offered = Some(Offered { file, trust });
        drop(memory);
        match signed {
            Some(file) => self.provision(&file, SIGNED, now),
            None => Ok(()),
        }
    }

    fn is_new(&self) -> Result<(), Refused> {
        let refused = || Refused::conflict("the box has been set up already: plenum.toml is for a new one");
        self.setup_is_open()?.then_some(()).ok_or_else(refused)
    }

    /// For the display.
    pub fn offered_settings(&self) -> Option<SettingsOffer> {
        let memory = self.memory();
        let offered = memory.offered.as_ref()?;
        let findings = offered.file.as_ref().err().into_iter().flatten().map(ToString::to_string);
        Some(SettingsOffer { findings: findings.collect(), forged: offered.trust == Trust::Forged })
    }

    /// Somebody before the box has confirmed what lies on the stick.
    pub fn apply_offered_settings(&self, now: Now) -> Result<(), Refused> {
        let file = match &self.memory().offered {
            Some(Offered { file: Ok(file), trust: Trust::Unsigned | Trust::Signed }) => file.clone(),
            _ => return Err(Refused::conflict("there is no plenum.toml that could be applied")),
        };
        self.provision(&file, CONFIRMED, now)
    }

    /// All of it or nothing.
    fn provision(&self, file: &Provisioning, who: &str, now: Now) -> Result<(), Refused> {
        if !self.setup_is_open()? {
            return Err(Refused::conflict("the box has been set up already"));
        }
        let mut accounts = Vec::new();
        for (role, people) in
            [(AdminRole::Administrator, &file.administrators), (AdminRole::Auditor, &file.auditors)]
        {
            for person in people {
                accounts.push(self.account_of(person, role, now)?);
            }
        }
        let file = file.clone();
        let names: Vec<String> = accounts.iter().map(|(name, _)| name.clone()).collect();
        let by = who.to_owned();
        let draft = Draft::new(who, AuditEvent::Provisioned, names.join(" "));
        let finished = Setup::finished_at(now.unix_millis());
        self.change(now, draft, move |tx| {
            for (name, account) in &accounts {
                tx.put(name, account)?;
            }
            put(tx, file.host_name)?;
            put(tx, file.time)?;
            put(tx, file.network)?;
            put(tx, file.institution)?;
            put(tx, file.update)?;
            if let Some(mail) = file.mail {
                put(tx, Some(mail.settings.clone()))?;
                mail.put_password(tx)?;
            }
            put(tx, file.syslog)?;
            put(tx, file.backup)?;
            if let Some(key) = file.backup_key {
                tx.put(&(), &Keys::of(&key))?;
            }
            if let Some(acme) = file.acme {
                put(tx, Some(acme.settings.clone()))?;
                acme.begin_anew(tx, false)?;
            }
            if let Some(chain) = file.certificate {
                Pem::put(tx, chain)?;
                acme::switch_off(tx, &by, now)?;
            }
            Ok(tx.put(&(), &finished)?)
        })?;
        log::info!("the box has been set up by plenum.toml");
        self.setup_is_over();
        Ok(())
    }

    fn account_of(&self, person: &Person, role: AdminRole, now: Now) -> Result<(String, Account), Refused> {
        let name =
            account::name(&person.name).ok_or_else(|| Refused::malformed("name", account::NAME_RULE))?;
        let account = Account {
            role,
            password: self.hashed(&person.password),
            second_factor: SecondFactor::of_secret(&person.second_factor),
            confirmed: true,
            created: now.unix_millis(),
            last_sign_in: None,
        };
        Ok((name, account))
    }
}

fn put<A: Area>(tx: &mut Transaction<'_, '_>, area: Option<A>) -> Result<(), Refused> {
    let Some(mut area) = area else { return Ok(()) };
    area.take_over(&tx.get::<Kept<A>>(&())?.unwrap_or_default().0);
    Kept(area).replace(tx)
}
