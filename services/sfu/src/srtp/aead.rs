//! AEAD_AES_128_GCM and AEAD_AES_256_GCM (RFC 7714).

use super::key_derivation::{Label, derive};
use super::sources::{Sources, next_rtcp_index, take_index};
use super::window::Window;
use super::{
    ENCRYPTED, INDEX_LEN, Master, Profile, RTCP_HEADER_LEN, Refusal, rtp_header_len, sequence, word,
};
use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use rustc_hash::FxHashMap;

const TAG_LEN: usize = 16;

struct Keys {
    rtp: Key,
    rtcp: Key,
}

struct Key {
    key: LessSafeKey,
    salt: [u8; 12],
}

impl Keys {
    fn new(profile: Profile, master: &Master) -> Option<Keys> {
        Some(Keys {
            rtp: Key::new(profile, master, Label::RtpEncryption, Label::RtpSalt)?,
            rtcp: Key::new(profile, master, Label::RtcpEncryption, Label::RtcpSalt)?,
        })
    }
}

impl Key {
    fn new(profile: Profile, master: &Master, encryption: Label, salting: Label) -> Option<Key> {
        let algorithm = match profile {
            Profile::AeadAes128Gcm => &AES_128_GCM,
            Profile::AeadAes256Gcm => &AES_256_GCM,
            Profile::Aes128CmSha1_80 => return None,
        };
        let mut key = [0; 32];
        let key = &mut key[..profile.key_len()];
        derive(&master.key, &master.salt, encryption, key)?;
        let mut salt = [0; 12];
        derive(&master.key, &master.salt, salting, &mut salt)?;
        Some(Key { key: LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?), salt })
    }

    /// RFC 7714 §8.1 (SRTP: SSRC, roll-over counter, sequence number) and §9.1 (SRTCP: SSRC, 0, index)
    /// are one layout: the SSRC and a 48-bit number.
    fn nonce(&self, ssrc: u32, index: u64) -> Nonce {
        let mut nonce = [0; 12];
        nonce[2..6].copy_from_slice(&ssrc.to_be_bytes());
        nonce[6..].copy_from_slice(&index.to_be_bytes()[2..]);
        for (byte, salt) in nonce.iter_mut().zip(self.salt) {
            *byte ^= salt;
        }
        Nonce::assume_unique_for_key(nonce)
    }

    /// Decrypts in place and returns the length of the plain text.
    fn open(&self, nonce: Nonce, authenticated: &[u8], sealed: &mut [u8]) -> Result<usize, Refusal> {
        let plain = self.key.open_in_place(nonce, Aad::from(authenticated), sealed);
        Ok(plain.map_err(|_| Refusal::Forged)?.len())
    }

    /// Encrypts all but the last 16 bytes in place and writes the tag there.
    fn seal(&self, nonce: Nonce, authenticated: &[u8], sealed: &mut [u8]) -> Result<(), Refusal> {
        let (plain, tag) = sealed.split_at_mut(sealed.len() - TAG_LEN);
        let computed = self.key.seal_in_place_separate_tag(nonce, Aad::from(authenticated), plain);
        tag.copy_from_slice(computed.map_err(|_| Refusal::Exhausted)?.as_ref());
        Ok(())
    }
}

/// What is authenticated of an SRTCP packet: its header, and the index behind it (RFC 7714 §9.2).
fn rtcp_authenticated(header: &[u8], index_word: &[u8]) -> [u8; RTCP_HEADER_LEN + INDEX_LEN] {
    let mut authenticated = [0; RTCP_HEADER_LEN + INDEX_LEN];
    super::join(&[header, index_word], &mut authenticated);
    authenticated
}

pub(super) struct AeadReceiver {
    keys: Keys,
    rtp: Sources,
    rtcp: Sources,
}

impl AeadReceiver {
    pub(super) fn new(profile: Profile, master: &Master) -> Option<AeadReceiver> {
        Some(AeadReceiver { keys: Keys::new(profile, master)?, rtp: Sources::new(), rtcp: Sources::new() })
    }

    #[cfg(test)]
    pub(super) fn sources(&self) -> usize {
        self.rtp.len()
    }

    pub(super) fn rtp(&mut self, packet: &mut [u8]) -> Result<usize, Refusal> {
        let header_len = rtp_header_len(packet).ok_or(Refusal::Malformed)?;
        if packet.len() < header_len + TAG_LEN {
            return Err(Refusal::Malformed);
        }
        let ssrc = word(packet, 8);
        let index = self.rtp.rtp_index(ssrc, sequence(packet))?;
        let (header, sealed) = packet.split_at_mut(header_len);
        let plain = self.keys.rtp.open(self.keys.rtp.nonce(ssrc, index), header, sealed)?;
        self.rtp.mark(ssrc, index);
        Ok(header_len + plain)
    }

    pub(super) fn rtcp(&mut self, packet: &mut [u8]) -> Result<usize, Refusal> {
        if packet.len() < RTCP_HEADER_LEN + TAG_LEN + INDEX_LEN || packet[0] >> 6 != 2 {
            return Err(Refusal::Malformed);
        }
        let ssrc = word(packet, 4);
        let (body, index_word) = packet.split_at_mut(packet.len() - INDEX_LEN);
        let flagged = word(index_word, 0);
        // Unencrypted SRTCP exists (RFC 7714 §9.3); nobody sends it to us, so nobody may.
        if flagged & ENCRYPTED == 0 {
            return Err(Refusal::Malformed);
        }
        let index = u64::from(flagged & !ENCRYPTED);
        self.rtcp.check(ssrc, index)?;
        let (header, sealed) = body.split_at_mut(RTCP_HEADER_LEN);
        let authenticated = rtcp_authenticated(header, index_word);
        let plain = self.keys.rtcp.open(self.keys.rtcp.nonce(ssrc, index), &authenticated, sealed)?;
        self.rtcp.mark(ssrc, index);
        Ok(RTCP_HEADER_LEN + plain)
    }
}

pub(super) struct AeadSender {
    keys: Keys,
    rtp: FxHashMap<u32, Window>,
    rtcp_index: u32,
}

impl AeadSender {
    pub(super) fn new(profile: Profile, master: &Master) -> Option<AeadSender> {
        Some(AeadSender { keys: Keys::new(profile, master)?, rtp: FxHashMap::default(), rtcp_index: 0 })
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
        let plain_len = header.len() + prefix.len() + payload.len();
        let packet = out.get_mut(..plain_len + TAG_LEN).ok_or(Refusal::Exhausted)?;
        let ssrc = word(header, 8);
        let index = take_index(&mut self.rtp, ssrc, sequence(header))?;

        super::join(&[header, prefix, payload], &mut packet[..plain_len]);
        self.keys.rtp.seal(self.keys.rtp.nonce(ssrc, index), header, &mut packet[header.len()..])?;
        Ok(plain_len + TAG_LEN)
    }

    pub(super) fn rtcp(&mut self, compound: &[u8], out: &mut [u8]) -> Result<usize, Refusal> {
        if compound.len() < RTCP_HEADER_LEN {
            return Err(Refusal::Malformed);
        }
        let sealed_end = compound.len() + TAG_LEN;
        let packet = out.get_mut(..sealed_end + INDEX_LEN).ok_or(Refusal::Exhausted)?;
        let index = next_rtcp_index(&mut self.rtcp_index)?;
        let index_word = (ENCRYPTED | index).to_be_bytes();

        packet[..compound.len()].copy_from_slice(compound);
        packet[sealed_end..].copy_from_slice(&index_word);
        let authenticated = rtcp_authenticated(&compound[..RTCP_HEADER_LEN], &index_word);
        let nonce = self.keys.rtcp.nonce(word(compound, 4), u64::from(index));
        self.keys.rtcp.seal(nonce, &authenticated, &mut packet[RTCP_HEADER_LEN..sealed_end])?;
        Ok(sealed_end + INDEX_LEN)
    }
}
