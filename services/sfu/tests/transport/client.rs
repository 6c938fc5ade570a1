//! A browser's part: offers, checks, shakes hands, seals and opens.

use aws_lc_rs::{digest, hmac};
use dimpl::{Config, DtlsCertificate, Output};
use plenum_protocol::media::LineUse;
use plenum_sfu::srtp::{MAX_OVERHEAD, MasterKeys, Profile, Receiver, Refusal, Sender};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// As Chromium made it: microphone, camera, screen, its sound, 2 + 2 slots.
const OFFER: &str = include_str!("../offers/chromium.sdp");

/// Payload type and extension ids of that offer.
pub(crate) const OPUS: u8 = 111;
const LEVEL_ID: u8 = 1;
const MID_ID: u8 = 4;

pub(crate) struct Client {
    dtls: dimpl::Dtls,
    fingerprint: String,
    ufrag: String,
    /// The server's credentials.
    pub(crate) remote: (String, String),
    receiver: Option<Receiver>,
    sender: Option<Sender>,
    /// Opened packets.
    pub(crate) rtp: Vec<Vec<u8>>,
    pub(crate) rtcp: Vec<Vec<u8>>,
    /// Types of the STUN responses, and the last one.
    pub(crate) responses: Vec<u16>,
    pub(crate) last_response: Vec<u8>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) closed: bool,
    started: bool,
    ssrc: u32,
    sequence: u16,
    transaction: u64,
}

impl Client {
    pub(crate) fn new(now: Instant, number: u32) -> Client {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
        let certificate = rcgen::CertificateParams::default().self_signed(&key).expect("a certificate");
        let certificate = certificate.der().to_vec();
        let digest = digest::digest(&digest::SHA256, &certificate);
        let fingerprint: Vec<String> = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
        let config = Config::builder().flight_start_rto(Duration::from_millis(50)).flight_retries(20).build();
        let certificate = DtlsCertificate { certificate, private_key: key.serialize_der() };
        let mut dtls = dimpl::Dtls::new_12(Arc::new(config.expect("valid")), certificate, now);
        dtls.set_active(true);
        Client {
            dtls,
            fingerprint: fingerprint.join(":"),
            ufrag: format!("user{number:04}"),
            remote: Default::default(),
            receiver: None,
            sender: None,
            rtp: Vec::new(),
            rtcp: Vec::new(),
            responses: Vec::new(),
            last_response: Vec::new(),
            deadline: None,
            closed: false,
            started: false,
            ssrc: 1_000_000 + number,
            sequence: 0,
            transaction: 0,
        }
    }

    pub(crate) fn offer(&self) -> (String, Vec<(String, LineUse)>) {
        let mut lines: Vec<String> = Vec::new();
        for line in OFFER.lines() {
            lines.push(match line.split_once(':') {
                Some(("a=ice-ufrag", _)) => format!("a=ice-ufrag:{}", self.ufrag),
                Some(("a=fingerprint", _)) => format!("a=fingerprint:sha-256 {}", self.fingerprint),
                // The microphone's SSRC, and that of the screen's sound.
                Some(("a=ssrc", rest)) if rest.starts_with("2418545394") => {
                    format!("a=ssrc:{} cname:x", self.ssrc)
                }
                _ => line.to_owned(),
            });
        }
        let senders =
            [LineUse::Microphone, LineUse::Camera, LineUse::Screen, LineUse::ScreenAudio].into_iter();
        let uses = senders.chain([LineUse::Slot; 4]).enumerate();
        let uses = uses.map(|(mid, line_use)| (mid.to_string(), line_use)).collect();
        (lines.join("\r\n") + "\r\n", uses)
    }

    /// New credentials for the next offer (RFC 8445 §9).
    pub(crate) fn restart(&mut self) {
        self.ufrag += "x";
    }

    pub(crate) fn answer(&mut self, answer: &str) {
        let value = |key: &str| {
            let line = answer.lines().find_map(|line| line.strip_prefix(key)).expect("in every answer");
            line.to_owned()
        };
        self.remote = (value("a=ice-ufrag:"), value("a=ice-pwd:"));
    }

    /// Theirs and ours, as a check says it (RFC 8445 §7.2.2).
    pub(crate) fn user_name(&self) -> String {
        format!("{}:{}", self.remote.0, self.ufrag)
    }

    /// A connectivity check, with any attributes before the integrity.
    pub(crate) fn check(&mut self, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        self.transaction += 1;
        let mut message = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 9, 9, 9, 9];
        message.extend_from_slice(&self.transaction.to_be_bytes());
        put(&mut message, 0x0006, self.user_name().as_bytes());
        put(&mut message, 0x0024, &[0x6e, 0, 0x1e, 0xff]);
        attributes.iter().for_each(|(kind, value)| put(&mut message, *kind, value));
        set_len(&mut message, 24);
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.remote.1.as_bytes());
        let tag = hmac::sign(&key, &message);
        put(&mut message, 0x0008, tag.as_ref());
        fingerprinted(message)
    }

    /// The check of a browser that nominates.
    pub(crate) fn nomination(&mut self) -> Vec<u8> {
        self.check(&[(0x802a, &[1; 8]), (0x0025, &[])])
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.sender.is_some()
    }

    /// Starts the DTLS handshake, or repeats what got lost.
    pub(crate) fn poll(&mut self, now: Instant, send: &mut impl FnMut(&[u8])) {
        if self.started && self.deadline.is_none_or(|at| at > now) {
            return;
        }
        self.started = true;
        if self.dtls.handle_timeout(now).is_ok() {
            self.drain(send);
        }
    }

    pub(crate) fn handle(&mut self, now: Instant, datagram: &[u8], send: &mut impl FnMut(&[u8])) {
        match datagram.first() {
            Some(0..=3) => {
                self.responses.push(u16::from_be_bytes([datagram[0], datagram[1]]));
                self.last_response = datagram.to_vec();
            }
            Some(20..=63) => {
                self.dtls.handle_timeout(now).expect("the client goes on");
                if self.dtls.handle_packet(datagram).is_ok() {
                    self.drain(send);
                }
            }
            Some(128..=191) => {
                let Some(receiver) = &mut self.receiver else { return };
                let mut packet = datagram.to_vec();
                let rtcp = (192..=223).contains(&packet[1]);
                let opened = if rtcp { receiver.rtcp(&mut packet) } else { receiver.rtp(&mut packet) };
                packet.truncate(opened.expect("the server's packets are authentic"));
                if rtcp { self.rtcp.push(packet) } else { self.rtp.push(packet) }
            }
            _ => panic!("the server sent {datagram:02x?}"),
        }
    }

    fn drain(&mut self, send: &mut impl FnMut(&[u8])) {
        let mut buffer = [0; 2_048];
        loop {
            match self.dtls.poll_output(&mut buffer) {
                Output::Packet(packet) => send(packet),
                Output::Timeout(at) => {
                    self.deadline = Some(at);
                    return;
                }
                Output::KeyingMaterial(material, _) => {
                    let keys = MasterKeys::from_exported(Profile::AeadAes256Gcm, &material);
                    let (receiver, sender) = keys.and_then(|keys| keys.client_side()).expect("valid keys");
                    (self.receiver, self.sender) = (Some(receiver), Some(sender));
                }
                Output::CloseNotify => self.closed = true,
                _ => {}
            }
        }
    }

    pub(crate) fn close(&mut self, send: &mut impl FnMut(&[u8])) {
        self.dtls.close().expect("open until now");
        self.drain(send);
    }

    /// The next 20 ms of speech at `level` −dBov.
    pub(crate) fn speech(&mut self, level: u8, payload: &[u8]) -> Vec<u8> {
        self.sequence += 1;
        let mut header = vec![0x90, OPUS];
        header.extend_from_slice(&self.sequence.to_be_bytes());
        header.extend_from_slice(&(u32::from(self.sequence) * 960).to_be_bytes());
        header.extend_from_slice(&self.ssrc.to_be_bytes());
        header.extend_from_slice(&[0xbe, 0xde, 0, 1, LEVEL_ID << 4, 0x80 | level, MID_ID << 4, b'0']);
        self.seal(&header, payload).expect("a fresh sequence number")
    }

    /// Any RTP packet, protected; a header that is none, or whose number was used before, cannot be.
    pub(crate) fn seal(&mut self, header: &[u8], payload: &[u8]) -> Result<Vec<u8>, Refusal> {
        let mut out = vec![0; header.len() + payload.len() + MAX_OVERHEAD];
        let len = self.sender.as_mut().expect("connected").rtp(header, &[], payload, &mut out)?;
        out.truncate(len);
        Ok(out)
    }

    /// A receiver report without blocks.
    pub(crate) fn report(&mut self) -> Vec<u8> {
        let mut compound = vec![0x80, 201, 0, 1];
        compound.extend_from_slice(&self.ssrc.to_be_bytes());
        self.seal_reports(&compound).expect("a header and an SSRC")
    }

    /// Any RTCP compound, protected; one that is shorter than its first header cannot be.
    pub(crate) fn seal_reports(&mut self, compound: &[u8]) -> Result<Vec<u8>, Refusal> {
        let mut out = vec![0; compound.len() + MAX_OVERHEAD];
        let len = self.sender.as_mut().expect("connected").rtcp(compound, &mut out)?;
        out.truncate(len);
        Ok(out)
    }
}

fn put(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    message.extend_from_slice(&kind.to_be_bytes());
    message.extend_from_slice(&(value.len() as u16).to_be_bytes());
    message.extend_from_slice(value);
    message.resize(message.len().next_multiple_of(4), 0);
}

/// The length that the message has with `more` bytes.
fn set_len(message: &mut [u8], more: usize) {
    let len = (message.len() + more - 20) as u16;
    message[2..4].copy_from_slice(&len.to_be_bytes());
}

/// Appends FINGERPRINT (RFC 8489 §14.7), as somebody can who damages a message.
pub(crate) fn fingerprinted(mut message: Vec<u8>) -> Vec<u8> {
    set_len(&mut message, 8);
    let mut crc = u32::MAX;
    for byte in &message {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
        }
    }
    put(&mut message, 0x8028, &(!crc ^ 0x5354_554e).to_be_bytes());
    message
}
