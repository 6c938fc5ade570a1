//! The server that takes the box's mail. Its password is kept apart from its settings, which are shown and stand in
//! the audit log.

use super::area::Area;
use super::{Manager, Now, Refused, allow, name_of, text};
use crate::access::sessions::Who;
use crate::audit::Draft;
use crate::host::DEFAULT_NAME;
use crate::mail::Relay;
use plenum_daemon::secret::Secret;
use plenum_protocol::manager::{AdminRole, AuditEvent, MailSettings, Problem};
use plenum_store::{Category, Field, Retention, Stored, Transaction};
use serde::{Deserialize, Serialize};

const MAX_USER_CHARS: usize = 120;
const MAX_PASSWORD_CHARS: usize = 256;
const MAX_RECIPIENTS: usize = 4;
/// With everything else it has to fit into a record of 4 KB.
const MAX_AUTHORITIES_BYTES: usize = 2_000;

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct MailPassword {
    password: String,
}

impl Stored for MailPassword {
    type Key = ();
    const TREE: &'static str = "mail_password";
    const CATEGORY: Category = Category::Credential;
    const PURPOSE: &'static str = "signs the box in at the server that takes its mail";
    const RETENTION: Retention =
        Retention::UntilRemoved("another password, a server without login, or a factory reset");
    const KEY: Field = Field::new("", "there is only one");
    const FIELDS: &'static [Field] = &[Field::new("password", "password")];
}

/// Problems that were mailed, so that a restart mails none again.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Told {
    /// Each a [`Problem`] in JSON: their fields differ.
    problems: Vec<String>,
}

impl Stored for Told {
    type Key = ();
    const TREE: &'static str = "mail_told";
    const CATEGORY: Category = Category::Operation;
    const PURPOSE: &'static str = "mails a problem of the box once";
    const RETENTION: Retention = Retention::UntilRemoved("the end of the problem, or a factory reset");
    const KEY: Field = Field::new("", "there is only one");
    const FIELDS: &'static [Field] = &[Field::new("problems", "problems of the box")];
}

impl Area for MailSettings {
    const NAME: &'static str = "mail";
    const PURPOSE: &'static str = "says which server takes the box's mail, and who gets notices";
    const FIELDS: &'static [Field] = &[
        Field::new("revision", "how often it was changed"),
        Field::new("server", "name of the server"),
        Field::new("port", "its port"),
        Field::new("encryption", "how the connection is encrypted"),
        Field::new("user", "name of the box's account there"),
        Field::new("password", "always empty"),
        Field::new("has_password", "whether a password is kept"),
        Field::new("sender", "address that mail comes from"),
        Field::new("authorities", "authorities that are trusted for it"),
        Field::new("recipients", "addresses that get notices"),
    ];

    fn revision(&mut self) -> &mut u32 {
        &mut self.revision
    }

    fn check(&mut self) -> Result<(), Refused> {
        self.server = self.server.trim().to_owned();
        text::line("user", &mut self.user, MAX_USER_CHARS)?;
        text::authorities("authorities", &mut self.authorities, MAX_AUTHORITIES_BYTES)?;
        self.recipients.iter_mut().try_for_each(|address| text::mail_address("recipients", address))?;
        text::list("recipients", &mut self.recipients, MAX_RECIPIENTS)?;
        self.sender = self.sender.trim().to_owned();
        if !self.server.is_empty() {
            text::host("server", &mut self.server)?;
        }
        if !self.server.is_empty() || !self.sender.is_empty() {
            text::mail_address("sender", &mut self.sender)?;
        }
        text::port("port", self.port)
    }
}

/// Settings as they are stored, and the password that was typed for them.
#[derive(Clone)]
pub(crate) struct Typed {
    pub(crate) settings: MailSettings,
    password: String,
}

impl Typed {
    /// In the place of the settings `before`.
    pub(crate) fn check(mut wanted: MailSettings, before: &MailSettings) -> Result<Typed, Refused> {
        let password = std::mem::take(&mut wanted.password);
        wanted.check()?;
        if password.chars().count() > MAX_PASSWORD_CHARS || password.contains(char::is_control) {
            let detail = format!("a password has up to {MAX_PASSWORD_CHARS} characters, in one line");
            return Err(Refused::malformed("password", detail));
        }
        // Whoever leads the box to a server of their own must not get the password of another one.
        let same = (&before.server, &before.user, &before.authorities)
            == (&wanted.server, &wanted.user, &wanted.authorities);
        wanted.has_password = !wanted.user.is_empty();
        match (wanted.has_password, password.is_empty()) {
            (false, false) => Err(Refused::malformed("user", "a password needs a user")),
            (true, true) if !(same && before.has_password) => {
                let detail = "the password is missing: it has to be typed anew when server, user or authorities change";
                Err(Refused::malformed("password", detail))
            }
            _ => Ok(Typed { settings: wanted, password }),
        }
    }

    pub(super) fn put_password(self, tx: &mut Transaction<'_, '_>) -> Result<(), Refused> {
        match self.settings.has_password {
            false => Ok(tx.remove::<MailPassword>(&())?),
            true if self.password.is_empty() => Ok(()),
            true => Ok(tx.put(&(), &MailPassword { password: self.password })?),
        }
    }
}

impl Manager {
    pub fn set_mail(&self, who: &Who, wanted: MailSettings, now: Now) -> Result<MailSettings, Refused> {
        allow(who, &[AdminRole::Administrator], true)?;
        let before: MailSettings = self.kept()?;
        let typed = Typed::check(wanted, &before)?;
        if before.revision != typed.settings.revision {
            return Err(Refused::conflict("somebody else has changed it meanwhile").in_field("revision"));
        }
        self.keep_with(&name_of(who), typed.settings.clone(), None, now, |tx| typed.put_password(tx))
    }

    /// For a test mail, which stands in the audit log before it is sent.
    pub fn begin_mail_test(
        &self,
        who: &Who,
        recipient: &mut String,
        now: Now,
    ) -> Result<(Relay, Secret), Refused> {
        allow(who, &[AdminRole::Administrator], true)?;
        text::mail_address("recipient", recipient)?;
        let relay = self.relay()?.ok_or_else(|| {
            Refused::conflict("no mail server is set: the box cannot send mail").in_field("server")
        })?;
        let draft = Draft::new(name_of(who), AuditEvent::MailTested, recipient.as_str());
        self.change(now, draft, |_| Ok(()))?;
        Ok((relay, self.random_secret()))
    }

    /// For notices of problems; `None`: nobody wants any, or the box is not yet set up.
    pub fn notice_relay(&self) -> Result<Option<(Relay, Secret)>, Refused> {
        let relay = if self.setup_is_open()? { None } else { self.relay()? };
        let relay = relay.filter(|relay| !relay.settings.recipients.is_empty());
        Ok(relay.map(|relay| (relay, self.random_secret())))
    }

    pub(super) fn relay(&self) -> Result<Option<Relay>, Refused> {
        let settings: MailSettings = self.kept()?;
        let password = self.store.tree::<MailPassword>().get(&())?.map(|it| it.password);
        let host_name = Some(self.host_name()?).filter(|name| !name.is_empty());
        let relay = Relay {
            settings,
            password: password.unwrap_or_default(),
            host_name: host_name.unwrap_or_else(|| DEFAULT_NAME.to_owned()),
        };
        Ok(Some(relay).filter(|relay| !relay.settings.server.is_empty()))
    }

    fn random_secret(&self) -> Secret {
        Secret::random(self.memory().random())
    }

    pub fn told_problems(&self) -> Result<Vec<Problem>, Refused> {
        let told = self.store.tree::<Told>().get(&())?.unwrap_or_default();
        // What another version told may be unknown to this one.
        Ok(told.problems.iter().filter_map(|it| serde_json::from_str(it).ok()).collect())
    }

    pub fn keep_told_problems(&self, told: &[Problem], now: Now) -> Result<(), Refused> {
        let problems = told.iter().filter_map(|it| serde_json::to_string(it).ok()).collect();
        self.store.tree::<Told>().put(now.wall, &(), &Told { problems }).wait()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::area::Kept;
    use super::*;

    #[test]
    fn dm1_every_stored_field_is_declared() {
        let recipients = vec!["ada@example.org".to_owned()];
        plenum_store::check_fields(&[Kept(MailSettings { recipients, ..MailSettings::default() })]).unwrap();
        plenum_store::check_fields(&[MailPassword { password: "x".into() }]).unwrap();
        plenum_store::check_fields(&[Told { problems: vec!["x".into()] }]).unwrap();
    }

    #[test]
    fn what_is_wrong_is_named_by_its_field() {
        let good = || MailSettings {
            server: "Mail.Example.org".into(),
            sender: "plenum@example.org".into(),
            recipients: vec!["ada@example.org".into()],
            ..MailSettings::default()
        };
        let field = |change: &dyn Fn(&mut MailSettings)| {
            let mut wanted = good();
            change(&mut wanted);
            wanted.check().err().map(|refused| refused.0.field.unwrap())
        };
        assert_eq!(field(&|_| ()), None);
        assert_eq!(field(&|it| *it = MailSettings::default()), None, "no mail");
        assert_eq!(field(&|it| it.server = "no server".into()).as_deref(), Some("server"));
        assert_eq!(field(&|it| it.port = 0).as_deref(), Some("port"));
        assert_eq!(field(&|it| it.sender.clear()).as_deref(), Some("sender"));
        assert_eq!(field(&|it| it.recipients.push("ada".into())).as_deref(), Some("recipients"));
        assert_eq!(field(&|it| it.user = "a\nb".into()).as_deref(), Some("user"));
        assert_eq!(field(&|it| it.authorities = "no PEM".into()).as_deref(), Some("authorities"));
        let many =
            |it: &mut MailSettings| it.recipients = (0..5).map(|n| format!("a{n}@example.org")).collect();
        assert_eq!(field(&many).as_deref(), Some("recipients"));
    }
}
