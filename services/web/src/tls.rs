//! TLS (EN1, EN2): version 1.3 with X25519MLKEM768 first; 1.2 only by setting, with ECDHE and AEAD, which
//! are all that rustls has.

use crate::certificates::Certificates;
use crate::challenge;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::version::{TLS12, TLS13};
use std::sync::Arc;

pub(crate) const HTTP_2: &[u8] = b"h2";
const HTTP_1: &[u8] = b"http/1.1";
/// RFC 7443: a client that says beforehand that it will speak STUN.
const STUN: &[u8] = b"stun.turn";
/// The first that the client offers too is agreed on.
pub(crate) const PROTOCOLS: [&[u8]; 3] = [HTTP_2, HTTP_1, STUN];

pub(crate) fn config(tls12: bool, certificates: Arc<Certificates>) -> Result<ServerConfig, rustls::Error> {
    let versions: &[_] = if tls12 { &[&TLS13, &TLS12] } else { &[&TLS13] };
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)?
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    let protocols = PROTOCOLS.into_iter().chain([challenge::PROTOCOL]);
    config.alpn_protocols = protocols.map(<[u8]>::to_vec).collect();
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    // RFC 7627: without it, TLS 1.2 sessions can be confused with each other.
    config.require_ems = true;
    Ok(config)
}
