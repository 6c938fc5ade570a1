//! ICE-lite (RFC 8445 §2.5): answers connectivity checks, follows nominations, and notices when the checks
//! end (consent, RFC 7675).

use crate::path::Path;
use rtc_stun::attributes::{
    ATTR_FINGERPRINT, ATTR_ICE_CONTROLLED, ATTR_ICE_CONTROLLING, ATTR_MESSAGE_INTEGRITY, ATTR_PRIORITY,
    ATTR_USE_CANDIDATE, ATTR_USERNAME, AttrType,
};
use rtc_stun::crypto::providers::AwsLcRsCrypto;
use rtc_stun::error_code::{CODE_ROLE_CONFLICT, CODE_UNKNOWN_ATTRIBUTE, ErrorCodeAttribute};
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{BINDING_ERROR, BINDING_REQUEST, BINDING_SUCCESS, Message, Setter};
use rtc_stun::uattrs::UnknownAttributes;
use rtc_stun::xoraddr::XorMappedAddress;
use std::time::{Duration, Instant};

/// Chromium checks every 2.2 s, Firefox every 5 s; RFC 7675 §5.1 ends consent after 30 s.
pub const CONSENT_TIMEOUT: Duration = Duration::from_secs(30);
/// Two checks of the slowest browser were missed.
pub const SILENCE: Duration = Duration::from_secs(12);

/// A check has 100 to 150 bytes.
const MAX_MESSAGE_LEN: usize = 1_280;
/// Addresses under which one peer is known at a time.
const MAX_PATHS: usize = 8;
const THREAD_DIGITS: usize = 2;
const UFRAG_LEN: usize = 12;
const PASSWORD_LEN: usize = 24;

/// Our ends of the ICE credentials of one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    pub ufrag: String,
    pub password: String,
}

impl Credentials {
    /// The ufrag begins with the number of the media thread that owns the peer: whichever thread gets the
    /// first check knows where it belongs.
    pub fn new(thread: u8, random: &mut impl FnMut(&mut [u8])) -> Credentials {
        let ufrag = format!("{thread:02x}{}", letters(UFRAG_LEN - THREAD_DIGITS, random));
        Credentials { ufrag, password: letters(PASSWORD_LEN, random) }
    }
}

/// Characters of RFC 8839 §5.4, 6 bits each.
fn letters(count: usize, random: &mut impl FnMut(&mut [u8])) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = vec![0; count];
    random(&mut bytes);
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 63)])).collect()
}

/// The media thread that a ufrag of ours names.
pub fn thread_of(ufrag: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(ufrag.get(..THREAD_DIGITS)?).ok()?;
    u8::from_str_radix(digits, 16).ok()
}

/// Our ufrag in the USERNAME of a check (RFC 8445 §7.2.2), not authenticated yet.
pub fn local_ufrag(datagram: &[u8]) -> Option<&[u8]> {
    let mut rest = datagram.get(20..)?;
    while let Some((header, after)) = rest.split_first_chunk::<4>() {
        let kind = u16::from_be_bytes([header[0], header[1]]);
        let len = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let value = after.get(..len)?;
        if kind == ATTR_USERNAME.0 {
            let end = value.iter().position(|byte| *byte == b':')?;
            return Some(&value[..end]);
        }
        rest = after.get(len.next_multiple_of(4)..)?;
    }
    None
}

/// The state of one connection.
#[derive(Debug)]
pub struct IceLite {
    local: Credentials,
    /// Those before a restart, until a check uses the new ones.
    previous: Option<Credentials>,
    remote_ufrag: String,
    previous_remote_ufrag: String,
    paths: Vec<Path>,
    selected: Option<Path>,
    last_check: Instant,
}

/// What became of a datagram.
#[derive(Debug, PartialEq, Eq)]
pub enum Check {
    /// Authentic: send the response. `added` and `dropped` are paths that the peer is known under now, or
    /// no longer.
    Accepted { response: Vec<u8>, added: bool, dropped: Option<Path> },
    /// Authentic, but to be refused: send the response.
    Refused { response: Vec<u8> },
    /// Not a connectivity check, or not authentic.
    Ignored,
}

impl IceLite {
    pub fn new(now: Instant, local: Credentials, remote_ufrag: String) -> IceLite {
        IceLite {
            local,
            previous: None,
            remote_ufrag,
            previous_remote_ufrag: String::new(),
            paths: Vec::new(),
            selected: None,
            last_check: now,
        }
    }

    /// RFC 8445 §9: new credentials on both sides. Media stays on the present path until the first check
    /// with the new ones. Returns the ufrag that is no longer known.
    pub fn restart(&mut self, local: Credentials, remote_ufrag: String) -> Option<String> {
        let forgotten = self.previous.replace(std::mem::replace(&mut self.local, local));
        self.previous_remote_ufrag = std::mem::replace(&mut self.remote_ufrag, remote_ufrag);
        forgotten.map(|credentials| credentials.ufrag)
    }

    pub fn ufrags(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.local).chain(&self.previous).map(|credentials| credentials.ufrag.as_str())
    }

    /// Where to send to.
    pub fn selected(&self) -> Option<&Path> {
        self.selected.as_ref()
    }

    pub fn paths(&self) -> &[Path] {
        &self.paths
    }

    pub fn last_check(&self) -> Instant {
        self.last_check
    }

    pub fn handle(&mut self, now: Instant, path: Path, datagram: &[u8]) -> Check {
        let Some((request, password)) = self.authenticate(datagram) else { return Check::Ignored };
        let before_integrity = || request.attributes.0.iter().take_while(|a| a.typ != ATTR_MESSAGE_INTEGRITY);
        let has = |kind: AttrType| before_integrity().any(|attribute| attribute.typ == kind);
        let unknown: Vec<AttrType> =
            before_integrity().map(|a| a.typ).filter(|kind| kind.required() && !is_known(*kind)).collect();
        if !unknown.is_empty() {
            return refusal(&request, &password, CODE_UNKNOWN_ATTRIBUTE, Some(UnknownAttributes(unknown)));
        }
        // We are always the controlled side, as a lite agent must be: the other has to switch.
        if has(ATTR_ICE_CONTROLLED) {
            return refusal(&request, &password, CODE_ROLE_CONFLICT, None);
        }
        let mapped = XorMappedAddress { ip: path.remote.ip(), port: path.remote.port() };
        let Some(response) = response(&request, &password, BINDING_SUCCESS, vec![Box::new(mapped)]) else {
            return Check::Ignored;
        };
        self.last_check = now;
        let (added, dropped) = self.learn(path, has(ATTR_USE_CANDIDATE));
        Check::Accepted { response, added, dropped }
    }

    /// A binding request with a right fingerprint, user name and integrity, and the password it was made
    /// with.
    fn authenticate(&mut self, datagram: &[u8]) -> Option<(Message, String)> {
        if datagram.len() > MAX_MESSAGE_LEN {
            return None;
        }
        let mut message = Message::new();
        message.unmarshal_binary(datagram).ok()?;
        if message.typ != BINDING_REQUEST || datagram.len() != 20 + message.length as usize {
            return None;
        }
        FINGERPRINT.check(&message).ok()?;
        let (user, remote) = user_name(&message)?;
        let password = if user == self.local.ufrag && remote == self.remote_ufrag {
            self.local.password.clone()
        } else {
            let previous = self.previous.as_ref()?;
            (user == previous.ufrag && remote == self.previous_remote_ufrag)
                .then(|| previous.password.clone())?
        };
        MessageIntegrity::check(&mut message, password.as_bytes(), &AwsLcRsCrypto).ok()?;
        if user == self.local.ufrag {
            self.previous = None;
        }
        Some((message, password))
    }

    /// The first authentic check gives an address to send to: Chromium starts DTLS before it nominates.
    fn learn(&mut self, path: Path, nominated: bool) -> (bool, Option<Path>) {
        let same = self.selected.is_none_or(|selected| selected.remote == path.remote);
        if nominated || same {
            self.selected = Some(path);
        }
        let known = self.paths.iter().position(|known| known.remote == path.remote);
        if let Some(known) = known {
            // The most recently used last.
            self.paths.remove(known);
        }
        self.paths.push(path);
        let oldest = self.paths.iter().position(|path| Some(path) != self.selected.as_ref());
        let dropped = oldest.filter(|_| self.paths.len() > MAX_PATHS).map(|oldest| self.paths.remove(oldest));
        (known.is_none(), dropped)
    }
}

/// `ours:theirs`.
fn user_name(message: &Message) -> Option<(String, String)> {
    let value = message.get(ATTR_USERNAME).ok()?;
    let (user, remote) = std::str::from_utf8(&value).ok()?.split_once(':')?;
    Some((user.to_owned(), remote.to_owned()))
}

fn is_known(kind: AttrType) -> bool {
    [
        ATTR_USERNAME,
        ATTR_MESSAGE_INTEGRITY,
        ATTR_FINGERPRINT,
        ATTR_PRIORITY,
        ATTR_USE_CANDIDATE,
        ATTR_ICE_CONTROLLED,
        ATTR_ICE_CONTROLLING,
    ]
    .contains(&kind)
}

fn refusal(
    request: &Message,
    password: &str,
    code: rtc_stun::error_code::ErrorCode,
    unknown: Option<UnknownAttributes>,
) -> Check {
    let mut attributes: Vec<Box<dyn Setter>> =
        vec![Box::new(ErrorCodeAttribute { code, reason: Vec::new() })];
    if let Some(unknown) = unknown {
        attributes.push(Box::new(unknown));
    }
    response(request, password, BINDING_ERROR, attributes)
        .map_or(Check::Ignored, |response| Check::Refused { response })
}

fn response(
    request: &Message,
    password: &str,
    kind: rtc_stun::message::MessageType,
    attributes: Vec<Box<dyn Setter>>,
) -> Option<Vec<u8>> {
    let mut setters: Vec<Box<dyn Setter>> = vec![Box::new(request.transaction_id), Box::new(kind)];
    setters.extend(attributes);
    let integrity = MessageIntegrity::new_raw_integrity_with_provider(password.as_bytes(), &AwsLcRsCrypto);
    setters.push(Box::new(integrity));
    setters.push(Box::new(FINGERPRINT));
    let mut message = Message::new();
    message.build(&setters).ok()?;
    Some(message.raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ufrag_names_its_thread() {
        let mut random = fastrand::Rng::with_seed(1);
        for thread in [0, 7, 255] {
            let credentials = Credentials::new(thread, &mut |bytes: &mut [u8]| random.fill(bytes));
            assert_eq!(thread_of(credentials.ufrag.as_bytes()), Some(thread));
            assert_eq!((credentials.ufrag.len(), credentials.password.len()), (12, 24));
        }
        assert_eq!(thread_of(b"x"), None);
        assert_eq!(thread_of(b"zz34"), None);
    }

    #[test]
    fn a_damaged_user_name_is_none() {
        let mut random = fastrand::Rng::with_seed(2);
        for _ in 0..10_000 {
            let mut message = vec![0; 20];
            message.extend_from_slice(&[0, 0x24, 0, 3, 1, 2, 3, 0, 0, 6, 0, 9]);
            message.extend_from_slice(b"ours:them\0\0\0");
            assert_eq!(local_ufrag(&message), Some(&b"ours"[..]));
            crate::mutation::mutate(&mut random, &mut message);
            local_ufrag(&message);
        }
    }
}
