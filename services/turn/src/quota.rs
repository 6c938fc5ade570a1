//! How many allocations a credential and everyone may hold, and how much they may relay.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// How much of a second's worth may come at once: a key frame of 720p does.
const BURST_MILLIS: u64 = 500;

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub allocations_per_user: u32,
    pub allocations: u32,
    pub kbps_per_user: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaReached {
    User,
    Everyone,
}

/// Credentials that hold allocations. Bounded by the number of allocations.
pub struct Users {
    limits: Limits,
    total: AtomicU32,
    by_name: Mutex<HashMap<String, Arc<User>>>,
}

pub struct User {
    allocations: AtomicU32,
    up: Mutex<TokenBucket>,
    down: Mutex<TokenBucket>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From a client to the SFU.
    Up,
    /// From the SFU to a client.
    Down,
}

/// The right to one allocation; gives it back when dropped.
pub struct Lease {
    users: Arc<Users>,
    user: Arc<User>,
    name: String,
}

impl Users {
    pub fn new(limits: Limits) -> Arc<Users> {
        Arc::new(Users { limits, total: AtomicU32::new(0), by_name: Mutex::default() })
    }

    pub fn lease(self: &Arc<Users>, name: &str, now: Instant) -> Result<Lease, QuotaReached> {
        let mut by_name = locked(&self.by_name);
        if self.total.load(Ordering::Relaxed) >= self.limits.allocations {
            return Err(QuotaReached::Everyone);
        }
        let held = by_name.get(name).map_or(0, |user| user.allocations.load(Ordering::Relaxed));
        if held >= self.limits.allocations_per_user {
            return Err(QuotaReached::User);
        }
        let user = by_name.entry(name.to_owned()).or_insert_with(|| Arc::new(User::new(self.limits, now)));
        user.allocations.fetch_add(1, Ordering::Relaxed);
        self.total.fetch_add(1, Ordering::Relaxed);
        Ok(Lease { users: Arc::clone(self), user: Arc::clone(user), name: name.to_owned() })
    }

    /// Allocations held by everyone.
    pub fn allocations(&self) -> u32 {
        self.total.load(Ordering::Relaxed)
    }
}

impl User {
    fn new(limits: Limits, now: Instant) -> User {
        let bucket = || Mutex::new(TokenBucket::new(limits.kbps_per_user, now));
        User { allocations: AtomicU32::new(0), up: bucket(), down: bucket() }
    }
}

impl Lease {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a packet of so many bytes is within the credential's bandwidth.
    pub fn take(&self, direction: Direction, bytes: usize, now: Instant) -> bool {
        let bucket = match direction {
            Direction::Up => &self.user.up,
            Direction::Down => &self.user.down,
        };
        locked(bucket).take(bytes, now)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut by_name = locked(&self.users.by_name);
        self.users.total.fetch_sub(1, Ordering::Relaxed);
        if self.user.allocations.fetch_sub(1, Ordering::Relaxed) == 1 {
            by_name.remove(&self.name);
        }
    }
}

/// The numbers behind these locks are right at every moment, so a poisoned lock is as good as a whole one.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct TokenBucket {
    bytes: u64,
    bytes_per_second: u64,
    capacity: u64,
    filled: Instant,
}

impl TokenBucket {
    fn new(kbps: u32, now: Instant) -> TokenBucket {
        let bytes_per_second = u64::from(kbps) * 1_000 / 8;
        let capacity = (bytes_per_second * BURST_MILLIS / 1_000).max(2_048);
        TokenBucket { bytes: capacity, bytes_per_second, capacity, filled: now }
    }

    fn take(&mut self, bytes: usize, now: Instant) -> bool {
        let elapsed = now.saturating_duration_since(self.filled).as_micros() as u64;
        let gained = elapsed.min(10_000_000) * self.bytes_per_second / 1_000_000;
        if gained > 0 {
            self.bytes = (self.bytes + gained).min(self.capacity);
            self.filled = now;
        }
        let enough = self.bytes >= bytes as u64;
        if enough {
            self.bytes -= bytes as u64;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const LIMITS: Limits = Limits { allocations_per_user: 2, allocations: 3, kbps_per_user: 800 };

    #[test]
    fn quotas_of_one_and_of_all() {
        let (users, now) = (Users::new(LIMITS), Instant::now());
        let first = users.lease("a", now).unwrap();
        let second = users.lease("a", now).unwrap();
        assert_eq!(users.lease("a", now).err(), Some(QuotaReached::User));
        let _third = users.lease("b", now).unwrap();
        assert_eq!(users.lease("b", now).err(), Some(QuotaReached::Everyone));
        drop(first);
        let _fourth = users.lease("b", now).unwrap();
        drop(second);
        assert_eq!(users.allocations(), 2);
        assert_eq!(users.by_name.lock().unwrap().len(), 1, "a user without allocations is forgotten");
    }

    #[test]
    fn bandwidth_is_shared_by_the_allocations_of_a_credential() {
        let (users, mut now) = (Users::new(LIMITS), Instant::now());
        let (first, second) = (users.lease("a", now).unwrap(), users.lease("a", now).unwrap());
        let mut passed = 0;
        for _ in 0..2_000 {
            passed += usize::from(first.take(Direction::Down, 500, now));
            passed += usize::from(second.take(Direction::Down, 500, now));
            now += Duration::from_millis(1);
        }
        // 100 kB/s for 2 s, and 50 kB of burst.
        let bytes = passed * 500;
        assert!((245_000..=255_000).contains(&bytes), "{bytes}");
        assert!(first.take(Direction::Up, 50_000, now), "the other way has its own bucket");
    }
}
