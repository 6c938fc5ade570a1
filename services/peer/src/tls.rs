//! TLS towards the server, trusting the certificates of one file.

use crate::options::Link;
use anyhow::Context;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

#[derive(Clone)]
pub struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Tls {
    pub fn new(ca: &Path, link: &Link) -> anyhow::Result<Tls> {
        let mut roots = RootCertStore::empty();
        let file = ca.display();
        let certificates =
            CertificateDer::pem_file_iter(ca).with_context(|| format!("{file} cannot be read"))?;
        for certificate in certificates {
            let certificate =
                certificate.with_context(|| format!("{file} is not a PEM file of certificates"))?;
            roots
                .add(certificate)
                .with_context(|| format!("{file} holds a certificate that cannot be trusted"))?;
        }
        anyhow::ensure!(!roots.is_empty(), "{file} holds no certificate");
        // Named, because the build holds two providers.
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name =
            ServerName::try_from(link.host.clone()).context("the link's host is not a name or an address")?;
        Ok(Tls { connector: TlsConnector::from(Arc::new(config)), name })
    }

    pub async fn connect(&self, host: &str, port: u16) -> anyhow::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect((host, port)).await.with_context(|| format!("{host} port {port}"))?;
        stream.set_nodelay(true)?;
        self.connector.connect(self.name.clone(), stream).await.context("the TLS handshake failed")
    }
}
