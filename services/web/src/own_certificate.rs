//! The certificate for boxes that were given none: an authority of the box's own, and a server certificate
//! signed by it.
//!
//! Two certificates and not one, because Firefox refuses a server certificate that is its own authority
//! (MOZILLA_PKIX_ERROR_CA_CERT_USED_AS_END_ENTITY). Whoever imports the authority trusts it for the box's
//! own names only (name constraints, RFC 5280 section 4.2.1.10), and need not import anything again when
//! the server certificate is renewed.

use crate::{certificates, validity};
use anyhow::{Context, Result};
use plenum_daemon::durable;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P256_SHA256,
};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(86_400);
/// Browsers refuse server certificates that are valid for more than 398 days.
const VALID: Duration = DAY.saturating_mul(397);
const AUTHORITY_VALID: Duration = DAY.saturating_mul(3_650);
/// Renewed when less than this is left.
const RENEW: Duration = DAY.saturating_mul(30);
/// Clocks of clients may be behind.
const SKEW: Duration = DAY;

/// Files of the certificate in `state_dir`.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    /// What users may import as a trust anchor.
    pub(crate) authority: PathBuf,
    authority_key: PathBuf,
    /// The server's chain.
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Files {
    pub(crate) fn in_dir(state_dir: &Path) -> Self {
        Files {
            authority: state_dir.join("ca.pem"),
            authority_key: state_dir.join("ca.key"),
            certificate: state_dir.join("certificate.pem"),
            key: state_dir.join("key.pem"),
        }
    }
}

/// Makes what is missing, expiring, or for other names. Gives whether the server certificate is new.
pub(crate) fn ensure(files: &Files, names: &[String], now: SystemTime) -> Result<bool> {
    if is_good(files, names, now + RENEW) {
        return Ok(false);
    }
    if let Some(folder) = files.authority.parent() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    let issuer = match existing_authority(files, names, now + VALID) {
        Some(issuer) => issuer,
        None => new_authority(files, names, now)?,
    };
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let certificate = server_params(names, now)?.signed_by(&key, &issuer)?;
    let authority = fs::read_to_string(&files.authority)?;
    write(&files.key, &key.serialize_pem(), 0o600)?;
    write(&files.certificate, &format!("{}{authority}", certificate.pem()), 0o644)?;
    log::info!(file:% = files.certificate.display(); "made a certificate of this box's own");
    Ok(true)
}

/// Whether a client that trusts the authority would accept the server certificate for every name at `then`.
fn is_good(files: &Files, names: &[String], then: SystemTime) -> bool {
    // A power cut may have left the key of one attempt beside the certificate of another.
    certificates::load(&files.certificate, &files.key).is_ok()
        && fs::read(&files.certificate).is_ok_and(|chain| accepted(files, &chain, names, then).is_some())
}

fn accepted(files: &Files, chain: &[u8], names: &[String], then: SystemTime) -> Option<()> {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(&fs::read(&files.authority).ok()?).ok()?;
    // Verifiers differ in whether they look at the end of a trust anchor: rustls does not, browsers do.
    validity::not_after(&authority).filter(|end| *end > then)?;
    roots.add(authority).ok()?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().ok()?;
    let certificate = CertificateDer::from_pem_slice(chain).ok()?;
    let then = UnixTime::since_unix_epoch(since_epoch(then));
    for name in names {
        // A wildcard is not a name of a server: one that it stands for is.
        let name = ServerName::try_from(name.replacen('*', "wildcard", 1)).ok()?;
        verifier.verify_server_cert(&certificate, &[], &name, &[], then).ok()?;
    }
    Some(())
}

/// The authority that is there, if it is for these names and valid long enough: a trial signature tells.
fn existing_authority(
    files: &Files,
    names: &[String],
    until: SystemTime,
) -> Option<Issuer<'static, KeyPair>> {
    let key = KeyPair::from_pem(&fs::read_to_string(&files.authority_key).ok()?).ok()?;
    let issuer = Issuer::new(authority_params(names, until - AUTHORITY_VALID).ok()?, key);
    let trial = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).ok()?;
    let trial = server_params(names, until - DAY).ok()?.signed_by(&trial, &issuer).ok()?;
    accepted(files, trial.pem().as_bytes(), names, until)?;
    Some(issuer)
}

fn new_authority(files: &Files, names: &[String], now: SystemTime) -> Result<Issuer<'static, KeyPair>> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let params = authority_params(names, now)?;
    let authority = params.self_signed(&key)?;
    write(&files.authority_key, &key.serialize_pem(), 0o600)?;
    write(&files.authority, &authority.pem(), 0o644)?;
    log::info!(file:% = files.authority.display(); "made an authority; browsers that import it trust this box");
    Ok(Issuer::new(params, key))
}

fn authority_params(names: &[String], now: SystemTime) -> Result<CertificateParams> {
    let mut params = CertificateParams::default();
    let first = names.first().context("the certificate needs a name")?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Plenum");
    params.distinguished_name.push(DnType::CommonName, format!("Plenum authority of {first}"));
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + since_epoch(now - SKEW);
    params.not_after = epoch + since_epoch(now + AUTHORITY_VALID);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.name_constraints =
        Some(NameConstraints { permitted_subtrees: permitted(names), excluded_subtrees: Vec::new() });
    Ok(params)
}

/// A kind of name without a permitted subtree would be permitted altogether: there is always one of each.
fn permitted(names: &[String]) -> Vec<GeneralSubtree> {
    // RFC 6761 section 6.4: nobody has a name under .invalid. 0.0.0.0 is nobody's address.
    let mut subtrees = vec![
        GeneralSubtree::DnsName("invalid".to_owned()),
        GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([0; 4], 32)),
    ];
    subtrees.extend(names.iter().map(|name| match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => GeneralSubtree::IpAddress(CidrSubnet::V4(address.octets(), [0xff; 4])),
        Ok(IpAddr::V6(address)) => GeneralSubtree::IpAddress(CidrSubnet::V6(address.octets(), [0xff; 16])),
        Err(_) => GeneralSubtree::DnsName(name.trim_start_matches("*.").to_owned()),
    }));
    subtrees
}

fn server_params(names: &[String], now: SystemTime) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Plenum");
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + since_epoch(now - SKEW);
    params.not_after = epoch + since_epoch(now - SKEW + VALID);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    durable::replace(path, text.as_bytes(), mode)
        .with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests;
