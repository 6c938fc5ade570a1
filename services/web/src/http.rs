//! HTTP on a connection: versions 1.1 and 2, under limits.

use crate::activity::{Activity, UnderWay};
use crate::connection::{Ends, Stream};
use crate::limits::Limits;
use crate::server::{Front, Held};
use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::{http1, http2};
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use plenum_daemon::Shutdown;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// Who asks; an extension of every request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client(pub(crate) IpAddr);

pub(crate) async fn serve(stream: Stream, is_http2: bool, ends: Ends, front: &Front, held: &Arc<Held>) {
    let activity = Activity::new();
    let router = TowerToHyperService::new(front.router.clone());
    let service = {
        let (activity, held) = (activity.clone(), Arc::clone(held));
        service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(Client(ends.client.ip()));
            request.extensions_mut().insert(Arc::clone(&held));
            let under_way = activity.begin();
            let answering = router.call(request.map(Body::new));
            async move {
                answering.await.map(|response| response.map(|body| Answer { body, _under_way: under_way }))
            }
        })
    };
    let io = TokioIo::new(stream);
    let limits = &front.limits;
    if is_http2 {
        let connection = http2_builder(limits).serve_connection(io, service);
        drive(connection, http2::Connection::graceful_shutdown, &activity, front).await;
    } else {
        let connection = http1_builder(limits).serve_connection(io, service).with_upgrades();
        drive(connection, http1::UpgradeableConnection::graceful_shutdown, &activity, front).await;
    }
}

fn http1_builder(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_headers(limits.headers)
        .max_header_size(limits.header_bytes as usize)
        .max_buf_size(64 * 1024);
    builder
}

fn http2_builder(limits: &Limits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_header_list_size(limits.header_bytes)
        .max_concurrent_streams(limits.streams)
        .max_pending_accept_reset_streams(limits.resets)
        .max_local_error_reset_streams(2 * limits.streams as usize)
        .initial_stream_window_size(64 * 1024)
        .initial_connection_window_size(256 * 1024)
        .max_send_buf_size(64 * 1024)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}

/// Runs the connection to its end; asks it to end when it is idle or the daemon stops; cuts it off when it
/// is stuck.
async fn drive<C>(connection: C, stop: impl Fn(Pin<&mut C>), activity: &Activity, front: &Front)
where
    C: Future<Output = hyper::Result<()>>,
{
    let limits = &front.limits;
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = finished(activity, limits, &front.shutdown) => {
            stop(connection.as_mut());
            tokio::time::timeout(limits.drain, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        log::debug!(error:%; "HTTP connection ended");
    }
}

async fn finished(activity: &Activity, limits: &Limits, shutdown: &Shutdown) {
    tokio::select! {
        () = activity.quiet(limits.idle, limits.stuck) => {}
        () = shutdown.wait() => {}
    }
}

/// An answer's body, which keeps its request under way until it is sent or given up.
struct Answer {
    body: Body,
    _under_way: UnderWay,
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
