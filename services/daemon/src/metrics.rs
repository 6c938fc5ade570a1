//! Counters in the OpenMetrics text format, served on a Unix socket as `GET /metrics`.

use crate::logging::PANICS;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use std::convert::Infallible;
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::net::UnixListener;
use tokio::sync::Semaphore;

pub const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const MAX_CONNECTIONS: usize = 8;
const CONNECTION_LIMIT: Duration = Duration::from_secs(10);

/// Every counter of the process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SharedRegistry {
    registry: Arc<Mutex<Registry>>,
    prefix: Arc<str>,
}

impl SharedRegistry {
    /// Counters of daemon `NAME` are called `plenum_NAME_…`.
    pub fn new(name: &str) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Process { started: SystemTime::now() }));
        SharedRegistry { registry: Arc::new(Mutex::new(registry)), prefix: format!("plenum_{name}").into() }
    }

    /// Registers counters: `registry.register("joins", "People who joined", counter.clone())` becomes
    /// `plenum_NAME_joins_total`.
    pub fn register<T>(&self, register: impl FnOnce(&mut Registry) -> T) -> T {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        register(registry.sub_registry_with_prefix(&self.prefix))
    }

    /// The OpenMetrics text, ending with `# EOF`.
    pub fn encode(&self) -> String {
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        match prometheus_client::encoding::text::encode(&mut text, &registry) {
            Ok(()) => text,
            Err(error) => {
                log::error!(error:%; "metrics could not be encoded");
                String::new()
            }
        }
    }
}

/// Serves until it is dropped.
pub async fn serve(listener: UnixListener, registry: SharedRegistry) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        // The semaphore is never closed.
        let slot = Arc::clone(&slots).acquire_owned().await.expect("semaphore open");
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                log::warn!(error:%; "the metrics socket could not accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let registry = registry.clone();
        tokio::spawn(async move {
            let service = hyper::service::service_fn(move |request| answer(registry.clone(), request));
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(CONNECTION_LIMIT)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            if let Ok(Err(error)) = tokio::time::timeout(CONNECTION_LIMIT, connection).await {
                log::debug!(error:%; "metrics connection");
            }
            drop(slot);
        });
    }
}

async fn answer(
    registry: SharedRegistry,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::default());
    if request.uri().path() != "/metrics" {
        *response.status_mut() = StatusCode::NOT_FOUND;
    } else if request.method() != Method::GET {
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        response.headers_mut().insert(ALLOW, "GET".parse().expect("a token"));
    } else {
        response.headers_mut().insert(CONTENT_TYPE, OPEN_METRICS.parse().expect("visible ASCII"));
        *response.body_mut() = Full::from(registry.encode());
    }
    Ok(response)
}

/// The process itself, under the names that Prometheus client libraries share.
#[derive(Debug)]
struct Process {
    started: SystemTime,
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let started = self.started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut gauge = |name, help, unit: Option<&Unit>, value: f64| {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, unit, gauge.metric_type())?)
        };
        gauge("process_start_time", "Unix time of the start", Some(&Unit::Seconds), started.as_secs_f64())?;
        gauge("process_resident_memory", "Resident memory", Some(&Unit::Bytes), resident_bytes())?;
        gauge("process_open_fds", "Open file descriptors", None, open_descriptors())?;
        let cpu = ConstCounter::new(cpu_seconds());
        cpu.encode(encoder.encode_descriptor(
            "process_cpu",
            "User and system time of the processor",
            Some(&Unit::Seconds),
            cpu.metric_type(),
        )?)?;
        let panics = ConstCounter::new(PANICS.load(Ordering::Relaxed));
        panics.encode(encoder.encode_descriptor(
            "process_panics",
            "Panics, each a bug",
            None,
            panics.metric_type(),
        )?)
    }
}

fn resident_bytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB"))
        .and_then(|number| number.trim().parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) * 1024.0
}

fn open_descriptors() -> f64 {
    std::fs::read_dir("/proc/self/fd").map_or(0.0, |entries| entries.count() as f64)
}

fn cpu_seconds() -> f64 {
    use nix::sys::resource::{UsageWho, getrusage};
    getrusage(UsageWho::RUSAGE_SELF).map_or(0.0, |usage| {
        let microseconds =
            |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1_000_000.0;
        microseconds(usage.user_time()) + microseconds(usage.system_time())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::metrics::counter::Counter;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixStream;

    async fn get(path: &std::path::Path, request: &str) -> String {
        let mut stream = UnixStream::connect(path).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn counters_are_served_on_a_unix_socket() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.sock");
        let registry = SharedRegistry::new("web");
        let requests: Counter = Counter::default();
        registry.register(|registry| registry.register("requests", "Requests", requests.clone()));
        requests.inc_by(3);
        tokio::spawn(serve(UnixListener::bind(&path).unwrap(), registry));

        let answer = get(&path, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains(OPEN_METRICS), "{answer}");
        assert!(answer.contains("\nplenum_web_requests_total 3\n"), "{answer}");
        assert!(answer.contains("\nprocess_resident_memory_bytes "), "{answer}");
        assert!(answer.contains("\nprocess_cpu_seconds_total "), "{answer}");
        assert!(answer.ends_with("# EOF\n"), "{answer}");

        assert!(get(&path, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.starts_with("HTTP/1.1 404"));
        let post = get(&path, "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").await;
        assert!(post.starts_with("HTTP/1.1 405"), "{post}");
    }
}
