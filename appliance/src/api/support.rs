//! Logs, and what can be sent to who helps.

use super::extract::Session;
use super::{Answer, Api, Body, answer};
use crate::manager::{Refused, administers};
use crate::{journal, support};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use plenum_protocol::manager::{LogQuery, ManagerErrorCode};
use tokio::sync::Semaphore;

/// journalctl reads a lot: one at a time.
static READING: Semaphore = Semaphore::const_new(1);

pub(super) async fn logs(Session(who): Session, body: Body<LogQuery>) -> Answer {
    let Json(query) = body?;
    administers(&who)?;
    if !query.unit.is_empty() && !journal::UNITS.contains(&query.unit.as_str()) {
        return Err(Refused::malformed("unit", "there is no such unit in the logs"));
    }
    if query.after.as_ref().is_some_and(|after| after.len() > 300 || after.contains(char::is_whitespace)) {
        return Err(Refused::malformed("after", "this is no place in the logs"));
    }
    let _turn = READING.acquire().await;
    let page = journal::read(query)
        .await
        .map_err(|error| Refused::new(ManagerErrorCode::Unavailable, format!("{error:#}")))?;
    Ok(answer(StatusCode::OK, &page))
}

/// That it was shown is in the audit log.
pub(super) async fn bundle(State(api): State<Api>, Session(who): Session) -> Answer {
    let asked =
        api.call(move |manager, now| Ok((manager.support_settings(&who, now)?, manager.account_names()?)));
    let (settings, accounts) = asked.await?;
    let overview = api.overview().await?;
    let _turn = READING.acquire().await;
    let bundle = support::bundle(&api.machine, &overview, settings, &accounts).await;
    Ok(answer(StatusCode::OK, &bundle))
}

pub(super) async fn syslog(State(api): State<Api>, Session(who): Session) -> Answer {
    administers(&who)?;
    let state = api.machine.syslog.borrow().clone();
    Ok(answer(StatusCode::OK, &state))
}
