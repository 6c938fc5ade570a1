//! When the box makes a backup by itself.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const DAY: u64 = 86_400;
/// A backup that failed is tried again after this time.
pub const RETRY: Duration = Duration::from_secs(3_600);

/// `HH:MM` as seconds of the day.
pub fn daily(text: &str) -> Option<u64> {
    let (hours, minutes) = text.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes): (u64, u64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 3_600 + minutes * 60)
}

/// Whether the last time of the day `at` has passed without a backup. `last`: when the newest one was made.
pub fn is_due(at: u64, last: Option<SystemTime>, now: SystemTime) -> bool {
    let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let now = seconds(now);
    let today = now / DAY * DAY + at;
    let due = if today <= now { today } else { today.saturating_sub(DAY) };
    last.map(seconds).is_none_or(|last| last < due)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: u64, hour: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(day * DAY + hour * 3_600)
    }

    #[test]
    fn once_a_day_and_made_up_for() {
        let two = daily("02:00").unwrap();
        assert!(is_due(two, None, at(100, 1)));
        assert!(!is_due(two, Some(at(99, 2)), at(100, 1)));
        assert!(is_due(two, Some(at(99, 2)), at(100, 2)));
        assert!(!is_due(two, Some(at(100, 2)), at(100, 23)));
        // The box was off for some days.
        assert!(is_due(two, Some(at(90, 2)), at(100, 1)));
    }

    #[test]
    fn times_of_the_day() {
        assert_eq!(daily("23:59"), Some(86_340));
        for wrong in ["", "2:00", "24:00", "12:60", "12", "ab:cd", "-1:00"] {
            assert_eq!(daily(wrong), None, "{wrong}");
        }
    }
}
