//! Who runs the box: what every page shows, and so for anyone.

use super::extract::Session;
use super::{Answer, Api, Body, answer, failure};
use crate::manager::Logo;
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use plenum_protocol::manager::InstitutionLogo;

/// The address names what it leads to.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const REVALIDATE: &str = "no-cache";

pub(super) async fn read(State(api): State<Api>) -> Answer {
    Ok(answer(StatusCode::OK, &api.call(|manager, _| manager.public_institution()).await?))
}

pub(super) async fn logo(State(api): State<Api>, RawQuery(query): RawQuery, headers: HeaderMap) -> Answer {
    let Some(Logo { name, media_type, image }) = api.call(|manager, _| manager.logo()).await? else {
        return Ok(failure(StatusCode::NOT_FOUND, "there is no logo"));
    };
    let named = query.is_some_and(|query| query.strip_prefix("v=") == Some(&name));
    let etag = format!("\"{name}\"");
    let head = [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, if named { IMMUTABLE } else { REVALIDATE }),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::ETAG, &etag),
    ];
    match headers.get(header::IF_NONE_MATCH).map(HeaderValue::as_bytes) == Some(etag.as_bytes()) {
        true => Ok((StatusCode::NOT_MODIFIED, head).into_response()),
        false => Ok((head, image).into_response()),
    }
}

pub(super) async fn set_logo(
    State(api): State<Api>,
    Session(who): Session,
    body: Body<InstitutionLogo>,
) -> Answer {
    let Json(typed) = body?;
    Ok(answer(StatusCode::OK, &api.call(move |manager, now| manager.set_logo(&who, &typed, now)).await?))
}

pub(super) async fn remove_logo(State(api): State<Api>, Session(who): Session) -> Answer {
    Ok(answer(StatusCode::OK, &api.call(move |manager, now| manager.remove_logo(&who, now)).await?))
}
