//! The client's first message, before the DTLS stack sees it.
//!
//! Post-quantum key shares make a ClientHello larger than a datagram. Firefox cuts a repeated one at another
//! place than the first (1383 + 78 bytes, then 1163 + 298), which dimpl never puts together: one handshake in
//! ten stood still under a quarter of loss. So whole hellos are made here. And it is read here which version
//! of DTLS to speak: dimpl's server takes the client's first SRTP profile in DTLS 1.3, its own in 1.2.

use std::ops::Range;

const RECORD_HEADER: usize = 13;
const HANDSHAKE: u8 = 22;
const MESSAGE_HEADER: usize = 12;
const CLIENT_HELLO: u8 = 1;
/// Two large key shares, and much more than browsers send.
const MAX_HELLO: usize = 8 * 1024;
const MAX_PIECES: usize = 16;

/// The fragments of one message so far.
#[derive(Default)]
pub(super) struct Assembler {
    sequence: u16,
    body: Vec<u8>,
    /// What of `body` is there; disjoint.
    pieces: Vec<Range<usize>>,
}

/// What a datagram is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// None of a ClientHello: for the DTLS stack as it is.
    Other,
    /// A fragment; others are missing.
    Incomplete,
    /// A datagram with the whole message in one record.
    Whole(Vec<u8>),
}

struct Fragment<'a> {
    record_header: &'a [u8],
    sequence: u16,
    total: usize,
    offset: usize,
    bytes: &'a [u8],
}

impl Assembler {
    pub(super) fn take(&mut self, datagram: &[u8]) -> Taken {
        let Some(fragments) = fragments(datagram) else { return Taken::Other };
        let mut whole = None;
        for fragment in fragments {
            if self.add(&fragment) {
                whole = Some(self.datagram(&fragment));
                // A repetition has to arrive as a whole too before it counts as one.
                self.pieces.clear();
            }
        }
        whole.map_or(Taken::Incomplete, Taken::Whole)
    }

    /// The body of the last whole message.
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// True when nothing is missing any more.
    fn add(&mut self, fragment: &Fragment<'_>) -> bool {
        if fragment.sequence != self.sequence || fragment.total != self.body.len() {
            self.sequence = fragment.sequence;
            self.body = vec![0; fragment.total];
            self.pieces.clear();
        }
        let mut piece = fragment.offset..fragment.offset + fragment.bytes.len();
        self.body[piece.clone()].copy_from_slice(fragment.bytes);
        self.pieces.retain(|other| {
            let touching = other.start <= piece.end && piece.start <= other.end;
            if touching {
                piece = piece.start.min(other.start)..piece.end.max(other.end);
            }
            !touching
        });
        if self.pieces.len() >= MAX_PIECES {
            self.pieces.clear();
        }
        let whole = piece == (0..self.body.len());
        self.pieces.push(piece);
        whole
    }

    /// One record with the whole message, under the number of the record that completed it.
    fn datagram(&self, last: &Fragment<'_>) -> Vec<u8> {
        let len = (self.body.len() as u32).to_be_bytes();
        let mut datagram = last.record_header.to_vec();
        let record_len = (MESSAGE_HEADER + self.body.len()) as u16;
        datagram[RECORD_HEADER - 2..].copy_from_slice(&record_len.to_be_bytes());
        datagram.push(CLIENT_HELLO);
        datagram.extend_from_slice(&len[1..]);
        datagram.extend_from_slice(&self.sequence.to_be_bytes());
        datagram.extend_from_slice(&[0; 3]);
        datagram.extend_from_slice(&len[1..]);
        datagram.extend_from_slice(&self.body);
        datagram
    }
}

/// The records of a datagram, if all of them are unencrypted fragments of a ClientHello.
fn fragments(mut datagram: &[u8]) -> Option<Vec<Fragment<'_>>> {
    let mut fragments = Vec::new();
    while !datagram.is_empty() {
        let (record_header, rest) = datagram.split_at_checked(RECORD_HEADER)?;
        let len = usize::from(u16::from_be_bytes([record_header[11], record_header[12]]));
        let (record, rest) = rest.split_at_checked(len)?;
        // Type, and epoch 0.
        if record_header[0] != HANDSHAKE || record_header[3..5] != [0, 0] {
            return None;
        }
        let (header, bytes) = record.split_at_checked(MESSAGE_HEADER)?;
        let number = |at: usize| u32::from_be_bytes([0, header[at], header[at + 1], header[at + 2]]) as usize;
        let (total, offset) = (number(1), number(6));
        let fits = header[0] == CLIENT_HELLO && number(9) == bytes.len();
        if !fits || total > MAX_HELLO || offset + bytes.len() > total {
            return None;
        }
        let sequence = u16::from_be_bytes([header[4], header[5]]);
        fragments.push(Fragment { record_header, sequence, total, offset, bytes });
        datagram = rest;
    }
    (!fragments.is_empty()).then_some(fragments)
}

/// Whether to speak DTLS 1.3: the client offers it, and the SRTP profile that it would get is an AEAD one
/// (EN4), or it offers nothing older.
pub(super) fn wants_13(body: &[u8]) -> bool {
    let Some(offer) = read(body) else { return false };
    offer.version_13 && (offer.aead_first || !offer.version_12)
}

struct Offer {
    version_12: bool,
    version_13: bool,
    aead_first: bool,
}

/// RFC 6347 §4.2.1, RFC 9147 §5.3.
fn read(body: &[u8]) -> Option<Offer> {
    const DTLS_12: u16 = 0xfefd;
    const DTLS_13: u16 = 0xfefc;
    const USE_SRTP: u16 = 14;
    const SUPPORTED_VERSIONS: u16 = 43;
    const PROFILES: [u16; 3] = [0x0001, 0x0007, 0x0008];

    // Version and random.
    let mut rest = body.get(34..)?;
    vector(&mut rest, 1)?; // session id
    vector(&mut rest, 1)?; // cookie
    vector(&mut rest, 2)?; // cipher suites
    vector(&mut rest, 1)?; // compression methods
    let mut extensions = vector(&mut rest, 2)?;
    let mut offer = Offer { version_12: true, version_13: false, aead_first: false };
    while !extensions.is_empty() {
        let (kind, after) = extensions.split_first_chunk::<2>()?;
        extensions = after;
        let mut value = vector(&mut extensions, 2)?;
        match u16::from_be_bytes(*kind) {
            SUPPORTED_VERSIONS => {
                let versions = words(vector(&mut value, 1)?);
                offer.version_12 = versions.contains(&DTLS_12);
                offer.version_13 = versions.contains(&DTLS_13);
            }
            USE_SRTP => {
                let profiles = words(vector(&mut value, 2)?);
                let first = profiles.into_iter().find(|profile| PROFILES.contains(profile));
                offer.aead_first = first.is_some_and(|profile| profile != PROFILES[0]);
            }
            _ => {}
        }
    }
    Some(offer)
}

/// Takes a vector with a length of `size` bytes from the front of `rest`.
fn vector<'a>(rest: &mut &'a [u8], size: usize) -> Option<&'a [u8]> {
    let (len, after) = rest.split_at_checked(size)?;
    let len = len.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
    let (value, after) = after.split_at_checked(len)?;
    *rest = after;
    Some(value)
}

fn words(bytes: &[u8]) -> Vec<u16> {
    bytes.as_chunks::<2>().0.iter().map(|word| u16::from_be_bytes(*word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datagram(record: u8, body: &[u8], piece: Range<usize>) -> Vec<u8> {
        let number = |n: usize| (n as u32).to_be_bytes();
        let mut datagram = vec![HANDSHAKE, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, record];
        datagram.extend_from_slice(&((MESSAGE_HEADER + piece.len()) as u16).to_be_bytes());
        datagram.push(CLIENT_HELLO);
        datagram.extend_from_slice(&number(body.len())[1..]);
        datagram.extend_from_slice(&[0, 0]);
        datagram.extend_from_slice(&number(piece.start)[1..]);
        datagram.extend_from_slice(&number(piece.len())[1..]);
        datagram.extend_from_slice(&body[piece]);
        datagram
    }

    #[test]
    fn pieces_that_overlap_are_put_together() {
        let body: Vec<u8> = (0..1_461u32).map(|n| n as u8).collect();
        let mut assembler = Assembler::default();
        assert_eq!(assembler.take(&datagram(0, &body, 0..1_383)), Taken::Incomplete);
        let whole = datagram(7, &body, 0..1_461);
        assert_eq!(assembler.take(&datagram(7, &body, 1_163..1_461)), Taken::Whole(whole.clone()));
        assert_eq!(assembler.body(), body);
        // Repeated as a whole only when all of it came again.
        assert_eq!(assembler.take(&datagram(8, &body, 0..1_163)), Taken::Incomplete);
        assert!(matches!(assembler.take(&datagram(9, &body, 1_163..1_461)), Taken::Whole(_)));
        assert_eq!(assembler.take(&whole), Taken::Whole(whole.clone()));
        let both = [datagram(1, &body, 0..700), datagram(2, &body, 700..1_461)].concat();
        assert!(matches!(assembler.take(&both), Taken::Whole(_)));
    }

    #[test]
    fn arbitrary_cuts_in_arbitrary_order_arrive() {
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..500 {
            let body: Vec<u8> = (0..random.usize(50..3_000)).map(|_| random.u8(..)).collect();
            let mut assembler = Assembler::default();
            let mut tries = 0;
            let whole = loop {
                tries += 1;
                let start = random.usize(0..body.len()) / 40 * 40;
                let end = body.len().min(start + random.usize(1..1_300));
                match assembler.take(&datagram(0, &body, start..end)) {
                    Taken::Whole(whole) => break whole,
                    taken => assert_eq!(taken, Taken::Incomplete),
                }
                assert!(tries < 10_000);
            };
            assert_eq!(whole[RECORD_HEADER + MESSAGE_HEADER..], body);
        }
    }

    #[test]
    fn what_is_none_is_left_alone() {
        let mut random = fastrand::Rng::with_seed(2);
        let body = [7; 100];
        let mut assembler = Assembler::default();
        assert_eq!(assembler.take(&[]), Taken::Other);
        for _ in 0..10_000 {
            let mut data = datagram(0, &body, 0..100);
            crate::mutation::mutate(&mut random, &mut data);
            assembler.take(&data);
            assert!(assembler.body().len() <= MAX_HELLO);
            wants_13(&data);
        }
    }
}
