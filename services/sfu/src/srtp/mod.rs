//! SRTP and SRTCP (RFC 3711) with the AEAD profiles of RFC 7714, in place and without allocation.
//! SRTP_AES128_CM_HMAC_SHA1_80 stands behind the same surface, for a client that shares nothing better.

mod aead;
mod counter_mode;
mod key_derivation;
mod sources;
mod window;

#[cfg(test)]
mod tests;

use aead::{AeadReceiver, AeadSender};
use counter_mode::{CounterModeReceiver, CounterModeSender};

/// SRTP protection profiles (RFC 5764 §4.1.2, RFC 7714 §14.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    AeadAes128Gcm,
    AeadAes256Gcm,
    Aes128CmSha1_80,
}

impl Profile {
    /// The name in the IANA registry.
    pub fn as_str(self) -> &'static str {
        match self {
            Profile::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Profile::AeadAes256Gcm => "AEAD_AES_256_GCM",
            Profile::Aes128CmSha1_80 => "AES128_CM_HMAC_SHA1_80",
        }
    }

    pub fn key_len(self) -> usize {
        match self {
            Profile::AeadAes128Gcm | Profile::Aes128CmSha1_80 => 16,
            Profile::AeadAes256Gcm => 32,
        }
    }

    pub fn salt_len(self) -> usize {
        match self {
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => 12,
            Profile::Aes128CmSha1_80 => 14,
        }
    }
}

/// The most that protection adds to a packet: the AEAD tag, and for SRTCP the index.
pub const MAX_OVERHEAD: usize = 20;

/// RTCP header and sender SSRC: authenticated, never encrypted.
const RTCP_HEADER_LEN: usize = 8;
/// The SRTCP index and, in its highest bit, the E flag (RFC 3711 §3.4).
const INDEX_LEN: usize = 4;
const ENCRYPTED: u32 = 1 << 31;

/// Why a packet was not protected or unprotected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Not an RTP or RTCP packet, or shorter than its own header says.
    Malformed,
    /// Its index was seen before (RFC 3711 §3.3.2).
    Replayed,
    /// Its index lies behind the replay window.
    Old,
    /// The authentication tag does not match.
    Forged,
    /// The output buffer is too small, or an index is used up.
    Exhausted,
}

/// Master keys and salts of one connection, by DTLS role (RFC 5764 §4.2).
pub struct MasterKeys {
    profile: Profile,
    pub(crate) client: Master,
    server: Master,
}

pub(crate) struct Master {
    pub(crate) key: Vec<u8>,
    salt: Vec<u8>,
}

impl MasterKeys {
    /// Splits the exported keying material: client key, server key, client salt, server salt.
    pub fn from_exported(profile: Profile, material: &[u8]) -> Option<MasterKeys> {
        let (key, salt) = (profile.key_len(), profile.salt_len());
        if material.len() < 2 * (key + salt) {
            return None;
        }
        let (client_key, rest) = material.split_at(key);
        let (server_key, rest) = rest.split_at(key);
        let (client_salt, rest) = rest.split_at(salt);
        let server_salt = &rest[..salt];
        let master = |key: &[u8], salt: &[u8]| Master { key: key.to_vec(), salt: salt.to_vec() };
        Some(MasterKeys {
            profile,
            client: master(client_key, client_salt),
            server: master(server_key, server_salt),
        })
    }

    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// What the DTLS server receives and sends with.
    pub fn server_side(&self) -> Option<(Receiver, Sender)> {
        Some((Receiver::new(self.profile, &self.client)?, Sender::new(self.profile, &self.server)?))
    }

    /// What the DTLS client receives and sends with.
    pub fn client_side(&self) -> Option<(Receiver, Sender)> {
        Some((Receiver::new(self.profile, &self.server)?, Sender::new(self.profile, &self.client)?))
    }
}

/// Unprotects what a peer sends.
pub struct Receiver(ReceiverKind);

enum ReceiverKind {
    Aead(Box<AeadReceiver>),
    CounterMode(Box<CounterModeReceiver>),
}

impl Receiver {
    fn new(profile: Profile, master: &Master) -> Option<Receiver> {
        Some(Receiver(match profile {
            Profile::Aes128CmSha1_80 => {
                ReceiverKind::CounterMode(Box::new(CounterModeReceiver::new(master)?))
            }
            aead => ReceiverKind::Aead(Box::new(AeadReceiver::new(aead, master)?)),
        }))
    }

    /// Unprotects an SRTP packet in place and returns the length of the RTP packet.
    pub fn rtp(&mut self, packet: &mut [u8]) -> Result<usize, Refusal> {
        match &mut self.0 {
            ReceiverKind::Aead(receiver) => receiver.rtp(packet),
            ReceiverKind::CounterMode(receiver) => receiver.rtp(packet),
        }
    }

    /// Unprotects an SRTCP packet in place and returns the length of the RTCP compound.
    pub fn rtcp(&mut self, packet: &mut [u8]) -> Result<usize, Refusal> {
        match &mut self.0 {
            ReceiverKind::Aead(receiver) => receiver.rtcp(packet),
            ReceiverKind::CounterMode(receiver) => receiver.rtcp(packet),
        }
    }
}

/// Protects what is sent to a peer.
pub struct Sender(SenderKind);

enum SenderKind {
    Aead(Box<AeadSender>),
    CounterMode(Box<CounterModeSender>),
}

impl Sender {
    fn new(profile: Profile, master: &Master) -> Option<Sender> {
        Some(Sender(match profile {
            Profile::Aes128CmSha1_80 => SenderKind::CounterMode(Box::new(CounterModeSender::new(master)?)),
            aead => SenderKind::Aead(Box::new(AeadSender::new(aead, master)?)),
        }))
    }

    /// Copies `header`, `prefix` and `payload` into `out`, protects them there, and returns the length.
    /// An index is used once only: with GCM a second packet under the same nonce would give the
    /// authentication key away (RFC 7714 §8.1).
    pub fn rtp(
        &mut self,
        header: &[u8],
        prefix: &[u8],
        payload: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Refusal> {
        match &mut self.0 {
            SenderKind::Aead(sender) => sender.rtp(header, prefix, payload, out),
            SenderKind::CounterMode(sender) => sender.rtp(header, prefix, payload, out),
        }
    }

    /// Copies an RTCP compound into `out`, protects it there, and returns the length.
    pub fn rtcp(&mut self, compound: &[u8], out: &mut [u8]) -> Result<usize, Refusal> {
        match &mut self.0 {
            SenderKind::Aead(sender) => sender.rtcp(compound, out),
            SenderKind::CounterMode(sender) => sender.rtcp(compound, out),
        }
    }
}

/// Length of the fixed header, CSRCs and header extension (RFC 3550 §5.1, §5.3.1).
pub(crate) fn rtp_header_len(packet: &[u8]) -> Option<usize> {
    let first = *packet.first()?;
    if packet.len() < 12 || first >> 6 != 2 {
        return None;
    }
    let mut len = 12 + 4 * usize::from(first & 0x0f);
    if first & 0x10 != 0 {
        let words = packet.get(len + 2..len + 4)?;
        len += 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
    }
    (len <= packet.len()).then_some(len)
}

fn word(packet: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([packet[at], packet[at + 1], packet[at + 2], packet[at + 3]])
}

fn sequence(packet: &[u8]) -> u16 {
    u16::from_be_bytes([packet[2], packet[3]])
}

/// Writes `parts` one after the other; `out` is exactly as long as they are.
fn join(parts: &[&[u8]], mut out: &mut [u8]) {
    for part in parts {
        let (head, rest) = out.split_at_mut(part.len());
        head.copy_from_slice(part);
        out = rest;
    }
}
