//! Whether a file is applied without a question: signed by a key that the box was given beforehand.

use crate::identity;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::Path;
use std::str::FromStr;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    Signed,
    /// No signature, or there is no key for it: somebody before the box decides.
    Unsigned,
    /// A signature that is wrong: nobody meant this file to be applied.
    Forged,
}

impl Trust {
    pub fn name(self) -> &'static str {
        match self {
            Trust::Signed => "signed",
            Trust::Unsigned => "unsigned",
            Trust::Forged => "forged",
        }
    }
}

impl FromStr for Trust {
    type Err = String;

    fn from_str(name: &str) -> Result<Trust, String> {
        let all = [Trust::Signed, Trust::Unsigned, Trust::Forged];
        all.into_iter().find(|trust| trust.name() == name).ok_or_else(|| format!("`{name}` is no trust"))
    }
}

/// `signature` is Ed25519 (RFC 8032) over the file, in base64. `keys` has one key per line, in hexadecimal digits.
pub fn trust(text: &str, signature: &str, keys: &Path) -> Trust {
    let keys = identity::trusted(keys).unwrap_or_default();
    if signature.trim().is_empty() || keys.is_empty() {
        return Trust::Unsigned;
    }
    let Ok(signature) = STANDARD.decode(signature.split_whitespace().collect::<String>()) else {
        return Trust::Forged;
    };
    let signed = keys
        .iter()
        .any(|key| UnparsedPublicKey::new(&ED25519, &key.0).verify(text.as_bytes(), &signature).is_ok());
    if signed { Trust::Signed } else { Trust::Forged }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

    #[test]
    fn only_a_known_key_signs() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("fleet.keys");
        let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let other = Ed25519KeyPair::from_seed_unchecked(&[8; 32]).unwrap();
        let sign = |key: &Ed25519KeyPair, text: &str| STANDARD.encode(key.sign(text.as_bytes()));
        assert_eq!(trust("a", &sign(&key, "a"), &keys), Trust::Unsigned, "no key is known");
        let hex: String = key.public_key().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        std::fs::write(&keys, hex + "\n").unwrap();
        assert_eq!(trust("a", &(sign(&key, "a") + "\n"), &keys), Trust::Signed);
        assert_eq!(trust("a", " \n", &keys), Trust::Unsigned);
        assert_eq!(trust("b", &sign(&key, "a"), &keys), Trust::Forged);
        assert_eq!(trust("a", &sign(&other, "a"), &keys), Trust::Forged);
        assert_eq!(trust("a", "no base64", &keys), Trust::Forged);
    }
}
