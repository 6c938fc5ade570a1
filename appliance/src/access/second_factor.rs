//! The second factor (AU2): time-based one-time passwords (RFC 6238), and recovery codes for whoever has lost
//! the device.

use super::code;
use plenum_daemon::secret::Digest;
use qrcodegen::{QrCode, QrCodeEcc};
use serde::{Deserialize, Serialize};
use totp_rs::{Algorithm, Secret, TOTP};

const DIGITS: usize = 6;
const STEP_SECONDS: u64 = 30;
/// 160 bits, as RFC 4226 section 4 recommends.
const SECRET_BYTES: usize = 20;
const MIN_SECRET_BYTES: usize = 16;
const RECOVERY_CODES: usize = 10;
/// 80 bits. They are taken with or without the spaces that a page shows in them.
const RECOVERY_CODE_CHARS: usize = 16;

/// What the box keeps of a person's second factor.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactor {
    /// Base32 (RFC 4648 section 6).
    secret: String,
    /// The last step that was used: no code is taken twice (RFC 6238 section 5.2).
    used_step: u64,
    recovery: Vec<Digest>,
}

impl std::fmt::Debug for SecondFactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecondFactor({} recovery codes left)", self.recovery.len())
    }
}

/// What the person is shown once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Base32, to be typed where no camera is at hand.
    pub secret: String,
    /// `otpauth://` for a QR code.
    pub uri: String,
    /// `uri` as a QR code, one text per row: `1` is a dark module.
    pub qr: Vec<String>,
    pub recovery_codes: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Used {
    OneTimePassword,
    RecoveryCode,
}

impl SecondFactor {
    /// Whether the same device makes the codes of both.
    pub fn is_same_device(&self, other: &SecondFactor) -> bool {
        self.secret == other.secret
    }

    /// `issuer` is what the person's device calls this box. `fill` provides random bytes.
    pub fn new(issuer: &str, account: &str, fill: &mut dyn FnMut(&mut [u8])) -> (SecondFactor, Shown) {
        let mut bytes = vec![0u8; SECRET_BYTES];
        fill(&mut bytes);
        let secret = Secret::Raw(bytes).to_encoded().to_string();
        let codes: Vec<String> =
            (0..RECOVERY_CODES).map(|_| code::random::<RECOVERY_CODE_CHARS>(fill)).collect();
        let recovery = codes.iter().map(|code| Digest::of(code.as_bytes())).collect();
        let uri = format!(
            "otpauth://totp/{0}:{1}?secret={secret}&issuer={0}&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}",
            percent_encode(issuer),
            percent_encode(account),
        );
        let kept = SecondFactor { secret: secret.clone(), used_step: 0, recovery };
        let qr = qr_rows(&uri);
        (kept, Shown { secret, uri, qr, recovery_codes: codes })
    }

    /// Of an authenticator that the person has already, without recovery codes. See [`is_secret`].
    pub fn of_secret(secret: &str) -> SecondFactor {
        SecondFactor { secret: plain(secret), used_step: 0, recovery: Vec::new() }
    }

    /// `Some` if the code is right; it is used up then. `unix_seconds` is the box's clock; a device may be
    /// one step before or behind.
    pub fn take(&mut self, code: &str, unix_seconds: u64) -> Option<Used> {
        let typed: String = code.chars().filter(|char| !char.is_whitespace() && *char != '-').collect();
        if typed.len() == DIGITS {
            let now = unix_seconds / STEP_SECONDS;
            let step = (now.saturating_sub(1)..=now + 1).find(|step| {
                *step > self.used_step && self.code_of(*step).is_some_and(|code| code == typed)
            })?;
            self.used_step = step;
            return Some(Used::OneTimePassword);
        }
        let digest = Digest::of(typed.to_uppercase().as_bytes());
        let index = self.recovery.iter().position(|code| *code == digest)?;
        self.recovery.remove(index);
        Some(Used::RecoveryCode)
    }

    pub fn recovery_codes_left(&self) -> usize {
        self.recovery.len()
    }

    fn code_of(&self, step: u64) -> Option<String> {
        let secret = Secret::Encoded(self.secret.clone()).to_bytes().ok()?;
        let totp = TOTP::new(Algorithm::SHA1, DIGITS, 0, STEP_SECONDS, secret).ok()?;
        Some(totp.generate(step * STEP_SECONDS))
    }
}

/// Whether this is a secret that is long enough (RFC 4226 section 4 asks for 16 bytes).
pub fn is_secret(text: &str) -> bool {
    Secret::Encoded(plain(text)).to_bytes().is_ok_and(|bytes| bytes.len() >= MIN_SECRET_BYTES)
}

/// As authenticators show it, without spaces and in capitals.
fn plain(secret: &str) -> String {
    secret.chars().filter(|char| !char.is_whitespace() && *char != '=').collect::<String>().to_uppercase()
}

fn qr_rows(text: &str) -> Vec<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).expect("the URI is shorter than 2 KB");
    let module = |x, y| if code.get_module(x, y) { '1' } else { '0' };
    (0..code.size()).map(|y| (0..code.size()).map(|x| module(x, y)).collect()).collect()
}

/// RFC 3986 section 2.1.
fn percent_encode(text: &str) -> String {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encode = |byte: u8| match unreserved(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factor() -> (SecondFactor, Shown) {
        let mut rng = fastrand::Rng::with_seed(3);
        SecondFactor::new("Plenum box", "ada@example.org", &mut |bytes: &mut [u8]| rng.fill(bytes))
    }

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B, with the last six of its eight digits.
        let secret = Secret::Raw(b"12345678901234567890".to_vec()).to_encoded().to_string();
        let factor = SecondFactor { secret, used_step: 0, recovery: Vec::new() };
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")] {
            assert_eq!(factor.code_of(seconds / 30).as_deref(), Some(code));
        }
    }

    #[test]
    fn a_code_is_taken_once_and_one_step_around_now() {
        let (mut factor, _) = factor();
        let now = 1_800_000_000;
        let code = |factor: &SecondFactor, seconds| factor.code_of(seconds / 30).unwrap();
        let before = code(&factor, now - 30);
        assert_eq!(factor.take(&before, now), Some(Used::OneTimePassword));
        assert_eq!(factor.take(&before, now), None, "twice");
        let current = code(&factor, now);
        assert_eq!(
            factor.take(&format!("{} {}", &current[..3], &current[3..]), now),
            Some(Used::OneTimePassword)
        );
        let old = code(&factor, now - 90);
        assert_eq!(factor.take(&old, now), None, "too old");
        for wrong in ["", "000000", "12345", "1234567", "ÄÖÜ", "äöü"] {
            assert_eq!(factor.take(wrong, now), None, "{wrong}");
        }
    }

    #[test]
    fn a_recovery_code_is_taken_once() {
        let (mut factor, shown) = factor();
        assert_eq!(shown.recovery_codes.len(), 10);
        let code = shown.recovery_codes[4].to_lowercase();
        let typed = format!("{}-{} {}", &code[..4], &code[4..8], &code[8..]);
        assert_eq!(factor.take(&typed, 0), Some(Used::RecoveryCode));
        assert_eq!(factor.take(&typed, 0), None);
        assert_eq!(factor.recovery_codes_left(), 9);
    }

    #[test]
    fn the_uri_names_box_and_account() {
        let (_, shown) = factor();
        let start = format!(
            "otpauth://totp/Plenum%20box:ada%40example.org?secret={}&issuer=Plenum%20box",
            shown.secret
        );
        assert!(shown.uri.starts_with(&start), "{}", shown.uri);
        assert_eq!(shown.secret.len(), 32);
        assert!(shown.qr.len() > 20 && shown.qr.iter().all(|row| row.len() == shown.qr.len()));
        assert!(shown.qr[0].starts_with("11111110"), "the finder pattern");
    }
}
