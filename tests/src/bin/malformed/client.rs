//! Somebody on the WebSocket, through the front and TLS as a browser.

use crate::target::Target;
use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use plenum_protocol::PROTOCOL_VERSION;
use plenum_protocol::client::ClientMessage;
use plenum_protocol::server::{ServerMessage, Welcome};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async};

pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Client {
    socket: WebSocketStream<TlsStream<TcpStream>>,
}

impl Client {
    /// Connected, without a hello.
    pub(crate) async fn connect(target: &Target) -> Result<Client> {
        let stream = target.tls(&[b"http/1.1"]).await?;
        let mut request = format!("wss://{}/ws", target.pages).into_client_request()?;
        request.headers_mut().insert("origin", format!("https://{}", target.pages).parse()?);
        let upgraded = timeout(PATIENCE, client_async(request, stream)).await;
        let (socket, _) = upgraded.context("no WebSocket in time")?.context("no WebSocket")?;
        Ok(Client { socket })
    }

    pub(crate) async fn join(target: &Target, link: &str) -> Result<(Client, Box<Welcome>)> {
        let mut client = Client::connect(target).await?;
        let hello = ClientMessage::Hello {
            protocol: PROTOCOL_VERSION,
            link: link.to_owned(),
            name: "Mallory".to_owned(),
            resume: None,
        };
        client.say(&hello).await?;
        match client.hear().await? {
            Some(ServerMessage::Welcome(welcome)) => Ok((client, welcome)),
            other => bail!("no welcome, but {other:?}"),
        }
    }

    pub(crate) async fn say(&mut self, message: &ClientMessage) -> Result<()> {
        let text = serde_json::to_string(message)?;
        Ok(timeout(PATIENCE, self.socket.send(Message::text(text))).await??)
    }

    /// One message, as text where it is UTF-8. False: the connection is over.
    pub(crate) async fn say_bytes(&mut self, bytes: Vec<u8>) -> Result<bool> {
        let message = match String::from_utf8(bytes) {
            Ok(text) => Message::Text(Utf8Bytes::from(text)),
            Err(error) => Message::binary(error.into_bytes()),
        };
        let sent = timeout(PATIENCE, self.socket.send(message)).await;
        Ok(sent.context("signaling takes nothing more, and does not close")?.is_ok())
    }

    /// Bytes past the framing. False: the connection is over.
    pub(crate) async fn say_raw(&mut self, bytes: &[u8]) -> Result<bool> {
        let stream = self.socket.get_mut();
        let sent = timeout(PATIENCE, async {
            stream.write_all(bytes).await?;
            stream.flush().await
        });
        Ok(sent.await.context("signaling takes nothing more, and does not close")?.is_ok())
    }

    /// The next message; None: the connection is over.
    pub(crate) async fn hear(&mut self) -> Result<Option<ServerMessage>> {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.context("signaling says nothing")? {
                Some(Ok(Message::Text(text))) => {
                    return Ok(Some(
                        serde_json::from_str(&text).context("signaling said what is no message")?,
                    ));
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(None),
                Some(Ok(_)) => {}
            }
        }
    }

    /// Whether the connection still answers a WebSocket ping; reads all that came before the answer. An
    /// error: neither an answer nor an end within this time.
    pub(crate) async fn is_open(&mut self, time: Duration) -> Result<bool> {
        let answer = async {
            if self.socket.send(Message::Ping(Default::default())).await.is_err() {
                return false;
            }
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Pong(_))) => return true,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return false,
                    Some(Ok(_)) => {}
                }
            }
        };
        timeout(time, answer).await.context("signaling answers no ping")
    }

    /// Leaves, and waits for the end of the connection.
    pub(crate) async fn leave(mut self) -> Result<()> {
        if self.say(&ClientMessage::Leave {}).await.is_ok() {
            while self.hear().await?.is_some() {}
        }
        Ok(())
    }
}
