//! The certificate that visitors are shown, asked for as they do: over TLS. It is looked at, and nothing else
//! is believed of the other side.

use anyhow::{Context, Result};
use plenum_protocol::manager::CertificateInfo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const LIMIT: Duration = Duration::from_secs(3);

#[derive(Clone)]
pub struct Probe {
    address: SocketAddr,
    connector: TlsConnector,
}

impl Probe {
    pub fn new(address: SocketAddr) -> Result<Probe> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
            .with_no_client_auth();
        Ok(Probe { address, connector: TlsConnector::from(Arc::new(config)) })
    }

    pub async fn look(&self) -> Result<CertificateInfo> {
        let shown = tokio::time::timeout(LIMIT, async {
            let stream = TcpStream::connect(self.address).await?;
            let name = ServerName::IpAddress(self.address.ip().into());
            let stream = self.connector.connect(name, stream).await?;
            let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
            Ok::<_, std::io::Error>(certificates.first().map(|first| first.clone().into_owned()))
        });
        let shown = shown.await.context("the pages do not answer")?.context("the pages")?;
        let shown = shown.context("the pages show no certificate")?;
        super::info(&shown).context("the certificate of the pages cannot be read")
    }
}

/// Takes every certificate, because it is only looked at.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
