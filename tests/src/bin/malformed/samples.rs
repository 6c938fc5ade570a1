//! Valid RTP and RTCP as the browser of the attacker's offer would send it.

use fastrand::Rng;
use std::collections::HashMap;

/// `(payload type, mid, rid or repaired rid, SSRC, SSRC of what it repeats)`: microphone, camera in three
/// layers with RTX, screen with RTX, and its sound. Payload types and ids are those of the offer.
const STREAMS: [(u8, &str, &str, u32, Option<u32>); 12] = [
    (111, "0", "", 0xa000_0001, None),
    (96, "1", "q", 0xa000_0002, None),
    (96, "1", "h", 0xa000_0003, None),
    (96, "1", "f", 0xa000_0004, None),
    (97, "1", "q", 0xa000_0005, Some(0xa000_0002)),
    (97, "1", "f", 0xa000_0006, Some(0xa000_0004)),
    (96, "2", "", 1_979_759_491, None),
    (97, "2", "", 1_041_077_009, Some(1_979_759_491)),
    (98, "2", "", 1_979_759_491, None),
    (102, "2", "", 1_979_759_491, None),
    (45, "2", "", 1_979_759_491, None),
    (111, "3", "", 3_463_988_928, None),
];

/// A packet in two parts, because SRTP leaves the first one readable.
pub(crate) struct Rtp {
    pub(crate) bytes: Vec<u8>,
    ssrc: u32,
}

/// Counts the sequence numbers of every stream.
#[derive(Default)]
pub(crate) struct Publisher(HashMap<u32, u16>);

impl Publisher {
    pub(crate) fn packet(&mut self, random: &mut Rng) -> Rtp {
        let (payload_type, mid, rid, ssrc, repeats) = *random.choice(&STREAMS).expect("not empty");
        let sequence = self.next(ssrc);
        let mut payload = payload(random, payload_type);
        if let Some(media) = repeats {
            // One that was left out, as nobody repeats what has arrived.
            payload.splice(..0, self.next(media).to_be_bytes());
        }
        let mut elements: Vec<(u8, Vec<u8>)> = vec![
            (4, mid.as_bytes().to_vec()),
            (2, vec![1, 2, 3]),
            (3, random.u16(..).to_be_bytes().to_vec()),
        ];
        if payload_type == 111 {
            elements.push((1, vec![0x80 | 20]));
        } else {
            elements.push((13, vec![1]));
            elements.push((5, vec![0, 0, 0]));
            elements.push((12, vec![0xc0, 0, sequence as u8, 0x80, 1, 2, 3, 4, 5]));
        }
        if !rid.is_empty() {
            elements.push((if repeats.is_some() { 11 } else { 10 }, rid.as_bytes().to_vec()));
        }
        random.shuffle(&mut elements);
        let marker = u8::from(random.bool()) << 7;
        let mut bytes = vec![0x90, marker | payload_type];
        bytes.extend_from_slice(&sequence.to_be_bytes());
        bytes.extend_from_slice(&(u32::from(sequence) * 3_000).to_be_bytes());
        bytes.extend_from_slice(&ssrc.to_be_bytes());
        bytes.extend_from_slice(&extension(&elements, random.u8(..4) == 0));
        bytes.extend_from_slice(&payload);
        Rtp { bytes, ssrc }
    }

    fn next(&mut self, ssrc: u32) -> u16 {
        let sequence = self.0.entry(ssrc).or_insert(1_000);
        *sequence = sequence.wrapping_add(1);
        *sequence
    }

    /// What was sent with a damaged number goes on from there: everything before would be too old.
    pub(crate) fn follow(&mut self, sent: &[u8]) {
        let ssrc = u32::from_be_bytes([sent[8], sent[9], sent[10], sent[11]]);
        if let Some(sequence) = self.0.get_mut(&ssrc) {
            *sequence = u16::from_be_bytes([sent[2], sent[3]]);
        }
    }

    /// A number that has not been used, in the place of one that has.
    pub(crate) fn renumber(&mut self, packet: &mut Rtp) {
        let sequence = self.next(packet.ssrc);
        packet.bytes[2..4].copy_from_slice(&sequence.to_be_bytes());
        packet.bytes[8..12].copy_from_slice(&packet.ssrc.to_be_bytes());
    }
}

/// RFC 8285, with headers of one or of two bytes.
fn extension(elements: &[(u8, Vec<u8>)], two_bytes: bool) -> Vec<u8> {
    let mut body = Vec::new();
    for (id, value) in elements {
        match two_bytes {
            true => body.extend_from_slice(&[*id, value.len() as u8]),
            false => body.push(id << 4 | (value.len() as u8 - 1)),
        }
        body.extend_from_slice(value);
    }
    body.resize(body.len().next_multiple_of(4), 0);
    let profile: [u8; 2] = if two_bytes { [0x10, 0] } else { [0xbe, 0xde] };
    [&profile[..], &((body.len() / 4) as u16).to_be_bytes(), &body].concat()
}

/// The beginning of a key frame, or of what builds on one.
fn payload(random: &mut Rng, payload_type: u8) -> Vec<u8> {
    let key: &[u8] = match payload_type {
        96 | 97 => &[0x90, 0xf0, 0x80, 7, 1, 0x21, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 2, 0x68, 1],
        98 => &[0xaa, 0x80, 7, 0x01, 1, 0x10, 0x02, 0x80, 0x01, 0x68],
        102 => &[0x78, 0, 4, 0x67, 0x42, 0, 0x1f, 0, 4, 0x68, 0xce, 0x3c, 0x80],
        45 => &[0x18, 0x0a, 0x0b, 0, 0, 0, 4, 0x47, 0x7e, 0x1a],
        _ => &[0xfc],
    };
    let mut payload = key.to_vec();
    if random.bool() && payload.len() > 6 {
        // No key frame, in VP8 at least.
        payload[6] |= 1;
    }
    payload.extend((0..random.usize(10..400)).map(|at| at as u8));
    payload
}

/// Length of fixed header, contributors and extension; None: the packet is shorter than it says.
pub(crate) fn header_len(packet: &[u8]) -> Option<usize> {
    let first = *packet.first().filter(|first| packet.len() >= 12 && **first >> 6 == 2)?;
    let mut len = 12 + 4 * usize::from(first & 15);
    if first & 0x10 != 0 {
        let words = packet.get(len + 2..len + 4)?;
        len += 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
    }
    (len <= packet.len()).then_some(len)
}

/// One RTCP packet of any kind. `slots`: what its sender receives.
pub(crate) fn report(random: &mut Rng, slots: &[u32]) -> Vec<u8> {
    let slot = random.choice(slots.iter().copied()).unwrap_or_default();
    let own = random.choice(STREAMS).map_or(0, |stream| stream.3);
    let mut block = slot.to_be_bytes().to_vec();
    block.extend_from_slice(&[10, 0, 0, 5, 0, 0, 9, 9, 0, 0, 0, 99, 1, 2, 3, 4, 0, 0, 1, 0]);
    let sender = [&own.to_be_bytes()[..], &random.u64(..).to_be_bytes(), &[0; 12]].concat();
    let receiver = 1_u32.to_be_bytes().to_vec();
    let about = |media: u32, rest: &[u8]| [&receiver[..], &media.to_be_bytes(), rest].concat();
    let (count, kind, body) = match random.u8(..12) {
        0 => (1, 200, [sender, block].concat()),
        1 => (0, 200, sender),
        2 => (1, 201, [receiver, block].concat()),
        3 => (1, 202, [&own.to_be_bytes()[..], b"\x01\x04name\0\0"].concat()),
        4 => (1, 203, own.to_be_bytes().to_vec()),
        5 => (0, 204, about(0x706c_656e, &[1, 2, 3, 4])),
        6 | 7 => {
            let base = random.u16(..).to_be_bytes();
            (1, 205, about(slot, &[base[0], base[1], 0xff, 0xff, 0, 9, 0x80, 1]))
        }
        // Transport-wide feedback: a run of 7 small deltas, then a vector of 7.
        8 => {
            let number = random.u16(..).to_be_bytes();
            let head = [number[0], number[1], 0, 14, 0, 1, 2, 3, 0x20, 7, 0xd5, 0x55];
            (15, 205, about(slot, &[&head[..], &[4; 16]].concat()))
        }
        9 => (1, 206, about(slot, &[])),
        10 => (4, 206, about(0, &[&slot.to_be_bytes()[..], &[1, 0, 0, 0]].concat())),
        _ => (15, 206, about(0, &[b"REMB\x01\x0b\x20\x00", &slot.to_be_bytes()[..]].concat())),
    };
    let words = (body.len() / 4) as u16;
    [&[0x80 | count, kind][..], &words.to_be_bytes(), &body].concat()
}
