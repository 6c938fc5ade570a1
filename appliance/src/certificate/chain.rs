//! Whether browsers that trust the last certificate of a chain would take its first from this box.

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// A root, two between, and one more for the cautious.
const MOST: usize = 6;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("there is no certificate in PEM")]
    NoCertificate,
    #[error("there are more than {MOST} certificates")]
    TooMany,
    #[error("the certificate cannot be used: {0}")]
    Unreadable(String),
    #[error("there is no key in PEM, or it is protected by a passphrase")]
    NoKey,
    #[error("the key cannot be used: ECDSA P-256 and P-384, Ed25519, and RSA from 2048 bits can")]
    BadKey,
    #[error("the key does not belong to the first certificate")]
    KeyMismatch,
    #[error(
        "the first certificate was not signed by those that follow it: each must have signed the one before"
    )]
    Broken,
    #[error("it has expired")]
    Expired,
    #[error("it is not valid yet")]
    NotYetValid,
    #[error("it is not for {0}")]
    WrongName(String),
    #[error("it is not for a server")]
    WrongUse,
}

/// Certificates and their key, as they are kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Chain {
    /// PEM, the box's own first.
    pub certificates: Vec<String>,
    /// PEM, PKCS #8.
    pub key: String,
}

impl Chain {
    /// `name` is what the box is called; empty: nobody has said it yet.
    pub fn check(chain: &str, key: &str, name: &str, now: SystemTime) -> Result<Chain, Fault> {
        let certificates = CertificateDer::pem_slice_iter(chain.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| Fault::NoCertificate)?;
        match certificates.len() {
            0 => return Err(Fault::NoCertificate),
            1..=MOST => {}
            _ => return Err(Fault::TooMany),
        }
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| Fault::NoKey)?;
        let signer = aws_lc_rs::default_provider().key_provider.load_private_key(key.clone_key());
        let certified = CertifiedKey::new(certificates.clone(), signer.map_err(|_| Fault::BadKey)?);
        match certified.keys_match() {
            Ok(()) => {}
            Err(rustls::Error::InconsistentKeys(_)) => return Err(Fault::KeyMismatch),
            Err(error) => return Err(Fault::Unreadable(error.to_string())),
        }
        follow(&certificates, name, now)?;
        let certificates = certificates.iter().map(|one| pem("CERTIFICATE", one)).collect();
        Ok(Chain { certificates, key: key_pem(&key) })
    }

    /// What `web` reads.
    pub fn pem(&self) -> String {
        format!("{}{}", self.key, self.certificates.concat())
    }
}

/// As a browser would verify it that trusts the last one.
fn follow(certificates: &[CertificateDer<'_>], name: &str, now: SystemTime) -> Result<(), Fault> {
    let (first, rest) = certificates.split_first().ok_or(Fault::NoCertificate)?;
    let info = super::info(first).ok_or_else(|| Fault::Unreadable("it is damaged".to_owned()))?;
    let now = UnixTime::since_unix_epoch(now.duration_since(UNIX_EPOCH).unwrap_or_default());
    let wanted = if name.is_empty() { info.names.first().cloned() } else { Some(name.to_owned()) };
    let wanted = wanted.ok_or_else(|| Fault::WrongName("any host".to_owned()))?;
    // A wildcard is not a name of a server: one that it stands for is.
    let server = ServerName::try_from(wanted.replacen('*', "wildcard", 1))
        .map_err(|_| Fault::WrongName(wanted.clone()))?;
    let Some((anchor, between)) = rest.split_last() else {
        return alone(&info, &server, &wanted, now);
    };
    let mut roots = RootCertStore::empty();
    roots.add(anchor.clone()).map_err(|_| Fault::Broken)?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| Fault::Unreadable(error.to_string()))?;
    match verifier.verify_server_cert(first, between, &server, &[], now) {
        Ok(_) => Ok(()),
        Err(rustls::Error::InvalidCertificate(error)) => Err(fault(error, wanted)),
        Err(error) => Err(Fault::Unreadable(error.to_string())),
    }
}

/// Of a certificate whose issuer is not there: browsers know it, or the institution has given it to them.
fn alone(
    info: &plenum_protocol::manager::CertificateInfo,
    server: &ServerName<'_>,
    wanted: &str,
    now: UnixTime,
) -> Result<(), Fault> {
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let is_for = |name: &String| {
        let wildcard = name.strip_prefix("*.").zip(wanted.split_once('.'));
        name.eq_ignore_ascii_case(&server.to_str())
            || wildcard.is_some_and(|(domain, (_, rest))| domain.eq_ignore_ascii_case(rest))
    };
    match () {
        () if info.not_after < now => Err(Fault::Expired),
        () if info.not_before > now => Err(Fault::NotYetValid),
        () if !info.names.iter().any(is_for) => Err(Fault::WrongName(wanted.to_owned())),
        () => Ok(()),
    }
}

fn fault(error: rustls::CertificateError, wanted: String) -> Fault {
    use rustls::CertificateError as E;
    match error {
        E::Expired | E::ExpiredContext { .. } => Fault::Expired,
        E::NotValidYet | E::NotValidYetContext { .. } => Fault::NotYetValid,
        E::NotValidForName | E::NotValidForNameContext { .. } => Fault::WrongName(wanted),
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => Fault::WrongUse,
        E::UnknownIssuer | E::BadSignature => Fault::Broken,
        other => Fault::Unreadable(other.to_string()),
    }
}

fn key_pem(key: &PrivateKeyDer<'_>) -> String {
    match key {
        PrivateKeyDer::Pkcs1(_) => pem("RSA PRIVATE KEY", key.secret_der()),
        PrivateKeyDer::Sec1(_) => pem("EC PRIVATE KEY", key.secret_der()),
        _ => pem("PRIVATE KEY", key.secret_der()),
    }
}

/// RFC 7468. Only what was recognised is kept, and not what stood around it.
fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        // Writing into a string cannot fail, and base64 is ASCII.
        let _ = writeln!(pem, "{}", String::from_utf8_lossy(line));
    }
    pem + &format!("-----END {label}-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
    use std::time::Duration;

    struct Authority {
        pem: String,
        issuer: Issuer<'static, KeyPair>,
    }

    fn authority(name: &str, by: Option<&Authority>) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = match by {
            Some(by) => params.signed_by(&key, &by.issuer).unwrap(),
            None => params.self_signed(&key).unwrap(),
        };
        Authority { pem: certificate.pem(), issuer: Issuer::new(params, key) }
    }

    fn server(
        names: &[&str],
        by: &Authority,
        change: impl FnOnce(&mut CertificateParams),
    ) -> (String, String) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2027, 1, 1);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &by.issuer).unwrap().pem(), key.serialize_pem())
    }

    /// 2026-07-01
    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_782_864_000)
    }

    fn check(chain: &str, key: &str, name: &str) -> Option<Fault> {
        Chain::check(chain, key, name, now()).err()
    }

    #[test]
    fn a_chain_that_browsers_take() {
        let root = authority("root", None);
        let between = authority("between", Some(&root));
        let (leaf, key) = server(&["box.example", "*.wild.example"], &between, |_| {});
        for chain in [
            format!("{leaf}{}", between.pem),
            format!("{leaf}{}{}", between.pem, root.pem),
            format!("junk before\n{leaf}junk between\n{}", between.pem),
            leaf.clone(),
        ] {
            assert_eq!(check(&chain, &key, "box.example"), None);
            assert_eq!(check(&chain, &key, "any.wild.example"), None);
            assert_eq!(check(&chain, &key, ""), None);
        }
        let kept = Chain::check(&format!("junk\n{leaf}"), &format!("junk\n{key}"), "", now()).unwrap();
        assert!(!kept.pem().contains("junk"));
        assert_eq!(check(&kept.pem(), &kept.pem(), "box.example"), None);
    }

    #[test]
    fn chains_that_browsers_refuse() {
        let root = authority("root", None);
        let between = authority("between", Some(&root));
        let stranger = authority("between", None);
        let (leaf, key) = server(&["box.example"], &between, |_| {});
        let (_, other_key) = server(&["box.example"], &between, |_| {});
        let whole = format!("{leaf}{}{}", between.pem, root.pem);
        let name = "box.example";
        assert_eq!(check("", &key, name), Some(Fault::NoCertificate));
        assert_eq!(check(&whole, "", name), Some(Fault::NoKey));
        assert_eq!(check(&whole, &other_key, name), Some(Fault::KeyMismatch));
        assert_eq!(check(&format!("{}{leaf}", between.pem), &key, name), Some(Fault::KeyMismatch));
        assert_eq!(check(&format!("{leaf}{}", root.pem), &key, name), Some(Fault::Broken));
        assert_eq!(check(&format!("{leaf}{}", stranger.pem), &key, name), Some(Fault::Broken));
        for chain in [&whole, &leaf] {
            assert_eq!(check(chain, &key, "other.example"), Some(Fault::WrongName("other.example".into())));
        }
        assert_eq!(check(&leaf.repeat(7), &key, name), Some(Fault::TooMany));
        let dates = |from: i32, to: i32| {
            let change = |params: &mut CertificateParams| {
                params.not_before = rcgen::date_time_ymd(from, 1, 1);
                params.not_after = rcgen::date_time_ymd(to, 1, 1);
            };
            server(&["box.example"], &between, change)
        };
        for (from, to, fault) in [(2024, 2025, Fault::Expired), (2027, 2028, Fault::NotYetValid)] {
            let (leaf, key) = dates(from, to);
            assert_eq!(check(&leaf, &key, name), Some(fault.clone()));
            assert_eq!(check(&format!("{leaf}{}", between.pem), &key, name), Some(fault));
        }
        let (client, key) = server(&["box.example"], &between, |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        });
        assert_eq!(check(&format!("{client}{}", between.pem), &key, name), Some(Fault::WrongUse));
    }
}
