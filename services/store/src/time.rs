//! Time as it is stored: milliseconds since the Unix epoch.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The expiry of a record that stays until it is removed.
pub(crate) const NEVER: u64 = u64::MAX;

/// Milliseconds since the epoch; a clock before 1970 counts as 1970.
pub(crate) fn millis(time: SystemTime) -> u64 {
    duration_millis(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

pub(crate) fn duration_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(NEVER)
}

pub(crate) fn system_time(millis: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(millis)
}

/// `None` for [`NEVER`].
pub(crate) fn expiry(millis: u64) -> Option<SystemTime> {
    (millis != NEVER).then(|| system_time(millis))
}
