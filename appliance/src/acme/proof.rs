//! The certificate that proves to the directory whose name this is (RFC 8737 section 3).

use anyhow::Result;
use rcgen::{CertificateParams, CustomExtension, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::CertificateDer;

pub(super) struct Proof {
    pub(super) name: String,
    /// Key and certificate, for the pages.
    pub(super) pem: String,
    pub(super) certificate: CertificateDer<'static>,
}

/// `digest`: SHA-256 of the key authorization.
pub(super) fn proof(name: &str, digest: &[u8]) -> Result<Proof> {
    let mut params = CertificateParams::new([name.to_owned()])?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let certificate = params.self_signed(&key)?;
    let pem = key.serialize_pem() + &certificate.pem();
    Ok(Proof { name: name.to_owned(), pem, certificate: certificate.into() })
}
