//! One stream of a publisher: a microphone, or a simulcast layer of a picture.

use super::clock::{MILLISECOND, Micros, NEVER, SECOND, UNWRAP_START, unwrap};
use super::codec::Picture;
use super::missing::Missing;
use super::rate::Rate;
use super::ring::Ring;
use super::rtcp::Block;
use super::seen::{Novelty, Seen};
use super::timeline::Timeline;

/// A slot of a subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SlotRef {
    pub(super) peer: u32,
    pub(super) slot: u16,
}

/// A simulcast layer that has been silent for longer is not live.
const LAYER_SILENCE: Micros = 1_500 * MILLISECOND;

#[derive(Debug)]
pub(super) struct Layer {
    pub(super) rid: Option<Box<str>>,
    /// 0 until the SSRC is known.
    pub(super) stream: u32,
    pub(super) ssrc: u32,
    pub(super) seen: Seen,
    /// Packets in a row from the distant past.
    stale: u8,
    pub(super) timeline: Timeline,
    /// The highest frame counter, unwrapped.
    pub(super) picture: u64,
    pub(super) missing: Missing,
    /// Video only, from the first packet on.
    pub(super) ring: Option<Ring>,
    /// Slots that carry it or wait for its key frame.
    pub(super) subscribers: Vec<SlotRef>,
    pub(super) size: Option<(u16, u16)>,
    pub(super) rate: Rate,
    pub(super) last: Micros,
    /// When a key frame was last asked for, and whether it shall be asked for again.
    pub(super) asked: Micros,
    pub(super) wanted: bool,
    pub(super) reception: Reception,
    /// Middle of the NTP time of the last sender report, and when it came.
    pub(super) report: Option<(u32, Micros)>,
}

impl Layer {
    pub(super) fn new(rid: Option<Box<str>>, clock_rate: u32) -> Self {
        Layer {
            rid,
            stream: 0,
            ssrc: 0,
            seen: Seen::starting_at(UNWRAP_START),
            stale: 0,
            timeline: Timeline::new(clock_rate),
            picture: UNWRAP_START,
            missing: Missing::new(),
            ring: None,
            subscribers: Vec::new(),
            size: None,
            rate: Rate::default(),
            last: NEVER,
            asked: NEVER,
            wanted: false,
            reception: Reception::default(),
            report: None,
        }
    }

    /// The layer comes with another SSRC from now on.
    pub(super) fn restart(&mut self, stream: u32, ssrc: u32, clock_rate: u32) {
        self.stream = stream;
        self.ssrc = ssrc;
        self.stale = 0;
        self.timeline = Timeline::new(clock_rate);
        self.missing.clear();
        if let Some(ring) = &mut self.ring {
            ring.clear();
        }
        self.asked = NEVER;
        self.last = NEVER;
        self.reception = Reception::default();
        self.report = None;
    }

    /// Unwraps a sequence number and tells what is new about it.
    pub(super) fn take(&mut self, sequence: u16) -> (u64, Novelty) {
        if !self.reception.started {
            self.reception.started = true;
            let first = UNWRAP_START + u64::from(sequence);
            self.reception.base = first;
            self.seen = Seen::starting_at(first);
        }
        let sequence = unwrap(self.seen.highest(), u64::from(sequence), 16);
        let novelty = self.seen.take(sequence);
        if novelty != Novelty::Duplicate {
            self.stale = 0;
        }
        (sequence, novelty)
    }

    pub(super) fn unwrap_picture(&self, picture: Picture) -> u64 {
        unwrap(self.picture, u64::from(picture.number), u32::from(picture.bits))
    }

    /// A packet has come.
    pub(super) fn has_begun(&self) -> bool {
        self.reception.started
    }

    /// True at the `patience`-th packet in a row that is older than all that is remembered.
    pub(super) fn is_stale(&mut self, sequence: u64, patience: u8) -> bool {
        if self.seen.remembers(sequence) {
            return false;
        }
        self.stale += 1;
        self.stale >= patience
    }

    pub(super) fn live(&self, now: Micros) -> bool {
        self.stream != 0 && now - self.last < LAYER_SILENCE
    }
}

/// Reception statistics (RFC 3550, appendix A.3 and A.8).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reception {
    started: bool,
    base: u64,
    received: u64,
    reported_expected: u64,
    reported_received: u64,
    transit: Option<i64>,
    /// In timestamp units, times 16.
    jitter: i64,
}

impl Reception {
    /// A packet came, other than by retransmission.
    pub(super) fn packet(&mut self, timestamp: u32, at: Micros, clock_rate: u32) {
        self.received += 1;
        let arrival = at * i64::from(clock_rate) / SECOND;
        let transit = i64::from((arrival as u32).wrapping_sub(timestamp) as i32);
        if let Some(before) = self.transit {
            let distance = i64::from((transit - before) as i32).abs().min(i64::from(clock_rate));
            self.jitter += distance - ((self.jitter + 8) >> 4);
        }
        self.transit = Some(transit);
    }

    /// Closes the interval: the block, and the packets expected and lost in it.
    pub(super) fn report(
        &mut self,
        ssrc: u32,
        highest: u64,
        report: Option<(u32, Micros)>,
        now: Micros,
    ) -> (Block, u64, u64) {
        let expected = highest + 1 - self.base;
        let interval = expected.saturating_sub(self.reported_expected);
        let received = self.received.saturating_sub(self.reported_received);
        let lost = interval.saturating_sub(received);
        self.reported_expected = expected;
        self.reported_received = self.received;
        let (last_report, delay) =
            report.map_or((0, 0), |(middle, at)| (middle, ((now - at).max(0) * 65_536 / SECOND) as u32));
        let block = Block {
            ssrc,
            fraction_lost: (lost * 256).checked_div(interval).unwrap_or(0).min(255) as u8,
            cumulative_lost: (expected as i64 - self.received as i64).clamp(-0x80_0000, 0x7f_ffff) as u32
                & 0x00ff_ffff,
            highest: highest as u32,
            jitter: (self.jitter >> 4) as u32,
            last_report,
            delay,
        };
        (block, interval, lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_tells_the_loss_of_its_interval() {
        let mut layer = Layer::new(None, 90_000);
        let mut at = 0;
        let mut play = |layer: &mut Layer, sequences: std::ops::Range<u32>, lost: u32| {
            for sequence in sequences.filter(|sequence| sequence % lost != 1) {
                layer.take(sequence as u16);
                layer.reception.packet(sequence * 900, at, 90_000);
                at += 10 * MILLISECOND;
            }
        };
        play(&mut layer, 65_000..66_000, 4);
        let (block, expected, lost) = layer.reception.report(7, layer.seen.highest(), None, SECOND);
        assert_eq!((expected, lost, block.fraction_lost), (1_000, 250, 64));
        assert_eq!(block.cumulative_lost, 250);
        assert_eq!(block.highest & 0x1_ffff, 65_999);
        play(&mut layer, 66_000..67_000, 5_000_000);
        let (block, ..) = layer.reception.report(7, layer.seen.highest(), Some((9, 0)), SECOND / 2);
        assert_eq!((block.fraction_lost, block.cumulative_lost), (0, 250));
        assert_eq!((block.last_report, block.delay), (9, 32_768));
    }
}
