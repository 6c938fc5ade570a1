//! When something last happened on a connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

#[derive(Debug, Clone)]
pub(crate) struct Activity(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    origin: Instant,
    /// Milliseconds after `origin`.
    last: AtomicU64,
    under_way: AtomicU32,
}

/// A request under way; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct UnderWay(Activity);

impl Activity {
    pub(crate) fn new() -> Self {
        let inner = Inner { origin: Instant::now(), last: AtomicU64::new(0), under_way: AtomicU32::new(0) };
        Activity(Arc::new(inner))
    }

    pub(crate) fn touch(&self) {
        let now = u64::try_from(self.0.origin.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.last.store(now, Ordering::Relaxed);
    }

    pub(crate) fn begin(&self) -> UnderWay {
        self.touch();
        self.0.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(self.clone())
    }

    /// Resolves when nothing has happened for `idle` with no request under way, or for `stuck` with one,
    /// and at most a quarter of the shorter one later.
    pub(crate) async fn quiet(&self, idle: Duration, stuck: Duration) {
        loop {
            tokio::time::sleep(idle.min(stuck) / 4).await;
            let last = self.0.origin + Duration::from_millis(self.0.last.load(Ordering::Relaxed));
            let limit = if self.0.under_way.load(Ordering::Relaxed) > 0 { stuck } else { idle };
            if last.elapsed() >= limit {
                return;
            }
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.touch();
        self.0.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_secs(40);
    const STUCK: Duration = Duration::from_secs(200);

    #[tokio::test(start_paused = true)]
    async fn quiet_after_the_last_event() {
        let activity = Activity::new();
        let start = Instant::now();
        tokio::join!(activity.quiet(IDLE, STUCK), async {
            tokio::time::sleep(Duration::from_secs(35)).await;
            activity.touch();
        });
        let seconds = start.elapsed().as_secs();
        assert!((75..=85).contains(&seconds), "{seconds}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_under_way_has_longer() {
        let activity = Activity::new();
        let start = Instant::now();
        let request = activity.begin();
        tokio::join!(activity.quiet(IDLE, STUCK), async {
            tokio::time::sleep(Duration::from_secs(100)).await;
            drop(request);
        });
        let seconds = start.elapsed().as_secs();
        assert!((140..=150).contains(&seconds), "{seconds}");
        let _request = activity.begin();
        let start = Instant::now();
        activity.quiet(IDLE, STUCK).await;
        assert!(start.elapsed() >= STUCK);
    }
}
