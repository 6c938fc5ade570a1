//! How well media of and to one person gets through.

use super::clock::{MILLISECOND, Micros, SECOND};
use plenum_protocol::media::{Grade, QualityReason};

/// Nothing has arrived for this long.
const LOST: Micros = 5 * SECOND;

/// What is known of a peer's connection.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Measured {
    /// Since the last sign of life.
    pub(super) silence: Micros,
    /// Of 1,000.
    pub(super) loss_in: u32,
    pub(super) loss_out: u32,
    pub(super) round_trip: Option<Micros>,
    /// How long packets to the peer wait on the way.
    pub(super) queue: Micros,
    /// A picture is smaller than wanted, or missing, for want of bandwidth.
    pub(super) reduced: bool,
    pub(super) starved: bool,
}

/// What has been said last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Quality(Option<(Grade, QualityReason)>);

impl Quality {
    /// The new grade, if it is another one.
    pub(super) fn update(&mut self, measured: &Measured) -> Option<(Grade, QualityReason)> {
        let present = grade(measured);
        if self.0 == Some(present) {
            return None;
        }
        self.0 = Some(present);
        self.0
    }
}

fn grade(measured: &Measured) -> (Grade, QualityReason) {
    if measured.silence > LOST {
        return (Grade::Lost, QualityReason::None);
    }
    let round_trip = measured.round_trip.unwrap_or(0);
    let candidates = [
        (by(measured.loss_in, 30, 100), QualityReason::UplinkLoss),
        (by(measured.loss_out, 30, 100), QualityReason::DownlinkLoss),
        (by(round_trip.max(2 * measured.queue), 400 * MILLISECOND, 800 * MILLISECOND), QualityReason::Delay),
        (by(u8::from(measured.reduced) + u8::from(measured.starved), 1, 2), QualityReason::Bandwidth),
    ];
    // The first of the worst: loss explains a low limit, not the other way round.
    let mut worst = (Grade::Good, QualityReason::None);
    for candidate in candidates {
        if candidate.0 > worst.0 {
            worst = candidate;
        }
    }
    worst
}

fn by<T: PartialOrd>(value: T, fair: T, poor: T) -> Grade {
    if value >= poor {
        Grade::Poor
    } else if value >= fair {
        Grade::Fair
    } else {
        Grade::Good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_reason_is_told_once() {
        let mut quality = Quality::default();
        let mut measured = Measured::default();
        assert_eq!(quality.update(&measured), Some((Grade::Good, QualityReason::None)));
        assert_eq!(quality.update(&measured), None);
        measured.reduced = true;
        assert_eq!(quality.update(&measured), Some((Grade::Fair, QualityReason::Bandwidth)));
        measured.loss_out = 40;
        assert_eq!(quality.update(&measured), Some((Grade::Fair, QualityReason::DownlinkLoss)));
        measured.loss_in = 200;
        assert_eq!(quality.update(&measured), Some((Grade::Poor, QualityReason::UplinkLoss)));
        measured.silence = 6 * SECOND;
        assert_eq!(quality.update(&measured), Some((Grade::Lost, QualityReason::None)));
    }

    #[test]
    fn waiting_and_long_ways_are_delay() {
        let slow = Measured { round_trip: Some(500 * MILLISECOND), ..Default::default() };
        assert_eq!(grade(&slow), (Grade::Fair, QualityReason::Delay));
        let queue = Measured { queue: 450 * MILLISECOND, ..Default::default() };
        assert_eq!(grade(&queue), (Grade::Poor, QualityReason::Delay));
    }
}
