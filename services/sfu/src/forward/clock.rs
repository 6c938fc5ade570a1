//! Time inside the forwarding plane.

use std::time::{Duration, Instant};

/// Microseconds since the reference moment.
pub(super) type Micros = i64;

pub(super) const MILLISECOND: Micros = 1_000;
pub(super) const SECOND: Micros = 1_000_000;

/// Long before every moment of this forwarder.
pub(super) const NEVER: Micros = -3_600 * SECOND;

/// Maps between [`Instant`], [`Micros`] and NTP.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    origin: Instant,
    ntp: u64,
}

impl Clock {
    pub(super) fn new(reference: (Instant, u64)) -> Self {
        Clock { origin: reference.0, ntp: reference.1 }
    }

    pub(super) fn micros(&self, at: Instant) -> Micros {
        match at.checked_duration_since(self.origin) {
            Some(since) => since.as_micros() as Micros,
            None => -(self.origin.duration_since(at).as_micros() as Micros),
        }
    }

    pub(super) fn instant(&self, at: Micros) -> Instant {
        let distance = Duration::from_micros(at.unsigned_abs());
        if at >= 0 {
            self.origin + distance
        } else {
            self.origin.checked_sub(distance).unwrap_or(self.origin)
        }
    }

    /// NTP time, 32.32 fixed point (RFC 5905, section 6).
    pub(super) fn ntp(&self, at: Micros) -> u64 {
        let distance = ((i128::from(at) << 32) / i128::from(SECOND)) as i64;
        self.ntp.wrapping_add_signed(distance)
    }

    /// The 24 bits of the abs-send-time header extension: seconds, 6.18 fixed point.
    pub(super) fn abs_send_time(&self, at: Micros) -> u32 {
        ((self.ntp(at) >> 14) & 0x00ff_ffff) as u32
    }
}

/// Microseconds since the NTP epoch of an NTP time.
pub(super) fn ntp_micros(ntp: u64) -> Micros {
    ((u128::from(ntp) * SECOND as u128) >> 32) as Micros
}

/// The value nearest to `near` that is equal to `value` in the lower `bits`.
pub(super) fn unwrap(near: u64, value: u64, bits: u32) -> u64 {
    let modulus = 1u64 << bits;
    let ahead = value.wrapping_sub(near) & (modulus - 1);
    if ahead >= modulus / 2 {
        near.wrapping_add(ahead).wrapping_sub(modulus)
    } else {
        near.wrapping_add(ahead)
    }
}

/// Where unwrapped counters begin, so that stepping back never goes below zero.
pub(super) const UNWRAP_START: u64 = 1 << 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_unwrap_in_both_directions() {
        let near = UNWRAP_START + 65_534;
        assert_eq!(unwrap(near, 1, 16), near + 3);
        assert_eq!(unwrap(near + 3, 65_530, 16), near - 4);
        assert_eq!(unwrap(UNWRAP_START + 127, 0, 7), UNWRAP_START + 128);
    }

    #[test]
    fn ntp_runs_with_the_monotonic_clock() {
        let origin = Instant::now();
        let clock = Clock::new((origin, 0xe000_0000_0000_0000));
        assert_eq!(clock.ntp(SECOND / 2), 0xe000_0000_8000_0000);
        assert_eq!(clock.ntp(-SECOND), 0xdfff_ffff_0000_0000);
        assert_eq!(ntp_micros(0x0000_0002_8000_0000), 2_500_000);
        assert_eq!(clock.micros(clock.instant(123_456)), 123_456);
    }
}
