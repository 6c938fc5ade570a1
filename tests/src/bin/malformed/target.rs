//! The running house, as its state folder describes it.

use anyhow::{Context, Result};
use plenum_protocol::http::Meeting;
use plenum_protocol::settings::{SfuSettings, TurnSettings, WebSettings};
use plenum_tests::api;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde::de::DeserializeOwned;
use std::cell::{Cell, RefCell};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::{TcpSocket, TcpStream, UdpSocket};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A meeting takes 300 people at once and then 300 in a minute.
const JOINS_PER_MEETING: u32 = 150;

pub(crate) struct Target {
    pub(crate) state: PathBuf,
    pub(crate) pages: SocketAddr,
    pub(crate) media: SocketAddr,
    pub(crate) relay: SocketAddr,
    host_key: String,
    tls: ClientConfig,
    addresses: Cell<u32>,
    meeting: RefCell<(u32, Option<Meeting>)>,
}

impl Target {
    pub(crate) fn new(state: &Path) -> Result<Target> {
        let web: WebSettings = settings(state, "web")?;
        let sfu: SfuSettings = settings(state, "sfu")?;
        let turn: TurnSettings = settings(state, "turn")?;
        let host_key = fs::read_to_string(state.join("host.key")).context("the host key cannot be read")?;
        let address = *sfu.addresses.first().context("the SFU's settings name no address")?;
        Ok(Target {
            state: state.to_owned(),
            pages: *web.listen.first().context("the front's settings name no address")?,
            media: SocketAddr::new(address, sfu.port),
            relay: *turn.listen.first().context("the relay's settings name no address")?,
            host_key: host_key.trim().to_owned(),
            tls: tls(&ca_file(state))?,
            addresses: Cell::new(0),
            meeting: RefCell::new((0, None)),
        })
    }

    pub(crate) fn ca_file(&self) -> PathBuf {
        ca_file(&self.state)
    }

    pub(crate) fn link(&self, secret: &str) -> String {
        format!("https://{}/join#{secret}", self.pages)
    }

    pub(crate) fn open_meeting(&self) -> Result<Meeting> {
        api::create_meeting(&self.state.join("run/signaling.sock"), "Malformed", &self.host_key)
    }

    /// Somewhere to join: another meeting when the last one has had its visitors.
    pub(crate) fn meeting(&self) -> Result<Meeting> {
        let mut current = self.meeting.borrow_mut();
        current.0 += 1;
        if current.0 % JOINS_PER_MEETING == 1 || current.1.is_none() {
            current.1 = Some(self.open_meeting()?);
        }
        Ok(current.1.clone().expect("just opened"))
    }

    /// The last meeting was ended, or its link for guests replaced.
    pub(crate) fn forget_meeting(&self) {
        self.meeting.borrow_mut().1 = None;
    }

    /// An address of this machine that has not been used before: the house's limits count by address.
    pub(crate) fn fresh_address(&self) -> IpAddr {
        let number = self.addresses.get() + 1;
        self.addresses.set(number);
        let [_, _, high, low] = number.to_be_bytes();
        Ipv4Addr::new(127, 77, high, low).into()
    }

    pub(crate) async fn tcp(&self, to: SocketAddr) -> Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(self.fresh_address(), 0))?;
        let stream = socket.connect(to).await.with_context(|| format!("{to} does not accept connections"))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// TLS to the port of the pages.
    pub(crate) async fn tls(&self, application: &[&[u8]]) -> Result<TlsStream<TcpStream>> {
        let mut config = self.tls.clone();
        config.alpn_protocols = application.iter().map(|name| name.to_vec()).collect();
        let stream = self.tcp(self.pages).await?;
        let connector = TlsConnector::from(Arc::new(config));
        connector.connect(self.server_name(), stream).await.context("the TLS handshake failed")
    }

    /// The first flight of a TLS handshake.
    pub(crate) fn client_hello(&self) -> Result<Vec<u8>> {
        let mut client = rustls::ClientConnection::new(Arc::new(self.tls.clone()), self.server_name())?;
        let mut hello = Vec::new();
        client.write_tls(&mut hello)?;
        Ok(hello)
    }

    pub(crate) async fn udp(&self, to: SocketAddr) -> Result<UdpSocket> {
        let socket = UdpSocket::bind(SocketAddr::new(self.fresh_address(), 0)).await?;
        socket.connect(to).await?;
        Ok(socket)
    }

    fn server_name(&self) -> ServerName<'static> {
        ServerName::from(self.pages.ip())
    }
}

fn ca_file(state: &Path) -> PathBuf {
    state.join("web/ca.pem")
}

fn settings<S: DeserializeOwned>(state: &Path, daemon: &str) -> Result<S> {
    let path = state.join("etc").join(format!("{daemon}.toml"));
    let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    toml::from_str(&text).with_context(|| format!("{} is not as the harness writes it", path.display()))
}

fn tls(ca_file: &Path) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca_file).context("no certificate to trust")? {
        roots.add(certificate?)?;
    }
    // Named, because the build holds two providers.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
