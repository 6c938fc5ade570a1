//! One WebSocket: reads, writes, keeps it alive, and ends it when it is dead or too slow.

use crate::server::Input;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval, timeout};

const PING_EVERY: Duration = Duration::from_secs(15);
/// Browsers answer pings by themselves: nothing for so long means that nobody is there.
const SILENCE_LIMIT: Duration = Duration::from_secs(45);
/// One message that a client does not take for so long ends the connection.
const WRITE_LIMIT: Duration = Duration::from_secs(20);
/// For the client's answer to a close.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);
/// Messages that wait for a slow client. It is cut off when they are more, and resumes.
const QUEUE: usize = 256;

/// What is to be sent.
#[derive(Debug, Clone)]
pub enum Frame {
    Text(Utf8Bytes),
    /// The last one.
    Close(u16),
}

/// The server's end of a connection. Dropping it cuts the connection off.
#[derive(Debug)]
pub struct Outgoing {
    queue: mpsc::Sender<Frame>,
    _alive: oneshot::Sender<()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    Queued,
    /// The client does not keep up.
    Full,
    Gone,
}

/// The socket's end of it.
pub struct Incoming {
    queue: mpsc::Receiver<Frame>,
    cut: oneshot::Receiver<()>,
}

pub fn queue() -> (Outgoing, Incoming) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let (alive, cut) = oneshot::channel();
    (Outgoing { queue: sender, _alive: alive }, Incoming { queue: receiver, cut })
}

impl Outgoing {
    pub fn send(&self, frame: Frame) -> Sent {
        match self.queue.try_send(frame) {
            Ok(()) => Sent::Queued,
            Err(TrySendError::Full(_)) => Sent::Full,
            Err(TrySendError::Closed(_)) => Sent::Gone,
        }
    }

    /// Resolves when the connection has ended.
    pub async fn ended(&self) {
        self.queue.closed().await;
    }
}

/// Until the connection ends. `id` names it in the inputs, among which this is not: `Opened` comes before,
/// `Closed` after.
pub async fn serve(socket: WebSocket, id: u64, inputs: &mpsc::Sender<Input>, incoming: Incoming) -> End {
    let (mut sink, mut stream) = socket.split();
    let Incoming { mut queue, mut cut } = incoming;
    let end = tokio::select! {
        end = read(&mut stream, id, inputs) => return end,
        end = write(&mut sink, &mut queue) => end,
        _ = &mut cut => return End::Cut,
    };
    if end == End::Closed {
        // The close is sent; the client's own follows.
        let drained = async { while let Some(Ok(_)) = stream.next().await {} };
        let _ = timeout(CLOSE_LIMIT, drained).await;
    }
    end
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By either side, in order.
    Closed,
    /// Broken off, or against RFC 6455.
    Broken,
    /// Nothing has come for too long.
    Silent,
    /// The client does not read.
    Slow,
    Cut,
}

async fn read(stream: &mut SplitStream<WebSocket>, id: u64, inputs: &mpsc::Sender<Input>) -> End {
    loop {
        let input = match timeout(SILENCE_LIMIT, stream.next()).await {
            Err(_) => return End::Silent,
            Ok(None) | Ok(Some(Ok(Message::Close(_)))) => return End::Closed,
            Ok(Some(Err(_))) => return End::Broken,
            Ok(Some(Ok(Message::Text(text)))) => Input::Text(id, text),
            Ok(Some(Ok(Message::Binary(_)))) => Input::Binary(id),
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => continue,
        };
        if inputs.send(input).await.is_err() {
            return End::Cut;
        }
    }
}

async fn write(sink: &mut SplitSink<WebSocket, Message>, queue: &mut mpsc::Receiver<Frame>) -> End {
    let mut ping = interval(PING_EVERY);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ping.reset();
    loop {
        let (message, last) = tokio::select! {
            frame = queue.recv() => match frame {
                Some(Frame::Text(text)) => (Message::Text(text), false),
                Some(Frame::Close(code)) => {
                    (Message::Close(Some(CloseFrame { code, reason: Utf8Bytes::default() })), true)
                }
                None => return End::Cut,
            },
            _ = ping.tick() => (Message::Ping(Default::default()), false),
        };
        match timeout(WRITE_LIMIT, sink.send(message)).await {
            Err(_) => return End::Slow,
            Ok(Err(_)) => return End::Broken,
            Ok(Ok(())) if last => return End::Closed,
            Ok(Ok(())) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::extract::WebSocketUpgrade;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{UnixListener, UnixStream};

    /// A WebSocket whose client does nothing after the handshake; its end is reported.
    async fn silent_client(dir: &std::path::Path) -> (UnixStream, oneshot::Receiver<End>, Outgoing) {
        let (outgoing, incoming) = queue();
        let (inputs, _received) = mpsc::channel(1);
        let (report, end) = oneshot::channel();
        let parts = std::sync::Arc::new(std::sync::Mutex::new(Some((incoming, report))));
        let upgrade = async move |upgrade: WebSocketUpgrade| {
            upgrade.on_upgrade(async move |socket| {
                let (incoming, report) = parts.lock().unwrap().take().unwrap();
                report.send(serve(socket, 1, &inputs, incoming).await).unwrap();
            })
        };
        let path = dir.join("ws.sock");
        let listener = UnixListener::bind(&path).unwrap();
        tokio::spawn(axum::serve(listener, Router::new().route("/ws", get(upgrade))).into_future());
        let mut client = UnixStream::connect(&path).await.unwrap();
        let request = "GET /ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                       sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
        client.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await.unwrap());
        }
        assert!(head.starts_with(b"HTTP/1.1 101"));
        (client, end, outgoing)
    }

    #[tokio::test]
    async fn a_client_that_is_gone_without_a_word_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let (mut client, end, outgoing) = silent_client(dir.path()).await;
        let _keeps_it_alive = &outgoing;
        tokio::time::pause();
        let started = tokio::time::Instant::now();
        assert_eq!(end.await, Ok(End::Silent));
        // The limit counts from the handshake, which real time came before.
        let waited = started.elapsed();
        assert!(waited > SILENCE_LIMIT - PING_EVERY && waited <= SILENCE_LIMIT + PING_EVERY, "{waited:?}");
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).await.unwrap();
        // Ping frames without content (RFC 6455, section 5.5.2); a third may come at the very end.
        assert_eq!(heard[..4], [0x89, 0, 0x89, 0]);
    }

    #[tokio::test]
    async fn a_client_is_cut_off_and_one_that_is_closed_gets_the_code() {
        let dir = tempfile::tempdir().unwrap();
        let (_client, end, outgoing) = silent_client(dir.path()).await;
        drop(outgoing);
        assert_eq!(end.await, Ok(End::Cut));

        let dir = tempfile::tempdir().unwrap();
        let (mut client, end, outgoing) = silent_client(dir.path()).await;
        assert_eq!(outgoing.send(Frame::Close(1001)), Sent::Queued);
        let mut heard = [0u8; 4];
        client.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, [0x88, 2, 0x03, 0xe9]);
        tokio::time::pause();
        assert_eq!(end.await, Ok(End::Closed), "it does not wait for ever for the client's close");
    }

    #[test]
    fn the_queue_is_bounded() {
        let (outgoing, _incoming) = queue();
        let text = Frame::Text(Utf8Bytes::from_static("x"));
        let queued = (0..10_000).take_while(|_| outgoing.send(text.clone()) == Sent::Queued).count();
        assert_eq!(queued, QUEUE);
    }
}
