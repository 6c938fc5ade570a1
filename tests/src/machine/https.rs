//! Requests to the machine's HTTPS port. The certificate is not checked: who listens on the forwarded port is
//! known, and the box's own authority is inside.

use anyhow::{Context, Result, bail};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// The body of a 2xx answer.
pub fn get(port: u16, path: &str) -> Result<String> {
    request(port, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
}

/// The body of a 2xx answer to a JSON body.
pub fn post(port: u16, path: &str, body: &str) -> Result<String> {
    request(port, &posted(port, path, body, "close"))
}

/// The same several times over one connection; the bodies of the answers that are 2xx.
pub fn post_all(port: u16, path: &str, bodies: &[String]) -> Result<Vec<String>> {
    let mut text = String::new();
    for (number, body) in bodies.iter().enumerate() {
        let connection = if number + 1 == bodies.len() { "close" } else { "keep-alive" };
        text += &posted(port, path, body, connection);
    }
    let answers = exchange(port, &text)?;
    let answers = answers.split("HTTP/1.1 ").skip(1);
    let good = answers.filter(|answer| answer.starts_with('2'));
    Ok(good.filter_map(|answer| Some(answer.split_once("\r\n\r\n")?.1.to_owned())).collect())
}

fn posted(port: u16, path: &str, body: &str, connection: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: https://localhost:{port}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: {connection}\r\n\r\n{body}",
        body.len()
    )
}

fn request(port: u16, text: &str) -> Result<String> {
    let answer = exchange(port, text)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer is cut off")?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    if !status.starts_with('2') {
        bail!("refused ({status}): {body}");
    }
    Ok(body.to_owned())
}

/// All that comes back until the connection is closed.
fn exchange(port: u16, text: &str) -> Result<String> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let name = ServerName::try_from("localhost").expect("it is a name");
    let mut stream = StreamOwned::new(ClientConnection::new(configuration()?, name)?, stream);
    stream.write_all(text.as_bytes())?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        // A server may close without a goodbye.
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => return Err(error.into()),
        _ => {}
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn configuration() -> Result<Arc<ClientConfig>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let configuration = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone))
        .with_no_client_auth();
    Ok(Arc::new(configuration))
}

#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
