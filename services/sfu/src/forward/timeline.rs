//! When the media of a publisher's RTP timestamp was captured, on the SFU's clock.
//!
//! Sender reports tell it on the publisher's clock (RFC 3550, section 6.4). The distance of the two clocks
//! is one number per publisher, so that sound and picture stay as far apart as they were captured.

use super::clock::{MILLISECOND, Micros, SECOND};

/// Farther than this from its arrival no packet was captured: its clock is not to be believed.
const BELIEVABLE: Micros = 5 * SECOND;
/// Timestamps that fall behind the clock by more have stood still.
const PAUSE: Micros = 300 * MILLISECOND;

/// Distance of a publisher's wall clock from the SFU's clock.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ClockOffset {
    /// SFU time minus publisher time, as small as it has been: with the least delay on the way.
    offset: Option<Micros>,
    updated: Micros,
}

impl ClockOffset {
    /// A sender report of the publisher's time `theirs` came at `at`.
    pub(super) fn observe(&mut self, theirs: Micros, at: Micros) {
        let sample = at - theirs;
        let offset = match self.offset {
            // The allowance of 0.2 ms a second lets it follow clocks that drift apart.
            Some(offset) if (sample - offset).abs() < SECOND => {
                sample.min(offset + (at - self.updated).max(0) / 5_000)
            }
            _ => sample,
        };
        self.offset = Some(offset);
        self.updated = at;
    }
}

/// RTP timestamps of one stream on the clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeline {
    rate: Micros,
    /// From the packet that was least delayed: for streams without a sender report yet.
    arrival: Option<(u32, Micros)>,
    /// The last packet, and when it came.
    last: Option<(u32, Micros)>,
    /// RTP timestamp and publisher time of the last sender report.
    report: Option<(u32, Micros)>,
}

impl Timeline {
    pub(super) fn new(clock_rate: u32) -> Self {
        Timeline { rate: Micros::from(clock_rate.max(1)), arrival: None, last: None, report: None }
    }

    pub(super) fn arrived(&mut self, timestamp: u32, at: Micros) {
        self.last = Some((timestamp, at));
        let Some(anchor) = self.arrival else {
            self.arrival = Some((timestamp, at));
            return;
        };
        let expected = self.along(anchor, timestamp);
        if at < expected || at - expected > BELIEVABLE {
            self.arrival = Some((timestamp, at));
        } else if expected - anchor.1 > 60 * SECOND {
            // Moves the anchor along before the 32-bit distance wraps, and allows for 50 ppm of drift.
            self.arrival = Some((timestamp, expected + 3 * MILLISECOND));
        }
    }

    /// How long the timestamps have stood still before this packet, if they have. Browsers count the samples
    /// that they encode: of a microphone that is off there are none.
    pub(super) fn pause(&self, timestamp: u32, at: Micros) -> Option<Micros> {
        let behind = at - self.along(self.last?, timestamp);
        (behind > PAUSE).then_some(behind)
    }

    /// Timestamps go on with this one after such a pause.
    pub(super) fn resume(&mut self, timestamp: u32, pause: Micros, offset: &ClockOffset, at: Micros) {
        for known in [&mut self.arrival, &mut self.last].into_iter().flatten() {
            known.1 += pause;
        }
        let by_report =
            self.report.zip(offset.offset).map(|(report, offset)| self.along(report, timestamp) + offset);
        // A report from after the pause may have come first.
        if by_report.is_some_and(|captured| at - captured > pause / 2)
            && let Some(report) = &mut self.report
        {
            report.1 += pause;
        }
    }

    pub(super) fn reported(&mut self, timestamp: u32, theirs: Micros) {
        self.report = Some((timestamp, theirs));
    }

    /// When `timestamp` was captured; close to `near` in any case.
    pub(super) fn captured(&self, timestamp: u32, offset: &ClockOffset, near: Micros) -> Micros {
        let by_report =
            self.report.zip(offset.offset).map(|((timestamp, at), offset)| (timestamp, at + offset));
        [by_report, self.arrival]
            .into_iter()
            .flatten()
            .map(|anchor| self.along(anchor, timestamp))
            .find(|captured| (captured - near).abs() < BELIEVABLE)
            .unwrap_or(near)
    }

    /// The timestamp of what is captured at `at`; None before the first packet.
    pub(super) fn timestamp_at(&self, at: Micros, offset: &ClockOffset) -> Option<u32> {
        let (newest, arrived) = self.last?;
        let captured = self.captured(newest, offset, arrived);
        Some(newest.wrapping_add(((at - captured) * self.rate / SECOND) as u32))
    }

    fn along(&self, (timestamp, at): (u32, Micros), to: u32) -> Micros {
        at + Micros::from(to.wrapping_sub(timestamp) as i32) * SECOND / self.rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_and_picture_meet_through_sender_reports() {
        // The publisher's wall clock is a million seconds off; the picture takes 80 ms longer to encode.
        let theirs = |at: Micros| at + 1_000_000 * SECOND;
        let mut offset = ClockOffset::default();
        let (mut sound, mut picture) = (Timeline::new(48_000), Timeline::new(90_000));
        for frame in 0..100 {
            let captured = frame * 20 * MILLISECOND;
            sound.arrived((captured * 48 / 1_000) as u32, captured + 25 * MILLISECOND);
            picture.arrived(7_000 + (captured * 90 / 1_000) as u32, captured + 105 * MILLISECOND);
        }
        let now = 2 * SECOND;
        let apart = |sound: &Timeline, picture: &Timeline, offset: &ClockOffset| {
            sound.captured(48_000, offset, now) - picture.captured(97_000, offset, now)
        };
        assert_eq!(apart(&sound, &picture, &offset), -80 * MILLISECOND);
        for (reported, delay) in [(1_000_000, 45_000), (1_500_000, 30_000)] {
            offset.observe(theirs(reported), reported + delay);
            sound.reported((reported * 48 / 1_000) as u32, theirs(reported));
            picture.reported(7_000 + (reported * 90 / 1_000) as u32, theirs(reported));
        }
        assert_eq!(apart(&sound, &picture, &offset), 0);
        assert_eq!(sound.captured(48_000, &offset, now), SECOND + 30 * MILLISECOND);
        assert_eq!(sound.timestamp_at(SECOND + 30 * MILLISECOND, &offset), Some(48_000));
        let hour = 3_600 * SECOND;
        sound.arrived((hour * 48 / 1_000) as u32, hour + 40 * MILLISECOND);
        let expected = ((hour - 30 * MILLISECOND) * 48 / 1_000) as u32;
        assert_eq!(sound.timestamp_at(hour, &offset), Some(expected), "long after the first packet");
    }

    #[test]
    fn an_absurd_report_is_not_believed() {
        let mut timeline = Timeline::new(90_000);
        timeline.arrived(90_000, SECOND);
        let mut offset = ClockOffset::default();
        offset.observe(0, SECOND);
        timeline.reported(2_000_000_000, 0);
        assert_eq!(timeline.captured(90_000, &offset, SECOND), SECOND);
    }

    #[test]
    fn timestamps_wrap() {
        let mut timeline = Timeline::new(90_000);
        let mut at = 0;
        let mut timestamp = u32::MAX - 90_000;
        for _ in 0..100_000 {
            timeline.arrived(timestamp, at);
            timestamp = timestamp.wrapping_add(90_000);
            at += SECOND;
        }
        let captured = timeline.captured(timestamp, &ClockOffset::default(), at);
        assert!((captured - at).abs() < 10 * MILLISECOND, "{}", captured - at);
    }
}
