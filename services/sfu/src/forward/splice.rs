//! One unbroken output stream made of pieces of other streams: sequence numbers, timestamps and picture
//! ids go on where the piece before ended.

use super::clock::{Micros, SECOND, UNWRAP_START, unwrap};

/// Where a packet comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LayerRef {
    pub(super) track: u32,
    pub(super) layer: u8,
    /// Another number after every change of the SSRC, never used twice.
    pub(super) stream: u32,
}

/// A stretch during which output and input differ by constants.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    pub(super) source: LayerRef,
    first_in: u64,
    first_out: u64,
    timestamp_offset: u32,
    picture_offset: u64,
    base_offset: u8,
    /// The first and the last picture that were left out just before it.
    left_out: Option<(u64, u64)>,
}

impl Segment {
    pub(super) fn sequence(&self, sequence: u64) -> u64 {
        self.first_out + (sequence - self.first_in)
    }

    pub(super) fn timestamp(&self, timestamp: u32) -> u32 {
        timestamp.wrapping_add(self.timestamp_offset)
    }

    pub(super) fn picture(&self, picture: u64, bits: u32) -> u16 {
        (picture.wrapping_add(self.picture_offset) & ((1 << bits) - 1)) as u16
    }

    /// Lost packets of pictures that are left out may have numbers at the edges of a piece, but their
    /// pictures have none.
    fn admits(&self, picture: Option<u64>, following: Option<&Segment>) -> bool {
        let before = self.left_out.map(|(_, last)| last);
        let after = following.and_then(|following| following.left_out).map(|(first, _)| first);
        picture.is_none() || (before != picture && after != picture)
    }

    pub(super) fn base_count(&self, base_count: u8) -> u8 {
        base_count.wrapping_add(self.base_offset)
    }
}

/// What a packet of the output was made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    pub(super) segment: Segment,
    following: Option<Segment>,
    /// The unwrapped number of the input packet.
    pub(super) sequence: u64,
}

impl Origin {
    /// Whether the input packet, now that its picture is known, belongs to the output.
    pub(super) fn admits(&self, picture: Option<u64>) -> bool {
        self.segment.admits(picture, self.following.as_ref())
    }
}

/// The counters of an input packet, unwrapped.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input {
    pub(super) sequence: u64,
    pub(super) timestamp: u32,
    pub(super) picture: Option<u64>,
    pub(super) base_count: Option<u8>,
    pub(super) starts_frame: bool,
    pub(super) ends_frame: bool,
}

#[derive(Debug)]
pub(super) struct Splice {
    rate: Micros,
    /// The output's timestamp at time 0: pieces are laid on this line, so that sender reports of all
    /// pieces agree.
    origin: u32,
    /// In a circle; the newest is at `newest`.
    segments: Box<[Option<Segment>]>,
    newest: usize,
    highest_in: u64,
    next_out: u64,
    last_timestamp: u32,
    next_picture: u64,
    next_base: u8,
    /// Pictures up to this one have been passed on or left out.
    settled_picture: u64,
    /// The last packet was left out; it ended its frame.
    left_out: bool,
    frame_ended: bool,
    /// Nothing has been sent at all.
    fresh: bool,
}

impl Splice {
    /// `memory` is the number of pieces that repetitions may reach back.
    pub(super) fn new(clock_rate: u32, memory: usize, random: &mut fastrand::Rng) -> Self {
        Splice {
            rate: Micros::from(clock_rate.max(1)),
            origin: random.u32(..),
            segments: vec![None; memory.max(1)].into_boxed_slice(),
            newest: 0,
            highest_in: 0,
            // The lower half keeps the roll-over counter of SRTP guessable for late starters
            // (RFC 3711, section 3.3.1).
            next_out: UNWRAP_START + random.u64(1..0x8000),
            last_timestamp: 0,
            next_picture: UNWRAP_START + random.u64(..0x8000),
            next_base: random.u8(..),
            settled_picture: 0,
            left_out: false,
            frame_ended: true,
            fresh: true,
        }
    }

    /// Starts a piece with this packet, captured at `captured`; timestamps grow by `step` at least.
    pub(super) fn begin(&mut self, source: LayerRef, first: &Input, captured: Micros, step: u32) {
        let mut timestamp = self.origin.wrapping_add((captured * self.rate / SECOND) as u32);
        let least = self.last_timestamp.wrapping_add(step);
        if !self.fresh && (timestamp.wrapping_sub(least) as i32) < 0 {
            timestamp = least;
        }
        self.push(Segment {
            source,
            first_in: first.sequence,
            first_out: self.next_out,
            timestamp_offset: timestamp.wrapping_sub(first.timestamp),
            picture_offset: self.next_picture.wrapping_sub(first.picture.unwrap_or(0)),
            base_offset: self.next_base.wrapping_sub(first.base_count.unwrap_or(0)),
            left_out: None,
        });
        self.highest_in = first.sequence - 1;
        self.settled_picture = first.picture.map_or(0, |picture| picture - 1);
        self.fresh = false;
        self.left_out = false;
        self.frame_ended = true;
    }

    /// The piece that this packet of `source` belongs to; the output advances.
    #[inline]
    pub(super) fn pass(&mut self, source: LayerRef, input: &Input) -> Option<&Segment> {
        if input.sequence <= self.highest_in {
            return self.late(source, input);
        }
        let current = self.segments[self.newest].filter(|segment| segment.source == source)?;
        if input.sequence > self.highest_in + 1 && self.lost_of_frame_before(input) {
            self.push(Segment { first_in: input.sequence, first_out: self.next_out, ..current });
        }
        let segment = self.segments[self.newest].as_ref()?;
        self.left_out = false;
        self.frame_ended = input.ends_frame;
        self.highest_in = input.sequence;
        self.next_out = segment.sequence(input.sequence) + 1;
        self.last_timestamp = segment.timestamp(input.timestamp);
        if let Some(picture) = input.picture.filter(|&picture| picture > self.settled_picture) {
            self.settled_picture = picture;
            self.next_picture = picture.wrapping_add(segment.picture_offset).wrapping_add(1);
        }
        if let Some(base_count) = input.base_count {
            self.next_base = segment.base_count(base_count).wrapping_add(1);
        }
        Some(segment)
    }

    /// Whether packets after this one have been dealt with.
    pub(super) fn is_late(&self, sequence: u64) -> bool {
        sequence <= self.highest_in
    }

    /// Leaves a packet out, so that the output has no gap there.
    pub(super) fn skip(&mut self, source: LayerRef, input: &Input) {
        let Some(current) = self.segments[self.newest].filter(|segment| segment.source == source) else {
            return;
        };
        if input.sequence <= self.highest_in {
            return;
        }
        let lost = input.sequence > self.highest_in + 1 && !self.lost_of_left_out(input);
        let first_out = if lost { current.sequence(input.sequence) } else { self.next_out };
        let follows = current.first_in == input.sequence;
        let mut next = Segment { first_in: input.sequence + 1, first_out, ..current };
        if let Some(picture) = input.picture.filter(|&picture| picture > self.settled_picture) {
            self.settled_picture = picture;
            next.picture_offset = next.picture_offset.wrapping_sub(1);
            let first = current.left_out.filter(|_| follows).map_or(picture, |(first, _)| first);
            next.left_out = Some((first, picture));
            // Pictures before it may still come late, and keep their numbers.
            self.next_picture = picture.wrapping_add(current.picture_offset);
        }
        if let Some(base_count) = input.base_count {
            self.next_base = current.base_count(base_count).wrapping_add(1);
        }
        self.highest_in = input.sequence;
        self.next_out = next.first_out;
        self.left_out = true;
        self.frame_ended = input.ends_frame;
        if follows {
            self.segments[self.newest] = Some(next);
        } else {
            self.push(next);
        }
    }

    /// Whether the packets lost just before this one belong to a frame that is left out, so that the
    /// output has no gap for them. This packet is left out, too.
    fn lost_of_left_out(&self, input: &Input) -> bool {
        let Some(picture) = input.picture else { return false };
        let of_own_frame = if picture == self.settled_picture {
            self.left_out
        } else {
            picture == self.settled_picture + 1 && !input.starts_frame && self.frame_ended
        };
        of_own_frame || self.lost_of_frame_before(input)
    }

    /// The same, of the end of the frame before.
    fn lost_of_frame_before(&self, input: &Input) -> bool {
        let next = input.picture.is_some_and(|picture| picture == self.settled_picture + 1);
        next && input.starts_frame && self.left_out && !self.frame_ended
    }

    /// What the output's packet `sequence` was made of.
    pub(super) fn origin_of(&self, sequence: u16) -> Option<Origin> {
        let sequence = unwrap(self.next_out, u64::from(sequence), 16);
        if sequence >= self.next_out {
            return None;
        }
        let mut following = None;
        for segment in self.newest_first() {
            if segment.first_out <= sequence {
                let sequence = segment.first_in + (sequence - segment.first_out);
                return Some(Origin { segment: *segment, following, sequence });
            }
            following = Some(*segment);
        }
        None
    }

    /// The output's timestamp for an input timestamp of the newest piece.
    pub(super) fn timestamp(&self, timestamp: u32) -> Option<u32> {
        self.segments[self.newest].map(|segment| segment.timestamp(timestamp))
    }

    fn late(&self, source: LayerRef, input: &Input) -> Option<&Segment> {
        let mut following = None::<&Segment>;
        for segment in self.newest_first() {
            if segment.source != source {
                return None;
            }
            if segment.first_in <= input.sequence {
                // Beyond the end it was left out.
                let end = following.map_or(self.next_out, |following| following.first_out);
                let inside = segment.sequence(input.sequence) < end;
                return (inside && segment.admits(input.picture, following)).then_some(segment);
            }
            following = Some(segment);
        }
        None
    }

    fn newest_first(&self) -> impl Iterator<Item = &Segment> {
        let (recent, old) = (&self.segments[..=self.newest], &self.segments[self.newest + 1..]);
        recent.iter().rev().chain(old.iter().rev()).map_while(Option::as_ref)
    }

    fn push(&mut self, segment: Segment) {
        if self.segments[self.newest].is_some() {
            self.newest = (self.newest + 1) % self.segments.len();
        }
        self.segments[self.newest] = Some(segment);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: LayerRef = LayerRef { track: 1, layer: 0, stream: 1 };
    const B: LayerRef = LayerRef { track: 2, layer: 1, stream: 2 };

    fn input(sequence: u64, timestamp: u32, picture: u64) -> Input {
        Input {
            sequence,
            timestamp,
            picture: Some(picture),
            base_count: Some(picture as u8),
            starts_frame: true,
            ends_frame: true,
        }
    }

    fn splice() -> Splice {
        Splice::new(90_000, 8, &mut fastrand::Rng::with_seed(1))
    }

    fn pass(splice: &mut Splice, source: LayerRef, input: &Input) -> (u64, u32, u16, u8) {
        let segment = *splice.pass(source, input).expect("passed on");
        (
            segment.sequence(input.sequence),
            segment.timestamp(input.timestamp),
            segment.picture(input.picture.unwrap(), 15),
            segment.base_count(input.base_count.unwrap()),
        )
    }

    #[test]
    fn another_source_goes_on_where_the_last_ended() {
        let mut splice = splice();
        splice.begin(A, &input(100, 5_000, 40), 0, 90);
        let first = pass(&mut splice, A, &input(100, 5_000, 40));
        let second = pass(&mut splice, A, &input(101, 8_000, 41));
        assert_eq!(second, (first.0 + 1, first.1 + 3_000, first.2 + 1, first.3 + 1));

        splice.begin(B, &input(7_000, 77, 9_999), SECOND, 90);
        let third = pass(&mut splice, B, &input(7_000, 77, 9_999));
        assert_eq!(third, (first.0 + 2, first.1 + 90_000, first.2 + 2, first.3 + 2));
        assert!(splice.pass(A, &input(102, 11_000, 42)).is_none(), "the old source is over");
    }

    #[test]
    fn timestamps_never_go_back() {
        let mut splice = splice();
        splice.begin(A, &input(100, 5_000, 40), SECOND, 90);
        let first = pass(&mut splice, A, &input(100, 5_000, 40));
        splice.begin(B, &input(1, 1, 1), SECOND / 2, 90);
        assert_eq!(pass(&mut splice, B, &input(1, 1, 1)).1, first.1 + 90);
    }

    #[test]
    fn left_out_frames_leave_no_gap_and_lost_packets_do() {
        let mut splice = splice();
        splice.begin(A, &input(100, 0, 40), 0, 90);
        let first = pass(&mut splice, A, &input(100, 0, 40));
        splice.skip(A, &Input { ends_frame: false, ..input(101, 3_000, 41) });
        splice.skip(A, &Input { starts_frame: false, ..input(102, 3_000, 41) });
        // 103 is lost.
        let next = pass(&mut splice, A, &input(104, 6_000, 42));
        assert_eq!((next.0, next.2), (first.0 + 2, first.2 + 1));
        let late = pass(&mut splice, A, &input(103, 6_000, 42));
        assert_eq!((late.0, late.2), (first.0 + 1, first.2 + 1));
        assert!(splice.pass(A, &input(102, 3_000, 41)).is_none(), "left out stays left out");
    }

    #[test]
    fn what_is_lost_of_a_left_out_frame_leaves_no_gap() {
        let mut splice = splice();
        let middle = |sequence, picture| Input {
            starts_frame: false,
            ends_frame: false,
            ..input(sequence, 3_000, picture)
        };
        splice.begin(A, &input(100, 0, 40), 0, 90);
        let first = pass(&mut splice, A, &input(100, 0, 40));
        // 101, 103 and 105 are lost of a frame that is left out.
        splice.skip(A, &middle(102, 41));
        splice.skip(A, &middle(104, 41));
        let next = pass(&mut splice, A, &input(106, 6_000, 42));
        assert_eq!((next.0, next.2), (first.0 + 1, first.2 + 1));
        assert!(splice.pass(A, &middle(103, 41)).is_none());
        assert_eq!(splice.origin_of(next.0 as u16).unwrap().sequence, 106);
    }

    #[test]
    fn a_picture_that_is_left_out_gets_no_number_by_coming_late() {
        let mut splice = splice();
        let part = |sequence, picture, starts_frame| Input {
            starts_frame,
            ends_frame: false,
            ..input(sequence, 3_000, picture)
        };
        splice.begin(A, &input(100, 0, 40), 0, 90);
        let first = pass(&mut splice, A, &part(100, 40, true));
        // The end of picture 40 and the beginning of picture 41, which is left out, are lost.
        splice.skip(A, &part(103, 41, false));
        assert!(splice.pass(A, &part(102, 41, true)).is_none());
        assert_eq!(pass(&mut splice, A, &part(101, 40, false)), (first.0 + 1, first.1, first.2, first.3));
        let origin = splice.origin_of(first.0 as u16 + 2).unwrap();
        assert!(origin.sequence == 102 && !origin.admits(Some(41)) && origin.admits(Some(40)));
    }

    #[test]
    fn what_is_lost_of_a_frame_that_is_passed_on_leaves_a_gap() {
        let mut splice = splice();
        splice.begin(A, &input(100, 0, 40), 0, 90);
        let first = pass(&mut splice, A, &input(100, 0, 40));
        splice.skip(A, &input(101, 3_000, 41));
        // The first packet of the next frame is lost.
        let next = pass(&mut splice, A, &Input { starts_frame: false, ..input(103, 6_000, 42) });
        assert_eq!(next.0, first.0 + 2);
        assert_eq!(pass(&mut splice, A, &input(102, 6_000, 42)).0, first.0 + 1);
    }

    #[test]
    fn a_frame_that_comes_late_keeps_its_number_at_a_switch() {
        let mut splice = splice();
        splice.begin(A, &input(100, 0, 40), 0, 90);
        let first = pass(&mut splice, A, &input(100, 0, 40));
        splice.skip(A, &input(102, 6_000, 42));
        let late = pass(&mut splice, A, &input(101, 3_000, 41));
        splice.begin(B, &input(7, 0, 7), SECOND, 90);
        let next = pass(&mut splice, B, &input(7, 0, 7));
        assert_eq!((late.2, next.2), (first.2 + 1, first.2 + 2));
    }

    #[test]
    fn what_came_before_the_switch_is_not_passed_on_late() {
        let mut splice = splice();
        splice.begin(A, &input(100, 0, 40), 0, 90);
        pass(&mut splice, A, &input(100, 0, 40));
        assert!(splice.pass(A, &input(99, 0, 39)).is_none());
    }

    #[test]
    fn an_output_number_leads_back_to_its_input() {
        let mut splice = splice();
        let mut sent = Vec::new();
        splice.begin(A, &input(100, 0, 40), 0, 90);
        for sequence in 100..110 {
            let input = input(sequence, 0, sequence - 60);
            if sequence == 105 {
                splice.skip(A, &input);
            } else {
                sent.push((pass(&mut splice, A, &input).0, A, sequence));
            }
        }
        splice.begin(B, &input(5, 0, 5), 0, 90);
        for sequence in 5..8 {
            sent.push((pass(&mut splice, B, &input(sequence, 0, sequence)).0, B, sequence));
        }
        for (out, source, sequence) in sent {
            let origin = splice.origin_of(out as u16).unwrap();
            assert_eq!((origin.segment.source, origin.sequence), (source, sequence));
        }
        assert!(splice.origin_of((splice.next_out) as u16).is_none(), "not sent yet");
    }
}
