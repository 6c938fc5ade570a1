//! How fast a stream comes, by temporal layer.

use super::clock::{MILLISECOND, Micros, SECOND};

const INTERVAL: Micros = 500 * MILLISECOND;
/// After a longer pause nothing is known.
const PAUSE: Micros = 2 * SECOND;
const TEMPORAL_LAYERS: usize = 3;

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rate {
    bytes: [u64; TEMPORAL_LAYERS],
    since: Option<Micros>,
    per_second: [u64; TEMPORAL_LAYERS],
    measured: bool,
}

impl Rate {
    #[inline]
    pub(super) fn add(&mut self, temporal: u8, bytes: usize) {
        self.bytes[usize::from(temporal).min(TEMPORAL_LAYERS - 1)] += bytes as u64;
    }

    /// Closes the interval if it is long enough.
    pub(super) fn update(&mut self, now: Micros) {
        let span = self.since.map_or(PAUSE + 1, |since| now - since);
        if span < INTERVAL {
            return;
        }
        if span > PAUSE {
            self.measured = false;
        } else {
            for (rate, bytes) in self.per_second.iter_mut().zip(self.bytes) {
                let current = bytes * SECOND as u64 / span as u64;
                *rate = if self.measured { (*rate + current) / 2 } else { current };
            }
            self.measured = true;
        }
        self.since = Some(now);
        self.bytes = Default::default();
    }

    pub(super) fn bytes_per_second(&self) -> u64 {
        self.per_second.iter().sum()
    }

    /// Of the temporal layers up to this one; None before the first interval.
    pub(super) fn bits_per_second(&self, temporal: u8) -> Option<u64> {
        let layers = usize::from(temporal).min(TEMPORAL_LAYERS - 1);
        self.measured.then(|| self.per_second[..=layers].iter().sum::<u64>() * 8)
    }

    pub(super) fn has_temporal_layers(&self) -> bool {
        self.measured && self.per_second[1..].iter().any(|&rate| rate > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_known_after_an_interval_and_unknown_after_a_pause() {
        let mut rate = Rate::default();
        let mut now = 0;
        for packet in 0..101 {
            rate.update(now);
            rate.add(if packet % 2 == 0 { 0 } else { 5 }, 1_000);
            now += 10 * MILLISECOND;
        }
        rate.update(now);
        assert_eq!(rate.bits_per_second(7), Some(800_000));
        assert_eq!(rate.bits_per_second(0), Some(400_000));
        assert!(rate.has_temporal_layers());
        rate.update(now + 5 * SECOND);
        assert_eq!(rate.bits_per_second(7), None);
    }
}
