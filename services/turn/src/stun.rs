//! A strict reader and a small writer of STUN messages (RFC 8489, section 5 and 14) with the attributes
//! of TURN (RFC 8656, section 18). It stands in front of the `turn` crate: only messages that it
//! understands to the last byte are let through.

use aws_lc_rs::{constant_time, hmac};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

pub const HEADER_LEN: usize = 20;
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];
/// More than any client needs; bounds the work per message.
const MAX_ATTRIBUTES: usize = 32;
const INTEGRITY_LEN: usize = 20;

pub type TransactionId = [u8; 12];

/// Attribute types (RFC 8489, section 18.3; RFC 8656, section 18).
pub mod attribute {
    pub const USERNAME: u16 = 0x0006;
    pub const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub const ERROR_CODE: u16 = 0x0009;
    pub const UNKNOWN_ATTRIBUTES: u16 = 0x000A;
    pub const CHANNEL_NUMBER: u16 = 0x000C;
    pub const LIFETIME: u16 = 0x000D;
    pub const XOR_PEER_ADDRESS: u16 = 0x0012;
    pub const DATA: u16 = 0x0013;
    pub const REALM: u16 = 0x0014;
    pub const NONCE: u16 = 0x0015;
    pub const REQUESTED_ADDRESS_FAMILY: u16 = 0x0017;
    pub const EVEN_PORT: u16 = 0x0018;
    pub const REQUESTED_TRANSPORT: u16 = 0x0019;
    pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    pub const RESERVATION_TOKEN: u16 = 0x0022;
    pub const FINGERPRINT: u16 = 0x8028;
}
use attribute::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Request,
    Indication,
    Success,
    Error,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Binding,
    Allocate,
    Refresh,
    Send,
    Data,
    CreatePermission,
    ChannelBind,
    Other(u16),
}

impl Method {
    fn from_code(code: u16) -> Method {
        match code {
            0x001 => Method::Binding,
            0x003 => Method::Allocate,
            0x004 => Method::Refresh,
            0x006 => Method::Send,
            0x007 => Method::Data,
            0x008 => Method::CreatePermission,
            0x009 => Method::ChannelBind,
            other => Method::Other(other),
        }
    }

    fn code(self) -> u16 {
        match self {
            Method::Binding => 0x001,
            Method::Allocate => 0x003,
            Method::Refresh => 0x004,
            Method::Send => 0x006,
            Method::Data => 0x007,
            Method::CreatePermission => 0x008,
            Method::ChannelBind => 0x009,
            Method::Other(code) => code,
        }
    }
}

/// Why bytes are not a message that the server works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("shorter or longer than its header says")]
    Length,
    #[error("no STUN magic cookie")]
    Cookie,
    #[error("an attribute does not fit its message, or its size its type")]
    Attribute,
    #[error("attributes behind MESSAGE-INTEGRITY, which nobody vouches for")]
    Trailing,
    #[error("neither STUN nor ChannelData")]
    Unknown,
}

/// A well-formed message.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    pub class: Class,
    pub method: Method,
    pub transaction: TransactionId,
    bytes: &'a [u8],
    /// Offset of the MESSAGE-INTEGRITY attribute's header.
    integrity: Option<usize>,
}

impl<'a> Message<'a> {
    pub fn parse(bytes: &'a [u8]) -> Result<Message<'a>, Malformed> {
        let header = bytes.get(..HEADER_LEN).ok_or(Malformed::Length)?;
        let kind = u16::from_be_bytes([header[0], header[1]]);
        if kind & 0xC000 != 0 {
            return Err(Malformed::Unknown);
        }
        if header[4..8] != MAGIC_COOKIE {
            return Err(Malformed::Cookie);
        }
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        if !length.is_multiple_of(4) || bytes.len() != HEADER_LEN + length {
            return Err(Malformed::Length);
        }
        let mut transaction = TransactionId::default();
        transaction.copy_from_slice(&header[8..20]);
        let (class, method) = split_type(kind);
        Ok(Message { class, method, transaction, bytes, integrity: check_attributes(bytes)? })
    }

    /// Type and value of every attribute.
    pub fn attributes(&self) -> impl Iterator<Item = (u16, &'a [u8])> + use<'a> {
        Attributes { bytes: self.bytes, at: HEADER_LEN }.filter_map(Result::ok).map(|a| (a.kind, a.value))
    }

    /// The first attribute of a type.
    pub fn get(&self, kind: u16) -> Option<&'a [u8]> {
        self.attributes().find(|(found, _)| *found == kind).map(|(_, value)| value)
    }

    pub fn text(&self, kind: u16) -> Option<&'a str> {
        std::str::from_utf8(self.get(kind)?).ok()
    }

    pub fn has_integrity(&self) -> bool {
        self.integrity.is_some()
    }

    /// The message without some attribute, signed anew.
    pub fn without(&self, kind: u16, key: &[u8]) -> Vec<u8> {
        let writer = Writer::new(self.class, self.method, self.transaction);
        self.attributes()
            .filter(|(found, _)| ![kind, MESSAGE_INTEGRITY, FINGERPRINT].contains(found))
            .fold(writer, |writer, (kind, value)| writer.attribute(kind, value))
            .integrity(key)
            .finish()
    }

    /// XOR-PEER-ADDRESS, as often as it occurs.
    pub fn peers(&self) -> impl Iterator<Item = SocketAddr> {
        let transaction = self.transaction;
        self.attributes()
            .filter(|(kind, _)| *kind == XOR_PEER_ADDRESS)
            .filter_map(move |(_, value)| read_xor_address(value, &transaction))
    }

    /// Whether MESSAGE-INTEGRITY was made with this key (RFC 8489, section 14.5).
    pub fn integrity_matches(&self, key: &[u8]) -> bool {
        let Some(at) = self.integrity else { return false };
        let claimed = &self.bytes[at + 4..at + 4 + INTEGRITY_LEN];
        let made = integrity_tag(&self.bytes[..at], key);
        constant_time::verify_slices_are_equal(made.as_ref(), claimed).is_ok()
    }
}

fn split_type(kind: u16) -> (Class, Method) {
    let class = match ((kind >> 7) & 2) | ((kind >> 4) & 1) {
        0 => Class::Request,
        1 => Class::Indication,
        2 => Class::Success,
        _ => Class::Error,
    };
    let method = (kind & 0x000F) | ((kind & 0x00E0) >> 1) | ((kind & 0x3E00) >> 2);
    (class, Method::from_code(method))
}

fn join_type(class: Class, method: Method) -> u16 {
    let class = match class {
        Class::Request => 0,
        Class::Indication => 0x0010,
        Class::Success => 0x0100,
        Class::Error => 0x0110,
    };
    let code = method.code();
    class | (code & 0x000F) | ((code & 0x0070) << 1) | ((code & 0x0F80) << 2)
}

/// HMAC-SHA1 over a message up to its MESSAGE-INTEGRITY, with the length as if it ended behind that.
fn integrity_tag(before: &[u8], key: &[u8]) -> hmac::Tag {
    let length = (before.len() - HEADER_LEN + 4 + INTEGRITY_LEN) as u16;
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key));
    context.update(&before[..2]);
    context.update(&length.to_be_bytes());
    context.update(&before[4..]);
    context.sign()
}

struct Attribute<'a> {
    kind: u16,
    value: &'a [u8],
    at: usize,
}

struct Attributes<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<Attribute<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let at = self.at;
        let [k0, k1, l0, l1, ..] = *rest else {
            self.at = self.bytes.len();
            return Some(Err(Malformed::Attribute));
        };
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let Some(value) = rest.get(4..4 + length) else {
            self.at = self.bytes.len();
            return Some(Err(Malformed::Attribute));
        };
        self.at += 4 + length.next_multiple_of(4);
        Some(Ok(Attribute { kind: u16::from_be_bytes([k0, k1]), value, at }))
    }
}

/// Walks over all attributes; returns where MESSAGE-INTEGRITY stands.
fn check_attributes(bytes: &[u8]) -> Result<Option<usize>, Malformed> {
    let mut integrity = None;
    for (index, attribute) in (Attributes { bytes, at: HEADER_LEN }).enumerate() {
        let attribute = attribute?;
        if index >= MAX_ATTRIBUTES || !size_fits(attribute.kind, attribute.value) {
            return Err(Malformed::Attribute);
        }
        // RFC 8489 says to ignore what follows. The `turn` crate does not, so such a message ends here.
        if integrity.is_some() && attribute.kind != FINGERPRINT {
            return Err(Malformed::Trailing);
        }
        if attribute.kind == MESSAGE_INTEGRITY {
            integrity = Some(attribute.at);
        }
    }
    Ok(integrity)
}

fn size_fits(kind: u16, value: &[u8]) -> bool {
    match kind {
        // RFC 8489, sections 14.3, 14.9 and 14.10.
        USERNAME => value.len() < 509,
        REALM | NONCE => value.len() <= 763,
        MESSAGE_INTEGRITY => value.len() == INTEGRITY_LEN,
        FINGERPRINT | CHANNEL_NUMBER | LIFETIME | REQUESTED_TRANSPORT | REQUESTED_ADDRESS_FAMILY => {
            value.len() == 4
        }
        EVEN_PORT => value.len() == 1,
        RESERVATION_TOKEN => value.len() == 8,
        XOR_PEER_ADDRESS => matches!((value.len(), value.get(1)), (8, Some(1)) | (20, Some(2))),
        _ => true,
    }
}

fn read_xor_address(value: &[u8], transaction: &TransactionId) -> Option<SocketAddr> {
    let port = u16::from_be_bytes([*value.get(2)?, *value.get(3)?]) ^ 0x2112;
    let ip = match value.get(4..)? {
        v4 @ [_, _, _, _] => {
            let mut octets = [0; 4];
            xor_into(&mut octets, v4, transaction);
            IpAddr::V4(Ipv4Addr::from(octets))
        }
        v6 if v6.len() == 16 => {
            let mut octets = [0; 16];
            xor_into(&mut octets, v6, transaction);
            IpAddr::V6(Ipv6Addr::from(octets))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

fn xor_into(out: &mut [u8], bytes: &[u8], transaction: &TransactionId) {
    let mask = MAGIC_COOKIE.iter().chain(transaction);
    for ((out, byte), mask) in out.iter_mut().zip(bytes).zip(mask) {
        *out = byte ^ mask;
    }
}

/// Writes one message.
pub struct Writer {
    bytes: Vec<u8>,
    transaction: TransactionId,
}

impl Writer {
    pub fn new(class: Class, method: Method, transaction: TransactionId) -> Writer {
        let mut bytes = Vec::with_capacity(160);
        bytes.extend(join_type(class, method).to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(MAGIC_COOKIE);
        bytes.extend(transaction);
        Writer { bytes, transaction }
    }

    pub fn attribute(mut self, kind: u16, value: &[u8]) -> Writer {
        self.bytes.extend(kind.to_be_bytes());
        self.bytes.extend((value.len() as u16).to_be_bytes());
        self.bytes.extend(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self.set_length();
        self
    }

    pub fn xor_address(self, kind: u16, address: SocketAddr) -> Writer {
        let mut value = Vec::with_capacity(20);
        value.extend([0, if address.is_ipv4() { 1 } else { 2 }]);
        value.extend((address.port() ^ 0x2112).to_be_bytes());
        let mut octets = [0; 16];
        match address.ip() {
            IpAddr::V4(ip) => {
                xor_into(&mut octets[..4], &ip.octets(), &self.transaction);
                value.extend(&octets[..4]);
            }
            IpAddr::V6(ip) => {
                xor_into(&mut octets, &ip.octets(), &self.transaction);
                value.extend(octets);
            }
        }
        self.attribute(kind, &value)
    }

    pub fn error(self, code: u16, reason: &str) -> Writer {
        let mut value = vec![0, 0, (code / 100) as u8, (code % 100) as u8];
        value.extend(reason.as_bytes());
        self.attribute(ERROR_CODE, &value)
    }

    /// Adds MESSAGE-INTEGRITY, the last attribute.
    pub fn integrity(self, key: &[u8]) -> Writer {
        let tag = integrity_tag(&self.bytes, key);
        self.attribute(MESSAGE_INTEGRITY, tag.as_ref())
    }

    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    fn set_length(&mut self) {
        let length = (self.bytes.len() - HEADER_LEN) as u16;
        self.bytes[2..4].copy_from_slice(&length.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5769, section 2.4: request with long-term authentication.
    const RFC5769_REQUEST: &str = "000100602112a44278ad3433c6ad72c029da412e00060012e3839ee38388e383aae38383e382af\
        e382b90000001500 1c662f2f3439396b39353464364f4c33346f4c394653547679363473410014000b6578616d706c652e6f726700\
        00080014f67024656dd64a3e02b8e0712e85c9a28ca89666";

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    #[test]
    fn reads_the_test_vector_of_rfc_5769() {
        let bytes = bytes(RFC5769_REQUEST);
        let message = Message::parse(&bytes).unwrap();
        assert_eq!((message.class, message.method), (Class::Request, Method::Binding));
        assert_eq!(message.text(REALM), Some("example.org"));
        let key = turn::auth::generate_auth_key("マトリックス", "example.org", "TheMatrIX");
        assert!(message.integrity_matches(&key));
        assert!(!message.integrity_matches(b"another key"));
    }

    #[test]
    fn writes_what_it_reads() {
        for address in ["192.0.2.7:4711", "[2001:db8::7]:4711"] {
            let address: SocketAddr = address.parse().unwrap();
            let bytes = Writer::new(Class::Request, Method::CreatePermission, [7; 12])
                .attribute(USERNAME, b"12345")
                .xor_address(XOR_PEER_ADDRESS, address)
                .integrity(b"key")
                .finish();
            let message = Message::parse(&bytes).unwrap();
            assert_eq!((message.class, message.method), (Class::Request, Method::CreatePermission));
            assert_eq!(message.peers().collect::<Vec<_>>(), [address]);
            assert!(message.integrity_matches(b"key"));
        }
    }

    #[test]
    fn every_type_survives_the_round_trip() {
        for class in [Class::Request, Class::Indication, Class::Success, Class::Error] {
            for code in [1, 3, 4, 6, 7, 8, 9, 0x0FFF] {
                assert_eq!(
                    split_type(join_type(class, Method::from_code(code))),
                    (class, Method::from_code(code))
                );
            }
        }
    }

    #[test]
    fn refuses_attributes_behind_the_integrity() {
        let bytes = Writer::new(Class::Request, Method::CreatePermission, [7; 12])
            .integrity(b"key")
            .xor_address(XOR_PEER_ADDRESS, "192.0.2.7:1".parse().unwrap())
            .finish();
        assert_eq!(Message::parse(&bytes).unwrap_err(), Malformed::Trailing);
    }

    #[test]
    fn refuses_wrong_lengths() {
        let good = Writer::new(Class::Request, Method::Allocate, [7; 12])
            .attribute(REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
        let good = good.finish();
        assert!(Message::parse(&good).is_ok());
        for length in 0..good.len() {
            assert!(Message::parse(&good[..length]).is_err());
        }
        let short =
            Writer::new(Class::Request, Method::Allocate, [7; 12]).attribute(LIFETIME, &[0, 1]).finish();
        assert_eq!(Message::parse(&short).unwrap_err(), Malformed::Attribute);
    }
}
