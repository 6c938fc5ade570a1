//! What an HTTPS directory says it has: `latest.json`.
//!
//! Signed with the same key as the updates, and only good for a time: whoever copies old files for ever
//! (a mirror that has stopped, or one that keeps a box from an update) is noticed.

use super::{PublicKey, Version};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

pub const INDEX_NAME: &str = "latest.json";
const CONTEXT: &[u8] = b"plenum update index 1\n";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    pub version: Version,
    /// Name of the update in the same directory.
    pub bundle: String,
    pub size: u64,
    /// Seconds since 1970.
    pub signed: u64,
    pub expires: u64,
}

/// The file as it lies in the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedIndex {
    /// An [`Index`], as the very text that was signed.
    pub index: String,
    pub key: String,
    /// 128 hexadecimal digits.
    pub signature: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    #[error("{INDEX_NAME} cannot be read: {0}")]
    Unreadable(String),
    #[error("{INDEX_NAME} was signed with the foreign key {0}, which this box does not trust")]
    ForeignKey(String),
    #[error("{INDEX_NAME} was tampered with: its signature does not fit")]
    Tampered,
    #[error("{INDEX_NAME} names {0:?}, which is no plain file name")]
    Name(String),
    #[error(
        "{INDEX_NAME} is not fresh: it expired {0} days ago; the mirror does not follow, or this box's clock is wrong"
    )]
    Expired(u64),
}

impl SignedIndex {
    pub fn sign(index: &Index, key: &Ed25519KeyPair) -> Result<SignedIndex, IndexError> {
        let index =
            serde_json::to_string(index).map_err(|error| IndexError::Unreadable(error.to_string()))?;
        let signature = key.sign(&[CONTEXT, index.as_bytes()].concat());
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        Ok(SignedIndex { index, key: hex(key.public_key().as_ref()), signature: hex(signature.as_ref()) })
    }
}

impl Index {
    /// `now`: seconds since 1970.
    pub fn read(file: &[u8], trusted: &[PublicKey], now: u64) -> Result<Index, IndexError> {
        let unreadable = |error: serde_json::Error| IndexError::Unreadable(error.to_string());
        let signed: SignedIndex = serde_json::from_slice(file).map_err(unreadable)?;
        let key = signed.key.parse::<PublicKey>().ok().filter(|key| trusted.contains(key));
        let key = key.ok_or_else(|| IndexError::ForeignKey(signed.key.chars().take(64).collect()))?;
        let signature = bytes_of(&signed.signature).ok_or(IndexError::Tampered)?;
        UnparsedPublicKey::new(&ED25519, key.0)
            .verify(&[CONTEXT, signed.index.as_bytes()].concat(), &signature)
            .map_err(|_| IndexError::Tampered)?;
        let index: Index = serde_json::from_str(&signed.index).map_err(unreadable)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if index.bundle.is_empty() || index.bundle.starts_with('.') || !index.bundle.bytes().all(plain) {
            return Err(IndexError::Name(index.bundle.chars().take(40).collect()));
        }
        match now.checked_sub(index.expires) {
            Some(late) if late > 0 => Err(IndexError::Expired(late.div_ceil(86_400))),
            _ => Ok(index),
        }
    }
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    if !hex.len().is_multiple_of(2) || !hex.is_ascii() {
        return None;
    }
    (0..hex.len() / 2).map(|place| u8::from_str_radix(&hex[2 * place..2 * place + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    fn index(bundle: &str) -> Index {
        let version = "1.2.0".parse().unwrap();
        Index { version, bundle: bundle.to_owned(), size: 9, signed: 100 * DAY, expires: 130 * DAY }
    }

    #[test]
    fn fresh_signed_and_plain_or_refused() {
        let key = Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap();
        let public = PublicKey(key.public_key().as_ref().try_into().unwrap());
        let file = |index: &Index| serde_json::to_vec(&SignedIndex::sign(index, &key).unwrap()).unwrap();
        let good = file(&index("plenum-1.2.0.update"));
        assert_eq!(Index::read(&good, &[public], 129 * DAY), Ok(index("plenum-1.2.0.update")));
        assert_eq!(Index::read(&good, &[public], 132 * DAY), Err(IndexError::Expired(2)));
        assert!(matches!(Index::read(&good, &[], 0), Err(IndexError::ForeignKey(_))));
        let changed = String::from_utf8(good).unwrap().replace("1.2.0", "1.3.0");
        assert_eq!(Index::read(changed.as_bytes(), &[public], 0), Err(IndexError::Tampered));
        let upwards = Index::read(&file(&index("../x")), &[public], 0);
        assert_eq!(upwards, Err(IndexError::Name("../x".to_owned())));
    }
}
