//! HTTP/1.1 to the Unix sockets of the daemons behind this one.

use crate::http::Client;
use crate::limits::Limits;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Connection, SendRequest, handshake};
use hyper::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, FORWARDED, HeaderMap, HeaderName, HeaderValue,
    RETRY_AFTER, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use hyper_util::rt::TokioIo;
use plenum_protocol::http::{ApiError, ApiErrorCode};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::UnixStream;
use tokio::time::timeout;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// RFC 9110 section 7.6.1: these concern one connection only.
const OF_ONE_CONNECTION: [HeaderName; 7] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];
/// What a client says about its address is not believed.
const CLAIMED: [HeaderName; 5] = [
    FORWARDED,
    X_FORWARDED_FOR,
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-real-ip"),
];

#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    daemon: &'static str,
    socket: Arc<PathBuf>,
    pub(crate) limits: Limits,
}

/// Why there is no answer. Each has one for the client.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0} cannot be reached: {1}")]
    Unreachable(&'static str, io::Error),
    #[error("{0} does not answer in time")]
    Silent(&'static str),
    #[error("{0} answered wrongly: {1}")]
    Broken(&'static str, String),
    #[error("the request's body is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the request's body did not come in time")]
    TooSlow,
    #[error("{0}")]
    Malformed(&'static str),
    #[error("the page that asks is of another origin")]
    ForeignOrigin,
}

impl Upstream {
    pub(crate) fn new(daemon: &'static str, socket: PathBuf, limits: Limits) -> Self {
        Upstream { daemon, socket: Arc::new(socket), limits }
    }

    /// A request of the JSON API, with its body read whole before the daemon is troubled.
    pub(crate) async fn api(&self, request: Request, client: Client) -> Result<Response, Failure> {
        let (mut parts, body) = request.into_parts();
        let body = self.collect(body, &parts.headers).await?;
        clean(&mut parts.headers, client);
        parts.headers.remove(CONTENT_LENGTH); // hyper sets it anew
        let request = hyper::Request::from_parts(parts, Full::new(body));
        let answering = async {
            let (sender, connection) = self.connect().await?;
            let mut exchange = std::pin::pin!(self.exchange(sender, request));
            tokio::select! {
                answer = &mut exchange => answer,
                // It ends when the daemon closes, which it may do right after its answer.
                _ = connection => exchange.await,
            }
        };
        timeout(self.limits.answer, answering).await.unwrap_or(Err(self.silent()))
    }

    /// Sends a request that asks for an upgrade; the connection goes on by itself.
    pub(crate) async fn upgrade(
        &self,
        request: hyper::Request<Full<Bytes>>,
    ) -> Result<hyper::Response<Incoming>, Failure> {
        let answering = async {
            let (mut sender, connection) = self.connect().await?;
            tokio::spawn(connection.with_upgrades());
            sender.send_request(request).await.map_err(|error| self.broken(error))
        };
        timeout(self.limits.answer, answering).await.unwrap_or(Err(self.silent()))
    }

    async fn connect(
        &self,
    ) -> Result<(SendRequest<Full<Bytes>>, Connection<TokioIo<UnixStream>, Full<Bytes>>), Failure> {
        let connecting = timeout(self.limits.connect, UnixStream::connect(self.socket.as_ref()));
        let stream = connecting.await.map_err(|_| self.silent())?;
        let stream = stream.map_err(|error| Failure::Unreachable(self.daemon, error))?;
        handshake(TokioIo::new(stream)).await.map_err(|error| self.broken(error))
    }

    async fn exchange(
        &self,
        mut sender: SendRequest<Full<Bytes>>,
        request: hyper::Request<Full<Bytes>>,
    ) -> Result<Response, Failure> {
        let answer = sender.send_request(request).await.map_err(|error| self.broken(error))?;
        let (mut parts, body) = answer.into_parts();
        let body = Limited::new(body, self.limits.answer_bytes).collect().await;
        let body = body.map_err(|error| self.broken(error))?.to_bytes();
        for name in OF_ONE_CONNECTION.iter().chain([&CONTENT_LENGTH]) {
            parts.headers.remove(name);
        }
        Ok(Response::from_parts(parts, Body::from(body)))
    }

    fn silent(&self) -> Failure {
        Failure::Silent(self.daemon)
    }

    pub(crate) fn broken(&self, error: impl std::fmt::Display) -> Failure {
        Failure::Broken(self.daemon, error.to_string())
    }

    async fn collect(&self, body: Body, headers: &HeaderMap) -> Result<Bytes, Failure> {
        let most = self.limits.body_bytes;
        let announced =
            headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|length| length > most as u64) {
            return Err(Failure::TooLarge(most));
        }
        let collecting = timeout(self.limits.body, Limited::new(body, most).collect());
        match collecting.await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Failure::TooLarge(most)),
            Ok(Err(_)) => Err(Failure::Malformed("the request's body is broken off")),
            Err(_) => Err(Failure::TooSlow),
        }
    }
}

/// Headers as the daemon is to see them.
pub(crate) fn clean(headers: &mut HeaderMap, client: Client) {
    for name in OF_ONE_CONNECTION.iter().chain(&CLAIMED) {
        headers.remove(name);
    }
    let address = HeaderValue::from_str(&client.0.to_string()).expect("an address is ASCII");
    headers.insert(X_FORWARDED_FOR, address);
}

impl Failure {
    pub(crate) fn answer(&self) -> Response {
        let (status, error, retry_after) = match self {
            Failure::Unreachable(..) | Failure::Silent(_) | Failure::Broken(..) => {
                log::warn!(error:% = self; "a call is not answered");
                (StatusCode::SERVICE_UNAVAILABLE, ApiErrorCode::Unavailable, Some(2))
            }
            Failure::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, ApiErrorCode::Malformed, None),
            Failure::TooSlow => (StatusCode::REQUEST_TIMEOUT, ApiErrorCode::Malformed, None),
            Failure::Malformed(_) => (StatusCode::BAD_REQUEST, ApiErrorCode::Malformed, None),
            Failure::ForeignOrigin => (StatusCode::FORBIDDEN, ApiErrorCode::Malformed, None),
        };
        // What is wrong inside the house is for its logs.
        let detail = match error {
            ApiErrorCode::Unavailable => "this part of the box is not available at the moment".to_owned(),
            _ => self.to_string(),
        };
        let body = serde_json::to_vec(&ApiError { error, detail, retry_after }).expect("plain data");
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
