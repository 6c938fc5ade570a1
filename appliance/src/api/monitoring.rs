//! How the box was, and how it is.

use super::extract::Session;
use super::{Answer, Api, answer};
use crate::manager::Refused;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use plenum_protocol::manager::HistoryRange;

pub(super) async fn history(
    State(api): State<Api>,
    Session(who): Session,
    range: Result<Path<HistoryRange>, PathRejection>,
) -> Answer {
    let range = range.map_err(|_| Refused::malformed("range", "a range is day, week or month"))?.0;
    Ok(answer(StatusCode::OK, &api.call(move |manager, now| manager.history(&who, range, now)).await?))
}
