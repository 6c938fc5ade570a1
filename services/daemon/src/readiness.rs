//! Readiness and watchdog towards the service manager (sd_notify(3)). Without NOTIFY_SOCKET all of it is
//! silent.

use sd_notify::NotifyState;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    ready: AtomicBool,
    hearts: Mutex<Vec<Heart>>,
}

#[derive(Debug)]
struct Heart {
    name: &'static str,
    within: Duration,
    last: Arc<AtomicU64>,
    started: Instant,
}

/// A thread's sign of life: one atomic store per beat. Dropping it ends the supervision.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    last: Arc<AtomicU64>,
    started: Instant,
}

impl Heartbeat {
    pub fn beat(&self) {
        self.last.store(milliseconds(self.started), Ordering::Relaxed);
    }
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

impl Readiness {
    /// READY=1; the first call starts the watchdog on the runtime that it is called on, so that a hung
    /// runtime stops feeding it.
    pub fn ready(&self) {
        notify(&[NotifyState::Ready]);
        if !self.0.ready.swap(true, Ordering::SeqCst)
            && let Some(limit) = sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero())
        {
            tokio::spawn(self.clone().feed(limit / 2));
        }
    }

    pub fn status(&self, text: &str) {
        // A line break would start another assignment.
        notify(&[NotifyState::Status(&text.replace('\n', " "))]);
    }

    pub fn heartbeat(&self, name: &'static str, within: Duration) -> Heartbeat {
        let heartbeat = Heartbeat { last: Arc::default(), started: Instant::now() };
        let heart = Heart { name, within, last: Arc::clone(&heartbeat.last), started: heartbeat.started };
        self.0.hearts.lock().unwrap_or_else(PoisonError::into_inner).push(heart);
        heartbeat
    }

    pub(crate) fn reloaded(&self) {
        if self.0.ready.load(Ordering::SeqCst)
            && let Ok(now) = NotifyState::monotonic_usec_now()
        {
            notify(&[NotifyState::Reloading, now]);
            notify(&[NotifyState::Ready]);
        }
    }

    pub(crate) fn stopping(&self) {
        notify(&[NotifyState::Stopping]);
    }

    async fn feed(self, every: Duration) {
        let mut ticks = tokio::time::interval(every);
        loop {
            ticks.tick().await;
            match self.silent() {
                None => notify(&[NotifyState::Watchdog]),
                Some(name) => log::error!(name; "a thread hangs; the watchdog is not fed"),
            }
        }
    }

    /// A thread that has not beaten in time. Those that have ended are forgotten.
    fn silent(&self) -> Option<&'static str> {
        let mut hearts = self.0.hearts.lock().unwrap_or_else(PoisonError::into_inner);
        hearts.retain(|heart| Arc::strong_count(&heart.last) > 1);
        hearts
            .iter()
            .find(|heart| {
                let age = milliseconds(heart.started).saturating_sub(heart.last.load(Ordering::Relaxed));
                Duration::from_millis(age) > heart.within
            })
            .map(|heart| heart.name)
    }
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        log::warn!(error:%; "the service manager could not be notified");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_hangs_is_noticed_and_one_that_ended_is_not() {
        let readiness = Readiness::default();
        let media = readiness.heartbeat("media", Duration::from_millis(20));
        assert_eq!(readiness.silent(), None);
        std::thread::sleep(Duration::from_millis(50)); // time itself is under test
        assert_eq!(readiness.silent(), Some("media"));
        media.beat();
        assert_eq!(readiness.silent(), None);
        std::thread::sleep(Duration::from_millis(50));
        drop(media);
        assert_eq!(readiness.silent(), None);
    }
}
