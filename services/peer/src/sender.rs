//! Sends the prerecorded clips by the clock: RTP packets without the parts that a connection negotiates.

use crate::clip::{self, FRAME_RATE, PACKET_MILLIS, VideoClip};
use crate::report::SentLayer;
use crate::vp8::packetize;
use bytes::Bytes;
use std::time::{Duration, Instant};

const VIDEO_CLOCK: u32 = 90_000;
const AUDIO_CLOCK: u32 = 48_000;
/// After a pause of this process, what should have been sent meanwhile is left out.
const CATCH_UP: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    pub ssrc: u32,
    pub sequence: u16,
    pub timestamp: u32,
    pub marker: bool,
    pub payload: Bytes,
}

/// Ticks of a fixed length since a beginning.
struct Ticks {
    start: Instant,
    length: Duration,
    done: u32,
}

impl Ticks {
    fn new(start: Instant, length: Duration) -> Ticks {
        Ticks { start, length, done: 0 }
    }

    fn start(&mut self, now: Instant) {
        *self = Ticks::new(now, self.length);
    }

    fn due(&self) -> Instant {
        self.start + self.length * self.done
    }

    /// The number of the tick to be done now.
    fn next(&mut self, now: Instant) -> Option<u32> {
        if now > self.due() + CATCH_UP {
            self.done = (now.duration_since(self.start).as_micros() / self.length.as_micros()) as u32;
        }
        (now >= self.due()).then(|| {
            self.done += 1;
            self.done - 1
        })
    }
}

/// A camera with its simulcast layers, or a screen with one layer.
pub struct VideoSender {
    ticks: Ticks,
    layers: Vec<Layer>,
}

struct Layer {
    clip: &'static VideoClip,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    picture_id: u16,
    next_frame: usize,
    report: SentLayer,
}

/// What a layer is called, and which of the clips it shows.
pub struct LayerPlan {
    pub source: &'static str,
    pub rid: &'static str,
    pub clip: usize,
    pub ssrc: u32,
}

impl VideoSender {
    pub fn new(plans: &[LayerPlan], start: Instant, random: &mut fastrand::Rng) -> VideoSender {
        let layers = plans.iter().map(|plan| Layer::new(plan, random)).collect();
        VideoSender { ticks: Ticks::new(start, Duration::from_secs(1) / FRAME_RATE), layers }
    }

    /// Begins to send now.
    pub fn start(&mut self, now: Instant) {
        self.ticks.start(now);
    }

    /// When [`VideoSender::poll`] has something to send.
    pub fn due(&self) -> Instant {
        self.ticks.due()
    }

    pub fn poll(&mut self, now: Instant) -> Vec<Outgoing> {
        let Some(tick) = self.ticks.next(now) else { return Vec::new() };
        self.layers.iter_mut().flat_map(|layer| layer.frame(tick)).collect()
    }

    /// The layer's next frame is a key frame: its clip begins anew.
    pub fn key_frame_wanted(&mut self, ssrc: u32) {
        for layer in self.layers.iter_mut().filter(|layer| layer.ssrc == ssrc) {
            layer.next_frame = 0;
        }
    }

    pub fn reports(&self) -> impl Iterator<Item = SentLayer> {
        self.layers.iter().map(|layer| layer.report.clone())
    }
}

impl Layer {
    fn new(plan: &LayerPlan, random: &mut fastrand::Rng) -> Layer {
        let clip = &clip::video()[plan.clip];
        let report = SentLayer {
            source: plan.source,
            rid: plan.rid,
            width: clip.width,
            height: clip.height,
            ..SentLayer::default()
        };
        Layer {
            clip,
            ssrc: plan.ssrc,
            sequence: random.u16(..),
            timestamp: random.u32(..),
            picture_id: random.u16(..0x8000),
            next_frame: 0,
            report,
        }
    }

    fn frame(&mut self, tick: u32) -> Vec<Outgoing> {
        let frame = &self.clip.frames[self.next_frame];
        self.report.frames += 1;
        self.report.key_frames += u64::from(self.next_frame == 0);
        self.next_frame = (self.next_frame + 1) % self.clip.frames.len();
        let timestamp = self.timestamp.wrapping_add(tick.wrapping_mul(VIDEO_CLOCK / FRAME_RATE));
        let payloads = packetize(frame, self.picture_id);
        self.picture_id = (self.picture_id + 1) & 0x7FFF;
        self.report.packets += payloads.len() as u64;
        let last = payloads.len() - 1;
        let packets = payloads.into_iter().enumerate().map(|(index, payload)| {
            self.sequence = self.sequence.wrapping_add(1);
            Outgoing { ssrc: self.ssrc, sequence: self.sequence, timestamp, marker: index == last, payload }
        });
        packets.collect()
    }
}

pub struct AudioSender {
    ticks: Ticks,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    pub packets: u64,
}

impl AudioSender {
    pub fn new(ssrc: u32, start: Instant, random: &mut fastrand::Rng) -> AudioSender {
        let ticks = Ticks::new(start, Duration::from_millis(u64::from(PACKET_MILLIS)));
        AudioSender { ticks, ssrc, sequence: random.u16(..), timestamp: random.u32(..), packets: 0 }
    }

    /// Begins to send now.
    pub fn start(&mut self, now: Instant) {
        self.ticks.start(now);
    }

    pub fn due(&self) -> Instant {
        self.ticks.due()
    }

    pub fn poll(&mut self, now: Instant) -> Option<Outgoing> {
        let tick = self.ticks.next(now)?;
        let clip = clip::audio();
        self.sequence = self.sequence.wrapping_add(1);
        self.packets += 1;
        Some(Outgoing {
            ssrc: self.ssrc,
            sequence: self.sequence,
            timestamp: self.timestamp.wrapping_add(tick.wrapping_mul(AUDIO_CLOCK / 1_000 * PACKET_MILLIS)),
            // The first packet after silence (RFC 3551, section 4.1).
            marker: self.packets == 1,
            payload: clip[tick as usize % clip.len()].clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vp8::{key_frame_size, parse};

    fn plans() -> Vec<LayerPlan> {
        let plan = |(clip, rid)| LayerPlan { source: "camera", rid, clip, ssrc: 100 + clip as u32 };
        ["q", "h", "f"].into_iter().enumerate().map(plan).collect()
    }

    fn is_key_frame(packet: &Outgoing) -> bool {
        let descriptor = parse(&packet.payload).unwrap();
        descriptor.begins_frame && key_frame_size(&packet.payload[descriptor.length..]).is_some()
    }

    #[test]
    fn sends_every_layer_in_time_and_key_frames_on_request() {
        let start = Instant::now();
        let mut sender = VideoSender::new(&plans(), start, &mut fastrand::Rng::with_seed(1));
        let mut now = start;
        let mut key_frames = Vec::new();
        for frame in 0..60 {
            assert_eq!(sender.due(), start + Duration::from_millis(50) * frame);
            if frame == 30 {
                sender.key_frame_wanted(101);
            }
            now = now.max(sender.due());
            let packets = sender.poll(now);
            for layer in 100..103 {
                let of_layer: Vec<_> = packets.iter().filter(|packet| packet.ssrc == layer).collect();
                assert_eq!(of_layer.iter().filter(|packet| packet.marker).count(), 1);
                assert!(of_layer.last().unwrap().marker);
            }
            key_frames.extend(packets.iter().filter(|packet| is_key_frame(packet)).map(|p| (frame, p.ssrc)));
            assert!(sender.poll(now).is_empty(), "one frame a tick");
        }
        assert_eq!(key_frames, [(0, 100), (0, 101), (0, 102), (30, 101)]);
        assert_eq!(sender.reports().map(|layer| layer.frames).collect::<Vec<_>>(), [60, 60, 60]);
    }

    #[test]
    fn numbers_continue_and_pauses_are_left_out() {
        let start = Instant::now();
        let mut sender = AudioSender::new(7, start, &mut fastrand::Rng::with_seed(2));
        let first = sender.poll(start).unwrap();
        assert!(first.marker && sender.poll(start).is_none());
        let second = sender.poll(start + Duration::from_millis(21)).unwrap();
        assert_eq!(second.sequence, first.sequence.wrapping_add(1));
        assert_eq!(second.timestamp.wrapping_sub(first.timestamp), 960);
        let late = start + Duration::from_secs(10);
        let third = sender.poll(late).unwrap();
        assert_eq!(third.sequence, second.sequence.wrapping_add(1));
        assert_eq!(third.timestamp.wrapping_sub(first.timestamp), 480_000);
        assert!(sender.poll(late).is_none());
    }
}
