//! A client as a browser is one.

use crate::house::{HOST, House, LIMIT};
use futures_util::{SinkExt, StreamExt};
use plenum_protocol::PROTOCOL_VERSION;
use plenum_protocol::client::ClientMessage;
use plenum_protocol::server::{RefusalReason, ServerMessage, Welcome};
use tokio::net::UnixStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async};

pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<UnixStream>,
    pub(crate) welcome: Option<Box<Welcome>>,
}

impl Client {
    /// Connected, without a hello.
    pub(crate) async fn connect(house: &House, address: &str) -> Client {
        let stream = UnixStream::connect(house.path("http.sock")).await.expect("the socket");
        let mut request = format!("ws://{HOST}/ws").into_client_request().expect("a request");
        let headers = request.headers_mut();
        headers.insert("x-forwarded-for", address.parse().expect("an address"));
        headers.insert("origin", format!("https://{HOST}").parse().expect("an origin"));
        let (socket, _) =
            timeout(LIMIT, client_async(request, stream)).await.expect("in time").expect("upgraded");
        Client { socket, welcome: None }
    }

    pub(crate) async fn join(house: &House, link: &str, name: &str) -> Client {
        Client::come(house, link, name, None).await.unwrap_or_else(|reason| panic!("refused: {reason:?}"))
    }

    pub(crate) async fn resume(house: &House, link: &str, earlier: &Client) -> Client {
        let resume = Some(earlier.welcome().resume.clone());
        let client = Client::come(house, link, "Someone", resume).await.expect("not refused");
        assert!(client.welcome().resumed);
        client
    }

    pub(crate) async fn come(
        house: &House,
        link: &str,
        name: &str,
        resume: Option<String>,
    ) -> Result<Client, RefusalReason> {
        let mut client = Client::connect(house, "192.0.2.7").await;
        client.hello(link, name, resume).await?;
        Ok(client)
    }

    pub(crate) async fn hello(
        &mut self,
        link: &str,
        name: &str,
        resume: Option<String>,
    ) -> Result<(), RefusalReason> {
        let hello = ClientMessage::Hello {
            protocol: PROTOCOL_VERSION,
            link: link.to_owned(),
            name: name.to_owned(),
            resume,
        };
        self.say(&hello).await;
        match self.hear().await {
            ServerMessage::Welcome(welcome) => {
                self.welcome = Some(welcome);
                Ok(())
            }
            ServerMessage::Refused { reason, .. } => Err(reason),
            other => panic!("neither welcome nor refused: {other:?}"),
        }
    }

    pub(crate) fn welcome(&self) -> &Welcome {
        self.welcome.as_ref().expect("this client has come in")
    }

    pub(crate) fn person(&self) -> u32 {
        self.welcome().you
    }

    pub(crate) async fn say(&mut self, message: &ClientMessage) {
        self.say_raw(serde_json::to_string(message).expect("messages are JSON")).await;
    }

    pub(crate) async fn say_raw(&mut self, text: String) {
        timeout(LIMIT, self.socket.send(Message::text(text))).await.expect("in time").expect("sent");
    }

    /// The next message, or what the server's close says.
    pub(crate) async fn next(&mut self) -> Result<ServerMessage, Option<u16>> {
        let wait = async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Text(text))) => {
                        return Ok(serde_json::from_str(&text).expect("a message of the protocol"));
                    }
                    Some(Ok(Message::Close(frame))) => return Err(frame.map(|frame| frame.code.into())),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Err(None),
                }
            }
        };
        timeout(LIMIT, wait).await.expect("something comes in time")
    }

    pub(crate) async fn hear(&mut self) -> ServerMessage {
        self.next().await.unwrap_or_else(|code| panic!("closed with {code:?}"))
    }

    /// Waits for a message and returns what is taken out of it.
    pub(crate) async fn hear_until<T>(&mut self, take: impl Fn(ServerMessage) -> Option<T>) -> T {
        let wait = async {
            loop {
                if let Some(taken) = take(self.hear().await) {
                    return taken;
                }
            }
        };
        timeout(LIMIT, wait).await.expect("it comes in time")
    }

    /// Reads until the server has closed.
    pub(crate) async fn close_code(&mut self) -> Option<u16> {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }

    pub(crate) async fn chat(&mut self, text: &str) {
        self.say(&ClientMessage::Chat { text: text.to_owned() }).await;
    }

    pub(crate) async fn hear_chat(&mut self) -> String {
        self.hear_until(|message| match message {
            ServerMessage::Chat { message } => Some(message.text),
            _ => None,
        })
        .await
    }

    pub(crate) async fn raw_frame(&mut self, bytes: Vec<u8>) -> bool {
        // Not necessarily UTF-8: what a hostile client would send.
        let message = match String::from_utf8(bytes) {
            Ok(text) => Message::Text(Utf8Bytes::from(text)),
            Err(error) => Message::binary(error.into_bytes()),
        };
        timeout(LIMIT, self.socket.send(message)).await.expect("in time").is_ok()
    }
}
