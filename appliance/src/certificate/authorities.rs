//! Whom the box believes that a server is what its name says.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::Path;

const PUBLIC: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The public authorities, and those of `more` in PEM. What cannot be an authority is left out.
pub fn authorities(more: &str) -> Vec<CertificateDer<'static>> {
    let mut found = read(Path::new(PUBLIC));
    found.extend(CertificateDer::pem_slice_iter(more.as_bytes()).filter_map(Result::ok));
    // A store of its own says which it takes.
    found.retain(|one| RootCertStore::empty().add(one.clone()).is_ok());
    found
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
