//! Who asks, and whether a page of the box's own makes them ask.

use super::{Api, COOKIE};
use crate::access::sessions::{Current, Who};
use crate::manager::Refused;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, header};
use plenum_protocol::manager::ManagerErrorCode;
use std::net::IpAddr;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");
const UNATTENDED: HeaderName = HeaderName::from_static("x-unattended");

/// Where the request comes from, as `web` says: the last entry is its own.
pub(super) struct Address(pub(super) Option<IpAddr>);

impl FromRequestParts<Api> for Address {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Address, Refused> {
        let header = parts.headers.get(FORWARDED_FOR).and_then(|value| value.to_str().ok());
        Ok(Address(
            header.and_then(|value| value.rsplit(',').next()).and_then(|value| value.trim().parse().ok()),
        ))
    }
}

/// Whoever asks, with or without a session.
pub(super) struct Visitor {
    pub(super) token: Option<String>,
    pub(super) current: Option<Current>,
    /// Whether the request bears the session's token against forged requests, or needs none.
    genuine: bool,
}

impl Visitor {
    pub(super) fn checked(&self) -> Result<(), Refused> {
        let forged = || Refused::new(ManagerErrorCode::Forged, "the header x-csrf-token is missing or wrong");
        (self.genuine || self.current.is_none()).then_some(()).ok_or_else(forged)
    }

    /// A genuine request of somebody who has a session, with its token.
    pub(super) fn signed_in(self) -> Result<(String, Current), Refused> {
        self.checked()?;
        self.token.zip(self.current).ok_or_else(Refused::not_signed_in)
    }
}

impl FromRequestParts<Api> for Visitor {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Visitor, Refused> {
        let token = cookie(&parts.headers).map(str::to_owned);
        let attended = !parts.headers.contains_key(UNATTENDED);
        let current = api.manager.current(token.as_deref(), attended, api.now());
        let claim = parts.headers.get(CSRF_TOKEN).and_then(|value| value.to_str().ok());
        let right = current.as_ref().zip(claim).is_some_and(|(it, claim)| it.csrf.digest().matches(claim));
        let genuine = right || matches!(parts.method, Method::GET | Method::HEAD);
        Ok(Visitor { token, current, genuine })
    }
}

/// A genuine request of somebody who has a session.
pub(super) struct Session(pub(super) Who);

impl FromRequestParts<Api> for Session {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Session, Refused> {
        let (_, current) = Visitor::from_request_parts(parts, api).await?.signed_in()?;
        Ok(Session(current.who))
    }
}

/// RFC 6265 section 4.2.1.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let values = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}
