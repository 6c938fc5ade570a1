//! RTP header extensions (RFC 8285): reading those of a publisher, writing those of a subscriber.

use super::rtp::Packet;
use crate::description::Extensions;

const ONE_BYTE: u16 = 0xbede;
const TWO_BYTE: u16 = 0x1000;

/// The longest dependency descriptor that is passed on.
const MAX_DESCRIPTOR_BYTES: usize = 160;

/// The longest header that [`write`] makes.
pub(super) const MAX_HEADER_BYTES: usize = 12 + 4 + 18 + 4 + 5 + 3 + 5 + 2 + MAX_DESCRIPTOR_BYTES + 3;

/// The values of one packet that the forwarding plane understands.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Values<'a> {
    pub(super) mid: Option<&'a [u8]>,
    pub(super) rid: Option<&'a [u8]>,
    pub(super) repaired_rid: Option<&'a [u8]>,
    /// −dBov (RFC 6464).
    pub(super) audio_level: Option<u8>,
    pub(super) transport_cc: Option<u16>,
    pub(super) dependency_descriptor: Option<&'a [u8]>,
    pub(super) playout_delay: Option<[u8; 3]>,
    pub(super) video_orientation: Option<u8>,
}

/// Reads the extensions of a packet; malformed ones end the reading.
pub(super) fn read<'a>(packet: &Packet<'a>, ids: &Extensions) -> Values<'a> {
    let mut values = Values::default();
    let mut rest = packet.extensions;
    let two_byte = packet.profile & 0xfff0 == TWO_BYTE;
    if !two_byte && packet.profile != ONE_BYTE {
        return values;
    }
    while let Some((&first, after)) = rest.split_first() {
        if first == 0 {
            rest = after;
            continue;
        }
        let (id, length, body) = if two_byte {
            let Some((&length, body)) = after.split_first() else { break };
            (first, usize::from(length), body)
        } else {
            if first >> 4 == 15 {
                break;
            }
            (first >> 4, usize::from(first & 0x0f) + 1, after)
        };
        let Some((value, after)) = body.split_at_checked(length) else { break };
        rest = after;
        values.take(id, value, ids);
    }
    values
}

impl<'a> Values<'a> {
    fn take(&mut self, id: u8, value: &'a [u8], ids: &Extensions) {
        if id == ids.transport_cc {
            if let [high, low, ..] = *value {
                self.transport_cc = Some(u16::from_be_bytes([high, low]));
            }
        } else if id == ids.mid {
            self.mid = Some(value);
        } else if id == ids.rid {
            self.rid = Some(value);
        } else if id == ids.repaired_rid {
            self.repaired_rid = Some(value);
        } else if id == ids.audio_level {
            self.audio_level = value.first().map(|level| level & 0x7f);
        } else if id == ids.video_orientation {
            self.video_orientation = value.first().copied();
        } else if id == ids.playout_delay {
            self.playout_delay = value.try_into().ok();
        } else if id == ids.dependency_descriptor {
            self.dependency_descriptor = Some(value);
        }
    }
}

/// What a forwarded packet's header says. An extension is written if it has a value and an id.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Header<'a> {
    pub(super) marker: bool,
    pub(super) payload_type: u8,
    pub(super) sequence: u16,
    pub(super) timestamp: u32,
    pub(super) ssrc: u32,
    pub(super) mid: &'a [u8],
    pub(super) transport_cc: u16,
    pub(super) abs_send_time: u32,
    pub(super) video_orientation: Option<u8>,
    pub(super) playout_delay: Option<[u8; 3]>,
    /// The descriptor and the frame number that replaces its own.
    pub(super) dependency_descriptor: Option<(&'a [u8], u16)>,
}

/// Writes the header and gives its length.
pub(super) fn write(buffer: &mut [u8; MAX_HEADER_BYTES], header: &Header<'_>, ids: &Extensions) -> usize {
    buffer[0] = 0x80;
    buffer[1] = (u8::from(header.marker) << 7) | header.payload_type;
    buffer[2..4].copy_from_slice(&header.sequence.to_be_bytes());
    buffer[4..8].copy_from_slice(&header.timestamp.to_be_bytes());
    buffer[8..12].copy_from_slice(&header.ssrc.to_be_bytes());

    let descriptor = header.dependency_descriptor.filter(|(bytes, _)| {
        ids.dependency_descriptor != 0 && (3..=MAX_DESCRIPTOR_BYTES).contains(&bytes.len())
    });
    let largest_id = ids
        .mid
        .max(ids.transport_cc)
        .max(ids.abs_send_time)
        .max(ids.video_orientation)
        .max(ids.playout_delay)
        .max(ids.dependency_descriptor);
    let two_byte = largest_id > 14 || descriptor.is_some_and(|(bytes, _)| bytes.len() > 16);

    let mut writer = Writer { buffer, at: 16, two_byte };
    if !header.mid.is_empty() && header.mid.len() <= 16 {
        writer.element(ids.mid, header.mid);
    }
    writer.element(ids.transport_cc, &header.transport_cc.to_be_bytes());
    writer.element(ids.abs_send_time, &header.abs_send_time.to_be_bytes()[1..]);
    if let Some(orientation) = header.video_orientation {
        writer.element(ids.video_orientation, &[orientation]);
    }
    if let Some(delay) = header.playout_delay {
        writer.element(ids.playout_delay, &delay);
    }
    if let Some((bytes, frame_number)) = descriptor {
        let at = writer.element(ids.dependency_descriptor, bytes);
        writer.buffer[at + 1..at + 3].copy_from_slice(&frame_number.to_be_bytes());
    }
    writer.finish()
}

struct Writer<'a> {
    buffer: &'a mut [u8; MAX_HEADER_BYTES],
    at: usize,
    two_byte: bool,
}

impl Writer<'_> {
    /// Gives where the value stands; nothing is written for id 0.
    #[inline]
    fn element(&mut self, id: u8, value: &[u8]) -> usize {
        if id == 0 {
            return self.at;
        }
        if self.two_byte {
            self.buffer[self.at] = id;
            self.buffer[self.at + 1] = value.len() as u8;
            self.at += 2;
        } else {
            self.buffer[self.at] = (id << 4) | (value.len() as u8 - 1);
            self.at += 1;
        }
        let start = self.at;
        self.buffer[start..start + value.len()].copy_from_slice(value);
        self.at += value.len();
        start
    }

    fn finish(self) -> usize {
        if self.at == 16 {
            return 12;
        }
        let end = self.at.next_multiple_of(4);
        self.buffer[self.at..end].fill(0);
        self.buffer[0] |= 0x10;
        let profile = if self.two_byte { TWO_BYTE } else { ONE_BYTE };
        self.buffer[12..14].copy_from_slice(&profile.to_be_bytes());
        self.buffer[14..16].copy_from_slice(&(((end - 16) / 4) as u16).to_be_bytes());
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> Extensions {
        Extensions {
            mid: 4,
            transport_cc: 3,
            abs_send_time: 2,
            video_orientation: 13,
            playout_delay: 6,
            dependency_descriptor: 11,
            ..Default::default()
        }
    }

    fn round_trip(header: &Header<'_>, ids: &Extensions, check: impl Fn(&Packet<'_>, Values<'_>)) {
        let mut buffer = [0; MAX_HEADER_BYTES];
        let length = write(&mut buffer, header, ids);
        let packet = Packet::parse(&buffer[..length]).unwrap();
        assert_eq!((packet.ssrc, packet.sequence, packet.payload.len()), (header.ssrc, header.sequence, 0));
        check(&packet, read(&packet, ids));
    }

    #[test]
    fn written_extensions_are_read_again() {
        let header = Header {
            payload_type: 96,
            sequence: 65_535,
            ssrc: 0xdead_beef,
            mid: b"12",
            transport_cc: 513,
            video_orientation: Some(2),
            playout_delay: Some([1, 2, 3]),
            ..Default::default()
        };
        round_trip(&header, &ids(), |packet, values| {
            assert_eq!(packet.profile, ONE_BYTE);
            assert_eq!((values.mid, values.transport_cc), (Some(&b"12"[..]), Some(513)));
            assert_eq!((values.video_orientation, values.playout_delay), (Some(2), Some([1, 2, 3])));
        });
    }

    #[test]
    fn a_long_descriptor_takes_the_two_byte_form_and_a_new_frame_number() {
        let descriptor =
            [0xc0, 0, 1].iter().chain(&[7; MAX_DESCRIPTOR_BYTES - 3]).copied().collect::<Vec<u8>>();
        let header = Header {
            mid: b"a-mid-of-16-byte",
            video_orientation: Some(2),
            playout_delay: Some([1, 2, 3]),
            dependency_descriptor: Some((&descriptor, 0x1234)),
            ..Default::default()
        };
        round_trip(&header, &ids(), |packet, values| {
            assert_eq!(packet.profile, TWO_BYTE);
            let read = values.dependency_descriptor.unwrap();
            assert_eq!((&read[..3], &read[3..]), (&[0xc0, 0x12, 0x34][..], &descriptor[3..]));
            assert_eq!(values.mid, Some(&b"a-mid-of-16-byte"[..]));
        });
    }

    #[test]
    fn nothing_negotiated_means_no_extension() {
        round_trip(&Header { mid: b"1", ..Default::default() }, &Extensions::default(), |packet, _| {
            assert_eq!((packet.profile, packet.payload_start), (0, 12));
        });
    }
}
