//! Whom the box believes that a server is what its name says.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;

const PUBLIC: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The public authorities, and those of `more` in PEM. What cannot be an authority is left out.
pub fn authorities(more: &str) -> Vec<CertificateDer<'static>> {
    let mut found = read(Path::new(PUBLIC));
    found.extend(CertificateDer::pem_slice_iter(more.as_bytes()).filter_map(Result::ok));
    // A store of its own says which it takes.
    found.retain(|one| RootCertStore::empty().add(one.clone()).is_ok());
    found
}

/// For clients that believe these.
pub fn trusting(authorities: Vec<CertificateDer<'static>>) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authorities);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}

/// Of a PEM file.
pub fn read(path: &Path) -> Vec<CertificateDer<'static>> {
    match CertificateDer::pem_file_iter(path) {
        Ok(certificates) => certificates.filter_map(Result::ok).collect(),
        Err(_) => {
            log::warn!("{} cannot be read: its authorities are not trusted", path.display());
            Vec::new()
        }
    }
}
