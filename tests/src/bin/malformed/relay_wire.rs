//! The three ways to the relay, as far as a client without manners needs them.

use crate::client::PATIENCE;
use crate::target::Target;
use crate::turn::Transport;
use anyhow::{Context, Result};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout, timeout_at};

pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

pub(crate) enum Wire {
    Datagrams(UdpSocket),
    /// And what has been read of it, but not looked at.
    Stream(Box<dyn Stream>, Vec<u8>),
}

impl Wire {
    pub(crate) async fn open(target: &Target, transport: Transport) -> Result<Wire> {
        Ok(match transport {
            Transport::Udp => Wire::Datagrams(target.udp(target.relay).await?),
            Transport::Tcp => Wire::Stream(Box::new(target.tcp(target.relay).await?), Vec::new()),
            // Browsers offer no application protocol for TURN.
            Transport::Tls => Wire::Stream(Box::new(target.tls(&[]).await?), Vec::new()),
        })
    }

    /// False: the stream is over.
    pub(crate) async fn send(&mut self, message: &[u8]) -> bool {
        match self {
            Wire::Datagrams(socket) => {
                // What the kernel refuses is lost, as it may be on the way.
                let _ = socket.send(message).await;
                true
            }
            Wire::Stream(stream, _) => {
                let written = async {
                    stream.write_all(message).await?;
                    stream.flush().await
                };
                timeout(PATIENCE, written).await.is_ok_and(|written| written.is_ok())
            }
        }
    }

    /// The message with this transaction id; others before it are dropped. None: it does not come.
    pub(crate) async fn answer(&mut self, transaction: &[u8; 12], time: Duration) -> Option<Vec<u8>> {
        let end = Instant::now() + time;
        loop {
            let message = timeout_at(end, self.next()).await.ok()??;
            if message.get(8..20) == Some(transaction) {
                return Some(message);
            }
        }
    }

    async fn next(&mut self) -> Option<Vec<u8>> {
        match self {
            Wire::Datagrams(socket) => {
                let mut buffer = vec![0; 4_096];
                // An error is that of an earlier datagram.
                let length = socket.recv(&mut buffer).await.unwrap_or(0);
                buffer.truncate(length);
                Some(buffer)
            }
            Wire::Stream(stream, read) => loop {
                if let Some(length) = message_len(read) {
                    let rest = read.split_off(length);
                    return Some(std::mem::replace(read, rest));
                }
                if let 0 = stream.read_buf(read).await.ok()? {
                    return None;
                }
            },
        }
    }

    /// Says that nothing more comes, and waits for the relay to close as well.
    pub(crate) async fn finish(self) -> Result<()> {
        let Wire::Stream(mut stream, _) = self else { return Ok(()) };
        let closing = async {
            if stream.shutdown().await.is_ok() {
                let mut buffer = [0; 4_096];
                while let Ok(1..) = stream.read(&mut buffer).await {}
            }
        };
        timeout(PATIENCE, closing)
            .await
            .context("the relay does not close a stream that its client has closed")
    }
}

/// Of the whole message at the beginning (RFC 8656, section 12.5).
fn message_len(bytes: &[u8]) -> Option<usize> {
    let length = usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]));
    let whole = if bytes[0] < 0x40 { 20 + length } else { (4 + length).next_multiple_of(4) };
    (whole <= bytes.len()).then_some(whole)
}
