//! How a backup is sealed: one line of JSON that says what it is, then gzip'd content under AES-256-GCM
//! (`docs/backup-file.md`). The line is authenticated with it.

use crate::access::code;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::{GzDecoder, GzEncoder};
use plenum_daemon::secret::Digest;
use serde::{Deserialize, Serialize};
use std::io::{self, Read};

/// Of the file's form; a box refuses higher ones.
const FORMAT: u32 = 1;
/// 160 bits.
const KEY_CHARS: usize = 32;
const SALT_BYTES: usize = 32;
const INFO: &[u8] = b"plenum backup 1";
/// Longer first lines are none of ours.
const MAX_HEADER_BYTES: usize = 1_024;
/// A box may have 50,000 rooms of some 400 bytes.
const MAX_CONTENT_BYTES: u64 = 64 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Backup,
    /// What had not been deleted when it was made.
    Deletions,
}

/// The first line. Whoever has the file can read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub plenum: Kind,
    pub format: u32,
    /// Milliseconds since 1970.
    pub made: u64,
    /// Of the box that made it.
    pub version: String,
    pub host_name: String,
    /// Number of the key that opens it.
    pub key: String,
    /// Of the derivation of the content's key, in base64.
    salt: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("this is no {} of Plenum", match .0 { Kind::Backup => "backup", Kind::Deletions => "list of deletions" })]
    Foreign(Kind),
    #[error(
        "a newer version of Plenum made it, in a form that this one does not know: update this box first"
    )]
    TooNew,
    #[error("this key does not open it: it needs the key number {0}")]
    WrongKey(String),
    #[error("it is damaged, or was changed: take another copy of it")]
    Damaged,
}

/// What an institution notes. 160 random bits.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// `fill` provides random bytes.
    pub fn random(fill: &mut dyn FnMut(&mut [u8])) -> Key {
        Key(code::random::<KEY_CHARS>(fill))
    }

    /// `None` if it cannot be one. Hyphens, spaces and case do not matter.
    pub fn typed(text: &str) -> Option<Key> {
        let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
        (plain.len() == KEY_CHARS && text.len() < 200).then(|| Key(plain.to_ascii_uppercase()))
    }

    /// In groups of four, as it is shown.
    pub fn shown(&self) -> String {
        let groups = self.0.as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group).into_owned());
        groups.collect::<Vec<_>>().join("-")
    }

    /// Tells keys apart and says nothing about them.
    pub fn number(&self) -> String {
        let digest = Digest::of(format!("plenum backup key number {}", self.0).as_bytes());
        digest.bytes()[..3].iter().map(|byte| format!("{byte:02X}")).collect()
    }

    /// Another one for each file: the nonce may be the same then.
    fn of_file(&self, salt: &[u8]) -> LessSafeKey {
        let derived = Salt::new(HKDF_SHA256, salt).extract(self.0.as_bytes());
        let key = derived.expand(&[INFO], &AES_256_GCM).map(UnboundKey::from);
        LessSafeKey::new(key.expect("a key of 32 bytes follows from SHA-256"))
    }
}

/// What a file says of itself beside its content.
pub struct About<'a> {
    pub kind: Kind,
    pub made: u64,
    pub version: &'a str,
    pub host_name: &'a str,
}

/// `fill` provides random bytes.
pub fn seal(key: &Key, about: &About<'_>, content: &[u8], fill: &mut dyn FnMut(&mut [u8])) -> Vec<u8> {
    let mut salt = [0; SALT_BYTES];
    fill(&mut salt);
    let header = Header {
        plenum: about.kind,
        format: FORMAT,
        made: about.made,
        version: about.version.to_owned(),
        host_name: about.host_name.to_owned(),
        key: key.number(),
        salt: STANDARD.encode(salt),
    };
    let mut file = serde_json::to_vec(&header).expect("text and numbers can be written as JSON");
    file.push(b'\n');
    let mut packed = Vec::new();
    GzEncoder::new(content, Compression::default()).read_to_end(&mut packed).expect("memory can be read");
    let sealed = key.of_file(&salt).seal_in_place_append_tag(nonce(), Aad::from(&file), &mut packed);
    sealed.expect("a backup is shorter than 64 GB");
    file.extend(packed);
    file
}

pub fn header(file: &[u8], kind: Kind) -> Result<Header, Fault> {
    split(file, kind).map(|(header, _, _)| header)
}

/// Nothing of it is believed before all of it has been authenticated.
pub fn open(key: &Key, file: &[u8], kind: Kind) -> Result<(Header, Vec<u8>), Fault> {
    let (header, line, sealed) = split(file, kind)?;
    let salt = STANDARD.decode(&header.salt).map_err(|_| Fault::Damaged)?;
    if key.number() != header.key {
        return Err(Fault::WrongKey(header.key));
    }
    let mut sealed = sealed.to_vec();
    let packed = key.of_file(&salt).open_in_place(nonce(), Aad::from(line), &mut sealed);
    let packed: &[u8] = packed.map_err(|_| Fault::Damaged)?;
    let mut content = Vec::new();
    let unpacked: io::Result<usize> =
        GzDecoder::new(packed).take(MAX_CONTENT_BYTES).read_to_end(&mut content);
    unpacked.map_err(|_| Fault::Damaged)?;
    Ok((header, content))
}

fn split(file: &[u8], kind: Kind) -> Result<(Header, &[u8], &[u8]), Fault> {
    let end =
        file.iter().take(MAX_HEADER_BYTES).position(|byte| *byte == b'\n').ok_or(Fault::Foreign(kind))?;
    let (line, sealed) = file.split_at(end + 1);
    let format: Form = serde_json::from_slice(line).map_err(|_| Fault::Foreign(kind))?;
    if format.format > FORMAT {
        return Err(Fault::TooNew);
    }
    let header: Header = serde_json::from_slice(line).map_err(|_| Fault::Foreign(kind))?;
    match header.plenum == kind {
        true => Ok((header, line, sealed)),
        false => Err(Fault::Foreign(kind)),
    }
}

/// What every form has.
#[derive(Deserialize)]
struct Form {
    #[serde(rename = "plenum")]
    _plenum: String,
    format: u32,
}

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "ABCD-EFGH-JKLM-NPQR-STUV-WXYZ-2345-6789";

    fn key() -> Key {
        Key::typed(TEXT).unwrap()
    }

    fn sealed(content: &[u8]) -> Vec<u8> {
        let about = About { kind: Kind::Backup, made: 7, version: "1.2.3", host_name: "plenum.example.org" };
        let mut next = 0;
        seal(&key(), &about, content, &mut |bytes| {
            bytes.fill_with(|| {
                next += 1;
                next
            })
        })
    }

    #[test]
    fn what_was_sealed_opens_with_its_key_alone() {
        let file = sealed(b"content");
        let (header, content) = open(&key(), &file, Kind::Backup).unwrap();
        assert_eq!((content.as_slice(), header.made, header.version.as_str()), (&b"content"[..], 7, "1.2.3"));
        assert_eq!(header.key, key().number());
        assert!(!file.windows(7).any(|part| part == b"content"));
        let other = Key::typed(&TEXT.replace('A', "B")).unwrap();
        assert_eq!(open(&other, &file, Kind::Backup).err(), Some(Fault::WrongKey(key().number())));
        assert_eq!(open(&key(), &file, Kind::Deletions).err(), Some(Fault::Foreign(Kind::Deletions)));
    }

    #[test]
    fn every_changed_bit_shows() {
        let file = sealed(b"some content");
        for place in 0..file.len() {
            for bit in 0..8 {
                let mut changed = file.clone();
                changed[place] ^= 1 << bit;
                assert!(open(&key(), &changed, Kind::Backup).is_err(), "bit {bit} of byte {place}");
            }
        }
        for length in 0..file.len() {
            assert!(open(&key(), &file[..length], Kind::Backup).is_err(), "cut at {length}");
        }
    }

    #[test]
    fn a_newer_form_says_so() {
        let file = br#"{"plenum":"backup","format":2,"something":"else"}
..."#;
        assert_eq!(open(&key(), file, Kind::Backup).err(), Some(Fault::TooNew));
        assert_eq!(header(b"PK\x03\x04", Kind::Backup), Err(Fault::Foreign(Kind::Backup)));
    }

    #[test]
    fn keys_as_people_type_them() {
        let typed = TEXT.to_lowercase().replace('-', " ");
        assert!(Key::typed(&typed) == Key::typed(TEXT));
        assert_eq!(key().shown(), TEXT);
        assert!(Key::typed("ABCD").is_none());
        assert!(Key::typed(&TEXT.repeat(9)).is_none());
    }
}
