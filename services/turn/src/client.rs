//! The way back to a client, over UDP or on a stream.

use crate::frame::{CHANNEL_HEADER_LEN, channel_header};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::UdpSocket;
use tokio::sync::Notify;

/// What may wait for a slow client: 200 ms at 5 Mbit/s. More would only be played too late.
const OUTBOX_BYTES: usize = 128 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Udp,
    Tcp,
    /// Handed over by `web` after the TLS handshake.
    Tls,
}

impl Transport {
    pub fn as_str(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
        }
    }
}

/// One client's 5-tuple, and how it is written to. Sending never waits: what does not fit is dropped.
pub struct Client {
    /// As the client is told: IPv4 is IPv4, also on a socket for both families.
    pub address: SocketAddr,
    pub server: SocketAddr,
    pub transport: Transport,
    path: Path,
}

enum Path {
    Datagrams { socket: Arc<UdpSocket>, to: SocketAddr },
    Stream(Arc<Outbox>),
}

impl Client {
    /// `to`: the address as the socket reported it.
    pub fn datagrams(socket: Arc<UdpSocket>, server: SocketAddr, to: SocketAddr) -> Client {
        let address = SocketAddr::new(to.ip().to_canonical(), to.port());
        Client { address, server, transport: Transport::Udp, path: Path::Datagrams { socket, to } }
    }

    pub fn stream(
        outbox: Arc<Outbox>,
        transport: Transport,
        address: SocketAddr,
        server: SocketAddr,
    ) -> Client {
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        Client { address, server, transport, path: Path::Stream(outbox) }
    }

    /// Sends a message as it is. False: it was dropped.
    pub fn send(&self, message: &[u8]) -> bool {
        match &self.path {
            Path::Datagrams { socket, to } => socket.try_send_to(message, *to).is_ok(),
            Path::Stream(outbox) => outbox.push(message),
        }
    }

    /// Sends the payload behind the first [`CHANNEL_HEADER_LEN`] bytes as ChannelData; those bytes are
    /// overwritten with its header.
    pub fn send_channel_data(&self, number: u16, buffer: &mut [u8]) -> bool {
        let length = buffer.len() - CHANNEL_HEADER_LEN;
        buffer[..CHANNEL_HEADER_LEN].copy_from_slice(&channel_header(number, length));
        self.send(buffer)
    }
}

/// Bytes on their way to a stream: bounded, and written in one piece by the stream's task.
#[derive(Default)]
pub struct Outbox {
    waiting: Mutex<Vec<u8>>,
    filled: Notify,
}

impl Outbox {
    /// Adds a message, padded to four bytes. False: no room for it.
    pub fn push(&self, message: &[u8]) -> bool {
        let mut waiting = self.lock();
        let padded = message.len().next_multiple_of(4);
        if waiting.len() + padded > OUTBOX_BYTES {
            return false;
        }
        waiting.extend_from_slice(message);
        waiting.extend(std::iter::repeat_n(0, padded - message.len()));
        drop(waiting);
        self.filled.notify_one();
        true
    }

    /// Waits for bytes and swaps them with the empty buffer given.
    pub async fn take(&self, buffer: &mut Vec<u8>) {
        buffer.clear();
        loop {
            std::mem::swap(&mut *self.lock(), buffer);
            if !buffer.is_empty() {
                return;
            }
            self.filled.notified().await;
        }
    }

    /// A buffer of whole messages stays one when a thread panicked beside it.
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn outbox_is_bounded_and_keeps_messages_whole() {
        let outbox = Outbox::default();
        let mut pushed = 0;
        while outbox.push(&[1; 1_001]) {
            pushed += 1;
        }
        assert_eq!(pushed, OUTBOX_BYTES / 1_004);
        let mut taken = Vec::new();
        outbox.take(&mut taken).await;
        assert_eq!(taken.len(), pushed * 1_004);
        assert!(outbox.push(&[2; 4]));
        outbox.take(&mut taken).await;
        assert_eq!(taken, [2; 4]);
    }
}
