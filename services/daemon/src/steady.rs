//! Whether the clock may decide what has reached the end of its retention: a clock that leaps ahead (a dead battery, a
//! wrong or hostile time server) would have everything deleted that is to be kept for longer.

use std::time::Duration;

/// A clock that is set right by more than this has leapt.
const LEAP: Duration = Duration::from_secs(86_400);
/// So long nothing is deleted after a leap: time for it to be set right, or seen.
const CALM: Duration = Duration::from_secs(86_400);

#[derive(Debug, Clone, Copy)]
pub struct SteadyClock {
    /// Wall clock in milliseconds since 1970, and time since the start.
    last: (u64, Duration),
    from: Duration,
}

impl SteadyClock {
    /// `seen`: the latest moment that the former run has stored, in milliseconds since 1970. `after`: so long nothing is
    /// deleted after a start at which nothing seems wrong.
    pub fn new(seen: Option<u64>, after: Duration, unix_ms: u64, mono: Duration) -> SteadyClock {
        let leapt = seen.is_some_and(|seen| unix_ms > later(seen, LEAP));
        SteadyClock { last: (unix_ms, mono), from: mono + if leapt { CALM } else { after } }
    }

    /// Asked at every look for what has expired.
    pub fn is_steady(&mut self, unix_ms: u64, mono: Duration) -> bool {
        let (wall, before) = self.last;
        if unix_ms > later(wall, mono.saturating_sub(before) + LEAP) {
            log::warn!("the clock has leapt ahead: nothing expires within a day");
            self.from = mono + CALM;
        }
        self.last = (unix_ms, mono);
        mono >= self.from
    }
}

fn later(unix_ms: u64, by: Duration) -> u64 {
    unix_ms.saturating_add(by.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;
    const BEGAN: u64 = 1_800_000_000_000;

    fn at(seconds: u64) -> (u64, Duration) {
        (BEGAN + seconds * 1_000, Duration::from_secs(seconds))
    }

    fn steady(clock: &mut SteadyClock, seconds: u64, ahead_days: u64) -> bool {
        let (wall, mono) = at(seconds);
        clock.is_steady(wall + ahead_days * DAY * 1_000, mono)
    }

    #[test]
    fn a_leap_ahead_stops_it_for_a_day() {
        let mut clock = SteadyClock::new(Some(BEGAN), Duration::ZERO, BEGAN, Duration::ZERO);
        assert!(steady(&mut clock, 0, 0));
        assert!(steady(&mut clock, 3_600, 0));
        assert!(!steady(&mut clock, 7_200, 401));
        assert!(!steady(&mut clock, 7_200 + DAY - 1, 401));
        assert!(steady(&mut clock, 7_200 + DAY, 401), "it seems to be right");
        // Set right: time goes on as it did.
        assert!(steady(&mut clock, 7_300 + DAY, 0));
        assert!(steady(&mut clock, 7_400 + 3 * DAY, 1), "asked two days later, and a day ahead");
    }

    #[test]
    fn a_start_far_behind_what_was_stored_waits() {
        let later = BEGAN + 60 * DAY * 1_000;
        let mut clock = SteadyClock::new(Some(BEGAN), Duration::ZERO, later, Duration::ZERO);
        assert!(!clock.is_steady(later, Duration::ZERO));
        assert!(clock.is_steady(later + DAY * 1_000, Duration::from_secs(DAY)));
        let mut fresh = SteadyClock::new(None, Duration::from_secs(3_600), later, Duration::ZERO);
        assert!(!steady(&mut fresh, 0, 60));
        assert!(steady(&mut fresh, 3_600, 60));
    }
}
