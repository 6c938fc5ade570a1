//! Updates as set-up and administration see them: orders to the updater, and how it stands.

mod upload;

use crate::bus::{Asked, Request};
use crate::manager::Refused;
use crate::sources::{Proxy, Source};
use crate::status::Status;
use crate::updater::WENT_BACK;
use plenum_protocol::manager::{
    ManagerErrorCode, Problem, UpdateAction, UpdateOrder, UpdatePart, UpdateSource, UpdateState,
};
use std::fs::File;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use upload::Upload;

/// An installation that has ended says so at once.
const ENDING: Duration = Duration::from_secs(10);
/// A page waits for it, and `web` ends its waiting after 10 s.
const LOOKING: Duration = Duration::from_secs(7);

pub struct Updates {
    orders: Orders,
    upload: Upload,
}

/// To the updater, and what it says.
#[derive(Clone)]
struct Orders {
    requests: mpsc::Sender<Asked>,
    status: watch::Receiver<Status>,
}

impl Updates {
    pub fn new(requests: mpsc::Sender<Asked>, status: watch::Receiver<Status>) -> Updates {
        Updates { orders: Orders { requests, status }, upload: Upload::default() }
    }

    pub fn state(&self) -> UpdateState {
        self.orders.state()
    }

    pub async fn order(&self, order: UpdateOrder) -> Result<UpdateState, Refused> {
        let request = match order.action {
            UpdateAction::Check => Request::Check { sticks: true },
            UpdateAction::Install => Request::Install(None),
            UpdateAction::Cancel => Request::Cancel,
            UpdateAction::Restart => Request::Restart { now: order.now },
            UpdateAction::Rollback => Request::Rollback { now: order.now },
        };
        self.orders.ask(request).await.map_err(|refused| refused.in_field("action"))?;
        if order.action == UpdateAction::Cancel {
            self.upload.break_off().await;
        }
        Ok(self.state())
    }

    /// What an administrator has just chosen, before it is looked there: [`crate::host`] may come to it later.
    pub async fn configure(&self, source: UpdateSource, proxy: Proxy) -> Result<(), Refused> {
        self.orders.ask(Request::Configure(source, proxy)).await
    }

    /// Looks for one at the source, and waits for what comes of it.
    pub async fn look(&self) -> Result<UpdateState, Refused> {
        self.orders.ask(Request::Check { sticks: false }).await?;
        let state = self.orders.until(|status| status.state != "checking", LOOKING).await;
        state.ok_or_else(|| Refused::conflict("the update source does not answer in time"))?;
        let state = self.state();
        match state.reasons.is_empty() {
            true => Ok(state),
            false => Err(Refused::conflict(&state.reasons.join("; "))),
        }
    }

    /// The next part of a file that a browser sends.
    pub async fn take(&self, part: UpdatePart) -> Result<UpdateState, Refused> {
        self.upload.take(&self.orders, part).await?;
        Ok(self.state())
    }
}

impl Orders {
    async fn ask(&self, request: Request) -> Result<(), Refused> {
        let stopping = || Refused::new(ManagerErrorCode::Unavailable, "the daemon is stopping");
        let (answer, answered) = oneshot::channel();
        self.requests.send((request, answer)).await.map_err(|_| stopping())?;
        answered.await.map_err(|_| stopping())?.map_err(|reason| Refused::conflict(&reason))
    }

    async fn install(&self, file: File) -> Result<(), Refused> {
        self.ask(Request::Install(Some(Source::File(file)))).await
    }

    /// Why the installation, which does not read on, has ended.
    async fn why_it_ended(&self) -> String {
        match self.until(|status| status.state != "downloading", ENDING).await {
            Some(status) => status.last.2,
            None => "the installation takes nothing more".to_owned(),
        }
    }

    /// `None`: it did not come to it in time.
    async fn until(&self, is: impl FnMut(&Status) -> bool, limit: Duration) -> Option<Status> {
        let mut status = self.status.clone();
        match tokio::time::timeout(limit, status.wait_for(is)).await {
            Ok(Ok(status)) => Some(status.clone()),
            _ => None,
        }
    }

    fn state(&self) -> UpdateState {
        let status = self.status.borrow().clone();
        let (last_version, mut last, mut last_reason, _) = status.last;
        if last_reason == WENT_BACK {
            (last, last_reason) = ("went-back".to_owned(), String::new());
        }
        UpdateState {
            state: status.state,
            target: status.target,
            done: status.progress.0,
            of: status.progress.1,
            available: status.available,
            last,
            last_version,
            last_reason,
            reasons: status.reasons,
        }
    }
}

/// Until another one succeeds.
pub fn failed(update: &UpdateState) -> Option<Problem> {
    let failed = matches!(update.last.as_str(), "failed" | "rolled-back");
    let (version, reason) = (update.last_version.clone(), update.last_reason.clone());
    failed.then_some(Problem::UpdateFailed { version, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_that_failed_is_named_until_another_succeeds() {
        let (requests, _) = mpsc::channel(1);
        let (status, seen) = watch::channel(Status::default());
        let updates = Updates::new(requests, seen);
        let named = |last: &str, reason: &str| {
            status.send_modify(|status| status.last = ("2".into(), last.into(), reason.into(), 1));
            failed(&updates.state()).is_some()
        };
        assert!(named("failed", "no space") && named("rolled-back", "no call came about"));
        assert!(!named("good", "") && !named("interrupted", "") && !named("rolled-back", WENT_BACK));
    }
}
