//! The certificate that visitors are shown, asked for as they do: over TLS. It is looked at, and nothing else
//! is believed of the other side.

use anyhow::{Context, Result};
use plenum_protocol::manager::CertificateInfo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use x509_parser::parse_x509_certificate;

const LIMIT: Duration = Duration::from_secs(3);

#[derive(Clone)]
pub struct Probe {
    address: SocketAddr,
    name: ServerName<'static>,
    connector: TlsConnector,
}

impl Probe {
    pub fn new(address: SocketAddr) -> Result<Probe> {
        Probe::with(address, ServerName::IpAddress(address.ip().into()), &[])
    }

    /// As an ACME directory looks at the proof for a name (RFC 8737).
    pub fn of_proof(address: SocketAddr, name: &str) -> Result<Probe> {
        Probe::with(address, ServerName::try_from(name.to_owned())?, &[b"acme-tls/1"])
    }

    fn with(address: SocketAddr, name: ServerName<'static>, protocols: &[&[u8]]) -> Result<Probe> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|it| it.to_vec()).collect();
        Ok(Probe { address, name, connector: TlsConnector::from(Arc::new(config)) })
    }

    pub async fn look(&self) -> Result<CertificateInfo> {
        super::info(&self.shown().await?).context("the certificate of the pages cannot be read")
    }

    pub async fn shown(&self) -> Result<CertificateDer<'static>> {
        let shown = tokio::time::timeout(LIMIT, async {
            let stream = TcpStream::connect(self.address).await?;
            let stream = self.connector.connect(self.name.clone(), stream).await?;
            let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
            Ok::<_, std::io::Error>(certificates.first().map(|first| first.clone().into_owned()))
        });
        let shown = shown.await.context("the pages do not answer")?.context("the pages")?;
        shown.context("the pages show no certificate")
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

    /// By its key alone: a proof for an ACME directory has an extension that is critical, and none knows.
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let bad = |_| Error::InvalidCertificate(CertificateError::BadEncoding);
        let (_, certificate) = parse_x509_certificate(certificate).map_err(bad)?;
        let key = SubjectPublicKeyInfoDer::from(certificate.public_key().raw);
        verify_tls13_signature_with_raw_key(message, &key, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
