//! The JSON API of the manager over HTTP. `web` is the only client; it names the browser's address in
//! `X-Forwarded-For` and lets only pages of its own origin ask.

use crate::access::sessions::{Current, Opened, Who};
use crate::manager::{Manager, Now, Refused};
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{DefaultBodyLimit, FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use plenum_protocol::manager::{
    AccountName, ConfirmAccount, Institution, ManagerErrorCode, NewAccount, NewPassword, SetupCode, SignIn,
};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

const MAX_BODY_BYTES: usize = 16 * 1024;
/// RFC 6265bis section 4.1.3.2: bound to this host, sent over TLS only.
const COOKIE: &str = "__Host-plenum-box";
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");

#[derive(Clone)]
pub struct Api {
    manager: Arc<Manager>,
    started: Instant,
    /// What an administrator's device calls this box.
    issuer: Arc<str>,
}

impl Api {
    pub fn new(manager: Arc<Manager>, started: Instant, issuer: &str) -> Api {
        Api { manager, started, issuer: issuer.into() }
    }

    pub fn router(self) -> Router {
        Router::new()
            .route("/api/box/session", get(session))
            .route("/api/box/setup", post(open_setup))
            .route("/api/box/setup/finish", post(finish_setup))
            .route("/api/box/sign-in", post(sign_in))
            .route("/api/box/sign-out", post(sign_out))
            .route("/api/box/accounts", get(accounts).post(create_account))
            .route("/api/box/accounts/confirm", post(confirm_account))
            .route("/api/box/accounts/remove", post(remove_account))
            .route("/api/box/password", post(change_password))
            .route("/api/box/settings/institution", get(institution).put(set_institution))
            .route("/api/box/audit", get(audit))
            .route("/api/box/audit/{before}", get(audit_before))
            .fallback(async || failure(StatusCode::NOT_FOUND, "there is no such call"))
            .method_not_allowed_fallback(async || {
                failure(StatusCode::METHOD_NOT_ALLOWED, "this call has another method")
            })
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .with_state(self)
    }

    /// The manager's calls block.
    async fn call<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Manager, Now) -> Result<R, Refused> + Send + 'static,
    ) -> Result<R, Refused> {
        let manager = Arc::clone(&self.manager);
        let now = self.now();
        let done = tokio::task::spawn_blocking(move || work(&manager, now)).await;
        done.unwrap_or_else(|error| {
            log::error!(error:%; "a call of the manager panicked");
            Err(Refused::new(ManagerErrorCode::Unavailable, "the box has made a mistake; its log says which"))
        })
    }

    fn now(&self) -> Now {
        Now { wall: SystemTime::now(), mono: self.started.elapsed() }
    }

    /// The answer to signing in: the cookie, and what the session may do.
    async fn enter(&self, opened: Opened) -> Result<Response, Refused> {
        let token = opened.token.expose().to_owned();
        let cookie = format!("{COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Strict");
        let info =
            self.call(move |manager, now| manager.info(manager.current(Some(&token), now).as_ref())).await?;
        Ok(([(header::SET_COOKIE, cookie)], answer(StatusCode::OK, &info)).into_response())
    }
}

type Body<T> = Result<Json<T>, JsonRejection>;
type Answer = Result<Response, Refused>;

async fn session(State(api): State<Api>, Visitor { current, .. }: Visitor) -> Answer {
    let info = api.call(move |manager, _| manager.info(current.as_ref())).await?;
    Ok(answer(StatusCode::OK, &info))
}

async fn open_setup(State(api): State<Api>, Address(address): Address, body: Body<SetupCode>) -> Answer {
    let Json(typed) = body?;
    let opened = api.call(move |manager, now| manager.open_setup(address, &typed.code, now)).await?;
    api.enter(opened).await
}

async fn finish_setup(State(api): State<Api>, Session(who): Session) -> Answer {
    let info = api.call(move |manager, now| {
        manager.finish_setup(&who, now)?;
        manager.info(None)
    });
    Ok(answer(StatusCode::OK, &info.await?))
}

async fn sign_in(State(api): State<Api>, Address(address): Address, body: Body<SignIn>) -> Answer {
    let Json(typed) = body?;
    let opened = api.call(move |manager, now| manager.sign_in(address, &typed, now)).await?;
    api.enter(opened).await
}

async fn sign_out(State(api): State<Api>, visitor: Visitor) -> Answer {
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

async fn accounts(State(api): State<Api>, Session(who): Session) -> Answer {
    Ok(answer(StatusCode::OK, &api.call(move |manager, _| manager.accounts(&who)).await?))
}

async fn create_account(State(api): State<Api>, Session(who): Session, body: Body<NewAccount>) -> Answer {
    let Json(typed) = body?;
    let issuer = Arc::clone(&api.issuer);
    let shown = api.call(move |manager, now| manager.create_account(&who, &typed, &issuer, now)).await?;
    Ok(answer(StatusCode::CREATED, &shown))
}

async fn confirm_account(
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

async fn remove_account(State(api): State<Api>, Session(who): Session, body: Body<AccountName>) -> Answer {
    let Json(AccountName { name }) = body?;
    Ok(answer(StatusCode::OK, &api.call(move |manager, now| manager.remove_account(&who, &name, now)).await?))
}

async fn change_password(State(api): State<Api>, Session(who): Session, body: Body<NewPassword>) -> Answer {
    let Json(typed) = body?;
    let info = api.call(move |manager, now| {
        manager.change_password(&who, &typed, now)?;
        manager.info(None)
    });
    Ok(answer(StatusCode::OK, &info.await?))
}

async fn institution(State(api): State<Api>, Session(who): Session) -> Answer {
    Ok(answer(StatusCode::OK, &api.call(move |manager, _| manager.institution(&who)).await?))
}

async fn set_institution(State(api): State<Api>, Session(who): Session, body: Body<Institution>) -> Answer {
    let Json(wanted) = body?;
    Ok(answer(
        StatusCode::OK,
        &api.call(move |manager, now| manager.set_institution(&who, wanted, now)).await?,
    ))
}

async fn audit(State(api): State<Api>, Session(who): Session) -> Answer {
    Ok(answer(StatusCode::OK, &api.call(move |manager, now| manager.audit(&who, None, now)).await?))
}

async fn audit_before(
    State(api): State<Api>,
    Session(who): Session,
    number: Result<Path<u64>, PathRejection>,
) -> Answer {
    let number = number.map_err(|_| Refused::malformed("before", "the number of an entry is expected"))?.0;
    Ok(answer(StatusCode::OK, &api.call(move |manager, now| manager.audit(&who, Some(number), now)).await?))
}

/// Where the request comes from, as `web` says: the last entry is its own.
struct Address(Option<IpAddr>);

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
struct Visitor {
    token: Option<String>,
    current: Option<Current>,
    /// Whether the request bears the session's token against forged requests, or needs none.
    genuine: bool,
}

impl Visitor {
    fn checked(&self) -> Result<(), Refused> {
        let forged = || Refused::new(ManagerErrorCode::Forged, "the header x-csrf-token is missing or wrong");
        (self.genuine || self.current.is_none()).then_some(()).ok_or_else(forged)
    }
}

impl FromRequestParts<Api> for Visitor {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Visitor, Refused> {
        let token = cookie(&parts.headers).map(str::to_owned);
        let current = api.manager.current(token.as_deref(), api.now());
        let claim = parts.headers.get(CSRF_TOKEN).and_then(|value| value.to_str().ok());
        let right = current.as_ref().zip(claim).is_some_and(|(it, claim)| it.csrf.digest().matches(claim));
        let genuine = right || matches!(parts.method, Method::GET | Method::HEAD);
        Ok(Visitor { token, current, genuine })
    }
}

/// A genuine request of somebody who has a session.
struct Session(Who);

impl FromRequestParts<Api> for Session {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Session, Refused> {
        let visitor = Visitor::from_request_parts(parts, api).await?;
        visitor.checked()?;
        visitor.current.map(|current| Session(current.who)).ok_or_else(Refused::not_signed_in)
    }
}

/// RFC 6265 section 4.2.1.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let values = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

impl From<JsonRejection> for Refused {
    fn from(rejection: JsonRejection) -> Refused {
        // Not the rejection's text: it may quote what the client sent.
        let detail = match rejection.status() {
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "the content type must be application/json",
            StatusCode::PAYLOAD_TOO_LARGE => "the body is too long",
            _ => "the body is not the JSON that this call takes: see docs/protocol.md",
        };
        Refused::new(ManagerErrorCode::Malformed, detail)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = match self.code() {
            ManagerErrorCode::Malformed | ManagerErrorCode::WeakPassword => StatusCode::BAD_REQUEST,
            ManagerErrorCode::NotSignedIn | ManagerErrorCode::WrongCredentials => StatusCode::UNAUTHORIZED,
            ManagerErrorCode::NotAllowed
            | ManagerErrorCode::Forged
            | ManagerErrorCode::SecondFactorNeeded => StatusCode::FORBIDDEN,
            ManagerErrorCode::UnknownAccount => StatusCode::NOT_FOUND,
            ManagerErrorCode::Conflict
            | ManagerErrorCode::SetupOver
            | ManagerErrorCode::LastAdministrator => StatusCode::CONFLICT,
            ManagerErrorCode::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
            ManagerErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        };
        let mut response = answer(status, &self.0);
        if let Some(seconds) = self.0.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

fn failure(status: StatusCode, detail: &str) -> Response {
    answer(status, &Refused::new(ManagerErrorCode::Malformed, detail).0)
}

fn answer(status: StatusCode, body: &impl serde::Serialize) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
