//! One record as bytes: a header, the value as JSON, and a checksum over both and the key, so that a value
//! under a wrong key is noticed too.
//!
//! ```text
//! 0  format (1)         1  number of files     2  schema, u16
//! 4  sequence, u64     12  created, u64 ms    20  expires, u64 ms
//! 28 files, 32 bytes each; JSON; CRC-32 of key and all before it          (big endian)
//! ```

use crate::files::Hash;

const FORMAT: u8 = 1;
const HEADER: usize = 28;
const CHECKSUM: usize = 4;

/// The whole record. At this size sled keeps every tree node below the size at which it would spill to a blob
/// file, which it never syncs: a leaf holds at most 19 records, thus 83 KB of the 128 KB that stay inline.
pub(crate) const MAX_RECORD: usize = 4096;
/// Tree name, separator and key. An inner node holds at most 319 keys, thus 80 KB.
pub(crate) const MAX_KEY: usize = 255;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// Schema version of the store that wrote it.
    pub schema: u16,
    /// Number of the group in which it was written.
    pub sequence: u64,
    /// Milliseconds since the epoch.
    pub created: u64,
    /// Milliseconds since the epoch, or [`crate::time::NEVER`].
    pub expires: u64,
    pub files: Vec<Hash>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub header: Header,
    /// JSON.
    pub value: &'a [u8],
    pub checksum: u32,
}

/// Why bytes are not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Damage {
    #[error("too short")]
    Short,
    #[error("unknown format")]
    Format,
    #[error("wrong checksum")]
    Checksum,
}

/// Size of the record with a value of `value` bytes and `files` files.
pub(crate) fn encoded_len(value: usize, files: usize) -> usize {
    HEADER + 32 * files + value + CHECKSUM
}

pub(crate) fn encode(key: &[u8], header: &Header, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(encoded_len(value.len(), header.files.len()));
    bytes.push(FORMAT);
    // At most 127 fit into MAX_RECORD, which callers check.
    bytes.push(u8::try_from(header.files.len()).unwrap_or(u8::MAX));
    bytes.extend(header.schema.to_be_bytes());
    bytes.extend(header.sequence.to_be_bytes());
    bytes.extend(header.created.to_be_bytes());
    bytes.extend(header.expires.to_be_bytes());
    for file in &header.files {
        bytes.extend(file.0);
    }
    bytes.extend(value);
    let checksum = checksum(key, &bytes);
    bytes.extend(checksum.to_be_bytes());
    bytes
}

pub(crate) fn decode<'a>(key: &[u8], bytes: &'a [u8]) -> Result<Record<'a>, Damage> {
    let (body, stored) = bytes.split_last_chunk::<CHECKSUM>().ok_or(Damage::Short)?;
    let stored = u32::from_be_bytes(*stored);
    if checksum(key, body) != stored {
        return Err(Damage::Checksum);
    }
    let (head, rest) = body.split_first_chunk::<HEADER>().ok_or(Damage::Short)?;
    if head[0] != FORMAT {
        return Err(Damage::Format);
    }
    let (files, value) = rest.split_at_checked(32 * usize::from(head[1])).ok_or(Damage::Short)?;
    let header = Header {
        schema: u16::from_be_bytes([head[2], head[3]]),
        sequence: number(head, 4),
        created: number(head, 12),
        expires: number(head, 20),
        // Chunks of exactly 32 bytes.
        files: files.as_chunks().0.iter().map(|hash| Hash(*hash)).collect(),
    };
    Ok(Record { header, value, checksum: stored })
}

fn number(head: &[u8; HEADER], at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&head[at..at + 8]);
    u64::from_be_bytes(bytes)
}

fn checksum(key: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(body);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header { schema: 3, sequence: 7, created: 11, expires: 13, files: vec![Hash([5; 32])] }
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        let bytes = encode(b"key", &header(), b"{}");
        assert_eq!(bytes.len(), encoded_len(2, 1));
        let record = decode(b"key", &bytes).unwrap();
        assert_eq!((record.header, record.value), (header(), &b"{}"[..]));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let bytes = encode(b"key", &header(), b"{\"a\":1}");
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(b"key", &flipped).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(decode(b"key", &bytes[..length]).is_err(), "length {length}");
        }
        assert_eq!(decode(b"kez", &bytes), Err(Damage::Checksum));
    }
}
