//! Which address leads where.

use crate::headers;
use crate::health::Health;
use crate::http::Client;
use crate::limits::Limits;
use crate::metrics::{self, Metrics, Route};
use crate::pages::Pages;
use crate::security_txt;
use crate::upstream::{Failure, Upstream};
use crate::websocket;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{any, get, put};
use hyper::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, HeaderMap, HeaderValue, ORIGIN,
};
use hyper::{Method, StatusCode, Uri};
use plenum_daemon::Shutdown;
use plenum_protocol::settings::WebSettings;
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::SystemTime;
use tokio::sync::Semaphore;

/// Some 50 MB of memory each.
const LARGE_AT_ONCE: usize = 2;

/// The same page: the user interface looks at the address. Pages of the manual lie below `/help`.
const PAGES: [&str; 5] = ["/", "/join", "/setup", "/admin", "/help"];

struct Site {
    pages: Pages,
    health: Health,
    signaling: Upstream,
    appliance: Upstream,
    /// The same, for files that are sent to it, and for the institution's logo.
    files: Upstream,
    logo: Upstream,
    /// For what takes longer than a call of a page may.
    checks: Upstream,
    long: Upstream,
    /// Whoever waits for it holds no more than the head of a request.
    large: Semaphore,
    metrics: Metrics,
    shutdown: Shutdown,
    security_contact: String,
}

type Shared = State<Arc<Site>>;

pub(crate) fn router(
    settings: &WebSettings,
    limits: Limits,
    metrics: &Metrics,
    shutdown: &Shutdown,
) -> Router {
    let site = Arc::new(Site {
        pages: Pages::embedded(),
        health: Health::default(),
        signaling: Upstream::new("signaling", settings.signaling_socket.clone(), limits),
        appliance: Upstream::new("appliance", settings.appliance_socket.clone(), limits),
        files: Upstream::new("appliance", settings.appliance_socket.clone(), limits.for_files()),
        logo: Upstream::new("appliance", settings.appliance_socket.clone(), limits.for_logo()),
        checks: Upstream::new("appliance", settings.appliance_socket.clone(), limits.for_checks()),
        long: Upstream::new("appliance", settings.appliance_socket.clone(), limits.for_long_answers()),
        large: Semaphore::new(LARGE_AT_ONCE),
        metrics: metrics.clone(),
        shutdown: shutdown.clone(),
        security_contact: settings.security_contact.clone(),
    });
    let pages = PAGES.iter().fold(Router::new(), |router, path| router.route(path, get(index)));
    pages
        .route("/help/{page}", get(index))
        .route("/healthz", get(health))
        .route("/.well-known/security.txt", get(security))
        .route("/ws", get(socket))
        .route("/api/box/backup/restore", any(files_api))
        .route("/api/box/update/file", any(files_api))
        .route("/api/box/backup", any(long_api))
        .route("/api/box/backup/{*call}", any(long_api))
        .route("/api/box/audit/file", any(long_api))
        .route("/api/box/factory-reset", any(long_api))
        .route("/api/box/mail/test", any(checks_api))
        .route("/api/box/self-test", any(checks_api))
        .route("/api/box/setup/check", any(checks_api))
        .route("/api/box/institution/logo", put(logo_api).fallback(box_api))
        .route("/api/box/{*call}", any(box_api))
        .route("/api/{*call}", any(meeting_api))
        .fallback(file)
        .layer(middleware::from_fn(require_host))
        .layer(middleware::map_response(headers::add))
        .layer(middleware::from_fn_with_state(Arc::clone(&site), count))
        .with_state(site)
}

async fn index(State(site): Shared, headers: HeaderMap) -> Response {
    site.pages.index(&headers)
}

async fn file(State(site): Shared, request: Request) -> Response {
    let path = request.uri().path();
    // The index has two addresses already.
    let found = if path == "/index.html" { None } else { site.pages.file(path, request.headers()) };
    match found {
        None => text(StatusCode::NOT_FOUND, "There is nothing at this address.\n"),
        Some(_) if !matches!(*request.method(), Method::GET | Method::HEAD) => {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "This address can only be read.\n");
            response.headers_mut().insert("allow", HeaderValue::from_static("GET, HEAD"));
            response
        }
        Some(response) => response,
    }
}

async fn health(State(site): Shared) -> Response {
    if site.health.signaling_answers(&site.signaling).await {
        text(StatusCode::OK, "ok\n")
    } else {
        text(StatusCode::SERVICE_UNAVAILABLE, "the meeting server does not answer\n")
    }
}

async fn security(State(site): Shared) -> Response {
    match site.security_contact.as_str() {
        "" => text(StatusCode::NOT_FOUND, "No contact has been named.\n"),
        contact => text(StatusCode::OK, &security_txt::text(contact, SystemTime::now())),
    }
}

async fn meeting_api(State(site): Shared, request: Request) -> Response {
    api(&site.signaling, request).await
}

async fn box_api(State(site): Shared, request: Request) -> Response {
    api(&site.appliance, request).await
}

async fn checks_api(State(site): Shared, request: Request) -> Response {
    api(&site.checks, request).await
}

async fn long_api(State(site): Shared, request: Request) -> Response {
    api(&site.long, request).await
}

async fn files_api(State(site): Shared, request: Request) -> Response {
    large(&site, &site.files, request).await
}

async fn logo_api(State(site): Shared, request: Request) -> Response {
    large(&site, &site.logo, request).await
}

/// A file is read whole before the manager looks at it: few at once, and none of a stranger, who could keep others
/// from it.
async fn large(site: &Site, upstream: &Upstream, request: Request) -> Response {
    if !has_session(site, about_session(&request), client(&request)).await {
        return api(&site.appliance, without_body(request)).await;
    }
    let waiting = tokio::time::timeout(upstream.limits.connect, site.large.acquire()).await;
    match waiting {
        Ok(Ok(_permit)) => api(upstream, request).await,
        _ => text(StatusCode::SERVICE_UNAVAILABLE, "Other files are on their way: try again in a minute.\n"),
    }
}

fn without_body(request: Request) -> Request {
    let (mut parts, _) = request.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    Request::from_parts(parts, Body::empty())
}

/// The question who sends a request.
fn about_session(request: &Request) -> Request {
    let mut asked = Request::new(Body::empty());
    *asked.uri_mut() = Uri::from_static("/api/box/session");
    for name in [HOST, COOKIE] {
        asked.headers_mut().extend(request.headers().get(&name).map(|value| (name, value.clone())));
    }
    asked
}

/// Whether the manager knows who it is.
async fn has_session(site: &Site, asked: Request, client: Client) -> bool {
    let Ok(answer) = site.appliance.api(asked, client).await else { return false };
    let Ok(body) = axum::body::to_bytes(answer.into_body(), site.appliance.limits.answer_bytes).await else {
        return false;
    };
    let session: Value = serde_json::from_slice(&body).unwrap_or_default();
    session["in_setup"] == true || session["account"].is_object()
}

async fn api(upstream: &Upstream, request: Request) -> Response {
    if let Err(failure) = same_origin(&request) {
        return failure.answer();
    }
    let client = client(&request);
    let answer = upstream.api(request, client).await;
    let mut answer = answer.unwrap_or_else(|failure| failure.answer());
    answer.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    answer
}

async fn socket(State(site): Shared, request: Request) -> Response {
    if let Err(failure) = same_origin(&request) {
        return failure.answer();
    }
    let client = client(&request);
    let proxied = websocket::proxy(request, client, &site.signaling, &site.metrics, &site.shutdown).await;
    proxied.unwrap_or_else(|failure| failure.answer())
}

/// Set by [`crate::http::serve`] for every request.
fn client(request: &Request) -> Client {
    request.extensions().get().copied().unwrap_or(Client(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
}

/// Pages of other origins may not use this one (AU8). Browsers name the origin with every WebSocket and
/// every request that changes something; who names none is no browser and carries nobody's rights.
fn same_origin(request: &Request) -> Result<(), Failure> {
    let Some(origin) = request.headers().get(ORIGIN) else { return Ok(()) };
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let origin = origin.to_str().ok().and_then(|origin| origin.strip_prefix("https://"));
    match (origin, host) {
        (Some(origin), Some(host))
            if without_default_port(origin).eq_ignore_ascii_case(without_default_port(host)) =>
        {
            Ok(())
        }
        _ => Err(Failure::ForeignOrigin),
    }
}

fn without_default_port(authority: &str) -> &str {
    authority.strip_suffix(":443").unwrap_or(authority)
}

/// RFC 9112 section 3.2: an address of its own in the request line outweighs the Host header, and one of
/// the two must be there. From here on, it is the Host header.
async fn require_host(mut request: Request, next: Next) -> Response {
    let authority = request.uri().authority().map(|authority| authority.as_str().to_owned());
    if let Some(authority) = authority {
        match HeaderValue::from_str(&authority) {
            Ok(host) => request.headers_mut().insert(HOST, host),
            Err(_) => return text(StatusCode::BAD_REQUEST, "The address is malformed.\n"),
        };
    }
    if request.headers().get_all(HOST).iter().count() != 1 {
        return text(StatusCode::BAD_REQUEST, "The request must name one host.\n");
    }
    if request.method() == Method::CONNECT {
        return text(StatusCode::METHOD_NOT_ALLOWED, "This is no proxy.\n");
    }
    next.run(request).await
}

async fn count(State(site): Shared, request: Request, next: Next) -> Response {
    let route = match request.uri().path() {
        "/ws" => Route::WebSocket,
        "/healthz" => Route::Health,
        path if path.starts_with("/api/") => Route::Api,
        path if PAGES.contains(&path)
            || ["/help/", "/assets/"].iter().any(|below| path.starts_with(below)) =>
        {
            Route::Page
        }
        _ => Route::Other,
    };
    let response = next.run(request).await;
    let status = response.status().as_u16();
    site.metrics.requests.get_or_create(&metrics::Request { route, status }).inc();
    response
}

fn text(status: StatusCode, text: &str) -> Response {
    let mut response = Response::new(Body::from(text.to_owned()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(origin: Option<&str>, host: &str) -> bool {
        let mut request = Request::new(Body::empty());
        request.headers_mut().insert(HOST, HeaderValue::from_str(host).unwrap());
        if let Some(origin) = origin {
            request.headers_mut().insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        same_origin(&request).is_ok()
    }

    #[test]
    fn au8_only_pages_of_this_origin_may_ask() {
        assert!(asked(Some("https://box.example"), "box.example"));
        assert!(asked(Some("https://Box.example"), "box.example:443"));
        assert!(asked(Some("https://[::1]:8443"), "[::1]:8443"));
        assert!(asked(None, "box.example"));
        assert!(!asked(Some("https://evil.example"), "box.example"));
        assert!(!asked(Some("http://box.example"), "box.example"));
        assert!(!asked(Some("https://box.example:8443"), "box.example"));
        assert!(!asked(Some("https://box.example.evil.example"), "box.example"));
        assert!(!asked(Some("null"), "box.example"));
    }
}
