//! Looks at what arrives on the receive slots: whether every packet came, whether frames are whole and
//! whether a decoder could show them.

use crate::report::{AudioContent, AudioSlot, VideoContent, VideoSlot};
use crate::vp8::{PictureIdBits, key_frame_size, parse};
use bytes::Bytes;
use plenum_protocol::media::SlotContent;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a missing packet is waited for: a retransmission over 200 ms of round trip arrives.
const PATIENCE: Duration = Duration::from_millis(400);
const MAX_WAITING: usize = 2_048;
/// Longer than this without a new frame is a freeze.
const GAP: Duration = Duration::from_millis(200);
const KEY_FRAME_INTERVAL: Duration = Duration::from_millis(500);

/// Makes 16-bit sequence numbers comparable.
#[derive(Default)]
struct Unwrapper(Option<i64>);

impl Unwrapper {
    fn unwrap(&mut self, sequence: u16) -> i64 {
        let Some(highest) = self.0 else {
            self.0 = Some(i64::from(sequence));
            return i64::from(sequence);
        };
        let difference = sequence.wrapping_sub(highest as u16) as i16;
        let number = highest + i64::from(difference);
        self.0 = Some(highest.max(number));
        number
    }
}

struct Waiting {
    arrived: Instant,
    marker: bool,
    payload: Bytes,
}

/// A frame whose first packet has come.
struct Frame {
    picture_id: Option<(u16, PictureIdBits)>,
    size: Option<(u16, u16)>,
}

pub struct VideoReceiver {
    content: Option<SlotContent>,
    report: VideoSlot,
    numbers: Unwrapper,
    next: Option<i64>,
    waiting: BTreeMap<i64, Waiting>,
    frame: Option<Frame>,
    /// A decoder could not show the next inter frame.
    lacks_key_frame: bool,
    picture_id: Option<(u16, PictureIdBits)>,
    /// Of the last key frame, which may come before the message that says whose it is.
    size: (u16, u16),
    frames_seen: u64,
    last_frame: Option<Instant>,
    key_frame_asked: Option<Instant>,
    key_frame_due: bool,
    first_frame: Option<Instant>,
}

impl VideoReceiver {
    pub fn new(slot: usize) -> VideoReceiver {
        VideoReceiver {
            content: None,
            report: VideoSlot { slot, ..VideoSlot::default() },
            numbers: Unwrapper::default(),
            next: None,
            waiting: BTreeMap::new(),
            frame: None,
            lacks_key_frame: true,
            picture_id: None,
            size: (0, 0),
            frames_seen: 0,
            last_frame: None,
            key_frame_asked: None,
            key_frame_due: false,
            first_frame: None,
        }
    }

    /// What the server says is on the slot from now on.
    pub fn content(&mut self, content: Option<SlotContent>) {
        if content == self.content {
            return;
        }
        self.content = content;
        self.last_frame = None;
        if let Some(SlotContent { person, source }) = content {
            self.report.contents.push(VideoContent {
                person,
                source,
                frames: 0,
                key_frames: 0,
                width: 0,
                height: 0,
                gaps: 0,
                longest_gap_ms: 0,
            });
        }
    }

    pub fn packet(&mut self, now: Instant, sequence: u16, marker: bool, payload: Bytes) {
        let number = self.numbers.unwrap(sequence);
        let next = *self.next.get_or_insert(number);
        if number < next || self.waiting.contains_key(&number) {
            return;
        }
        self.report.packets += 1;
        self.waiting.insert(number, Waiting { arrived: now, marker, payload });
        self.advance(now);
    }

    /// Gives up packets that have been missing for too long.
    pub fn advance(&mut self, now: Instant) {
        while let Some((&number, first)) = self.waiting.first_key_value() {
            let next = self.next.unwrap_or(number);
            if number > next {
                if now.saturating_duration_since(first.arrived) < PATIENCE && self.waiting.len() < MAX_WAITING
                {
                    return;
                }
                self.report.lost += (number - next) as u64;
                self.next = Some(number);
                self.break_frame();
            }
            // It is the first of a map that is not empty.
            let Some((_, packet)) = self.waiting.pop_first() else { return };
            self.next = Some(number + 1);
            self.in_order(now, &packet);
        }
    }

    fn in_order(&mut self, now: Instant, packet: &Waiting) {
        if packet.payload.is_empty() {
            return;
        }
        let Some(descriptor) = parse(&packet.payload) else { return self.break_frame() };
        if descriptor.begins_frame {
            if self.frame.take().is_some() {
                self.break_frame();
            }
            let size = key_frame_size(&packet.payload[descriptor.length..]);
            self.frame = Some(Frame { picture_id: descriptor.picture_id, size });
        }
        if !packet.marker {
            return;
        }
        match self.frame.take() {
            Some(frame) => self.whole_frame(now, &frame),
            None => self.break_frame(),
        }
    }

    fn break_frame(&mut self) {
        self.frame = None;
        self.report.broken += 1;
        self.lacks_key_frame = true;
        self.key_frame_due = true;
    }

    fn whole_frame(&mut self, now: Instant, frame: &Frame) {
        self.frames_seen += 1;
        if self.frames_seen == 1 {
            self.report.starts_with_key_frame = frame.size.is_some();
        }
        let expected = self.picture_id.map(|(id, bits)| bits.next(id));
        let jumped = expected.is_some() && frame.picture_id.map(|(id, _)| id) != expected;
        self.picture_id = frame.picture_id;
        if let Some(size) = frame.size {
            self.size = size;
            self.lacks_key_frame = false;
        } else if self.lacks_key_frame {
            self.report.broken += 1;
            self.key_frame_due = true;
            return;
        } else if jumped {
            self.report.picture_id_jumps += 1;
        }
        self.first_frame.get_or_insert(now);
        let Some(content) = self.report.contents.last_mut() else { return };
        content.frames += 1;
        content.key_frames += u64::from(frame.size.is_some());
        (content.width, content.height) = self.size;
        if let Some(last) = self.last_frame.replace(now) {
            let gap = now.saturating_duration_since(last);
            content.gaps += u64::from(gap > GAP);
            content.longest_gap_ms = content.longest_gap_ms.max(gap.as_millis() as u64);
        }
    }

    /// Whether to ask for a key frame now.
    pub fn wants_key_frame(&mut self, now: Instant) -> bool {
        let asked =
            self.key_frame_asked.is_some_and(|at| now.saturating_duration_since(at) < KEY_FRAME_INTERVAL);
        let wants = self.key_frame_due && self.lacks_key_frame && !asked;
        if wants {
            self.key_frame_asked = Some(now);
            self.key_frame_due = false;
            self.report.key_frame_requests += 1;
        }
        wants
    }

    pub fn first_frame(&self) -> Option<Instant> {
        self.first_frame
    }

    /// Frames that a decoder could show, of all contents.
    pub fn report(&self) -> VideoSlot {
        self.report.clone()
    }
}

pub struct AudioReceiver {
    content: Option<SlotContent>,
    report: AudioSlot,
    numbers: Unwrapper,
    lowest: Option<i64>,
    last_packet: Option<Instant>,
    first_packet: Option<Instant>,
}

impl AudioReceiver {
    pub fn new(slot: usize) -> AudioReceiver {
        let report = AudioSlot { slot, ..AudioSlot::default() };
        AudioReceiver {
            content: None,
            report,
            numbers: Unwrapper::default(),
            lowest: None,
            last_packet: None,
            first_packet: None,
        }
    }

    pub fn content(&mut self, content: Option<SlotContent>) {
        if content == self.content {
            return;
        }
        self.content = content;
        self.last_packet = None;
        if let Some(SlotContent { person, source }) = content {
            self.report.contents.push(AudioContent { person, source, packets: 0 });
        }
    }

    pub fn packet(&mut self, now: Instant, sequence: u16) {
        let number = self.numbers.unwrap(sequence);
        self.lowest = Some(self.lowest.map_or(number, |lowest| lowest.min(number)));
        self.first_packet.get_or_insert(now);
        self.report.packets += 1;
        if let Some(content) = self.report.contents.last_mut() {
            content.packets += 1;
        }
        if let Some(last) = self.last_packet.replace(now) {
            let gap = now.saturating_duration_since(last).as_millis() as u64;
            self.report.longest_gap_ms = self.report.longest_gap_ms.max(gap);
        }
    }

    pub fn first_packet(&self) -> Option<Instant> {
        self.first_packet
    }

    pub fn report(&self) -> AudioSlot {
        let expected =
            self.lowest.zip(self.numbers.0).map_or(0, |(lowest, highest)| (highest - lowest + 1) as u64);
        AudioSlot { lost: expected.saturating_sub(self.report.packets), ..self.report.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sender::{LayerPlan, Outgoing, VideoSender};
    use plenum_protocol::media::Source;

    const FRAME: Duration = Duration::from_millis(50);

    /// Packets of so many frames, frame by frame.
    fn sent(frames: usize, key_frame_at: &[usize]) -> Vec<Vec<Outgoing>> {
        let start = Instant::now();
        let plan = [LayerPlan { source: "camera", rid: "", clip: 1, ssrc: 1 }];
        let mut sender = VideoSender::new(&plan, start, &mut fastrand::Rng::with_seed(3));
        (0..frames)
            .map(|frame| {
                if key_frame_at.contains(&frame) {
                    sender.key_frame_wanted(1);
                }
                sender.poll(start + FRAME * frame as u32)
            })
            .collect()
    }

    fn receiver() -> VideoReceiver {
        let mut receiver = VideoReceiver::new(0);
        receiver.content(Some(SlotContent { person: 2, source: Source::Camera }));
        receiver
    }

    fn feed(receiver: &mut VideoReceiver, now: Instant, packets: &[Outgoing]) {
        for packet in packets {
            receiver.packet(now, packet.sequence, packet.marker, packet.payload.clone());
        }
    }

    #[test]
    fn counts_whole_frames() {
        let (mut receiver, start) = (receiver(), Instant::now());
        for (index, packets) in sent(100, &[]).iter().enumerate() {
            feed(&mut receiver, start + FRAME * index as u32, packets);
        }
        let report = receiver.report();
        assert!(report.starts_with_key_frame);
        assert_eq!(
            (report.lost, report.broken, report.picture_id_jumps, report.key_frame_requests),
            (0, 0, 0, 0)
        );
        let content = &report.contents[0];
        assert_eq!((content.frames, content.key_frames, content.gaps), (100, 2, 0));
        assert_eq!((content.width, content.height, content.longest_gap_ms), (640, 360, 50));
        assert!(!receiver.wants_key_frame(start));
    }

    #[test]
    fn order_does_not_matter_and_duplicates_do_not_count() {
        let (mut receiver, start) = (receiver(), Instant::now());
        let mut random = fastrand::Rng::with_seed(4);
        let mut packets: Vec<Outgoing> = sent(40, &[]).concat();
        let first = packets.remove(0);
        for window in packets.chunks_mut(6) {
            random.shuffle(window);
        }
        packets.insert(0, first);
        let doubled: Vec<_> = packets.iter().flat_map(|packet| [packet.clone(), packet.clone()]).collect();
        feed(&mut receiver, start, &doubled);
        let report = receiver.report();
        assert_eq!(report.packets as usize, packets.len());
        assert_eq!((report.contents[0].frames, report.broken, report.lost), (40, 0, 0));
    }

    #[test]
    fn a_lost_packet_breaks_what_builds_on_it() {
        let (mut receiver, start) = (receiver(), Instant::now());
        let mut frames = sent(40, &[30]);
        frames[10].remove(0);
        for (index, packets) in frames.iter().enumerate() {
            let now = start + FRAME * index as u32;
            feed(&mut receiver, now, packets);
            assert_eq!(receiver.wants_key_frame(now), index == 18 || index == 28, "{index}");
        }
        let report = receiver.report();
        assert_eq!(report.lost, 1);
        assert_eq!(report.contents[0].frames, 20, "ten before the loss and ten from the next key frame on");
        assert!(report.broken >= 20);
        assert_eq!(report.contents[0].gaps, 1);
    }

    #[test]
    fn frames_left_out_by_the_server_are_seen() {
        let (mut receiver, start) = (receiver(), Instant::now());
        let mut frames = sent(20, &[]);
        // As a server that drops a whole frame and closes the gap in the sequence numbers.
        let dropped = frames.remove(10).len() as u16;
        for packet in frames[10..].iter_mut().flatten() {
            packet.sequence = packet.sequence.wrapping_sub(dropped);
        }
        for packets in &frames {
            feed(&mut receiver, start, packets);
        }
        let report = receiver.report();
        assert_eq!((report.lost, report.broken, report.picture_id_jumps), (0, 0, 1));
    }

    #[test]
    fn a_stream_that_begins_without_a_key_frame_is_told() {
        let (mut receiver, start) = (receiver(), Instant::now());
        for packets in &sent(20, &[])[5..] {
            feed(&mut receiver, start, packets);
        }
        let report = receiver.report();
        assert!(!report.starts_with_key_frame);
        assert_eq!((report.contents[0].frames, report.broken), (0, 15));
        assert!(receiver.wants_key_frame(start));
    }

    #[test]
    fn audio_counts_what_never_came() {
        let (mut receiver, start) = (AudioReceiver::new(0), Instant::now());
        receiver.content(Some(SlotContent { person: 2, source: Source::Microphone }));
        for (index, sequence) in [65_530_u16, 65_531, 65_533, 65_532, 65_535, 1, 2].into_iter().enumerate() {
            receiver.packet(start + Duration::from_millis(20 * index as u64), sequence);
        }
        let report = receiver.report();
        assert_eq!((report.packets, report.lost, report.longest_gap_ms), (7, 2, 20));
        assert_eq!(report.contents[0].packets, 7);
    }
}
