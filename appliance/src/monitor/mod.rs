//! Looks at the box once a minute: what it was like is kept, and problems that have come or gone are mailed.

mod counters;
mod sample;

pub use sample::Values;

use crate::api::Api;
use crate::mail::{self, Notices};
use crate::manager::Refused;
use anyhow::{Context, Result};
use plenum_protocol::manager::{Disk, Overview};
use sample::Reading;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior};

const EVERY: Duration = Duration::from_secs(60);
/// The other daemons are there by then.
const FIRST: Duration = Duration::from_secs(5);

/// Until the daemon ends.
pub async fn keep(api: Api) {
    let mut monitor = Monitor::start(api).await;
    let mut minute = tokio::time::interval_at(Instant::now() + FIRST, EVERY);
    minute.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        minute.tick().await;
        let now = monitor.api.now().mono;
        monitor.minute(now).await;
    }
}

/// What is remembered from one minute to the next.
pub struct Monitor {
    api: Api,
    notices: Notices,
    last: Option<(Duration, Reading)>,
}

impl Monitor {
    /// With what an earlier run has mailed.
    pub async fn start(api: Api) -> Monitor {
        let now = api.now().mono;
        let told = api.call(|manager, _| manager.told_problems()).await.unwrap_or_else(|error| {
            log::error!(error:%; "problems that were mailed before may be mailed again");
            Vec::new()
        });
        let mut monitor = Monitor { api, notices: Notices::new(told, now), last: None };
        monitor.record(Disk::default(), now).await;
        monitor
    }

    /// One look, at `now` since the daemon's start.
    pub async fn minute(&mut self, now: Duration) {
        match self.api.overview().await {
            Ok(overview) => {
                self.record(overview.disk, now).await;
                if let Err(error) = self.tell(&overview, now).await {
                    // Without what the server said: it may name people.
                    log::warn!("a notice could not be mailed, and is tried again: {error:#}");
                }
            }
            Err(error) => log::error!(error:%; "the box cannot look at itself"),
        }
    }

    /// What the time since the last look was like.
    async fn record(&mut self, disk: Disk, now: Duration) {
        let reading = counters::read(self.api.machine().metrics_sockets(), disk).await;
        if let Some((before, counters)) = self.last.take() {
            let values = sample::sample(&counters, &reading, now.saturating_sub(before));
            if let Err(error) = self.api.call(move |manager, now| manager.keep_sample(values, now)).await {
                log::error!(error:%; "the history misses a minute");
            }
        }
        self.last = Some((now, reading));
    }

    async fn tell(&mut self, overview: &Overview, now: Duration) -> Result<()> {
        let Some((relay, id)) = self.api.call(|manager, _| manager.notice_relay()).await? else {
            if !self.notices.told().is_empty() {
                self.notices.forget();
                self.keep_told().await?;
            }
            return Ok(());
        };
        let notice = self.notices.look(&overview.problems, now);
        if notice.is_empty() {
            return Ok(());
        }
        let message = mail::notice(&relay, &notice, &id).context("it cannot be written")?;
        mail::send(&relay, &message).await.map_err(|failure| anyhow::anyhow!("{:?}", failure.outcome))?;
        self.notices.sent(&notice);
        log::info!(appeared = notice.appeared.len(), gone = notice.gone.len(); "a notice was mailed");
        Ok(self.keep_told().await?)
    }

    async fn keep_told(&self) -> Result<(), Refused> {
        let told = self.notices.told().to_vec();
        self.api.call(move |manager, now| manager.keep_told_problems(&told, now)).await
    }
}
