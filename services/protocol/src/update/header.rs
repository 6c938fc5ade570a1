//! Writing and reading the part in front of the payloads.

use super::{FIXED_BYTES, FORMAT, MAGIC, MAX_MANIFEST_BYTES, Manifest, ManifestError};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use std::fmt;
use std::str::FromStr;

/// Of the signed part before the signature.
const SIGNED: usize = 56;

/// An Ed25519 public key (RFC 8032), in text 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(pub [u8; 32]);

/// A manifest that a trusted key has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub manifest: Manifest,
    pub signer: PublicKey,
    /// Where the payloads begin.
    pub bytes: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    #[error("this is no update of Plenum: it does not begin like one")]
    NotAnUpdate,
    #[error("its format is {0}, and this version knows only {FORMAT}: install an update in between")]
    UnknownFormat(u32),
    #[error("it is damaged: its manifest would have {0} bytes")]
    Length(usize),
    #[error(
        "it was signed with the foreign key {0}, which this box does not trust: take the update from your supplier"
    )]
    ForeignKey(PublicKey),
    #[error("it was tampered with or damaged: the signature does not fit the manifest; fetch it once more")]
    Tampered,
    #[error("its manifest cannot be read: {0}")]
    Unreadable(String),
    #[error("{0}")]
    Manifest(#[from] ManifestError),
}

/// How many bytes the whole header has, told by its first [`FIXED_BYTES`]. `None`: more are needed.
pub fn head(bytes: &[u8]) -> Result<Option<usize>, HeaderError> {
    let compared = bytes.len().min(MAGIC.len());
    if bytes[..compared] != MAGIC[..compared] {
        return Err(HeaderError::NotAnUpdate);
    }
    let Some(fixed) = bytes.first_chunk::<FIXED_BYTES>() else { return Ok(None) };
    let number = |at: usize| u32::from_le_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
    if number(16) != FORMAT {
        return Err(HeaderError::UnknownFormat(number(16)));
    }
    match number(20) as usize {
        length if (2..=MAX_MANIFEST_BYTES).contains(&length) => Ok(Some(FIXED_BYTES + length)),
        length => Err(HeaderError::Length(length)),
    }
}

impl Header {
    /// Reads and verifies a whole header; `bytes` may go on behind it.
    pub fn read(bytes: &[u8], trusted: &[PublicKey]) -> Result<Header, HeaderError> {
        let length = head(bytes)?.filter(|length| *length <= bytes.len());
        let bytes = &bytes[..length.ok_or(HeaderError::Length(bytes.len()))?];
        let (signed, rest) = bytes.split_at(SIGNED);
        let (signature, manifest) = rest.split_at(FIXED_BYTES - SIGNED);
        let mut signer = PublicKey([0; 32]);
        signer.0.copy_from_slice(&signed[SIGNED - 32..]);
        if !trusted.contains(&signer) {
            return Err(HeaderError::ForeignKey(signer));
        }
        UnparsedPublicKey::new(&ED25519, signer.0)
            .verify(&[signed, manifest].concat(), signature)
            .map_err(|_| HeaderError::Tampered)?;
        let manifest: Manifest =
            serde_json::from_slice(manifest).map_err(|error| HeaderError::Unreadable(error.to_string()))?;
        manifest.validate()?;
        Ok(Header { manifest, signer, bytes: bytes.len() })
    }
}

/// The header of an update; the payloads follow it in the manifest's order. The same manifest and key give the
/// same bytes.
pub fn sign(manifest: &Manifest, key: &Ed25519KeyPair) -> Result<Vec<u8>, HeaderError> {
    manifest.validate()?;
    let manifest =
        serde_json::to_vec(manifest).map_err(|error| HeaderError::Unreadable(error.to_string()))?;
    let length = u32::try_from(manifest.len()).ok().filter(|length| *length as usize <= MAX_MANIFEST_BYTES);
    let length = length.ok_or(HeaderError::Length(manifest.len()))?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend(FORMAT.to_le_bytes());
    bytes.extend(length.to_le_bytes());
    bytes.extend(key.public_key().as_ref());
    let signature = key.sign(&[&bytes[..], &manifest[..]].concat());
    bytes.extend(signature.as_ref());
    bytes.extend(manifest);
    Ok(bytes)
}

impl FromStr for PublicKey {
    type Err = String;

    fn from_str(text: &str) -> Result<PublicKey, String> {
        let error = || format!("{text:?} is no Ed25519 public key: it has 64 hexadecimal digits");
        if text.len() != 64 || !text.is_ascii() {
            return Err(error());
        }
        let mut key = [0; 32];
        for (place, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).map_err(|_| error())?;
        }
        Ok(PublicKey(key))
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::manifest::tests::manifest;
    use super::*;

    fn key(seed: u8) -> (Ed25519KeyPair, PublicKey) {
        let key = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let public = PublicKey(key.public_key().as_ref().try_into().unwrap());
        (key, public)
    }

    #[test]
    fn what_was_signed_is_read() {
        let (key, public) = key(1);
        let mut bytes = sign(&manifest(), &key).unwrap();
        assert_eq!(bytes, sign(&manifest(), &key).unwrap(), "reproducible");
        let length = bytes.len();
        bytes.extend(b"payload");
        let header = Header::read(&bytes, &[public]).unwrap();
        assert_eq!((header.manifest, header.bytes), (manifest(), length));
        assert_eq!(public.to_string().parse(), Ok(public));
    }

    /// Whatever bit is turned, nothing of it is believed.
    #[test]
    fn every_single_turned_bit_is_noticed() {
        let (key, public) = key(1);
        let bytes = sign(&manifest(), &key).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut turned = bytes.clone();
            turned[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::read(&turned, &[public]).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(Header::read(&bytes[..length], &[public]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn each_refusal_says_what_it_is() {
        let ((own, public), (_, other)) = (key(1), key(2));
        let bytes = sign(&manifest(), &own).unwrap();
        assert_eq!(Header::read(&bytes, &[other]), Err(HeaderError::ForeignKey(public)));
        let mut late = bytes.clone();
        late[16] = 2;
        assert_eq!(Header::read(&late, &[public]), Err(HeaderError::UnknownFormat(2)));
        let mut long = bytes.clone();
        long[22] = 9;
        assert!(matches!(Header::read(&long, &[public]), Err(HeaderError::Length(_))));
        let mut tampered = bytes.clone();
        *tampered.last_mut().unwrap() = b' ';
        assert_eq!(Header::read(&tampered, &[public]), Err(HeaderError::Tampered));
        assert_eq!(Header::read(b"MZ", &[public]), Err(HeaderError::NotAnUpdate));
        assert_eq!(head(&bytes[..40]), Ok(None));
    }
}
