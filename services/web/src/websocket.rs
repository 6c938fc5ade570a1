//! `/ws`: the upgrade is agreed on with signaling, and then bytes are passed on unread.

use crate::bridge::bridge;
use crate::http::Client;
use crate::metrics::{Metrics, Present};
use crate::server::Held;
use crate::upstream::{Failure, Upstream, clean};
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::StatusCode;
use hyper::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use hyper_util::rt::TokioIo;
use plenum_daemon::Shutdown;
use std::sync::Arc;

pub(crate) async fn proxy(
    mut request: Request,
    client: Client,
    upstream: &Upstream,
    metrics: &Metrics,
    shutdown: &Shutdown,
) -> Result<Response, Failure> {
    if !asks_for_websocket(request.headers()) {
        return Err(Failure::Malformed("this address is for WebSockets (RFC 6455) only"));
    }
    // The connection keeps its place among all connections for as long as the WebSocket lasts.
    let held = request.extensions_mut().remove::<Arc<Held>>();
    let client_side = hyper::upgrade::on(&mut request);
    let (mut parts, _) = request.into_parts();
    clean(&mut parts.headers, client);
    parts.headers.remove(CONTENT_LENGTH);
    let mut outgoing = hyper::Request::from_parts(parts, Full::new(Bytes::new()));
    insert_upgrade(outgoing.headers_mut());
    let mut answer = upstream.upgrade(outgoing).await?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return refusal(answer, upstream).await;
    }
    let signaling_side = hyper::upgrade::on(&mut answer);
    let idle = upstream.limits.websocket_idle;
    let (metrics, shutdown) = (metrics.clone(), shutdown.clone());
    tokio::spawn(async move {
        let (_held, _present) = (held, Present::new(&metrics.websockets));
        let passing = async {
            let (client, signaling) = tokio::try_join!(client_side, signaling_side)?;
            bridge(TokioIo::new(client), TokioIo::new(signaling), idle, &metrics.websocket_bytes).await?;
            anyhow::Ok(())
        };
        tokio::select! {
            ended = passing => if let Err(error) = ended {
                log::debug!(error:%; "WebSocket ended");
            },
            () = shutdown.wait() => {}
        }
    });
    let (mut parts, _) = answer.into_parts();
    insert_upgrade(&mut parts.headers);
    Ok(Response::from_parts(parts, Body::empty()))
}

/// RFC 6455 section 4.2.1: names of tokens are compared without case.
fn asks_for_websocket(headers: &HeaderMap) -> bool {
    has_token(headers, CONNECTION, "upgrade") && has_token(headers, UPGRADE, "websocket")
}

fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|entry| entry.trim().eq_ignore_ascii_case(token))
}

fn insert_upgrade(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// Signaling's own refusal, passed on.
async fn refusal(
    answer: hyper::Response<hyper::body::Incoming>,
    upstream: &Upstream,
) -> Result<Response, Failure> {
    let most = upstream.limits.answer_bytes;
    let (mut parts, body) = answer.into_parts();
    let body = Limited::new(body, most).collect().await.map_err(|error| upstream.broken(error))?;
    for name in [CONNECTION, UPGRADE, CONTENT_LENGTH] {
        parts.headers.remove(name);
    }
    Ok(Response::from_parts(parts, Body::from(body.to_bytes())))
}
