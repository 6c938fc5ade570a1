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
    let now = api.now().mono;
    let told = api.call(|manager, _| manager.told_problems()).await.unwrap_or_else(|error| {
        log::error!(error:%; "problems that were mailed before may be mailed again");
        Vec::new()
    });
    let mut notices = Notices::new(told, now);
    let mut last = None;
    record(&api, &mut last, Disk::default()).await;
    let mut minute = tokio::time::interval_at(Instant::now() + FIRST, EVERY);
    minute.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        minute.tick().await;
        match api.overview().await {
            Ok(overview) => {
                record(&api, &mut last, overview.disk).await;
                if let Err(error) = tell(&api, &mut notices, &overview).await {
                    // Without what the server said: it may name people.
                    log::warn!("a notice could not be mailed, and is tried again: {error:#}");
                }
            }
            Err(error) => log::error!(error:%; "the box cannot look at itself"),
        }
    }
}

/// What the time since `last` was like.
async fn record(api: &Api, last: &mut Option<(Duration, Reading)>, disk: Disk) {
    let now = api.now().mono;
    let reading = counters::read(api.machine().metrics_sockets(), disk).await;
    if let Some((before, counters)) = last.take() {
        let values = sample::sample(&counters, &reading, now - before);
        if let Err(error) = api.call(move |manager, now| manager.keep_sample(values, now)).await {
            log::error!(error:%; "the history misses a minute");
        }
    }
    *last = Some((now, reading));
}

async fn tell(api: &Api, notices: &mut Notices, overview: &Overview) -> Result<()> {
    let Some((relay, id)) = api.call(|manager, _| manager.notice_relay()).await? else {
        if !notices.told().is_empty() {
            notices.forget();
            keep_told(api, notices).await?;
        }
        return Ok(());
    };
    let notice = notices.look(&overview.problems, api.now().mono);
    if notice.is_empty() {
        return Ok(());
    }
    let message = mail::notice(&relay, &notice, &id).context("it cannot be written")?;
    mail::send(&relay, &message).await.map_err(|failure| anyhow::anyhow!("{:?}", failure.outcome))?;
    notices.sent(&notice);
    log::info!(appeared = notice.appeared.len(), gone = notice.gone.len(); "a notice was mailed");
    Ok(keep_told(api, notices).await?)
}

async fn keep_told(api: &Api, notices: &Notices) -> Result<(), Refused> {
    let told = notices.told().to_vec();
    api.call(move |manager, now| manager.keep_told_problems(&told, now)).await
}
