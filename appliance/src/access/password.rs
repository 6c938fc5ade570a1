//! Passwords of administrators, kept as Argon2id (RFC 9106) in the PHC string format.

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};

/// BSI ORP.4.A22: length is what counts.
pub const MIN_CHARS: usize = 12;
pub const MAX_CHARS: usize = 128;
const SALT_BYTES: usize = 16;
/// KiB. One of the settings that OWASP names as equal; one at a time fits into the daemon's memory.
const MEMORY: u32 = 47_104;
const PASSES: u32 = 1;
const LANES: u32 = 1;

/// Why a password is not taken, for the person who chose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    #[error("the password has fewer than {MIN_CHARS} characters")]
    Short,
    #[error("the password has more than {MAX_CHARS} characters")]
    Long,
    #[error("the password repeats too few different characters")]
    Uniform,
    #[error("the password contains the account's name")]
    LikeName,
}

pub fn check(password: &str, name: &str) -> Result<(), Weak> {
    let mut different: Vec<char> = password.chars().collect();
    let count = different.len();
    different.sort_unstable();
    different.dedup();
    match () {
        () if count < MIN_CHARS => Err(Weak::Short),
        () if count > MAX_CHARS => Err(Weak::Long),
        () if different.len() < 6 => Err(Weak::Uniform),
        () if password.to_lowercase().contains(&name.to_lowercase()) => Err(Weak::LikeName),
        () => Ok(()),
    }
}

/// A password as it is kept. Making and comparing one takes some tenths of a second of a core.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Hashed(String);

impl Hashed {
    /// `fill` provides random bytes.
    pub fn new(password: &str, fill: &mut dyn FnMut(&mut [u8])) -> Hashed {
        let mut salt = [0u8; SALT_BYTES];
        fill(&mut salt);
        let salt = SaltString::encode_b64(&salt).expect("16 bytes are a salt");
        let hash = argon2().hash_password(password.as_bytes(), &salt).expect("the parameters are valid");
        Hashed(hash.to_string())
    }

    /// A hash that no password has, so that an unknown name takes as long as a wrong password.
    pub fn of_nobody() -> Hashed {
        let (salt, hash) = ("A".repeat(22), "A".repeat(43));
        Hashed(format!("$argon2id$v=19$m={MEMORY},t={PASSES},p={LANES}${salt}${hash}"))
    }

    pub fn matches(&self, password: &str) -> bool {
        let parsed = PasswordHash::new(&self.0);
        parsed.is_ok_and(|hash| argon2().verify_password(password.as_bytes(), &hash).is_ok())
    }
}

impl std::fmt::Debug for Hashed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hashed(…)")
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY, PASSES, LANES, None).expect("the parameters are valid");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_matches_itself_only() {
        let mut rng = fastrand::Rng::with_seed(1);
        let mut fill = |bytes: &mut [u8]| rng.fill(bytes);
        let hashed = Hashed::new("correct horse battery", &mut fill);
        assert!(hashed.matches("correct horse battery"));
        assert!(!hashed.matches("correct horse batterz"));
        assert!(!hashed.matches(""));
        assert!(hashed.0.starts_with("$argon2id$v=19$m=47104,t=1,p=1$"), "{}", hashed.0);
        assert_ne!(hashed, Hashed::new("correct horse battery", &mut fill), "salted");
        assert!(!format!("{hashed:?}").contains("argon2"));
    }

    #[test]
    fn nobody_s_password_opens_nothing() {
        PasswordHash::new(&Hashed::of_nobody().0).expect("it is compared like any other");
        assert!(!Hashed::of_nobody().matches(""));
        assert!(!Hashed("not a hash".into()).matches("not a hash"));
    }

    #[test]
    fn weak_passwords_are_refused() {
        assert_eq!(check("elevenchars", "ada"), Err(Weak::Short));
        assert_eq!(check(&"abcdefg".repeat(30), "ada"), Err(Weak::Long));
        assert_eq!(check("aaaaaaaaabbbbbbb", "ada"), Err(Weak::Uniform));
        assert_eq!(check("My-Ada-password-1", "ada"), Err(Weak::LikeName));
        assert_eq!(check("zwölf Zeichen lang", "ada"), Ok(()));
    }
}
