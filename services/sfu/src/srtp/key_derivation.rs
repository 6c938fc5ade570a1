//! Session keys from master keys: AES in counter mode (RFC 3711 §4.3.3), with AES-256 for the 256-bit
//! profile (RFC 7714 §11). The key derivation rate is 0, as DTLS-SRTP has it.

use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;

/// RFC 3711 §4.3.1, §4.3.2.
#[derive(Clone, Copy)]
pub(super) enum Label {
    RtpEncryption = 0,
    RtpAuthentication = 1,
    RtpSalt = 2,
    RtcpEncryption = 3,
    RtcpAuthentication = 4,
    RtcpSalt = 5,
}

/// Fills `out` with the session key or salt of `label`; `None` when the key length is none of AES.
pub(super) fn derive(key: &[u8], salt: &[u8], label: Label, out: &mut [u8]) -> Option<()> {
    let algorithm = match key.len() {
        16 => &AES_128,
        32 => &AES_256,
        _ => return None,
    };
    // A 96-bit salt is the upper part of the 112-bit one that RFC 3711 describes, filled up with zeros.
    let mut block = [0; 16];
    block.get_mut(..salt.len())?.copy_from_slice(salt);
    block[7] ^= label as u8;
    out.fill(0);
    let key = EncryptingKey::ctr(UnboundCipherKey::new(algorithm, key).ok()?).ok()?;
    key.less_safe_encrypt(out, EncryptionContext::Iv128(FixedLength::from(block))).ok()?;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vectors of RFC 3711 appendix B.3.
    #[test]
    fn rfc_3711_vectors() {
        let key = hex("E1F97A0D3E018BE0D64FA32C06DE4139");
        let salt = hex("0EC675AD498AFEEBB6960B3AABE6");
        let mut cipher_key = [0; 16];
        derive(&key, &salt, Label::RtpEncryption, &mut cipher_key).expect("an AES-128 key");
        assert_eq!(cipher_key.to_vec(), hex("C61E7A93744F39EE10734AFE3FF7A087"));
        let mut cipher_salt = [0; 14];
        derive(&key, &salt, Label::RtpSalt, &mut cipher_salt).expect("an AES-128 key");
        assert_eq!(cipher_salt.to_vec(), hex("30CBBC08863D8C85D49DB34A9AE1"));
    }

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).expect("hex")).collect()
    }
}
