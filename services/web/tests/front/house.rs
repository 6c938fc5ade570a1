//! A running front in a directory of its own, and clients for it.

use plenum_daemon::{Activated, Reload, Shutdown, Trigger};
use plenum_protocol::settings::WebSettings;
use plenum_web::certificates::Certificates;
use plenum_web::server::Server;
use plenum_web::{Limits, Metrics};
use prometheus_client::registry::Registry;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixListener};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(super) type Client = TlsStream<TcpStream>;

/// Longer than anything takes that works.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);

pub(super) struct House {
    pub(super) dir: TempDir,
    pub(super) address: SocketAddr,
    pub(super) settings: WebSettings,
    pub(super) reload: watch::Sender<u64>,
    pub(super) running: JoinHandle<std::io::Result<()>>,
    metrics: Metrics,
    trigger: Trigger,
}

impl House {
    pub(super) async fn start() -> House {
        Self::start_with(|_| {}, |_| {}).await
    }

    pub(super) async fn start_with(
        settings: impl FnOnce(&mut WebSettings),
        limits: impl FnOnce(&mut Limits),
    ) -> House {
        let dir = tempfile::tempdir().unwrap();
        let mut chosen = WebSettings {
            listen: vec!["127.0.0.1:0".parse().unwrap()],
            names: vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
            state_dir: dir.path().join("state"),
            signaling_socket: dir.path().join("signaling.sock"),
            appliance_socket: dir.path().join("appliance.sock"),
            turn_socket: dir.path().join("turn.sock"),
            ..WebSettings::default()
        };
        settings(&mut chosen);
        let mut times = Limits::default();
        limits(&mut times);
        let metrics = Metrics::default();
        let certificates = Certificates::start(&chosen, &metrics).unwrap();
        let (reload, reloaded) = Reload::new();
        tokio::spawn(Arc::clone(&certificates).watch(reloaded, Some(POLL)));
        let (trigger, shutdown) = Shutdown::new();
        let listeners = Activated::none().tcp("https", &chosen.listen).unwrap();
        let address = listeners[0].local_addr().unwrap();
        let server = Server::new(&chosen, times, metrics.clone(), certificates, shutdown).unwrap();
        let running = tokio::spawn(server.run(listeners));
        House { dir, address, settings: chosen, reload, running, metrics, trigger }
    }

    pub(super) fn stop(&self) {
        self.trigger.stop();
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The value of a metric, as Prometheus would see it; 0 if it has never counted.
    pub(super) fn metric(&self, name: &str) -> u64 {
        let mut registry = Registry::default();
        self.metrics.register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(0, |value| value.parse().unwrap())
    }

    /// Waits until a metric has this value.
    pub(super) async fn until_metric(&self, name: &str, value: u64) {
        let waiting = async {
            while self.metric(name) != value {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(waited.is_ok(), "{name} is {}, not {value}", self.metric(name));
    }

    /// A client that trusts the box's authority, and nothing else.
    pub(super) fn client_config(&self) -> ClientConfig {
        let builder = ClientConfig::builder_with_provider(Arc::new(provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        builder.with_root_certificates(roots(&self.settings.state_dir.join("ca.pem"))).with_no_client_auth()
    }

    pub(super) async fn connect_with(&self, config: ClientConfig) -> std::io::Result<Client> {
        self.connect_as("localhost", config).await
    }

    pub(super) async fn connect_as(
        &self,
        name: &'static str,
        config: ClientConfig,
    ) -> std::io::Result<Client> {
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from(name).unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    pub(super) async fn connect(&self) -> Client {
        self.connect_with(self.client_config()).await.unwrap()
    }

    /// Sends a request that closes its connection, and reads the answer to its end.
    pub(super) async fn ask(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        read_to_end(&mut stream).await
    }

    pub(super) async fn get(&self, path: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).await
    }
}

pub(super) fn provider() -> rustls::crypto::CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}

pub(super) fn roots(file: &Path) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file).unwrap()).unwrap();
    roots
}

/// Everything until the other side closes, however it does.
pub(super) async fn read_to_end(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    let reading = async {
        let mut buffer = [0u8; 4096];
        while let Ok(length @ 1..) = stream.read(&mut buffer).await {
            bytes.extend_from_slice(&buffer[..length]);
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("the connection is closed in time");
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(super) fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("")
}

pub(super) fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let (head, _) = answer.split_once("\r\n\r\n")?;
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// A neighbour on a Unix socket that answers every connection with fixed bytes, after it has read a head,
/// and tells what it has read.
pub(super) fn neighbour(path: &Path, answer: &'static str) -> tokio::sync::mpsc::UnboundedReceiver<String> {
    let (_, now) = tokio::sync::watch::channel(true);
    neighbour_that_waits(path, answer, now)
}

/// The same, which answers when it is told to.
pub(super) fn neighbour_that_waits(
    path: &Path,
    answer: &'static str,
    told: tokio::sync::watch::Receiver<bool>,
) -> tokio::sync::mpsc::UnboundedReceiver<String> {
    let listener = UnixListener::bind(path).unwrap();
    let (sender, requests) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (sender, mut told) = (sender.clone(), told.clone());
            tokio::spawn(async move {
                let mut read = Vec::new();
                while !is_complete(&read) && stream.read_buf(&mut read).await.unwrap_or(0) > 0 {}
                let _ = sender.send(String::from_utf8_lossy(&read).into_owned());
                let _ = told.wait_for(|told| *told).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    requests
}

fn is_complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length =
        header(&format!("{head}\r\n\r\n"), "content-length").map_or(0, |value| value.parse().unwrap());
    body.len() >= length
}
