//! The server that takes the box's mail, and a test of it.

use super::extract::Session;
use super::{Answer, Api, Body, answer};
use crate::mail;
use crate::manager::Refused;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use plenum_protocol::manager::{MailOutcome, MailSettings, MailTest, MailTestResult};
use tokio::sync::Semaphore;

/// One test at a time.
static TESTING: Semaphore = Semaphore::const_new(1);

pub(super) async fn set(State(api): State<Api>, Session(who): Session, body: Body<MailSettings>) -> Answer {
    let Json(wanted) = body?;
    Ok(answer(StatusCode::OK, &api.call(move |manager, now| manager.set_mail(&who, wanted, now)).await?))
}

pub(super) async fn test(State(api): State<Api>, Session(who): Session, body: Body<MailTest>) -> Answer {
    let Json(MailTest { mut recipient }) = body?;
    let (relay, id, recipient) = api
        .call(move |manager, now| {
            let (relay, id) = manager.begin_mail_test(&who, &mut recipient, now)?;
            Ok((relay, id, recipient))
        })
        .await?;
    let message = mail::test(&relay, &recipient, &id)
        .map_err(|error| Refused::malformed("recipient", error.to_string()))?;
    let _turn = TESTING.acquire().await;
    let result = match mail::send(&relay, &message).await {
        Ok(said) => MailTestResult { outcome: MailOutcome::Sent, said },
        Err(failure) => MailTestResult { outcome: failure.outcome, said: failure.said },
    };
    Ok(answer(StatusCode::OK, &result))
}
