//! The audit log, for auditors.

use super::extract::Session;
use super::{Answer, Api, Body, answer};
use crate::manager::Refused;
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use plenum_protocol::manager::{AuditForwarding, ForwardAudit, SavedFile};

pub(super) async fn newest(State(api): State<Api>, Session(who): Session) -> Answer {
    Ok(answer(StatusCode::OK, &api.call(move |manager, now| manager.audit(&who, None, now)).await?))
}

pub(super) async fn before(
    State(api): State<Api>,
    Session(who): Session,
    number: Result<Path<u64>, PathRejection>,
) -> Answer {
    let number = number.map_err(|_| Refused::malformed("before", "the number of an entry is expected"))?.0;
    Ok(answer(StatusCode::OK, &api.call(move |manager, now| manager.audit(&who, Some(number), now)).await?))
}

pub(super) async fn file(State(api): State<Api>, Session(who): Session) -> Answer {
    let name = format!("plenum-audit-{}.jsonl", api.now().unix_seconds());
    let text = api.call(move |manager, now| manager.audit_file(&who, now)).await?;
    Ok(answer(StatusCode::OK, &SavedFile { name, content: STANDARD.encode(text) }))
}

pub(super) async fn forwarding(State(api): State<Api>, Session(who): Session) -> Answer {
    let state = api.call(move |manager, now| manager.audit_forwarding(&who, now)).await?;
    Ok(answer(StatusCode::OK, &with_connection(&api, state)))
}

pub(super) async fn forward(
    State(api): State<Api>,
    Session(who): Session,
    body: Body<ForwardAudit>,
) -> Answer {
    let Json(wanted) = body?;
    let state = api.call(move |manager, now| manager.forward_audit(&who, wanted, now)).await?;
    Ok(answer(StatusCode::OK, &with_connection(&api, state)))
}

fn with_connection(api: &Api, state: AuditForwarding) -> AuditForwarding {
    let connected = api.machine.syslog.borrow().connected;
    AuditForwarding { connected: state.forwarding && connected, ..state }
}
