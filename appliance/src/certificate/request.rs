//! Requests for a certificate (PKCS #10, RFC 2986), with a key that never leaves the box.

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};

/// PEM both.
pub struct Requested {
    pub request: String,
    pub key: String,
}

/// X.520 upper bound of a common name.
pub const MAX_COMMON_NAME_CHARS: usize = 64;

/// The first name is the common name too if it fits: some authorities still look for one.
pub fn request(names: &[String], organization: &str) -> Result<Requested, rcgen::Error> {
    let mut params = CertificateParams::new(names.to_vec())?;
    let mut subject = DistinguishedName::new();
    if let Some(first) = names.first().filter(|first| first.len() <= MAX_COMMON_NAME_CHARS) {
        subject.push(DnType::CommonName, first);
    }
    if !organization.is_empty() {
        subject.push(DnType::OrganizationName, organization);
    }
    params.distinguished_name = subject;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    Ok(Requested { request: params.serialize_request(&key)?.pem()?, key: key.serialize_pem() })
}
