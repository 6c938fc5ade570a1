//! The JSON API and the door to the WebSocket. `web` is the only client; it names the browser's address in
//! `X-Forwarded-For` and keeps its `Host`.

use crate::metrics::Metrics;
use crate::network;
use crate::rooms::{Caller, Denied};
use crate::server::Input;
use crate::socket::{self, End};
use axum::extract::rejection::JsonRejection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{DefaultBodyLimit, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use plenum_protocol::http::{ApiError, ApiErrorCode, CreateMeeting, LinkQuery};
use plenum_protocol::limits::MAX_MESSAGE_BYTES;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{Semaphore, mpsc, oneshot};

const MAX_BODY_BYTES: usize = 16 * 1024;
/// WebSockets at the same time.
const MAX_CONNECTIONS: usize = 4_096;
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

#[derive(Clone)]
pub struct Api {
    pub inputs: mpsc::Sender<Input>,
    pub metrics: Metrics,
    /// Whether it matters who is on this box's networks.
    pub network_opens: bool,
    connections: Arc<AtomicU64>,
    free: Arc<Semaphore>,
}

impl Api {
    pub fn new(inputs: mpsc::Sender<Input>, metrics: Metrics, network_opens: bool) -> Api {
        let free = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        Api { inputs, metrics, network_opens, connections: Arc::default(), free }
    }

    pub fn router(self) -> Router {
        Router::new()
            .route("/api/about", get(about))
            .route("/api/meetings", post(create))
            .route("/api/link", post(link))
            .route("/ws", get(websocket))
            .fallback(async || Failure(StatusCode::NOT_FOUND, malformed("there is no such call")))
            .method_not_allowed_fallback(async || {
                Failure(StatusCode::METHOD_NOT_ALLOWED, malformed("this call has another method"))
            })
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .with_state(self)
    }

    /// Asks the rooms and waits for the answer.
    async fn ask<T>(&self, input: impl FnOnce(oneshot::Sender<T>) -> Input) -> Result<T, Failure> {
        let (sender, answer) = oneshot::channel();
        self.inputs.send(input(sender)).await.map_err(|_| Failure::unavailable())?;
        answer.await.map_err(|_| Failure::unavailable())
    }
}

async fn about(State(api): State<Api>, Client(caller): Client) -> Result<Response, Failure> {
    let about = api.ask(|answer| Input::About(caller, answer)).await?;
    Ok(answer(StatusCode::OK, &about))
}

async fn create(
    State(api): State<Api>,
    _: SameOrigin,
    Client(caller): Client,
    body: Result<Json<CreateMeeting>, JsonRejection>,
) -> Result<Response, Failure> {
    let Json(body) = body?;
    let (_, meeting) = api.ask(|answer| Input::Create(body, caller, answer)).await??;
    Ok(answer(StatusCode::CREATED, &meeting))
}

async fn link(
    State(api): State<Api>,
    _: SameOrigin,
    Client(caller): Client,
    body: Result<Json<LinkQuery>, JsonRejection>,
) -> Result<Response, Failure> {
    let Json(query) = body?;
    let info = api.ask(|answer| Input::Link(query, caller, answer)).await??;
    Ok(answer(StatusCode::OK, &info))
}

async fn websocket(
    State(api): State<Api>,
    _: SameOrigin,
    Client(caller): Client,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Failure> {
    let Ok(permit) = Arc::clone(&api.free).try_acquire_owned() else { return Err(Failure::unavailable()) };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned();
    let upgrade = upgrade
        .max_message_size(MAX_MESSAGE_BYTES)
        .max_frame_size(MAX_MESSAGE_BYTES)
        .read_buffer_size(8 * 1024)
        // Each message goes out at once.
        .write_buffer_size(0);
    Ok(upgrade.on_upgrade(async move |socket| {
        let id = api.connections.fetch_add(1, Ordering::Relaxed);
        let (outgoing, incoming) = socket::queue();
        let opened = Input::Opened { id, address: caller.address, host, outgoing };
        if api.inputs.send(opened).await.is_ok() {
            match socket::serve(socket, id, &api.inputs, incoming).await {
                End::Slow => api.metrics.slow_connection(),
                End::Silent => api.metrics.silent_connection(),
                End::Closed | End::Broken | End::Cut => {}
            }
            // An error means that the daemon ends.
            let _ = api.inputs.send(Input::Closed(id)).await;
        }
        drop(permit);
    }))
}

/// Who asks.
struct Client(Caller);

impl FromRequestParts<Api> for Client {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Client, Failure> {
        // The last one is `web`'s own entry.
        let header = parts.headers.get(FORWARDED_FOR).and_then(|value| value.to_str().ok());
        let address: Option<IpAddr> =
            header.and_then(|value| value.rsplit(',').next()).and_then(|value| value.trim().parse().ok());
        let local = api.network_opens && address.is_some_and(network::is_local);
        Ok(Client(Caller { address, local }))
    }
}

/// Pages of other sites may not act in the name of somebody on this box's network. Clients that are no
/// browsers send no Origin.
struct SameOrigin;

impl FromRequestParts<Api> for SameOrigin {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<SameOrigin, Failure> {
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let Some(origin) = parts.headers.get(header::ORIGIN) else { return Ok(SameOrigin) };
        let authority = origin.to_str().ok().and_then(|origin| Some(origin.split_once("://")?.1));
        match (authority, text(header::HOST)) {
            (Some(origin), Some(host)) if origin.eq_ignore_ascii_case(host) => Ok(SameOrigin),
            _ => Err(Failure(StatusCode::FORBIDDEN, malformed("a page of another site asks"))),
        }
    }
}

/// A refusal with its status.
struct Failure(StatusCode, ApiError);

fn malformed(detail: &str) -> ApiError {
    ApiError { error: ApiErrorCode::Malformed, detail: detail.to_owned(), retry_after: None }
}

impl Failure {
    fn unavailable() -> Failure {
        Failure(
            StatusCode::SERVICE_UNAVAILABLE,
            ApiError {
                error: ApiErrorCode::Unavailable,
                detail: "the meeting service is starting, stopping or full".to_owned(),
                retry_after: Some(2),
            },
        )
    }
}

impl From<JsonRejection> for Failure {
    fn from(rejection: JsonRejection) -> Failure {
        // Not the rejection's text: it may quote what the client sent.
        let detail = match rejection.status() {
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "the content type must be application/json",
            StatusCode::PAYLOAD_TOO_LARGE => "the body is too long",
            _ => "the body is not the JSON that this call takes: see docs/protocol.md",
        };
        Failure(rejection.status(), malformed(detail))
    }
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Failure {
        let status = match denied.code {
            ApiErrorCode::Malformed => StatusCode::BAD_REQUEST,
            ApiErrorCode::HostKeyNeeded => StatusCode::FORBIDDEN,
            ApiErrorCode::UnknownLink => StatusCode::NOT_FOUND,
            ApiErrorCode::Ended => StatusCode::GONE,
            ApiErrorCode::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
            ApiErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        };
        let Denied { code, detail, retry_after } = denied;
        Failure(status, ApiError { error: code, detail: detail.to_owned(), retry_after })
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Failure(status, error) = self;
        let mut response = answer(status, &error);
        if let Some(seconds) = error.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

fn answer(status: StatusCode, body: &impl serde::Serialize) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
