//! The secrets that open doors: links, the resume secrets of seats, the host key.
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

    /// The link for guests of the room whose host link this is. Derived, so that neither has to be stored:
    /// a host's client brings the host link along. Another `generation` gives an unrelated link.
    pub fn guest_link(&self, generation: u32) -> Secret {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_bytes());
        let mut message = b"plenum guest link ".to_vec();
        message.extend(generation.to_be_bytes());
        Secret(URL_SAFE_NO_PAD.encode(&hmac::sign(&key, &message).as_ref()[..SECRET_BYTES]))
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

/// The right to open meetings.
#[derive(Clone)]
pub struct HostKey(Digest);

impl HostKey {
    pub fn new(text: &str) -> HostKey {
        HostKey(Digest::of(text.trim().as_bytes()))
    }

    /// Takes the same time for every claim of the same length.
    pub fn matches(&self, claim: &str) -> bool {
        verify_slices_are_equal(self.0.bytes(), Digest::of(claim.trim().as_bytes()).bytes()).is_ok()
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
    fn guest_links_follow_from_the_host_link_and_its_generation() {
        let host = Secret::claimed("a host link");
        assert_eq!(host.guest_link(0), host.guest_link(0));
        assert_ne!(host.guest_link(0), host.guest_link(1));
        assert_ne!(host.guest_link(0), Secret::claimed("another").guest_link(0));
        assert_eq!(host.guest_link(0).expose().len(), 32);
    }

    #[test]
    fn nothing_secret_in_debug_output() {
        let secret = Secret::claimed("canary");
        assert!(!format!("{secret:?} {:?}", secret.digest()).contains("canary"));
    }

    #[test]
    fn host_key_matches_only_itself() {
        let key = HostKey::new("0123456789abcdef\n");
        assert!(key.matches("0123456789abcdef"));
        assert!(!key.matches("0123456789abcdee"));
        assert!(!key.matches(""));
    }
}
