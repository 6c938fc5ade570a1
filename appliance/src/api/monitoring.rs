//! How the box was, and how it is.

use super::extract::{Address, Session};
use super::{Answer, Api, answer, failure};
use crate::manager::Refused;
use crate::metrics;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use plenum_protocol::manager::HistoryRange;

pub(super) async fn history(
    State(api): State<Api>,
    Session(who): Session,
    range: Result<Path<HistoryRange>, PathRejection>,
) -> Answer {
    let range = range.map_err(|_| Refused::malformed("range", "a range is day, week or month"))?.0;
    Ok(answer(StatusCode::OK, &api.call(move |manager, now| manager.history(&who, range, now)).await?))
}

pub(super) async fn metrics_access(State(api): State<Api>, Session(who): Session) -> Answer {
    Ok(answer(StatusCode::OK, &api.call(move |manager, _| manager.metrics_access(&who)).await?))
}

pub(super) async fn open_metrics(State(api): State<Api>, Session(who): Session) -> Answer {
    Ok(answer(StatusCode::OK, &api.call(move |manager, now| manager.open_metrics(&who, now)).await?))
}

pub(super) async fn close_metrics(State(api): State<Api>, Session(who): Session) -> Answer {
    Ok(answer(StatusCode::OK, &api.call(move |manager, now| manager.close_metrics(&who, now)).await?))
}

/// For a monitoring system, which has a token in the place of a session.
pub(super) async fn metrics(State(api): State<Api>, Address(address): Address, headers: HeaderMap) -> Answer {
    let token = bearer(&headers).map(str::to_owned);
    let may = api.call(move |manager, now| manager.may_read_metrics(address, token.as_deref(), now));
    if !may.await? {
        let detail = "the metrics are closed: an administrator can open them";
        return Ok(failure(StatusCode::NOT_FOUND, detail));
    }
    let gathered = metrics::gather(api.machine.metrics_sockets()).await;
    let head = [(header::CONTENT_TYPE, metrics::OPEN_METRICS), (header::CACHE_CONTROL, "no-store")];
    Ok((head, metrics::merge(&gathered)).into_response())
}

/// RFC 6750 section 2.1.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
