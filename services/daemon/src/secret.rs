//! The secrets that open doors: links, seats, keys, sessions.
//!
//! Only their SHA-256 digests are kept and compared, in memory and in the store: a look-up's duration says
//! nothing about the secret, and a stolen store opens no meeting.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::fmt;

/// 192 random bits: AU5 asks for 128 at least.
pub const SECRET_BYTES: usize = 24;

/// A secret as it stands in a link: 32 characters of base64url (RFC 4648, section 5).
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// `fill` provides random bytes.
    pub fn random(fill: &mut dyn FnMut(&mut [u8])) -> Secret {
        let mut bytes = [0u8; SECRET_BYTES];
        fill(&mut bytes);
        Secret(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What somebody claims to be a secret.
    pub fn claimed(text: &str) -> Secret {
        Secret(text.to_owned())
    }

    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }

    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A secret that follows from this one and says nothing about it. Another `message` gives an unrelated one.
    pub fn derive(&self, message: &[u8]) -> Secret {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_bytes());
        Secret(URL_SAFE_NO_PAD.encode(&hmac::sign(&key, message).as_ref()[..SECRET_BYTES]))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// SHA-256 of a secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Digest([u8; 32]);

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        URL_SAFE_NO_PAD.encode(digest.0)
    }
}

impl TryFrom<String> for Digest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Digest, &'static str> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Digest).ok_or("a digest has 32 bytes in base64url")
    }
}

impl Digest {
    pub fn of(bytes: &[u8]) -> Digest {
        let mut out = [0u8; 32];
        out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
        Digest(out)
    }

    /// Takes the same time for every claim of the same length.
    pub fn matches(&self, claim: &str) -> bool {
        verify_slices_are_equal(&self.0, &Digest::of(claim.as_bytes()).0).is_ok()
    }

    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub fn from_bytes(bytes: [u8; 32]) -> Digest {
        Digest(bytes)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn links_carry_192_random_bits_in_base64url() {
        let mut rng = fastrand::Rng::with_seed(1);
        let mut fill = |bytes: &mut [u8]| rng.fill(bytes);
        let secrets: HashSet<String> =
            (0..1_000).map(|_| Secret::random(&mut fill).expose().to_owned()).collect();
        assert_eq!(secrets.len(), 1_000);
        for secret in &secrets {
            assert_eq!(URL_SAFE_NO_PAD.decode(secret).unwrap().len(), SECRET_BYTES);
        }
    }

    #[test]
    fn nothing_secret_in_debug_output() {
        let secret = Secret::claimed("canary");
        assert!(!format!("{secret:?} {:?}", secret.digest()).contains("canary"));
    }
}
