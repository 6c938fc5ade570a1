//! The certificate of the pages. The store has it; `web` gets a copy ([`crate::host`]).

use super::{Manager, Now, Refused, acme, allow, name_of, text};
use crate::access::sessions::Who;
use crate::audit::Draft;
use crate::certificate::{self, Chain, Fault, MAX_COMMON_NAME_CHARS, Requested};
use plenum_protocol::manager::{
    AdminRole, AuditEvent, CertificateInfo, CertificateKind, CertificateRequest, CertificateState,
    ManagerErrorCode, UploadedCertificate,
};
use plenum_store::{Category, Field, Retention, Stored, Transaction};
use serde::{Deserialize, Serialize};

const MAX_NAMES: usize = 10;
const MAX_ORGANIZATION_CHARS: usize = 64;

/// Bytes of a part: with its line ends as in JSON it fits into a record of 4 KB.
const PART_BYTES: usize = 3_000;

/// Part of the key or of a certificate: even one of them can be longer than a record.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pem {
    pem: String,
}

impl Stored for Pem {
    /// The key comes first, then the chain in its order.
    type Key = u8;
    const TREE: &'static str = "certificate";
    const CATEGORY: Category = Category::Credential;
    const PURPOSE: &'static str = "shows browsers that the box is what its name says";
    const RETENTION: Retention = Retention::UntilRemoved("another certificate, or a factory reset");
    const KEY: Field = Field::new("place", "place in key and chain");
    const FIELDS: &'static [Field] = &[Field::new("pem", "part of the private key or of a certificate")];
}

impl Pem {
    /// In the place of another one.
    pub(super) fn put(tx: &mut Transaction<'_, '_>, chain: Chain) -> Result<(), Refused> {
        let pems = std::iter::once(chain.key).chain(chain.certificates);
        Pem::replace(tx, &pems.flat_map(|pem| Pem::parts(&pem)).collect::<Vec<_>>())
    }

    /// PEM is ASCII (RFC 7468 section 3).
    fn parts(pem: &str) -> Vec<Pem> {
        let parts = pem.as_bytes().chunks(PART_BYTES);
        parts.map(|part| Pem { pem: String::from_utf8_lossy(part).into_owned() }).collect()
    }

    /// Key and chain of a backup, or none.
    pub(super) fn replace(tx: &mut Transaction<'_, '_>, pems: &[Pem]) -> Result<(), Refused> {
        Pem::remove(tx)?;
        for (place, pem) in (0u8..).zip(pems) {
            tx.put(&place, pem)?;
        }
        Ok(())
    }

    fn remove(tx: &mut Transaction<'_, '_>) -> Result<(), Refused> {
        for place in 0u8.. {
            if tx.get::<Pem>(&place)?.is_none() {
                break;
            }
            tx.remove::<Pem>(&place)?;
        }
        Ok(())
    }
}

/// A request that waits for its certificate.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Waiting {
    request: String,
    key: String,
}

impl Stored for Waiting {
    type Key = ();
    const TREE: &'static str = "certificate_request";
    const CATEGORY: Category = Category::Credential;
    const PURPOSE: &'static str = "keeps the key of a certificate that an authority is asked for";
    const RETENTION: Retention =
        Retention::UntilRemoved("the certificate, another request, or a factory reset");
    const KEY: Field = Field::new("", "there is only one");
    const FIELDS: &'static [Field] =
        &[Field::new("request", "certification request"), Field::new("key", "private key")];
}

impl Manager {
    /// Without what visitors are shown.
    pub fn certificate(&self, who: &Who, now: Now) -> Result<CertificateState, Refused> {
        allow(who, &[AdminRole::Administrator], true)?;
        let kind = match self.first_certificate()? {
            None => CertificateKind::Own,
            Some(info) if self.is_from_directory(&info)? => CertificateKind::Acme,
            Some(_) => CertificateKind::Uploaded,
        };
        let request = self.store.tree::<Waiting>().get(&())?.map(|waiting| waiting.request);
        Ok(CertificateState { kind, shown: None, request, acme: self.acme_state(now)? })
    }

    /// Makes a key and a request for it, in the place of an earlier one.
    pub fn request_certificate(
        &self,
        who: &Who,
        mut typed: CertificateRequest,
        now: Now,
    ) -> Result<CertificateState, Refused> {
        allow(who, &[AdminRole::Administrator], true)?;
        typed.names.iter_mut().try_for_each(|name| text::host("names", name))?;
        text::list("names", &mut typed.names, MAX_NAMES)?;
        text::line("organization", &mut typed.organization, MAX_ORGANIZATION_CHARS)?;
        match typed.names.first() {
            None => return Err(Refused::malformed("names", "a certificate is for one name at least")),
            Some(first) if first.len() > MAX_COMMON_NAME_CHARS => {
                let detail = format!("the first name has more than {MAX_COMMON_NAME_CHARS} characters");
                return Err(Refused::malformed("names", detail));
            }
            Some(_) => {}
        }
        let made = certificate::request(&typed.names, &typed.organization);
        let Requested { request, key } = made.map_err(|error| {
            log::error!(error:%; "a certification request could not be made");
            Refused::malformed("names", "no request can be made for these names")
        })?;
        let draft = Draft::new(name_of(who), AuditEvent::CertificateRequested, typed.names.join(" "));
        self.change(now, draft, move |tx| Ok(tx.put(&(), &Waiting { request, key })?))?;
        self.certificate(who, now)
    }

    /// Checked before anything is replaced, so that no upload takes the pages off the network.
    pub fn upload_certificate(
        &self,
        who: &Who,
        typed: &UploadedCertificate,
        now: Now,
    ) -> Result<CertificateState, Refused> {
        allow(who, &[AdminRole::Administrator], true)?;
        let waiting = self.store.tree::<Waiting>().get(&())?;
        let key = match (&typed.key, &waiting) {
            (Some(key), _) => key.clone(),
            (None, Some(waiting)) => waiting.key.clone(),
            (None, None) => {
                let detail = "the key is missing: the box has not asked for this certificate itself";
                return Err(Refused::malformed("key", detail));
            }
        };
        let name = self.host_name()?;
        let chain = Chain::check(&typed.chain, &key, &name, now.wall)?;
        let used = typed.key.is_none();
        let first = chain.certificates.first().cloned().unwrap_or_default();
        let fingerprint = acme::info(&first).map(|info| info.fingerprint).unwrap_or_default();
        let draft = Draft::new(name_of(who), AuditEvent::CertificateChanged, fingerprint);
        let by = name_of(who);
        self.change(now, draft, move |tx| {
            Pem::put(tx, chain)?;
            acme::switch_off(tx, &by, now)?;
            if used {
                tx.remove::<Waiting>(&())?;
            }
            Ok(())
        })?;
        self.tell();
        self.certificate(who, now)
    }

    /// The box makes its own again.
    pub fn remove_certificate(&self, who: &Who, now: Now) -> Result<CertificateState, Refused> {
        allow(who, &[AdminRole::Administrator], true)?;
        let by = name_of(who);
        self.change(now, Draft::new(name_of(who), AuditEvent::CertificateChanged, ""), move |tx| {
            Pem::remove(tx)?;
            acme::switch_off(tx, &by, now)?;
            Ok(tx.remove::<Waiting>(&())?)
        })?;
        self.tell();
        self.certificate(who, now)
    }

    /// The box's own in the chain that was uploaded or came from a directory.
    pub(super) fn first_certificate(&self) -> Result<Option<CertificateInfo>, Refused> {
        Ok(self.key_and_chain()?.and_then(|text| acme::info(&text)))
    }

    fn key_and_chain(&self) -> Result<Option<String>, Refused> {
        let mut text = String::new();
        for entry in self.store.tree::<Pem>().iter() {
            text += &entry?.value.pem;
        }
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// Key and chain for `web`; `None` while the box makes its own. What a directory gave waits for the end of the
    /// set-up: the browser that does it has accepted another certificate, and comes by an address.
    pub(super) fn served(&self) -> Result<Option<String>, Refused> {
        if self.setup_is_open()?
            && let Some(info) = self.first_certificate()?
            && self.is_from_directory(&info)?
        {
            return Ok(None);
        }
        self.key_and_chain()
    }
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Refused {
        let (code, field) = match &fault {
            Fault::NoCertificate | Fault::TooMany | Fault::Unreadable(_) => {
                (ManagerErrorCode::CertificateUnreadable, "chain")
            }
            Fault::NoKey | Fault::BadKey => (ManagerErrorCode::CertificateUnreadable, "key"),
            Fault::KeyMismatch => (ManagerErrorCode::CertificateKeyMismatch, "key"),
            Fault::Broken => (ManagerErrorCode::CertificateChain, "chain"),
            Fault::Expired => (ManagerErrorCode::CertificateExpired, "chain"),
            Fault::NotYetValid => (ManagerErrorCode::CertificateNotYetValid, "chain"),
            Fault::WrongName(_) => (ManagerErrorCode::CertificateWrongName, "chain"),
            Fault::WrongUse => (ManagerErrorCode::CertificateWrongUse, "chain"),
        };
        Refused::new(code, fault.to_string()).in_field(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dm1_every_stored_field_is_declared() {
        plenum_store::check_fields(&[Pem { pem: "x".into() }]).unwrap();
        plenum_store::check_fields(&[Waiting { request: "x".into(), key: "x".into() }]).unwrap();
    }
}
