//! The WebSocket task against a server of a few lines behind real TLS: joining, coming back to the seat
//! after the connection dropped, refusals and goodbyes.

use futures_util::{SinkExt, StreamExt};
use plenum_peer::options::{Link, Options, Send};
use plenum_peer::signaling::{FromServer, Signaling};
use plenum_peer::tls::Tls;
use plenum_protocol::client::ClientMessage;
use plenum_protocol::server::{LeaveReason, RefusalReason, RoomInfo, ServerMessage, Welcome};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

struct Server {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    _ca: tempfile::NamedTempFile,
}

type Socket = WebSocketStream<TlsStream<TcpStream>>;

impl Server {
    async fn start() -> (Server, Options, Tls) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let ca = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(ca.path(), made.cert.pem()).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("localhost:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let options = Options {
            link: Link { host: "localhost".to_owned(), port, secret: "secret".to_owned() },
            ca: ca.path().to_owned(),
            name: "Somebody".to_owned(),
            duration: Duration::from_secs(1),
            send: Send::default(),
            receive: 1,
            tile: (640, 360),
            relay: None,
        };
        let tls = Tls::new(&options.ca, &options.link).unwrap();
        (Server { listener, acceptor: TlsAcceptor::from(Arc::new(config)), _ca: ca }, options, tls)
    }

    /// The next client, and the resume secret that it says hello with.
    async fn accept(&self) -> (Socket, Option<String>) {
        let (stream, _) = self.listener.accept().await.unwrap();
        let stream = self.acceptor.accept(stream).await.unwrap();
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        match hear(&mut socket).await {
            ClientMessage::Hello { link, name, resume, .. } => {
                assert_eq!((link.as_str(), name.as_str()), ("secret", "Somebody"));
                (socket, resume)
            }
            other => panic!("{other:?} is no hello"),
        }
    }
}

async fn hear(socket: &mut Socket) -> ClientMessage {
    let text = socket.next().await.unwrap().unwrap().into_text().unwrap();
    serde_json::from_str(&text).unwrap()
}

async fn say(socket: &mut Socket, message: &ServerMessage) {
    socket.send(Message::text(serde_json::to_string(message).unwrap())).await.unwrap();
}

fn welcome(resumed: bool) -> ServerMessage {
    ServerMessage::Welcome(Box::new(Welcome {
        protocol: plenum_protocol::PROTOCOL_VERSION,
        you: 7,
        resumed,
        resume: "the seat".to_owned(),
        room: RoomInfo { title: "Room".to_owned(), guest_link: None, started: 0 },
        people: Vec::new(),
        hands: Vec::new(),
        chat: Vec::new(),
        ice_servers: Vec::new(),
        now: 0,
    }))
}

async fn next(signaling: &mut Signaling) -> FromServer {
    timeout(Duration::from_secs(10), signaling.next()).await.expect("an event")
}

#[tokio::test]
async fn comes_back_to_its_seat() {
    let (server, options, tls) = Server::start().await;
    let mut signaling = Signaling::start(&options, tls);
    let (mut socket, resume) = server.accept().await;
    assert_eq!(resume, None);
    say(&mut socket, &welcome(false)).await;
    assert!(matches!(next(&mut signaling).await, FromServer::Welcome(welcome) if !welcome.resumed));
    signaling.send(ClientMessage::Hand { raised: true });
    assert_eq!(hear(&mut socket).await, ClientMessage::Hand { raised: true });

    // As a server that is killed: no close, no goodbye.
    drop(socket);
    let (mut socket, resume) = server.accept().await;
    assert_eq!(resume.as_deref(), Some("the seat"));
    say(&mut socket, &welcome(true)).await;
    assert!(matches!(next(&mut signaling).await, FromServer::Welcome(welcome) if welcome.resumed));

    // A server that shuts down in order is come back to as well.
    say(&mut socket, &ServerMessage::Refused { reason: RefusalReason::ShuttingDown, retry_after: None })
        .await;
    let (mut socket, resume) = server.accept().await;
    assert_eq!(resume.as_deref(), Some("the seat"));
    say(&mut socket, &welcome(true)).await;
    next(&mut signaling).await;

    let heard = async { hear(&mut socket).await };
    let (heard, ()) = tokio::join!(heard, signaling.leave());
    assert_eq!(heard, ClientMessage::Leave {});
}

#[tokio::test]
async fn ends_when_it_is_told_to() {
    for (message, why) in [
        (ServerMessage::Refused { reason: RefusalReason::RoomFull, retry_after: None }, "refused: room_full"),
        (ServerMessage::Goodbye { reason: LeaveReason::Removed }, "goodbye: removed"),
    ] {
        let (server, options, tls) = Server::start().await;
        let mut signaling = Signaling::start(&options, tls);
        let (mut socket, _) = server.accept().await;
        say(&mut socket, &message).await;
        assert!(matches!(next(&mut signaling).await, FromServer::Ended(text) if text == why));
    }
}

#[tokio::test]
async fn says_why_it_cannot_join() {
    let (server, mut options, tls) = Server::start().await;
    drop(server.listener);
    let mut signaling = Signaling::start(&options, tls);
    assert!(matches!(next(&mut signaling).await, FromServer::Ended(text) if text.contains("localhost port")));

    // A certificate that the file does not hold.
    let (server, other, _) = Server::start().await;
    let (_kept, trusted, _) = Server::start().await;
    options.link.port = other.link.port;
    let tls = Tls::new(&trusted.ca, &options.link).unwrap();
    let mut signaling = Signaling::start(&options, tls);
    let accept = async {
        let (stream, _) = server.listener.accept().await.unwrap();
        assert!(server.acceptor.accept(stream).await.is_err());
    };
    let (event, ()) = tokio::join!(next(&mut signaling), accept);
    assert!(matches!(event, FromServer::Ended(text) if text.contains("TLS handshake")));
}
