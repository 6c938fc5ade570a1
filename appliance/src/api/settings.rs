//! Settings by area, the network and the certificate.

use super::extract::{Session, Visitor};
use super::{Answer, Api, Body, answer};
use crate::machine;
use crate::manager::{Area, Refused, sets_up};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{MethodRouter, get};
use plenum_protocol::manager::{
    AcmeSettings, CertificateRequest, CertificateState, ConfirmNetwork, NetworkSettings, NetworkState,
    UploadedCertificate,
};

pub(super) fn area<A: Area + Sync>() -> MethodRouter<Api> {
    get(read::<A>).put(write::<A>)
}

pub(super) async fn read<A: Area>(State(api): State<Api>, Session(who): Session) -> Answer {
    Ok(answer(StatusCode::OK, &api.call(move |manager, _| manager.area::<A>(&who)).await?))
}

async fn write<A: Area>(State(api): State<Api>, Session(who): Session, body: Body<A>) -> Answer {
    let Json(wanted) = body?;
    Ok(answer(StatusCode::OK, &api.call(move |manager, now| manager.set_area(&who, wanted, now)).await?))
}

pub(super) async fn try_network(
    State(api): State<Api>,
    Session(who): Session,
    body: Body<NetworkSettings>,
) -> Answer {
    let Json(wanted) = body?;
    sets_up(&who)?;
    api.machine.has_ports(&wanted.ports)?;
    Ok(answer(StatusCode::OK, &api.call(move |manager, now| manager.try_network(&who, wanted, now)).await?))
}

/// Whoever has the token needs no session: they have just changed the network, and ask from the new address.
pub(super) async fn confirm_network(
    State(api): State<Api>,
    visitor: Visitor,
    body: Body<ConfirmNetwork>,
) -> Answer {
    let Json(ConfirmNetwork { token }) = body?;
    if token.is_empty() {
        visitor.checked()?;
    }
    let who = visitor.current.map(|current| current.who);
    let kept = api.call(move |manager, now| manager.confirm_network(&token, who.as_ref(), now));
    Ok(answer(StatusCode::OK, &kept.await?))
}

pub(super) async fn network(State(api): State<Api>, Session(who): Session) -> Answer {
    let left = api.call(move |manager, now| {
        sets_up(&who)?;
        Ok((manager.seconds_to_confirm(now), manager.proposed_network()?))
    });
    let (left, proposed) = left.await?;
    Ok(answer(StatusCode::OK, &NetworkState { proposed, ..api.machine.network(left) }))
}

pub(super) async fn clock(Session(who): Session) -> Answer {
    sets_up(&who)?;
    Ok(answer(StatusCode::OK, &machine::clock()))
}

pub(super) async fn certificate(State(api): State<Api>, Session(who): Session) -> Answer {
    shown(&api, api.call(move |manager, now| manager.certificate(&who, now)).await).await
}

pub(super) async fn request_certificate(
    State(api): State<Api>,
    Session(who): Session,
    body: Body<CertificateRequest>,
) -> Answer {
    let Json(typed) = body?;
    shown(&api, api.call(move |manager, now| manager.request_certificate(&who, typed, now)).await).await
}

pub(super) async fn upload_certificate(
    State(api): State<Api>,
    Session(who): Session,
    body: Body<UploadedCertificate>,
) -> Answer {
    let Json(typed) = body?;
    shown(&api, api.call(move |manager, now| manager.upload_certificate(&who, &typed, now)).await).await
}

pub(super) async fn remove_certificate(State(api): State<Api>, Session(who): Session) -> Answer {
    shown(&api, api.call(move |manager, now| manager.remove_certificate(&who, now)).await).await
}

pub(super) async fn set_acme(
    State(api): State<Api>,
    Session(who): Session,
    body: Body<AcmeSettings>,
) -> Answer {
    let Json(wanted) = body?;
    Ok(answer(StatusCode::OK, &api.call(move |manager, now| manager.set_acme(&who, wanted, now)).await?))
}

pub(super) async fn ask_acme(State(api): State<Api>, Session(who): Session) -> Answer {
    shown(&api, api.call(move |manager, now| manager.ask_acme(&who, now)).await).await
}

async fn shown(api: &Api, state: Result<CertificateState, Refused>) -> Answer {
    let shown = api.machine.certificate().await;
    Ok(answer(StatusCode::OK, &CertificateState { shown, ..state? }))
}
