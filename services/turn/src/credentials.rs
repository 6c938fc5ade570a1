//! Time-limited credentials (draft-uberti-behave-turn-rest): the user name is `EXPIRY_UNIX:PSEUDONYM`,
//! the password base64(HMAC-SHA1(secret, user name)). Nothing about users has to be stored.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// Long enough for what `signaling` issues, and short enough for a map of users.
const MAX_USERNAME_BYTES: usize = 128;

pub struct Credentials {
    secret: hmac::Key,
    realm: String,
}

/// What a user name says, before the message's integrity has been checked with `key`.
#[derive(Debug, PartialEq, Eq)]
pub struct Claim {
    /// Seconds since the Unix epoch.
    pub expires: u64,
    /// Key of the long-term credential mechanism (RFC 8489, section 9.2.2).
    pub key: Vec<u8>,
}

impl Credentials {
    pub fn new(secret: &str, realm: &str) -> Credentials {
        let secret = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.trim().as_bytes());
        Credentials { secret, realm: realm.to_owned() }
    }

    pub fn realm(&self) -> &str {
        &self.realm
    }

    pub fn password(&self, username: &str) -> String {
        BASE64_STANDARD.encode(hmac::sign(&self.secret, username.as_bytes()))
    }

    /// None: not a user name that was ever issued.
    pub fn claim(&self, username: &str) -> Option<Claim> {
        let (expires, pseudonym) = username.split_once(':')?;
        let plain = !expires.is_empty() && expires.bytes().all(|byte| byte.is_ascii_digit());
        if !plain || pseudonym.is_empty() || username.len() > MAX_USERNAME_BYTES {
            return None;
        }
        let password = self.password(username);
        let key = turn::auth::generate_auth_key(username, &self.realm, &password);
        Some(Claim { expires: expires.parse().ok()?, key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_what_openssl_computes() {
        // printf %s 1700000000:42-7 | openssl dgst -sha1 -hmac north -binary | base64
        let credentials = Credentials::new("north\n", "plenum");
        assert_eq!(credentials.password("1700000000:42-7"), "Mbha3G6EogSX2vZEWSIPt5B6ryo=");
        assert_eq!(credentials.claim("1700000000:42-7").unwrap().expires, 1_700_000_000);
    }

    #[test]
    fn refuses_other_shapes() {
        let credentials = Credentials::new("north", "plenum");
        for name in
            ["", ":", "1700000000", "1700000000:", ":a", "+17:a", "17 :a", "99999999999999999999999:a"]
        {
            assert_eq!(credentials.claim(name), None, "{name}");
        }
        assert_eq!(credentials.claim(&format!("1:{}", "a".repeat(200))), None);
    }
}
