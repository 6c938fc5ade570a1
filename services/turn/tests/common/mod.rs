//! A relay on loopback with a UDP echo for the SFU, and a small TURN client.
#![allow(dead_code, unreachable_pub, reason = "every test file uses its part")]

use plenum_protocol::settings::TurnSettings;
use plenum_turn::client::Transport;
use plenum_turn::frame::Deframer;
use plenum_turn::metrics::Metrics;
use plenum_turn::server::Server;
use plenum_turn::stream::{self, Waiting};
use plenum_turn::stun::{Class, Message, Method, TransactionId, Writer, attribute};
use plenum_turn::udp;
use prometheus_client::registry::Registry;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket, UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

pub const SECRET: &str = "a secret for tests";
const ANSWER_TIME: Duration = Duration::from_secs(5);

pub struct House {
    pub server: Arc<Server>,
    pub udp: SocketAddr,
    pub tcp: SocketAddr,
    pub unix: PathBuf,
    /// Stands for the SFU.
    pub echo: SocketAddr,
    registry: Registry,
    _tasks: JoinSet<()>,
    _directory: tempfile::TempDir,
}

impl House {
    pub async fn start(change: impl FnOnce(&mut TurnSettings)) -> House {
        let mut tasks = JoinSet::new();
        let echo = echo(&mut tasks, "127.0.0.1:0").await;
        let mut settings = TurnSettings { peers: vec![echo], ..TurnSettings::default() };
        change(&mut settings);
        let mut registry = Registry::default();
        let server = Arc::new(Server::new(settings, SECRET, Metrics::register(&mut registry)).unwrap());
        let directory = tempfile::tempdir().unwrap();
        let unix = directory.path().join("stream.sock");
        let waiting = Arc::new(Waiting::default());

        let socket = UdpSocket::bind("[::]:0").await.unwrap();
        let udp = SocketAddr::from(([127, 0, 0, 1], socket.local_addr().unwrap().port()));
        let listener = TcpListener::bind(udp).await.unwrap();
        let tcp = listener.local_addr().unwrap();
        let handed_over = UnixListener::bind(&unix).unwrap();
        let [a, b, c] = [(); 3].map(|()| Arc::clone(&server));
        let again = Arc::clone(&waiting);
        tasks.spawn(async { udp::serve(a, socket).await.unwrap() });
        tasks.spawn(async { stream::serve_tcp(b, listener, waiting).await.unwrap() });
        tasks.spawn(async { stream::serve_handed_over(c, handed_over, again).await.unwrap() });
        House { server, udp, tcp, unix, echo, registry, _tasks: tasks, _directory: directory }
    }

    /// A credential that is valid for so many seconds.
    pub fn credential(&self, name: &str, seconds: i64) -> Credential {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
        let username = format!("{}:{name}", now + seconds);
        let password = self.server.credentials().password(&username);
        Credential { username, password }
    }

    /// A metric by its name and labels as in the text format.
    pub fn metric(&self, name: &str) -> f64 {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        let line =
            text.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')));
        line.map_or(0.0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
    }

    pub async fn connect(&self, transport: Transport) -> Turn {
        match transport {
            Transport::Udp => {
                let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
                socket.connect(self.udp).await.unwrap();
                Turn::new(Wire::Udp(socket))
            }
            Transport::Tcp => Turn::new(Wire::stream(TcpStream::connect(self.tcp).await.unwrap())),
            Transport::Tls => {
                let mut stream = UnixStream::connect(&self.unix).await.unwrap();
                stream.write_all(&proxy_header("192.0.2.1:50000", "192.0.2.9:443")).await.unwrap();
                Turn::new(Wire::stream(stream))
            }
        }
    }
}

pub async fn echo(tasks: &mut JoinSet<()>, address: &str) -> SocketAddr {
    let socket = UdpSocket::bind(address).await.unwrap();
    let address = socket.local_addr().unwrap();
    tasks.spawn(async move {
        let mut buffer = [0; 2_048];
        while let Ok((count, from)) = socket.recv_from(&mut buffer).await {
            let _ = socket.send_to(&buffer[..count], from).await;
        }
    });
    address
}

pub fn proxy_header(from: &str, to: &str) -> Vec<u8> {
    let (from, to): (SocketAddr, SocketAddr) = (from.parse().unwrap(), to.parse().unwrap());
    ppp::v2::Builder::with_addresses(
        ppp::v2::Version::Two | ppp::v2::Command::Proxy,
        ppp::v2::Protocol::Stream,
        (from, to),
    )
    .build()
    .unwrap()
}

#[derive(Clone)]
pub struct Credential {
    pub username: String,
    pub password: String,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

enum Wire {
    Udp(UdpSocket),
    Stream(Box<dyn Stream>, Box<Deframer>),
}

impl Wire {
    fn stream(stream: impl Stream + 'static) -> Wire {
        Wire::Stream(Box::new(stream), Box::default())
    }
}

/// An answer, whose bytes stay readable.
pub struct Answer(pub Vec<u8>);

impl Answer {
    pub fn message(&self) -> Message<'_> {
        Message::parse(&self.0).unwrap()
    }

    /// 0 for success.
    pub fn code(&self) -> u16 {
        let message = self.message();
        match (message.class, message.get(attribute::ERROR_CODE)) {
            (Class::Success, _) => 0,
            (_, Some([_, _, class, number, ..])) => u16::from(*class) * 100 + u16::from(*number),
            _ => panic!("neither success nor error"),
        }
    }
}

pub struct Turn {
    wire: Wire,
    realm: String,
    nonce: String,
    transactions: u64,
}

impl Turn {
    fn new(wire: Wire) -> Turn {
        Turn { wire, realm: "plenum".into(), nonce: String::new(), transactions: 0 }
    }

    pub fn local(&self) -> Option<SocketAddr> {
        match &self.wire {
            Wire::Udp(socket) => socket.local_addr().ok(),
            Wire::Stream(..) => None,
        }
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        match &mut self.wire {
            Wire::Udp(socket) => drop(socket.send(bytes).await.unwrap()),
            Wire::Stream(stream, _) => {
                let mut padded = bytes.to_vec();
                padded.resize(bytes.len().next_multiple_of(4), 0);
                stream.write_all(&padded).await.unwrap();
            }
        }
    }

    /// The next message; None when the stream ended or nothing came in time.
    pub async fn receive(&mut self) -> Option<Vec<u8>> {
        self.receive_within(ANSWER_TIME).await
    }

    pub async fn receive_within(&mut self, time: Duration) -> Option<Vec<u8>> {
        timeout(time, self.next()).await.ok().flatten()
    }

    async fn next(&mut self) -> Option<Vec<u8>> {
        match &mut self.wire {
            Wire::Udp(socket) => {
                let mut buffer = vec![0; 4_096];
                let count = socket.recv(&mut buffer).await.ok()?;
                buffer.truncate(count);
                Some(buffer)
            }
            Wire::Stream(stream, deframer) => loop {
                if let Some(range) = deframer.next_message().unwrap() {
                    return Some(deframer.message(range).to_vec());
                }
                match stream.read(deframer.space()).await {
                    Ok(0) | Err(_) => return None,
                    Ok(count) => deframer.filled(count),
                }
            },
        }
    }

    pub fn transaction(&mut self) -> TransactionId {
        self.transactions += 1;
        let mut id = TransactionId::default();
        id[4..].copy_from_slice(&self.transactions.to_be_bytes());
        id
    }

    /// A signed request as it goes over the wire.
    pub fn signed(
        &mut self,
        method: Method,
        credential: &Credential,
        add: impl FnOnce(Writer) -> Writer,
    ) -> Vec<u8> {
        let key = turn::auth::generate_auth_key(&credential.username, &self.realm, &credential.password);
        let writer = Writer::new(Class::Request, method, self.transaction())
            .attribute(attribute::USERNAME, credential.username.as_bytes())
            .attribute(attribute::REALM, self.realm.as_bytes())
            .attribute(attribute::NONCE, self.nonce.as_bytes());
        add(writer).integrity(&key).finish()
    }

    /// Sends and waits for the answer; other messages before it are dropped.
    pub async fn exchange(&mut self, request: &[u8]) -> Answer {
        self.send(request).await;
        let transaction = &request[8..20];
        loop {
            let message = self.receive().await.expect("an answer");
            if message.len() >= 20 && &message[8..20] == transaction {
                return Answer(message);
            }
        }
    }

    /// Gets a nonce, as every client's first request does.
    pub async fn challenge(&mut self) -> Answer {
        let request = Writer::new(Class::Request, Method::Allocate, self.transaction())
            .attribute(attribute::REQUESTED_TRANSPORT, &[17, 0, 0, 0])
            .finish();
        let answer = self.exchange(&request).await;
        assert_eq!(answer.code(), 401);
        self.nonce = answer.message().text(attribute::NONCE).unwrap().to_owned();
        self.realm = answer.message().text(attribute::REALM).unwrap().to_owned();
        answer
    }

    pub async fn allocate(&mut self, credential: &Credential) -> Answer {
        self.challenge().await;
        let request = self.allocate_request(credential);
        self.exchange(&request).await
    }

    pub fn allocate_request(&mut self, credential: &Credential) -> Vec<u8> {
        self.signed(Method::Allocate, credential, |writer| {
            writer.attribute(attribute::REQUESTED_TRANSPORT, &[17, 0, 0, 0])
        })
    }

    pub async fn refresh(&mut self, credential: &Credential, seconds: u32) -> Answer {
        let request = self.signed(Method::Refresh, credential, |writer| {
            writer.attribute(attribute::LIFETIME, &seconds.to_be_bytes())
        });
        self.exchange(&request).await
    }

    pub async fn permit(&mut self, credential: &Credential, peers: &[SocketAddr]) -> Answer {
        let request = self.signed(Method::CreatePermission, credential, |writer| {
            peers.iter().fold(writer, |writer, peer| writer.xor_address(attribute::XOR_PEER_ADDRESS, *peer))
        });
        self.exchange(&request).await
    }

    pub async fn bind(&mut self, credential: &Credential, number: u16, peer: SocketAddr) -> Answer {
        let [n0, n1] = number.to_be_bytes();
        let request = self.signed(Method::ChannelBind, credential, |writer| {
            writer
                .attribute(attribute::CHANNEL_NUMBER, &[n0, n1, 0, 0])
                .xor_address(attribute::XOR_PEER_ADDRESS, peer)
        });
        self.exchange(&request).await
    }

    pub async fn send_indication(&mut self, peer: SocketAddr, data: &[u8]) {
        let message = Writer::new(Class::Indication, Method::Send, self.transaction())
            .xor_address(attribute::XOR_PEER_ADDRESS, peer)
            .attribute(attribute::DATA, data)
            .finish();
        self.send(&message).await;
    }

    pub async fn send_channel(&mut self, number: u16, data: &[u8]) {
        let mut message = plenum_turn::frame::channel_header(number, data.len()).to_vec();
        message.extend(data);
        self.send(&message).await;
    }
}
