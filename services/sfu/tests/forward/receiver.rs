//! A receive slot at a client: repairs losses and checks that the stream is unbroken.

use crate::wire::{self, Counters, Header, Mark};
use plenum_sfu::description::{Codec, Kind, PayloadType};
use std::collections::BTreeMap;

/// After this long a lost packet is given up, and a key frame is asked for.
const GIVE_UP: i64 = 1_000_000;
const NACK_RETRY: i64 = 60_000;
const REORDERING: i64 = 5_000;

/// A complete frame, or a packet of sound.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Played {
    pub(crate) at: i64,
    pub(crate) timestamp: u32,
    pub(crate) mark: Mark,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct SenderReport {
    pub(crate) at: i64,
    pub(crate) ntp: u64,
    pub(crate) rtp: u32,
}

#[derive(Debug, Clone, Copy)]
struct Wanted {
    since: i64,
    asked: Option<i64>,
}

pub(crate) struct Slot {
    pub(crate) kind: Kind,
    pub(crate) mid: String,
    pub(crate) ssrc: u32,
    pub(crate) rtx_ssrc: u32,
    codecs: Vec<PayloadType>,
    /// Temporal layers may be left out.
    pub(crate) thinned: bool,
    pub(crate) played: Vec<Played>,
    pub(crate) reports: Vec<SenderReport>,
    /// Losses that could not be repaired.
    pub(crate) breaks: u32,
    pub(crate) repaired: u32,
    pub(crate) packets: u32,
    pub(crate) gaps: u32,
    buffer: BTreeMap<u64, (Header, Vec<u8>)>,
    wanted: BTreeMap<u64, Wanted>,
    next: Option<u64>,
    highest: u64,
    last: Option<(Header, Option<Counters>, Mark)>,
    broken: bool,
    key_frame_asked: i64,
}

/// What the slot wants from the SFU.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    pub(crate) nack: Vec<u16>,
    pub(crate) key_frame: bool,
}

impl Slot {
    pub(crate) fn new(kind: Kind, mid: String, ssrc: u32, codecs: Vec<PayloadType>) -> Self {
        Slot {
            kind,
            mid,
            ssrc,
            rtx_ssrc: ssrc + 1,
            codecs,
            thinned: false,
            played: Vec::new(),
            reports: Vec::new(),
            breaks: 0,
            repaired: 0,
            packets: 0,
            gaps: 0,
            buffer: BTreeMap::new(),
            wanted: BTreeMap::new(),
            next: None,
            highest: 0,
            last: None,
            broken: false,
            key_frame_asked: 0,
        }
    }

    pub(crate) fn receive(&mut self, header: Header, payload: &[u8], now: i64) {
        assert_eq!(header.mid, self.mid, "the mid of its m-line");
        let (header, payload) = if header.ssrc == self.rtx_ssrc && self.kind == Kind::Video {
            let codec = self.codecs.iter().find(|codec| codec.rtx == Some(header.payload_type));
            let payload_type = codec.expect("a negotiated retransmission").number;
            let sequence = u16::from_be_bytes([payload[0], payload[1]]);
            self.repaired += 1;
            (Header { payload_type, sequence, ssrc: self.ssrc, ..header }, &payload[2..])
        } else {
            self.packets += 1;
            (header, payload)
        };
        assert!(self.codecs.iter().any(|codec| codec.number == header.payload_type), "a negotiated codec");
        let sequence = self.unwrap(header.sequence);
        if self.kind == Kind::Audio {
            self.play_audio(sequence, header, payload, now);
            return;
        }
        let next = *self.next.get_or_insert(sequence);
        if sequence < next {
            return;
        }
        for missing in (self.highest + 1).max(next)..sequence {
            self.gaps += 1;
            self.wanted.insert(missing, Wanted { since: now, asked: None });
        }
        self.highest = self.highest.max(sequence);
        self.wanted.remove(&sequence);
        self.buffer.insert(sequence, (header, payload.to_vec()));
        self.play_ready(now);
        self.jump_to_key_frame(now);
    }

    /// As browsers do: a complete key frame makes what is missing before it worthless.
    fn jump_to_key_frame(&mut self, now: i64) {
        let mut start = None;
        for (&sequence, (header, payload)) in &self.buffer {
            let mark = self.mark(header, payload);
            if mark.key && mark.part == 0 {
                start = Some(sequence);
            }
            let Some(first) = start else { continue };
            if sequence != first + u64::from(mark.part) || !mark.key {
                start = None;
            } else if mark.part + 1 == mark.parts {
                self.broken = true;
                self.next = Some(first);
                self.wanted.retain(|wanted, _| *wanted > first);
                self.buffer.retain(|buffered, _| *buffered >= first);
                self.play_ready(now);
                return;
            }
        }
    }

    fn mark(&self, header: &Header, payload: &[u8]) -> Mark {
        let codec = self.codecs.iter().find(|codec| codec.number == header.payload_type);
        wire::read_video_payload(codec.map_or(Codec::Vp8, |payload| payload.codec), payload).1
    }

    fn unwrap(&self, sequence: u16) -> u64 {
        let near = if self.highest == 0 { 1 << 20 } else { self.highest };
        let ahead = sequence.wrapping_sub(near as u16) as i16;
        (near as i64 + i64::from(ahead)) as u64
    }

    fn play_ready(&mut self, now: i64) {
        while let Some((header, payload)) = self.next.and_then(|next| self.buffer.remove(&next)) {
            self.next = self.next.map(|next| next + 1);
            self.play_video(header, &payload, now);
        }
    }

    fn play_audio(&mut self, sequence: u64, header: Header, payload: &[u8], now: i64) {
        let mark = Mark::read(payload);
        if let Some((last, _, before)) = &self.last {
            if sequence <= self.highest {
                return;
            }
            let steps = sequence - self.highest;
            self.gaps += steps as u32 - 1;
            let distance = header.timestamp.wrapping_sub(last.timestamp) as i32;
            assert!(distance > 0, "timestamps go on: {distance}");
            if (before.person, before.source) != (mark.person, mark.source) {
                assert!(header.marker || steps > 1, "a marker at the beginning of a talkspurt");
                assert!(distance >= 960, "no overlap: {distance}");
            } else if !header.marker && steps < 50 {
                assert_eq!(distance, 960 * steps as i32, "20 ms each");
                assert_eq!(mark.frame - before.frame, steps as u32, "no packet is swallowed");
            }
        }
        self.highest = sequence;
        self.played.push(Played { at: now, timestamp: header.timestamp, mark });
        self.last = Some((header, None, mark));
    }

    fn play_video(&mut self, header: Header, payload: &[u8], now: i64) {
        let codec = self.codecs.iter().find(|codec| codec.number == header.payload_type);
        let codec = codec.map_or(Codec::Vp8, |payload| payload.codec);
        let (counters, mark) = wire::read_video_payload(codec, payload);
        if self.broken {
            if !mark.key || mark.part != 0 {
                return;
            }
            self.broken = false;
        } else if let Some((last, counters_before, before)) = &self.last {
            self.check(&header, counters, &mark, last, *counters_before, before);
        } else if !mark.key || mark.part != 0 {
            // The very first packets were lost.
            assert!(mark.key, "begins with a key frame: {mark:?}");
            self.broken = true;
            return;
        }
        if mark.part + 1 == mark.parts {
            assert!(header.marker, "the last packet of a frame is marked");
            self.played.push(Played { at: now, timestamp: header.timestamp, mark });
        }
        self.last = Some((header, counters, mark));
    }

    fn check(
        &self,
        header: &Header,
        counters: Option<Counters>,
        mark: &Mark,
        last: &Header,
        counters_before: Option<Counters>,
        before: &Mark,
    ) {
        let same_layer =
            (mark.person, mark.source, mark.layer) == (before.person, before.source, before.layer);
        let context = || format!("{before:?} {counters_before:?} → {mark:?} {counters:?}");
        if same_layer && mark.frame == before.frame {
            assert_eq!(mark.part, before.part + 1, "{}", context());
            assert_eq!(header.timestamp, last.timestamp, "one timestamp per frame");
            assert_eq!(counters, counters_before, "one picture id per frame");
            return;
        }
        assert_eq!(mark.part, 0, "frames are complete from their beginning: {}", context());
        if mark.key {
            assert!(same_layer || header.timestamp != last.timestamp);
        } else {
            assert!(same_layer, "a switch begins with a key frame: {}", context());
            assert_eq!(before.part + 1, before.parts, "frames are complete to their end: {}", context());
            assert!(self.thinned || mark.frame == before.frame + 1, "no frame is swallowed: {}", context());
        }
        let distance = header.timestamp.wrapping_sub(last.timestamp) as i32;
        assert!(distance > 0, "timestamps go on: {distance} {}", context());
        if let (Some(counters), Some(counters_before)) = (counters, counters_before) {
            let picture = (counters_before.picture + 1) & 0x7fff;
            assert_eq!(counters.picture, picture, "picture ids are continuous: {}", context());
            let step = u8::from(counters.temporal == 0);
            assert_eq!(counters.base, counters_before.base.wrapping_add(step), "{}", context());
        }
    }

    pub(crate) fn wishes(&mut self, now: i64) -> Wishes {
        let mut wishes = Wishes::default();
        if self.kind == Kind::Audio {
            return wishes;
        }
        let given_up =
            self.wanted.iter().filter(|(_, wanted)| now - wanted.since > GIVE_UP).map(|(at, _)| *at);
        if let Some(last) = given_up.max() {
            self.breaks += 1;
            self.broken = true;
            self.wanted.retain(|sequence, _| *sequence > last);
            self.buffer.retain(|sequence, _| *sequence > last);
            self.next = Some(last + 1);
            self.play_ready(now);
        }
        if self.broken && now - self.key_frame_asked > 300_000 {
            self.key_frame_asked = now;
            wishes.key_frame = true;
        }
        for (&sequence, wanted) in &mut self.wanted {
            let due = match wanted.asked {
                None => now - wanted.since >= REORDERING,
                Some(asked) => now - asked >= NACK_RETRY,
            };
            if due {
                wanted.asked = Some(now);
                wishes.nack.push(sequence as u16);
            }
        }
        wishes
    }

    /// Forgets what played, so that a test sees only what comes next.
    pub(crate) fn rewind(&mut self) {
        self.played.clear();
    }

    pub(crate) fn last_played(&self) -> Option<Mark> {
        self.played.last().map(|played| played.mark)
    }

    /// The longest time between two frames, until `now`, in milliseconds.
    pub(crate) fn longest_pause(&self, now: i64) -> i64 {
        let times = self.played.iter().map(|played| played.at).chain([now]).collect::<Vec<_>>();
        times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(i64::MAX) / 1_000
    }
}
