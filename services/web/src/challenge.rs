//! The proof that a name leads to this box, for an ACME directory (RFC 8737): a certificate that the manager lays
//! down while it waits for one, shown to whoever offers the protocol `acme-tls/1` and none of the others.

use crate::certificates;
use rustls::server::ClientHello;
use rustls::sign::CertifiedKey;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// RFC 8737 section 6.2.
pub(crate) const PROTOCOL: &[u8] = b"acme-tls/1";
const FILE: &str = "acme-tls.pem";

#[derive(Debug)]
pub(crate) struct Challenge {
    /// Key and certificate; missing but for the moments in which a directory looks.
    file: PathBuf,
}

impl Challenge {
    pub(crate) fn in_dir(manager_dir: &Path) -> Challenge {
        Challenge { file: manager_dir.join(FILE) }
    }

    /// Read when somebody asks: that is a few times a year. For which name it is, it says itself.
    pub(crate) fn proof(&self) -> Option<Arc<CertifiedKey>> {
        certificates::read(&self.file, &self.file).ok().map(Arc::new)
    }
}

/// Whether the handshake will agree on [`PROTOCOL`]: the server prefers each of its others.
pub(crate) fn is_asked(hello: &ClientHello<'_>, others: &[&[u8]]) -> bool {
    let Some(offered) = hello.alpn() else { return false };
    let mut asked = false;
    for protocol in offered {
        asked |= protocol == PROTOCOL;
        if others.contains(&protocol) {
            return false;
        }
    }
    asked
}
