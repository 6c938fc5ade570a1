//! When the directory is to be asked, as a function of what is known. All times are seconds since 1970.

use plenum_protocol::manager::AcmeReason;

/// After the first failure, after the second, and so on; the last one stays. Public directories take five failed
/// attempts an hour for a name.
const PAUSES: [u64; 6] = [60, 5 * 60, 20 * 60, 3_600, 4 * 3_600, 12 * 3_600];
/// Who was told to ask less asks less from the beginning.
const RATE_LIMITED: u32 = 4;

/// The certificate that came last, for the name that the box has now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    pub not_before: i64,
    pub not_after: i64,
}

/// Attempts without a success between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed {
    pub times: u32,
    /// The last one.
    pub at: u64,
    pub reason: AcmeReason,
}

/// The next time: not later than `now` if it is due.
pub fn next(held: Option<Held>, failed: Option<Failed>, now: u64) -> u64 {
    let wanted = held.map_or(0, renewal);
    // One of a clock that was ahead says nothing about now.
    let allowed = failed.filter(|failed| failed.at <= now).map_or(0, |failed| {
        let times = match failed.reason {
            AcmeReason::RateLimited => failed.times.max(RATE_LIMITED),
            _ => failed.times,
        };
        let pause = PAUSES[(times.max(1) as usize - 1).min(PAUSES.len() - 1)];
        failed.at + pause
    });
    wanted.max(allowed)
}

/// At two thirds of the lifetime.
fn renewal(held: Held) -> u64 {
    let lifetime = held.not_after.saturating_sub(held.not_before).max(0);
    u64::try_from(held.not_before.saturating_add(lifetime / 3 * 2)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    fn failed(times: u32, at: u64) -> Option<Failed> {
        Some(Failed { times, at, reason: AcmeReason::Connection })
    }

    #[test]
    fn without_a_certificate_it_is_due_at_once() {
        assert_eq!(next(None, None, 1_000), 0);
    }

    #[test]
    fn a_certificate_is_renewed_at_two_thirds_of_its_lifetime() {
        let held = |days: i64| Some(Held { not_before: 1_000, not_after: 1_000 + days * DAY as i64 });
        assert_eq!(next(held(90), None, 5_000), 1_000 + 60 * DAY);
        assert_eq!(next(held(6), None, 5_000), 1_000 + 4 * DAY);
        assert_eq!(next(Some(Held { not_before: 9, not_after: 3 }), None, 5_000), 9, "nonsense is due");
        assert!(next(Some(Held { not_before: -9, not_after: i64::MAX }), failed(1, 0), 0) > DAY);
    }

    #[test]
    fn pauses_grow_and_end_growing() {
        let now = 100 * DAY;
        let pauses: Vec<u64> = (1..=8).map(|times| next(None, failed(times, now), now) - now).collect();
        assert_eq!(pauses, [60, 300, 1_200, 3_600, 14_400, 43_200, 43_200, 43_200]);
        // Not more than five within an hour.
        assert!(pauses[..4].iter().sum::<u64>() > 3_600);
    }

    #[test]
    fn who_was_rate_limited_waits_an_hour_from_the_beginning() {
        let failed = Failed { times: 1, at: 10, reason: AcmeReason::RateLimited };
        assert_eq!(next(None, Some(failed), 10), 10 + 3_600);
    }

    #[test]
    fn a_clock_that_was_ahead_delays_nothing() {
        assert_eq!(next(None, failed(1, 900 * DAY), DAY), 0);
    }

    #[test]
    fn a_renewal_that_fails_is_tried_again_while_the_old_one_lasts() {
        let held = Some(Held { not_before: 0, not_after: 90 * DAY as i64 });
        let now = 60 * DAY;
        assert_eq!(next(held, failed(2, now), now), now + 300);
        assert_eq!(next(held, failed(1, now - 10 * DAY), now), now, "long ago");
    }
}
