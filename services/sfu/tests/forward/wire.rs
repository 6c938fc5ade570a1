//! RTP as the clients of the scenarios write and read it, and the marks that their payloads carry.

use plenum_protocol::media::Source;
use plenum_sfu::description::{Codec, Extensions};

pub(crate) const LAYERS: [&str; 3] = ["q", "h", "f"];

/// What a simulated payload says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) person: u32,
    pub(crate) source: Source,
    pub(crate) layer: u8,
    /// Counts the frames of the layer; for sound, the packets.
    pub(crate) frame: u32,
    pub(crate) part: u16,
    pub(crate) parts: u16,
    pub(crate) key: bool,
    /// Of the frame, in microseconds of the simulation.
    pub(crate) captured: i64,
}

impl Mark {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.person.to_be_bytes());
        out.extend_from_slice(&[self.source as u8, self.layer, u8::from(self.key)]);
        out.extend_from_slice(&self.frame.to_be_bytes());
        out.extend_from_slice(&self.part.to_be_bytes());
        out.extend_from_slice(&self.parts.to_be_bytes());
        out.extend_from_slice(&self.captured.to_be_bytes());
    }

    pub(crate) fn read(bytes: &[u8]) -> Mark {
        let word = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        let half = |at: usize| u16::from_be_bytes(bytes[at..at + 2].try_into().unwrap());
        Mark {
            person: word(0),
            source: Source::ALL[usize::from(bytes[4])],
            layer: bytes[5],
            key: bytes[6] == 1,
            frame: word(7),
            part: half(11),
            parts: half(13),
            captured: i64::from_be_bytes(bytes[15..23].try_into().unwrap()),
        }
    }
}

/// The counters of a VP8 or VP9 descriptor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) picture: u16,
    pub(crate) base: u8,
    pub(crate) temporal: u8,
}

pub(crate) fn write_video_payload(
    codec: Codec,
    mark: &Mark,
    counters: Counters,
    up: bool,
    size: (u16, u16),
) -> Vec<u8> {
    let first = mark.part == 0;
    let mut out = Vec::new();
    match codec {
        Codec::Vp8 => {
            out.extend_from_slice(&[if first { 0x90 } else { 0x80 }, 0xf0]);
            out.extend_from_slice(&(0x8000 | counters.picture).to_be_bytes());
            out.extend_from_slice(&[counters.base, (counters.temporal << 6) | (u8::from(up) << 5) | 1]);
            if first {
                out.extend_from_slice(&[u8::from(!mark.key), 0, 0]);
                if mark.key {
                    out.extend_from_slice(&[0x9d, 0x01, 0x2a]);
                    out.extend_from_slice(&size.0.to_le_bytes());
                    out.extend_from_slice(&size.1.to_le_bytes());
                }
            }
        }
        Codec::Vp9 => {
            let flags = 0xa0 | if mark.key { 0 } else { 0x40 } | if first { 0x08 } else { 0 };
            out.push(flags);
            out.extend_from_slice(&(0x8000 | counters.picture).to_be_bytes());
            out.extend_from_slice(&[counters.temporal << 5, counters.base]);
        }
        Codec::H264 => out.push(if first && mark.key { 0x67 } else { 0x41 }),
        Codec::Opus | Codec::Av1 => unreachable!("not simulated"),
    }
    mark.write(&mut out);
    out
}

/// The counters and the mark of a payload.
pub(crate) fn read_video_payload(codec: Codec, payload: &[u8]) -> (Option<Counters>, Mark) {
    match codec {
        Codec::Vp8 => {
            assert_eq!(payload[1], 0xf0, "the descriptor keeps its fields");
            let picture = u16::from_be_bytes([payload[2], payload[3]]);
            assert!(picture & 0x8000 != 0, "15 bits");
            let counters =
                Counters { picture: picture & 0x7fff, base: payload[4], temporal: payload[5] >> 6 };
            let mut at = 6;
            if payload[0] & 0x10 != 0 {
                at += if payload[6] & 1 == 0 { 10 } else { 3 };
            }
            (Some(counters), Mark::read(&payload[at..]))
        }
        Codec::Vp9 => {
            let picture = u16::from_be_bytes([payload[1], payload[2]]);
            let counters =
                Counters { picture: picture & 0x7fff, base: payload[4], temporal: payload[3] >> 5 };
            (Some(counters), Mark::read(&payload[5..]))
        }
        Codec::H264 => (None, Mark::read(&payload[1..])),
        Codec::Opus | Codec::Av1 => unreachable!("not simulated"),
    }
}

/// The fixed header and the extensions that the scenarios look at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) marker: bool,
    pub(crate) payload_type: u8,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
    pub(crate) mid: String,
    pub(crate) rid: String,
    pub(crate) repaired_rid: String,
    pub(crate) level: Option<u8>,
    pub(crate) transport_cc: Option<u16>,
    pub(crate) abs_send_time: bool,
    pub(crate) orientation: Option<u8>,
}

pub(crate) fn write(header: &Header, ids: &Extensions, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0x90, (u8::from(header.marker) << 7) | header.payload_type];
    out.extend_from_slice(&header.sequence.to_be_bytes());
    out.extend_from_slice(&header.timestamp.to_be_bytes());
    out.extend_from_slice(&header.ssrc.to_be_bytes());
    out.extend_from_slice(&[0xbe, 0xde, 0, 0]);
    let mut element = |id: u8, value: &[u8]| {
        if !value.is_empty() {
            out.push((id << 4) | (value.len() as u8 - 1));
            out.extend_from_slice(value);
        }
    };
    element(ids.mid, header.mid.as_bytes());
    element(ids.rid, header.rid.as_bytes());
    element(ids.repaired_rid, header.repaired_rid.as_bytes());
    element(ids.audio_level, header.level.map(|level| [level]).as_ref().map_or(&[], |level| &level[..]));
    let number = header.transport_cc.map(u16::to_be_bytes);
    element(ids.transport_cc, number.as_ref().map_or(&[], |number| &number[..]));
    let orientation = header.orientation.map(|orientation| [orientation]);
    element(ids.video_orientation, orientation.as_ref().map_or(&[], |orientation| &orientation[..]));
    out.resize(out.len().next_multiple_of(4), 0);
    let words = (out.len() - 16) / 4;
    out[15] = words as u8;
    out.extend_from_slice(payload);
    out
}

pub(crate) fn read<'a>(packet: &'a [u8], ids: &Extensions) -> (Header, &'a [u8]) {
    assert_eq!(packet[0], 0x90, "version 2, an extension, no padding, no contributors");
    assert_eq!(packet[12..14], [0xbe, 0xde]);
    let end = 16 + 4 * usize::from(u16::from_be_bytes([packet[14], packet[15]]));
    let mut header = Header {
        marker: packet[1] & 0x80 != 0,
        payload_type: packet[1] & 0x7f,
        sequence: u16::from_be_bytes([packet[2], packet[3]]),
        timestamp: u32::from_be_bytes(packet[4..8].try_into().unwrap()),
        ssrc: u32::from_be_bytes(packet[8..12].try_into().unwrap()),
        ..Default::default()
    };
    let mut at = 16;
    while at < end {
        if packet[at] == 0 {
            at += 1;
            continue;
        }
        let (id, length) = (packet[at] >> 4, usize::from(packet[at] & 15) + 1);
        let value = &packet[at + 1..at + 1 + length];
        at += 1 + length;
        match id {
            id if id == ids.mid => header.mid = String::from_utf8(value.to_vec()).unwrap(),
            id if id == ids.transport_cc => {
                header.transport_cc = Some(u16::from_be_bytes([value[0], value[1]]))
            }
            id if id == ids.abs_send_time => header.abs_send_time = value.len() == 3,
            id if id == ids.video_orientation => header.orientation = Some(value[0]),
            _ => panic!("an extension that was not negotiated: {id}"),
        }
    }
    (header, &packet[end..])
}
