//! SRTP_AES128_CM_HMAC_SHA1_80 (RFC 3711), for a client that shares no AEAD profile (EN4).

use super::key_derivation::{Label, derive};
use super::sources::{Sources, next_rtcp_index, take_index};
use super::window::Window;
use super::{ENCRYPTED, INDEX_LEN, Master, RTCP_HEADER_LEN, Refusal, rtp_header_len, sequence, word};
use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use rustc_hash::FxHashMap;

const TAG_LEN: usize = 10;

struct Keys {
    rtp: Key,
    rtcp: Key,
}

struct Key {
    cipher: EncryptingKey,
    salt: [u8; 14],
    authentication: hmac::Key,
}

impl Keys {
    fn new(master: &Master) -> Option<Keys> {
        Some(Keys {
            rtp: Key::new(master, Label::RtpEncryption, Label::RtpAuthentication, Label::RtpSalt)?,
            rtcp: Key::new(master, Label::RtcpEncryption, Label::RtcpAuthentication, Label::RtcpSalt)?,
        })
    }
}

impl Key {
    fn new(master: &Master, encryption: Label, authentication: Label, salting: Label) -> Option<Key> {
        let (mut key, mut tag_key, mut salt) = ([0; 16], [0; 20], [0; 14]);
        derive(&master.key, &master.salt, encryption, &mut key)?;
        derive(&master.key, &master.salt, authentication, &mut tag_key)?;
        derive(&master.key, &master.salt, salting, &mut salt)?;
        Some(Key {
            cipher: EncryptingKey::ctr(UnboundCipherKey::new(&AES_128, &key).ok()?).ok()?,
            salt,
            authentication: hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &tag_key),
        })
    }

    /// RFC 3711 §4.1.1. Counter mode: encrypting and decrypting are the same.
    fn apply(&self, ssrc: u32, index: u64, data: &mut [u8]) -> Result<(), Refusal> {
        let mut block = [0; 16];
        block[..14].copy_from_slice(&self.salt);
        let position = u128::from(ssrc) << 64 | u128::from(index) << 16;
        let block = (u128::from_be_bytes(block) ^ position).to_be_bytes();
        let context = EncryptionContext::Iv128(FixedLength::from(block));
        self.cipher.less_safe_encrypt(data, context).map_err(|_| Refusal::Exhausted)?;
        Ok(())
    }

    fn tag(&self, parts: [&[u8]; 2]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.authentication);
        parts.iter().for_each(|part| context.update(part));
        context.sign()
    }

    fn verify(&self, parts: [&[u8]; 2], tag: &[u8]) -> Result<(), Refusal> {
        let computed = self.tag(parts);
        aws_lc_rs::constant_time::verify_slices_are_equal(&computed.as_ref()[..TAG_LEN], tag)
            .map_err(|_| Refusal::Forged)
    }
}

/// The upper 32 bits of the index, which are authenticated, not sent (RFC 3711 §4.2).
fn roll_over(index: u64) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}

pub(super) struct CounterModeReceiver {
    keys: Keys,
    rtp: Sources,
    rtcp: Sources,
}

impl CounterModeReceiver {
    pub(super) fn new(master: &Master) -> Option<CounterModeReceiver> {
        Some(CounterModeReceiver { keys: Keys::new(master)?, rtp: Sources::new(), rtcp: Sources::new() })
    }

    pub(super) fn rtp(&mut self, packet: &mut [u8]) -> Result<usize, Refusal> {
        let header_len = rtp_header_len(packet).ok_or(Refusal::Malformed)?;
        if packet.len() < header_len + TAG_LEN {
            return Err(Refusal::Malformed);
        }
        let ssrc = word(packet, 8);
        let index = self.rtp.rtp_index(ssrc, sequence(packet))?;
        let len = packet.len() - TAG_LEN;
        let (body, tag) = packet.split_at_mut(len);
        self.keys.rtp.verify([body, &roll_over(index)], tag)?;
        self.keys.rtp.apply(ssrc, index, &mut body[header_len..])?;
        self.rtp.mark(ssrc, index);
        Ok(len)
    }

    pub(super) fn rtcp(&mut self, packet: &mut [u8]) -> Result<usize, Refusal> {
        if packet.len() < RTCP_HEADER_LEN + INDEX_LEN + TAG_LEN || packet[0] >> 6 != 2 {
            return Err(Refusal::Malformed);
        }
        let ssrc = word(packet, 4);
        let authenticated_len = packet.len() - TAG_LEN;
        let len = authenticated_len - INDEX_LEN;
        let index_word = word(packet, len);
        let index = index_word & !ENCRYPTED;
        self.rtcp.check(ssrc, u64::from(index))?;
        let (authenticated, tag) = packet.split_at_mut(authenticated_len);
        self.keys.rtcp.verify([authenticated, &[]], tag)?;
        if index_word & ENCRYPTED != 0 {
            self.keys.rtcp.apply(ssrc, u64::from(index), &mut authenticated[RTCP_HEADER_LEN..len])?;
        }
        self.rtcp.mark(ssrc, u64::from(index));
        Ok(len)
    }
}

pub(super) struct CounterModeSender {
    keys: Keys,
    rtp: FxHashMap<u32, Window>,
    rtcp_index: u32,
}

impl CounterModeSender {
    pub(super) fn new(master: &Master) -> Option<CounterModeSender> {
        Some(CounterModeSender { keys: Keys::new(master)?, rtp: FxHashMap::default(), rtcp_index: 0 })
    }

    pub(super) fn rtp(
        &mut self,
        header: &[u8],
        prefix: &[u8],
        payload: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Refusal> {
        if header.len() < 12 {
            return Err(Refusal::Malformed);
        }
        let len = header.len() + prefix.len() + payload.len();
        let packet = out.get_mut(..len + TAG_LEN).ok_or(Refusal::Exhausted)?;
        let ssrc = word(header, 8);
        let index = take_index(&mut self.rtp, ssrc, sequence(header))?;

        let (body, tag) = packet.split_at_mut(len);
        super::join(&[header, prefix, payload], body);
        self.keys.rtp.apply(ssrc, index, &mut body[header.len()..])?;
        tag.copy_from_slice(&self.keys.rtp.tag([body, &roll_over(index)]).as_ref()[..TAG_LEN]);
        Ok(len + TAG_LEN)
    }

    pub(super) fn rtcp(&mut self, compound: &[u8], out: &mut [u8]) -> Result<usize, Refusal> {
        if compound.len() < RTCP_HEADER_LEN {
            return Err(Refusal::Malformed);
        }
        let authenticated_len = compound.len() + INDEX_LEN;
        let packet = out.get_mut(..authenticated_len + TAG_LEN).ok_or(Refusal::Exhausted)?;
        let index = next_rtcp_index(&mut self.rtcp_index)?;

        let (authenticated, tag) = packet.split_at_mut(authenticated_len);
        super::join(&[compound, &(ENCRYPTED | index).to_be_bytes()], authenticated);
        let body = &mut authenticated[RTCP_HEADER_LEN..compound.len()];
        self.keys.rtcp.apply(word(compound, 4), u64::from(index), body)?;
        tag.copy_from_slice(&self.keys.rtcp.tag([authenticated, &[]]).as_ref()[..TAG_LEN]);
        Ok(authenticated_len + TAG_LEN)
    }
}
