//! Backups.

use super::extract::Session;
use super::{Answer, Api, Body, answer};
use crate::backup::BY_ITSELF;
use crate::manager::{Refused, administers, name_of};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use plenum_protocol::manager::{AuditEvent, BackupName, KeyNoted, RestoreOrder};

pub(super) async fn state(State(api): State<Api>, Session(who): Session) -> Answer {
    administers(&who)?;
    Ok(answer(StatusCode::OK, &api.backups.state(api.now()).await?))
}

pub(super) async fn make(State(api): State<Api>, Session(who): Session) -> Answer {
    administers(&who)?;
    Ok(answer(StatusCode::OK, &api.backups.make(&name_of(&who), api.now()).await?))
}

pub(super) async fn key(State(api): State<Api>, Session(who): Session) -> Answer {
    Ok(answer(StatusCode::OK, &api.call(move |manager, _| manager.shown_backup_key(&who)).await?))
}

pub(super) async fn make_key(State(api): State<Api>, Session(who): Session) -> Answer {
    Ok(answer(StatusCode::OK, &api.call(move |manager, now| manager.make_backup_key(&who, now)).await?))
}

/// The first backup with it is made at once, behind the answer.
pub(super) async fn take_key(State(api): State<Api>, Session(who): Session, body: Body<KeyNoted>) -> Answer {
    let Json(KeyNoted { last_part }) = body?;
    let taken = api.call(move |manager, now| manager.take_backup_key(&who, &last_part, now)).await?;
    let (backups, now) = (api.backups.clone(), api.now());
    tokio::spawn(async move { backups.make(BY_ITSELF, now).await });
    Ok(answer(StatusCode::OK, &taken))
}

pub(super) async fn file(State(api): State<Api>, Session(who): Session, body: Body<BackupName>) -> Answer {
    let Json(BackupName { name }) = body?;
    administers(&who)?;
    let file = api.backups.file(&name)?;
    let event = AuditEvent::BackupSaved;
    api.call(move |manager, now| manager.note(&name_of(&who), event, &name, now)).await?;
    Ok(answer(StatusCode::OK, &file))
}

pub(super) async fn deletions(State(api): State<Api>, Session(who): Session) -> Answer {
    administers(&who)?;
    Ok(answer(StatusCode::OK, &api.backups.deletions(api.now()).await?))
}

pub(super) async fn test(State(api): State<Api>, Session(who): Session, body: Body<BackupName>) -> Answer {
    let Json(BackupName { name }) = body?;
    administers(&who)?;
    Ok(answer(StatusCode::OK, &api.backups.test(&name_of(&who), &name, api.now()).await?))
}

pub(super) async fn restore(
    State(api): State<Api>,
    Session(who): Session,
    body: Body<RestoreOrder>,
) -> Answer {
    let Json(order) = body?;
    let asked = who.clone();
    api.call(move |manager, _| manager.restores(&asked)).await?;
    let files =
        (bytes("backup", &order.backup)?, order.deletions.map(|text| bytes("deletions", &text)).transpose()?);
    Ok(answer(StatusCode::OK, &api.backups.restore(who, files, &order.key, api.now()).await?))
}

fn bytes(field: &str, text: &str) -> Result<Vec<u8>, Refused> {
    STANDARD.decode(text).map_err(|_| Refused::malformed(field, "it is not base64 (RFC 4648 section 4)"))
}
