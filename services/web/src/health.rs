//! `/healthz`: whether what a meeting needs behind this front answers.

use crate::http::Client;
use crate::upstream::Upstream;
use axum::body::Body;
use axum::extract::Request;
use hyper::header::{HOST, HeaderValue};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Asking often must not become a load for signaling.
const FRESH: Duration = Duration::from_secs(1);
const LIMIT: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<Option<(Instant, bool)>>);

impl Health {
    pub(crate) async fn signaling_answers(&self, upstream: &Upstream) -> bool {
        if let Some((asked, answers)) = *self.0.lock().unwrap_or_else(PoisonError::into_inner)
            && asked.elapsed() < FRESH
        {
            return answers;
        }
        let answers = ask(upstream).await;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), answers));
        answers
    }
}

async fn ask(upstream: &Upstream) -> bool {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = hyper::Uri::from_static("/api/about");
    request.headers_mut().insert(HOST, HeaderValue::from_static("localhost"));
    let asking = upstream.api(request, Client(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    matches!(tokio::time::timeout(LIMIT, asking).await, Ok(Ok(answer)) if !answer.status().is_server_error())
}
