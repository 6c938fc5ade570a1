//! STUN messages (RFC 8489) whose attributes may be damaged before they are signed: so the damage gets
//! past the authentication.

use crate::mutate;
use aws_lc_rs::hmac;
use fastrand::Rng;

pub(crate) const USERNAME: u16 = 0x0006;
pub(crate) const MESSAGE_INTEGRITY: u16 = 0x0008;
pub(crate) const REALM: u16 = 0x0014;
pub(crate) const NONCE: u16 = 0x0015;
pub(crate) const FINGERPRINT: u16 = 0x8028;

pub(crate) const BINDING: u16 = 0x0001;

const HEADER_LEN: usize = 20;

#[derive(Clone)]
pub(crate) struct Draft {
    header: [u8; HEADER_LEN],
    pub(crate) attributes: Vec<u8>,
}

impl Draft {
    pub(crate) fn new(kind: u16, random: &mut Rng) -> Draft {
        let mut header = [0; HEADER_LEN];
        header[..2].copy_from_slice(&kind.to_be_bytes());
        header[4..8].copy_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
        random.fill(&mut header[8..]);
        Draft { header, attributes: Vec::new() }
    }

    pub(crate) fn transaction(&self) -> [u8; 12] {
        self.header[8..].try_into().expect("12 bytes")
    }

    pub(crate) fn put(mut self, kind: u16, value: &[u8]) -> Draft {
        self.attributes.extend_from_slice(&kind.to_be_bytes());
        self.attributes.extend_from_slice(&(value.len() as u16).to_be_bytes());
        self.attributes.extend_from_slice(value);
        self.attributes.resize(self.attributes.len().next_multiple_of(4), 0);
        self
    }

    /// Damage to the attributes: mostly to one, or to their order, so that what follows is still found.
    pub(crate) fn damage(&mut self, random: &mut Rng, other: &Draft) {
        let mut all = split(&self.attributes);
        if all.is_empty() || random.u8(..4) == 0 {
            return mutate::bytes(random, &mut self.attributes, &other.attributes);
        }
        let at = random.usize(..all.len());
        match random.u8(..9) {
            0 => all[at].0 ^= 1 << random.u8(..16),
            1 => all.insert(random.usize(..all.len()), all[at].clone()),
            2 => all.extend(std::iter::repeat_n(all[at].clone(), random.usize(1..60))),
            3 => all.extend(split(&other.attributes)),
            4 => all[at].1.resize(random.usize(..1_000), 0xa5),
            5 => drop(all.remove(at)),
            6 | 7 => mutate::in_place(random, &mut all[at].1),
            _ => mutate::bytes(random, &mut all[at].1, &other.attributes),
        }
        random.shuffle(&mut all);
        let draft = Draft { header: self.header, attributes: Vec::new() };
        *self = all.iter().fold(draft, |draft, (kind, value)| draft.put(*kind, value));
    }

    /// Appends MESSAGE-INTEGRITY (section 14.5).
    pub(crate) fn sign(self, key: &[u8]) -> Draft {
        let tag = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key),
            &self.with_length(HEADER_LEN + 4),
        );
        self.put(MESSAGE_INTEGRITY, tag.as_ref())
    }

    /// Appends FINGERPRINT (section 14.7).
    pub(crate) fn fingerprint(self) -> Draft {
        let crc = crc32(&self.with_length(8)) ^ 0x5354_554e;
        self.put(FINGERPRINT, &crc.to_be_bytes())
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.with_length(0)
    }

    /// With the length that the message has once `more` bytes follow.
    fn with_length(&self, more: usize) -> Vec<u8> {
        let mut bytes = [&self.header[..], &self.attributes].concat();
        bytes[2..4].copy_from_slice(&((self.attributes.len() + more) as u16).to_be_bytes());
        bytes
    }
}

/// Kinds and values of well-formed attributes.
fn split(mut rest: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let mut all = Vec::new();
    while let Some((&[k0, k1, l0, l1], after)) = rest.split_first_chunk::<4>() {
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let Some(value) = after.get(..length) else { break };
        all.push((u16::from_be_bytes([k0, k1]), value.to_vec()));
        rest = after.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    all
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}
