//! Sessions, the set-up, and accounts.

use super::extract::{Address, Session, Visitor};
use super::{Answer, Api, Body, COOKIE, answer};
use crate::access::sessions::Opened;
use crate::manager::Refused;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use plenum_protocol::manager::{
    AccountName, ConfirmAccount, NewAccount, NewPassword, RenewSecondFactor, SecondFactorCode, SetupCode,
    SignIn, StepDone,
};
use std::sync::Arc;

pub(super) async fn session(State(api): State<Api>, Visitor { current, .. }: Visitor) -> Answer {
    let info = api.call(move |manager, _| manager.info(current.as_ref())).await?;
    Ok(answer(StatusCode::OK, &info))
}

pub(super) async fn open_setup(
    State(api): State<Api>,
    Address(address): Address,
    body: Body<SetupCode>,
) -> Answer {
    let Json(typed) = body?;
    let opened = api.call(move |manager, now| manager.open_setup(address, &typed.code, now)).await?;
    enter(&api, opened).await
}

pub(super) async fn step_done(State(api): State<Api>, visitor: Visitor, body: Body<StepDone>) -> Answer {
    visitor.checked()?;
    let Json(typed) = body?;
    let current = visitor.current.ok_or_else(Refused::not_signed_in)?;
    let info = api.call(move |manager, now| {
        manager.step_done(&current.who, typed, now)?;
        manager.info(Some(&current))
    });
    Ok(answer(StatusCode::OK, &info.await?))
}

pub(super) async fn finish_setup(State(api): State<Api>, Session(who): Session) -> Answer {
    let info = api.call(move |manager, now| {
        manager.finish_setup(&who, now)?;
        manager.info(None)
    });
    Ok(answer(StatusCode::OK, &info.await?))
}

pub(super) async fn sign_in(State(api): State<Api>, Address(address): Address, body: Body<SignIn>) -> Answer {
    let Json(typed) = body?;
    let opened = api.call(move |manager, now| manager.sign_in(address, &typed, now)).await?;
    enter(&api, opened).await
}

pub(super) async fn sign_out(State(api): State<Api>, visitor: Visitor) -> Answer {
    visitor.checked()?;
    let info = api.call(move |manager, now| {
        if let (Some(token), Some(current)) = (&visitor.token, &visitor.current) {
            manager.sign_out(token, current, now)?;
        }
        manager.info(None)
    });
    let cookie = format!("{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
    Ok(([(header::SET_COOKIE, cookie)], answer(StatusCode::OK, &info.await?)).into_response())
}

pub(super) async fn accounts(State(api): State<Api>, Session(who): Session) -> Answer {
    Ok(answer(StatusCode::OK, &api.call(move |manager, _| manager.accounts(&who)).await?))
}

pub(super) async fn create_account(
    State(api): State<Api>,
    Session(who): Session,
    body: Body<NewAccount>,
) -> Answer {
    let Json(typed) = body?;
    let issuer = Arc::clone(&api.issuer);
    let shown = api.call(move |manager, now| manager.create_account(&who, &typed, &issuer, now)).await?;
    Ok(answer(StatusCode::CREATED, &shown))
}

pub(super) async fn confirm_account(
    State(api): State<Api>,
    Session(who): Session,
    body: Body<ConfirmAccount>,
) -> Answer {
    let Json(typed) = body?;
    Ok(answer(
        StatusCode::OK,
        &api.call(move |manager, now| manager.confirm_account(&who, &typed, now)).await?,
    ))
}

pub(super) async fn remove_account(
    State(api): State<Api>,
    Session(who): Session,
    body: Body<AccountName>,
) -> Answer {
    let Json(AccountName { name }) = body?;
    let left = api.call(move |manager, now| manager.remove_account(&who, &name, now)).await?;
    let (backups, now) = (api.backups.clone(), api.now());
    tokio::spawn(async move { backups.after_deletion(now).await });
    Ok(answer(StatusCode::OK, &left))
}

pub(super) async fn change_password(
    State(api): State<Api>,
    Session(who): Session,
    body: Body<NewPassword>,
) -> Answer {
    let Json(typed) = body?;
    let info = api.call(move |manager, now| {
        manager.change_password(&who, &typed, now)?;
        manager.info(None)
    });
    Ok(answer(StatusCode::OK, &info.await?))
}

pub(super) async fn renew_second_factor(
    State(api): State<Api>,
    visitor: Visitor,
    body: Body<RenewSecondFactor>,
) -> Answer {
    let (token, current) = visitor.signed_in()?;
    let Json(typed) = body?;
    let issuer = Arc::clone(&api.issuer);
    let shown =
        api.call(move |manager, now| manager.renew_second_factor(&current.who, &token, &typed, &issuer, now));
    Ok(answer(StatusCode::OK, &shown.await?))
}

pub(super) async fn confirm_second_factor(
    State(api): State<Api>,
    visitor: Visitor,
    body: Body<SecondFactorCode>,
) -> Answer {
    let (token, current) = visitor.signed_in()?;
    let Json(SecondFactorCode { code }) = body?;
    let info = api.call(move |manager, now| {
        manager.confirm_second_factor(&current.who, &token, &code, now)?;
        manager.info(Some(&current))
    });
    Ok(answer(StatusCode::OK, &info.await?))
}

/// The answer to signing in: the cookie, and what the session may do.
async fn enter(api: &Api, opened: Opened) -> Result<Response, Refused> {
    let token = opened.token.expose().to_owned();
    let cookie = format!("{COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Strict");
    let info =
        api.call(move |manager, now| manager.info(manager.current(Some(&token), true, now).as_ref())).await?;
    Ok(([(header::SET_COOKIE, cookie)], answer(StatusCode::OK, &info)).into_response())
}
