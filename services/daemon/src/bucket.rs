//! Token buckets: `burst` at once, refilled steadily.

use std::time::Duration;

const NANOS_PER_MINUTE: u64 = 60_000_000_000;

/// Holds time instead of tokens: a full bucket owes nothing, each token taken owes the time of its refill.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bucket {
    /// When everything taken so far will have been refilled.
    paid: Duration,
}

impl Bucket {
    /// Takes a token, or says after which time there is one.
    pub fn take(&mut self, burst: u32, per_minute: u32, now: Duration) -> Result<(), Duration> {
        let wait = self.wait(burst, per_minute, now);
        if wait > Duration::ZERO {
            return Err(wait);
        }
        self.paid = self.paid.max(now) + token(per_minute);
        Ok(())
    }

    /// Time until a token can be taken; zero if there is one.
    pub fn wait(&self, burst: u32, per_minute: u32, now: Duration) -> Duration {
        let tolerated = token(per_minute) * burst.saturating_sub(1);
        self.paid.saturating_sub(now).saturating_sub(tolerated)
    }

    /// Nothing is owed: as good as new.
    pub fn is_full(&self, now: Duration) -> bool {
        self.paid <= now
    }
}

fn token(per_minute: u32) -> Duration {
    Duration::from_nanos(NANOS_PER_MINUTE / u64::from(per_minute.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let mut bucket = Bucket::default();
        let taken = (0..100).filter(|_| bucket.take(10, 60, at(100)).is_ok()).count();
        assert_eq!(taken, 10);
        assert_eq!(bucket.take(10, 60, at(100)), Err(Duration::from_secs(1)));
        let later = (0..100).filter(|_| bucket.take(10, 60, at(105)).is_ok()).count();
        assert_eq!(later, 5);
        assert!(!bucket.is_full(at(114)));
        assert!(bucket.is_full(at(115)));
    }
}
