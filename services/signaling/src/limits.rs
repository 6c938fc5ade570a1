//! What one client may send.

use plenum_daemon::bucket::Bucket;
use plenum_protocol::client::ClientMessageKind;
use plenum_protocol::limits::{self, Limit};
use std::time::Duration;

/// Messages that are refused (malformed, too large, too often) before the connection is given up.
const PATIENCE: Limit = Limit { max_bytes: 0, burst: 60, per_minute: 60 };

/// What one client may send, by [`limits`].
#[derive(Debug, Clone, Default)]
pub struct Limits {
    kinds: [Bucket; ClientMessageKind::COUNT],
    refused: Bucket,
}

impl Limits {
    /// Whether a message of this kind comes within its rate.
    pub fn admits(&mut self, kind: ClientMessageKind, now: Duration) -> bool {
        let limit = limits::of(kind);
        self.kinds[kind as usize].take(limit.burst, limit.per_minute, now).is_ok()
    }

    /// Counts a refused message. `false`: the client far exceeds what it may send.
    pub fn bears(&mut self, now: Duration) -> bool {
        self.refused.take(PATIENCE.burst, PATIENCE.per_minute, now).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn each_kind_has_its_own_bucket() {
        let mut limits = Limits::default();
        while limits.admits(ClientMessageKind::Chat, at(1)) {}
        assert!(limits.admits(ClientMessageKind::Hand, at(1)));
    }
}
