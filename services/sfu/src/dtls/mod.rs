//! The DTLS server of one connection (RFC 5764, RFC 8842): proves that the client holds the certificate it
//! named in its offer, and gives the SRTP keys.

mod hello;
#[cfg(test)]
mod tests;

use crate::sdp::{Fingerprint, FingerprintHash};
use crate::srtp::{MasterKeys, Profile};
use aws_lc_rs::digest;
use dimpl::{Config, DtlsCertificate, Output, SrtpProfile};
use hello::{Assembler, Taken};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Large enough for every record that dimpl makes under [`MTU`].
const RECORD_LEN: usize = 2_048;
const MTU: usize = 1_150;
/// As browsers do, not the second of RFC 6347 §4.2.4.1: a conference starts at once or feels broken.
const FIRST_RETRANSMISSION: Duration = Duration::from_millis(100);
const RETRANSMISSIONS: usize = 12;
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);
/// Of the last flight: at first, at the longest, and altogether.
const FIRST_REPETITION: Duration = Duration::from_millis(60);
const LAST_REPETITION: Duration = Duration::from_millis(400);
const REPETITIONS_END: Duration = Duration::from_secs(10);

/// The certificate that all connections of one run of the daemon share.
#[derive(Clone)]
pub struct Identity {
    certificate: DtlsCertificate,
    fingerprint: [u8; 32],
    config: Arc<Config>,
}

impl Identity {
    /// Makes a fresh one: ECDSA on P-256, self-signed, known by its fingerprint only.
    pub fn generate() -> anyhow::Result<Identity> {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let mut parameters = rcgen::CertificateParams::default();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "Plenum");
        // Firefox refuses two certificates of one name and serial number.
        let mut serial = [0; 16];
        aws_lc_rs::rand::fill(&mut serial)?;
        parameters.serial_number = Some(serial.to_vec().into());
        let certificate = parameters.self_signed(&key)?.der().to_vec();
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest::digest(&digest::SHA256, &certificate).as_ref());
        let config = Config::builder()
            .mtu(MTU)
            // ICE has proved the client's address (RFC 8842 §5.1); a cookie would cost a round trip.
            .use_server_cookie(false)
            .flight_start_rto(FIRST_RETRANSMISSION)
            .flight_retries(RETRANSMISSIONS)
            .handshake_timeout(HANDSHAKE_TIMEOUT)
            .build()?;
        let certificate = DtlsCertificate { certificate, private_key: key.serialize_der() };
        Ok(Identity { certificate, fingerprint, config: Arc::new(config) })
    }

    /// SHA-256 of the certificate.
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }
}

/// Where a connection stands after an input.
pub enum Progress {
    Pending,
    /// The handshake is complete, and the client is the one that made the offer.
    Connected(MasterKeys),
    /// The client said good-bye.
    Closed,
    /// Nothing more can become of it.
    Failed(String),
}

pub struct Dtls {
    identity: Identity,
    hellos: Assembler,
    /// From the first whole ClientHello on.
    inner: Option<dimpl::Dtls>,
    fingerprints: Vec<Fingerprint>,
    verified: bool,
    keys: Option<MasterKeys>,
    deadline: Option<Instant>,
    /// What was sent last during the handshake.
    flight: Vec<Vec<u8>>,
    unconfirmed: Option<Unconfirmed>,
    is_complete: bool,
}

/// The last flight of the handshake, until the client is known to have it. RFC 6347 §4.2.4 leaves its
/// repetition to the client's timers, which double: under loss, clients were left waiting for half a minute.
struct Unconfirmed {
    again: Instant,
    interval: Duration,
    until: Instant,
}

impl Dtls {
    pub fn new(identity: &Identity, fingerprints: Vec<Fingerprint>) -> Dtls {
        Dtls {
            identity: identity.clone(),
            hellos: Assembler::default(),
            inner: None,
            fingerprints,
            verified: false,
            keys: None,
            deadline: None,
            flight: Vec::new(),
            unconfirmed: None,
            is_complete: false,
        }
    }

    /// When [`Dtls::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        let again = self.unconfirmed.as_ref().map(|unconfirmed| unconfirmed.again);
        self.deadline.into_iter().chain(again).min()
    }

    /// The client uses the keys: it has the whole handshake.
    pub fn confirm(&mut self) {
        self.unconfirmed = None;
        self.flight = Vec::new();
        self.hellos = Assembler::default();
    }

    pub fn handle(&mut self, now: Instant, datagram: &[u8], send: &mut impl FnMut(&[u8])) -> Progress {
        match self.hellos.take(datagram) {
            Taken::Other => self.input(now, datagram, send),
            Taken::Incomplete => Progress::Pending,
            Taken::Whole(hello) => {
                self.start(now);
                self.input(now, &hello, send)
            }
        }
    }

    fn start(&mut self, now: Instant) {
        let Identity { certificate, config, .. } = &self.identity;
        let wants_13 = hello::wants_13(self.hellos.body());
        let new = if wants_13 { dimpl::Dtls::new_13 } else { dimpl::Dtls::new_12 };
        self.inner.get_or_insert_with(|| new(config.clone(), certificate.clone(), now));
    }

    fn input(&mut self, now: Instant, datagram: &[u8], send: &mut impl FnMut(&[u8])) -> Progress {
        // What comes before the first hello, or overtakes it, will be repeated.
        let Some(inner) = &mut self.inner else { return Progress::Pending };
        if let Err(error) = inner.handle_timeout(now).and_then(|()| inner.handle_packet(datagram)) {
            return Progress::Failed(error.to_string());
        }
        self.drain(now, send)
    }

    pub fn handle_timeout(&mut self, now: Instant, send: &mut impl FnMut(&[u8])) -> Progress {
        self.repeat(now, send);
        match self.inner.as_mut().map(|inner| inner.handle_timeout(now)) {
            Some(Ok(())) => self.drain(now, send),
            Some(Err(error)) => Progress::Failed(error.to_string()),
            None => Progress::Pending,
        }
    }

    /// Says good-bye, if there is somebody to say it to.
    pub fn close(&mut self, now: Instant, send: &mut impl FnMut(&[u8])) {
        if self.inner.as_mut().is_some_and(|inner| inner.close().is_ok()) {
            self.drain(now, send);
        }
    }

    fn drain(&mut self, now: Instant, send: &mut impl FnMut(&[u8])) -> Progress {
        let Some(inner) = &mut self.inner else { return Progress::Pending };
        let mut record = [0; RECORD_LEN];
        let mut progress = Progress::Pending;
        let mut completed = false;
        let mut sent = Vec::new();
        let handshaking = !self.is_complete;
        loop {
            match inner.poll_output(&mut record) {
                Output::Packet(packet) => {
                    send(packet);
                    if handshaking {
                        sent.push(packet.to_vec());
                    }
                }
                Output::Timeout(at) => {
                    // dimpl's way to say "never" is a time years from now.
                    self.deadline = (at < now + 2 * HANDSHAKE_TIMEOUT).then_some(at);
                    if !sent.is_empty() {
                        self.flight = sent;
                    }
                    return if completed { self.completed(now) } else { progress };
                }
                Output::PeerCert(certificate) => {
                    self.verified = self.fingerprints.iter().any(|named| named.matches(certificate));
                    if !self.verified {
                        return Progress::Failed("the certificate is not the one of the offer".to_owned());
                    }
                }
                Output::KeyingMaterial(material, profile) => {
                    self.keys = srtp_profile(profile)
                        .and_then(|profile| MasterKeys::from_exported(profile, &material));
                }
                Output::Connected => completed = true,
                Output::CloseNotify => progress = Progress::Closed,
                Output::BufferTooSmall { .. } => {
                    return Progress::Failed("a DTLS record is larger than the path allows".to_owned());
                }
                // There are no data channels.
                Output::ApplicationData(_) => {}
                _ => {}
            }
        }
    }

    fn repeat(&mut self, now: Instant, send: &mut impl FnMut(&[u8])) {
        let Some(unconfirmed) = self.unconfirmed.as_mut().filter(|unconfirmed| unconfirmed.again <= now)
        else {
            return;
        };
        self.flight.iter().for_each(|datagram| send(datagram));
        unconfirmed.again = now + unconfirmed.interval;
        unconfirmed.interval = (unconfirmed.interval * 2).min(LAST_REPETITION);
        if unconfirmed.again > unconfirmed.until {
            self.confirm();
        }
    }

    fn completed(&mut self, now: Instant) -> Progress {
        self.is_complete = true;
        self.unconfirmed = Some(Unconfirmed {
            again: now + FIRST_REPETITION,
            interval: 2 * FIRST_REPETITION,
            until: now + REPETITIONS_END,
        });
        match self.keys.take() {
            Some(keys) if self.verified => Progress::Connected(keys),
            Some(_) => Progress::Failed("the client showed no certificate".to_owned()),
            None => Progress::Failed("the client shares no SRTP protection profile".to_owned()),
        }
    }
}

fn srtp_profile(profile: SrtpProfile) -> Option<Profile> {
    match profile {
        SrtpProfile::AEAD_AES_128_GCM => Some(Profile::AeadAes128Gcm),
        SrtpProfile::AEAD_AES_256_GCM => Some(Profile::AeadAes256Gcm),
        SrtpProfile::AES128_CM_SHA1_80 => Some(Profile::Aes128CmSha1_80),
        _ => None,
    }
}

impl Fingerprint {
    fn matches(&self, certificate: &[u8]) -> bool {
        let algorithm = match self.hash {
            FingerprintHash::Sha256 => &digest::SHA256,
            FingerprintHash::Sha384 => &digest::SHA384,
            FingerprintHash::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, certificate).as_ref() == self.digest
    }
}
