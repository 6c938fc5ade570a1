//! The WebSocket to the server, in a task of its own: it comes back by itself and takes its seat again.

use crate::options::Options;
use crate::tls::Tls;
use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use plenum_protocol::PROTOCOL_VERSION;
use plenum_protocol::client::ClientMessage;
use plenum_protocol::server::{RefusalReason, ServerMessage, Welcome};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval_at, sleep, timeout};
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::ORIGIN;
use tokio_tungstenite::tungstenite::protocol::Message;

const CONNECT_TIME: Duration = Duration::from_secs(5);
const PING: Duration = Duration::from_secs(10);
/// The server answers every ping.
const SILENCE: Duration = Duration::from_secs(25);
const RETRY: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
];

type Socket = WebSocketStream<TlsStream<TcpStream>>;

pub enum FromServer {
    /// In the room, for the first time or again: what the server should know is to be said once more.
    Welcome(Box<Welcome>),
    Message(ServerMessage),
    /// There will be nothing more.
    Ended(String),
}

pub struct Signaling {
    outgoing: mpsc::Sender<ClientMessage>,
    incoming: mpsc::Receiver<FromServer>,
    task: JoinHandle<()>,
}

impl Signaling {
    pub fn start(options: &Options, tls: Tls) -> Signaling {
        let (outgoing, to_send) = mpsc::channel(256);
        let (events, incoming) = mpsc::channel(256);
        let task = Task { options: options.clone(), tls, to_send, events, resume: None };
        Signaling { outgoing, incoming, task: tokio::spawn(task.run()) }
    }

    /// What is said while the connection is interrupted is lost: a welcome follows.
    pub fn send(&self, message: ClientMessage) {
        if self.outgoing.try_send(message).is_err() {
            log::warn!("a message to the server did not fit into its queue");
        }
    }

    /// Cancel safe.
    pub async fn next(&mut self) -> FromServer {
        self.incoming.recv().await.unwrap_or_else(|| FromServer::Ended("the signaling task ended".to_owned()))
    }

    /// Leaves the room and waits until the server has heard it.
    pub async fn leave(mut self) {
        self.send(ClientMessage::Leave {});
        let ended = async {
            while let Some(event) = self.incoming.recv().await {
                if matches!(event, FromServer::Ended(_)) {
                    return;
                }
            }
        };
        if timeout(Duration::from_secs(1), ended).await.is_err() {
            self.task.abort();
        }
    }
}

/// Why a connection is over.
enum Over {
    /// Trying again makes sense.
    Lost(String),
    ForGood(String),
}

struct Task {
    options: Options,
    tls: Tls,
    to_send: mpsc::Receiver<ClientMessage>,
    events: mpsc::Sender<FromServer>,
    /// Secret of the seat.
    resume: Option<String>,
}

impl Task {
    async fn run(mut self) {
        let mut failures = 0;
        let why = loop {
            let seated = self.resume.is_some();
            let over = match timeout(CONNECT_TIME, self.connect()).await {
                Ok(Ok(socket)) => {
                    failures = 0;
                    self.converse(socket).await
                }
                Ok(Err(error)) if seated => Over::Lost(format!("{error:#}")),
                Ok(Err(error)) => Over::ForGood(format!("{error:#}")),
                Err(_) if seated => Over::Lost("the server does not answer".to_owned()),
                Err(_) => Over::ForGood("the server does not answer".to_owned()),
            };
            match over {
                Over::ForGood(why) => break why,
                Over::Lost(why) => log::info!("connection lost, trying again: {why}"),
            }
            sleep(RETRY[failures.min(RETRY.len() - 1)]).await;
            failures += 1;
        };
        // The receiver is gone when the call is over.
        let _ = self.events.send(FromServer::Ended(why)).await;
    }

    async fn connect(&self) -> anyhow::Result<Socket> {
        let link = &self.options.link;
        let stream = self.tls.connect(&link.host, link.port).await?;
        let mut request = format!("wss://{}/ws", link.authority()).into_client_request()?;
        let origin = HeaderValue::from_str(&format!("https://{}", link.authority()))?;
        request.headers_mut().insert(ORIGIN, origin);
        let (socket, _) =
            tokio_tungstenite::client_async(request, stream).await.context("no WebSocket at /ws")?;
        Ok(socket)
    }

    async fn converse(&mut self, mut socket: Socket) -> Over {
        let hello = ClientMessage::Hello {
            protocol: PROTOCOL_VERSION,
            link: self.options.link.secret.clone(),
            name: self.options.name.clone(),
            resume: self.resume.clone(),
        };
        if let Err(error) = say(&mut socket, &hello).await {
            return Over::Lost(format!("{error:#}"));
        }
        // What was meant for the connection before this one.
        while self.to_send.try_recv().is_ok() {}
        let mut ping = interval_at(Instant::now() + PING, PING);
        let mut heard = Instant::now();
        loop {
            let sent = tokio::select! {
                message = socket.next() => {
                    heard = Instant::now();
                    match self.heard(message).await {
                        Ok(()) => continue,
                        Err(over) => return over,
                    }
                }
                message = self.to_send.recv() => match message {
                    Some(message) => {
                        let leaving = message == ClientMessage::Leave {};
                        let sent = say(&mut socket, &message).await;
                        if leaving {
                            let _ = timeout(Duration::from_millis(500), socket.close(None)).await;
                            return Over::ForGood("left".to_owned());
                        }
                        sent
                    }
                    None => return Over::ForGood("the call is over".to_owned()),
                },
                _ = ping.tick() => {
                    if heard.elapsed() > SILENCE {
                        return Over::Lost("the server fell silent".to_owned());
                    }
                    say(&mut socket, &ClientMessage::Ping {}).await
                }
            };
            if let Err(error) = sent {
                return Over::Lost(format!("{error:#}"));
            }
        }
    }

    async fn heard(
        &mut self,
        message: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>,
    ) -> Result<(), Over> {
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(_))) | None => return Err(Over::Lost("the server closed".to_owned())),
            Some(Ok(_)) => return Ok(()),
            Some(Err(error)) => return Err(Over::Lost(error.to_string())),
        };
        let message: ServerMessage = match serde_json::from_str(&text) {
            Ok(message) => message,
            Err(error) => {
                return Err(Over::ForGood(format!("the server sent what is not in the protocol: {error}")));
            }
        };
        let event = match message {
            ServerMessage::Welcome(welcome) => {
                self.resume = Some(welcome.resume.clone());
                FromServer::Welcome(welcome)
            }
            ServerMessage::Refused { reason: RefusalReason::ShuttingDown, .. } => {
                return Err(Over::Lost("the server is shutting down".to_owned()));
            }
            ServerMessage::Refused { reason, .. } => {
                return Err(Over::ForGood(format!("refused: {}", wire_name(reason))));
            }
            ServerMessage::Goodbye { reason } => {
                return Err(Over::ForGood(format!("goodbye: {}", wire_name(reason))));
            }
            ServerMessage::Pong {} => return Ok(()),
            message => FromServer::Message(message),
        };
        self.events.send(event).await.map_err(|_| Over::ForGood("the call is over".to_owned()))
    }
}

async fn say(socket: &mut Socket, message: &ClientMessage) -> anyhow::Result<()> {
    let text = serde_json::to_string(message)?;
    match timeout(CONNECT_TIME, socket.send(Message::text(text))).await {
        Ok(sent) => Ok(sent?),
        Err(_) => bail!("the server takes nothing more"),
    }
}

/// An enumeration's value as it stands on the wire.
fn wire_name(value: impl serde::Serialize) -> String {
    serde_json::to_string(&value).unwrap_or_default().trim_matches('"').to_owned()
}
