//! A certificate from an ACME directory: what is wanted, what has come of it. [`crate::acme`] does the asking.

use super::area::{Area, Kept};
use super::certificate::Pem;
use super::{Manager, Now, Refused, allow, name_of, text};
use crate::access::sessions::Who;
use crate::acme::due::{self, Failed, Held};
use crate::acme::{Order, Step};
use crate::audit::{self, Draft};
use crate::certificate::{self, Chain};
use crate::sources::Proxy;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use plenum_protocol::manager::{
    AcmeFailure, AcmePhase, AcmeReason, AcmeSettings, AcmeState, AdminRole, AuditEvent, CertificateInfo,
    CertificateState,
};
use plenum_store::{Category, Field, Retention, Stored, Transaction};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};

const MAX_CONTACT_CHARS: usize = 120;
const MAX_KEY_ID_CHARS: usize = 120;
/// Of a MAC key. RFC 2104 section 3: shorter ones are weak.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 16..=256;
/// In the audit log.
const BOX: &str = "box";
/// Stands for the key of the binding in the audit log.
const ANOTHER_KEY: &str = "another key";

impl Area for AcmeSettings {
    const NAME: &'static str = "acme";
    const PURPOSE: &'static str = "says where the box gets its certificate by itself";
    const FIELDS: &'static [Field] = &[
        Field::new("revision", "how often it was changed"),
        Field::new("enabled", "whether the box gets its certificate by itself"),
        Field::new("directory", "address of the ACME directory"),
        Field::new("contact", "mail address for the directory"),
        Field::new("authorities", "authorities that are trusted for the directory"),
        Field::new("binding_key_id", "identifier of the key that binds the account"),
    ];

    fn revision(&mut self) -> &mut u32 {
        &mut self.revision
    }

    fn check(&mut self) -> Result<(), Refused> {
        text::address("directory", &mut self.directory)?;
        if self.enabled && self.directory.is_empty() {
            return Err(Refused::malformed(
                "directory",
                "a certificate comes from the directory at an address",
            ));
        }
        text::line("contact", &mut self.contact, MAX_CONTACT_CHARS)?;
        if !self.contact.is_empty() && !is_mail(&self.contact) {
            return Err(Refused::malformed("contact", "it is no mail address"));
        }
        text::authorities("authorities", &mut self.authorities, text::MAX_AUTHORITIES_BYTES)?;
        text::line("binding_key_id", &mut self.binding_key_id, MAX_KEY_ID_CHARS)?;
        let typed = self.binding_key.take().map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
        self.binding_key = typed.map(|key| binding_key(&key)).transpose()?;
        Ok(())
    }
}

/// As it goes into a `mailto:` URL (RFC 6068) without a question.
fn is_mail(text: &str) -> bool {
    let good = |char: char| char.is_ascii_alphanumeric() || "!#$'*+-./=^_`{|}~".contains(char);
    text.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && user.chars().all(good) && text::host_name("contact", &mut host.to_owned()).is_ok()
    })
}

/// In base64url without padding, whichever base64 it was typed in.
fn binding_key(typed: &str) -> Result<String, Refused> {
    let url_safe = typed.trim_end_matches('=').replace('+', "-").replace('/', "_");
    match URL_SAFE_NO_PAD.decode(&url_safe) {
        Ok(bytes) if KEY_BYTES.contains(&bytes.len()) => Ok(url_safe),
        Ok(_) => Err(Refused::malformed("binding_key", "it is too short or too long for a MAC key")),
        Err(_) => Err(Refused::malformed("binding_key", "it is not in base64url")),
    }
}

/// The MAC key of the external account binding.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Binding {
    key: String,
}

impl Stored for Binding {
    type Key = ();
    const TREE: &'static str = "acme_binding";
    const CATEGORY: Category = Category::Credential;
    const PURPOSE: &'static str = "shows the ACME directory which customer the box belongs to";
    const RETENTION: Retention = Retention::UntilRemoved("settings without it, or a factory reset");
    const KEY: Field = Field::new("", "there is only one");
    const FIELDS: &'static [Field] = &[Field::new("key", "MAC key")];
}

/// At the directory of the settings.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Of instant-acme.
    pub(crate) credentials: String,
    /// What the directory was told.
    pub(crate) contact: String,
}

impl Stored for Account {
    type Key = ();
    const TREE: &'static str = "acme_account";
    const CATEGORY: Category = Category::Credential;
    const PURPOSE: &'static str = "is the box's account at the ACME directory";
    const RETENTION: Retention = Retention::UntilRemoved("another directory, or a factory reset");
    const KEY: Field = Field::new("", "there is only one");
    const FIELDS: &'static [Field] = &[
        Field::new("credentials", "address and private key of the account"),
        Field::new("contact", "mail address that the directory knows"),
    ];
}

/// It survives a restart, so that a box that keeps restarting does not ask more often.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Of the certificate that came last.
    fingerprint: String,
    /// Attempts since then that failed.
    failures: u32,
    last_failure: Option<AcmeFailure>,
}

impl Stored for Progress {
    type Key = ();
    const TREE: &'static str = "acme_progress";
    const CATEGORY: Category = Category::Operation;
    const PURPOSE: &'static str = "says which certificate came from the ACME directory, and why none came";
    const RETENTION: Retention = Retention::UntilRemoved("other settings, or a factory reset");
    const KEY: Field = Field::new("", "there is only one");
    const FIELDS: &'static [Field] = &[
        Field::new("fingerprint", "fingerprint of the certificate"),
        Field::new("failures", "attempts that failed"),
        Field::new("last_failure.reason", "what kept the directory from giving one"),
        Field::new("last_failure.name", "for which host name"),
        Field::new("last_failure.detail", "what the directory answered"),
        Field::new("last_failure.at", "when it was"),
    ];
}

struct Outlook {
    /// When the directory is asked.
    next: u64,
    until: Option<i64>,
    /// Why it gave nothing the last time.
    failure: Option<AcmeFailure>,
}

/// What a restart forgets.
#[derive(Default)]
pub(super) struct Asking {
    /// Somebody wants it now, whatever the last attempt said.
    asked: bool,
    /// For the pages, while a directory looks: key and certificate.
    proof: Option<String>,
}

/// Settings as they are stored, and the key of the binding that was typed for them.
#[derive(Clone)]
pub(crate) struct Typed {
    pub(crate) settings: AcmeSettings,
    key: Option<String>,
}

impl Typed {
    /// `named`: whether the box has a name; `has_key`: whether a key of a binding is stored.
    pub(crate) fn check(mut wanted: AcmeSettings, named: bool, has_key: bool) -> Result<Typed, Refused> {
        wanted.check()?;
        let key = wanted.binding_key.take();
        if wanted.enabled && !named {
            return Err(Refused::malformed(
                "enabled",
                "the box has no name yet that a certificate could be for",
            ));
        }
        if !wanted.binding_key_id.is_empty() && key.is_none() && !has_key {
            return Err(Refused::malformed(
                "binding_key",
                "the key that belongs to the identifier is missing",
            ));
        }
        Ok(Typed { settings: wanted, key })
    }

    /// Whether the account is still the one of these settings.
    fn asks_as(&self, before: &AcmeSettings) -> bool {
        before.directory == self.settings.directory
            && before.binding_key_id == self.settings.binding_key_id
            && self.key.is_none()
    }

    /// `same`: as the same account.
    pub(super) fn begin_anew(self, tx: &mut Transaction<'_, '_>, same: bool) -> Result<(), Refused> {
        let bound = !self.settings.binding_key_id.is_empty();
        match self.key {
            Some(key) if bound => tx.put(&(), &Binding { key })?,
            _ if bound => {}
            _ => tx.remove::<Binding>(&())?,
        }
        if !same {
            tx.remove::<Account>(&())?;
        }
        let progress = tx.get::<Progress>(&())?.unwrap_or_default();
        Ok(tx.put(&(), &Progress { failures: 0, last_failure: None, ..progress })?)
    }
}

impl Manager {
    /// With all that belongs together in the same transaction: another directory does not know the old account.
    pub fn set_acme(&self, who: &Who, wanted: AcmeSettings, now: Now) -> Result<AcmeSettings, Refused> {
        allow(who, &[AdminRole::Administrator], true)?;
        let before: AcmeSettings = self.kept()?;
        let has_key = self.store.tree::<Binding>().contains(&())?;
        let typed = Typed::check(wanted, !self.host_name()?.is_empty(), has_key)?;
        let same = typed.asks_as(&before);
        let wanted = typed.settings.clone();
        let binding_key = typed.key.as_ref().map(|_| ANOTHER_KEY.to_owned());
        let shown = AcmeSettings { binding_key, ..wanted.clone() };
        let kept =
            self.keep_with(&name_of(who), wanted, Some(shown), now, move |tx| typed.begin_anew(tx, same))?;
        // What another directory gave may be good for long yet.
        self.memory().acme.asked = kept.enabled && !same;
        self.tell();
        Ok(kept)
    }

    /// Whatever the last attempt said.
    pub fn ask_acme(&self, who: &Who, now: Now) -> Result<CertificateState, Refused> {
        allow(who, &[AdminRole::Administrator], true)?;
        if !self.kept::<AcmeSettings>()?.enabled {
            return Err(Refused::conflict("the box gets no certificate by itself").in_field("acme"));
        }
        let draft = Draft::new(name_of(who), AuditEvent::CertificateRequested, self.host_name()?);
        self.change(now, draft, |_| Ok(()))?;
        self.memory().acme.asked = true;
        self.tell();
        self.certificate(who, now)
    }

    /// `None` where the box does not get its certificate by itself.
    pub fn acme_state(&self, now: Now) -> Result<Option<AcmeState>, Refused> {
        if !self.kept::<AcmeSettings>()?.enabled {
            return Ok(None);
        }
        if self.host_name()?.is_empty() {
            let detail = "the box has no name".to_owned();
            let failure = AcmeFailure {
                reason: AcmeReason::NoName,
                name: String::new(),
                detail,
                at: now.unix_seconds(),
            };
            return Ok(Some(AcmeState {
                phase: AcmePhase::Failed,
                next: 0,
                until: None,
                failure: Some(failure),
            }));
        }
        let Outlook { next, until, failure } = self.acme_outlook(now)?;
        let phase = match &failure {
            _ if next <= now.unix_seconds() => AcmePhase::Waiting,
            Some(_) => AcmePhase::Failed,
            None => AcmePhase::Good,
        };
        Ok(Some(AcmeState { phase, next, until, failure: failure.filter(|_| phase == AcmePhase::Failed) }))
    }

    fn acme_outlook(&self, now: Now) -> Result<Outlook, Refused> {
        let progress = self.store.tree::<Progress>().get(&())?.unwrap_or_default();
        let name = self.host_name()?;
        let held = self.first_certificate()?.filter(|info| {
            info.fingerprint == progress.fingerprint
                && info.names.iter().any(|it| it.eq_ignore_ascii_case(&name))
        });
        let held = held.map(|info| Held { not_before: info.not_before, not_after: info.not_after });
        // What a directory says of one name says nothing of another.
        let failure = progress.last_failure.filter(|last| last.name == name);
        let failed = failure.as_ref().map(|last| Failed {
            times: progress.failures,
            at: last.at,
            reason: last.reason,
        });
        let asked = self.memory().acme.asked;
        let next = if asked { 0 } else { due::next(held, failed, now.unix_seconds()) };
        Ok(Outlook { next, until: held.map(|held| held.not_after), failure })
    }

    /// Whether the certificate in use came from the directory.
    pub(super) fn is_from_directory(&self, info: &CertificateInfo) -> Result<bool, Refused> {
        let progress = self.store.tree::<Progress>().get(&())?;
        Ok(progress.is_some_and(|progress| progress.fingerprint == info.fingerprint))
    }

    pub(crate) fn acme_step(&self, now: Now) -> Result<Step, Refused> {
        let settings: AcmeSettings = self.kept()?;
        let name = self.host_name()?;
        if !settings.enabled || name.is_empty() {
            return Ok(Step::Off);
        }
        match self.acme_outlook(now)?.next {
            next if next > now.unix_seconds() => Ok(Step::At(next)),
            _ => {
                let binding =
                    self.store.tree::<Binding>().get(&())?.filter(|_| !settings.binding_key_id.is_empty());
                let binding_key = binding.and_then(|binding| URL_SAFE_NO_PAD.decode(binding.key).ok());
                let account = self.store.tree::<Account>().get(&())?;
                let proxy = Proxy::of(&self.kept()?);
                Ok(Step::Now(Box::new(Order { settings, binding_key, account, name, proxy })))
            }
        }
    }

    /// Whether this is still what is wanted.
    pub(crate) fn acme_wants(&self, order: &Order) -> Result<bool, Refused> {
        Ok(self.kept::<AcmeSettings>()? == order.settings && self.host_name()? == order.name)
    }

    /// Whether what comes of an order could be stored: nobody is asked if not, or they would be asked again and again.
    pub(crate) fn acme_begins(&self, order: &Order, now: Now) -> Result<(), Refused> {
        let stored = self.acme_keep(order, now, |tx| {
            let progress = tx.get::<Progress>(&())?.unwrap_or_default();
            Ok(tx.put(&(), &progress)?)
        });
        stored.map(drop)
    }

    /// At once, whatever becomes of the order: a binding may be good for one account only.
    pub(crate) fn acme_account(&self, order: &Order, account: Account, now: Now) -> Result<(), Refused> {
        self.acme_keep(order, now, move |tx| Ok(tx.put(&(), &account)?)).map(|_| ())
    }

    pub(crate) fn acme_took(&self, order: &Order, chain: Chain, now: Now) -> Result<(), Refused> {
        let first = chain.certificates.first();
        let fingerprint = first.and_then(|pem| info(pem)).map(|info| info.fingerprint).unwrap_or_default();
        log::info!(name:% = order.name, fingerprint:%; "a certificate has come");
        self.acme_outcome(order, now, move |tx| {
            Pem::put(tx, chain)?;
            let draft = Draft::new(BOX, AuditEvent::CertificateChanged, fingerprint.clone());
            audit::add(tx, draft, now.wall)?;
            Ok(tx.put(&(), &Progress { fingerprint, failures: 0, last_failure: None })?)
        })
    }

    pub(crate) fn acme_failed(&self, order: &Order, failure: AcmeFailure, now: Now) -> Result<(), Refused> {
        self.acme_outcome(order, now, move |tx| {
            let Progress { fingerprint, failures, last_failure } =
                tx.get::<Progress>(&())?.unwrap_or_default();
            let again = last_failure.is_some_and(|last| last.name == failure.name);
            let failures = if again { failures + 1 } else { 1 };
            Ok(tx.put(&(), &Progress { fingerprint, failures, last_failure: Some(failure) })?)
        })
    }

    fn acme_outcome(
        &self,
        order: &Order,
        now: Now,
        work: impl FnOnce(&mut Transaction<'_, '_>) -> Result<(), Refused> + Send + 'static,
    ) -> Result<(), Refused> {
        if self.acme_keep(order, now, work)? {
            self.memory().acme.asked = false;
            self.tell();
        }
        Ok(())
    }

    /// Stores what came of an order, unless something else is wanted by now. Whether it did.
    fn acme_keep(
        &self,
        order: &Order,
        now: Now,
        work: impl FnOnce(&mut Transaction<'_, '_>) -> Result<(), Refused> + Send + 'static,
    ) -> Result<bool, Refused> {
        let settings = order.settings.clone();
        let done = self.store.transaction(now.wall, move |tx| {
            let wanted = tx.get::<Kept<AcmeSettings>>(&())?.is_some_and(|Kept(kept)| kept == settings);
            if wanted {
                work(tx)?;
            }
            Ok::<bool, Refused>(wanted)
        });
        done.wait()
    }

    /// What the pages show a directory that looks at the box.
    pub(crate) fn acme_proof(&self, proof: Option<String>) {
        self.memory().acme.proof = proof;
        self.tell();
    }

    pub(super) fn shown_proof(&self) -> Option<String> {
        self.memory().acme.proof.clone()
    }
}

/// Another certificate was put in the place of the directory's: it does not come back by itself.
pub(super) fn switch_off(tx: &mut Transaction<'_, '_>, who: &str, now: Now) -> Result<(), Refused> {
    let Some(Kept(before)) = tx.get::<Kept<AcmeSettings>>(&())?.filter(|Kept(settings)| settings.enabled)
    else {
        return Ok(());
    };
    let after = AcmeSettings { enabled: false, revision: before.revision + 1, ..before.clone() };
    let draft = Draft::new(who, AuditEvent::SettingsChanged, AcmeSettings::NAME);
    audit::add(tx, draft.change(Some(&before), Some(&after)), now.wall)?;
    tx.put(&(), &Kept(after))?;
    Ok(tx.remove::<Progress>(&())?)
}

pub(super) fn info(pem: &str) -> Option<CertificateInfo> {
    CertificateDer::from_pem_slice(pem.as_bytes()).ok().and_then(|der| certificate::info(&der))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dm1_every_stored_field_is_declared() {
        let failure = AcmeFailure { reason: AcmeReason::Dns, name: "x".into(), detail: "x".into(), at: 1 };
        plenum_store::check_fields(&[Kept(AcmeSettings::default())]).unwrap();
        plenum_store::check_fields(&[Binding { key: "x".into() }]).unwrap();
        plenum_store::check_fields(&[Account { credentials: "x".into(), contact: "x".into() }]).unwrap();
        plenum_store::check_fields(&[Progress {
            fingerprint: "x".into(),
            failures: 1,
            last_failure: Some(failure),
        }])
        .unwrap();
    }

    #[test]
    fn what_may_be_typed() {
        let wrong = |change: fn(&mut AcmeSettings)| {
            let mut settings = AcmeSettings {
                enabled: true,
                directory: "https://acme.example/directory".into(),
                ..AcmeSettings::default()
            };
            change(&mut settings);
            settings.check().err().and_then(|refused| refused.0.field)
        };
        assert_eq!(wrong(|_| {}), None);
        assert_eq!(wrong(|it| it.contact = "ada.l+acme@example.org".into()), None);
        assert_eq!(wrong(|it| it.directory.clear()).as_deref(), Some("directory"));
        assert_eq!(wrong(|it| it.directory = "http://acme.example".into()).as_deref(), Some("directory"));
        for contact in
            ["ada", "@example.org", "a@b@c", "a@example.org?subject=x", "a,b@example.org", "a @b.org"]
        {
            let mut settings = AcmeSettings { contact: contact.into(), ..AcmeSettings::default() };
            assert!(settings.check().is_err(), "{contact}");
        }
        assert_eq!(wrong(|it| it.authorities = "no PEM".into()).as_deref(), Some("authorities"));
        assert_eq!(wrong(|it| it.binding_key = Some("?".repeat(40))).as_deref(), Some("binding_key"));
        assert_eq!(wrong(|it| it.binding_key = Some("c2hvcnQ".into())).as_deref(), Some("binding_key"));
        assert_eq!(wrong(|it| it.binding_key = Some(" ".into())), None);
    }

    #[test]
    fn a_binding_key_may_be_typed_in_any_base64() {
        let standard = "+/+/+/+/+/+/+/+/+/+/+/+/+/+/+w==";
        assert_eq!(binding_key(standard).unwrap(), "-_-_-_-_-_-_-_-_-_-_-_-_-_-_-w");
    }
}
