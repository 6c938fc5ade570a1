//! The relayed transport address of an allocation: a UDP socket that talks with the SFU and nobody else,
//! whatever the `turn` crate above it believes.

use crate::client::Client;
use crate::frame::CHANNEL_HEADER_LEN;
use crate::metrics::{Dropped, Metrics};
use crate::peers::{Family, Peers};
use crate::quota::{Direction, Lease};
use arc_swap::ArcSwap;
use async_trait::async_trait;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Instant;
use tokio::net::UdpSocket;
use turn::allocation::Allocation;
use turn::relay::RelayAddressGenerator;
use webrtc_util::Conn;

/// Media packets stay below 1,500 bytes; anything longer is cut and thereby dropped by its receiver.
const MAX_PACKET: usize = 2_048;
const EVEN_PORT_TRIES: usize = 32;

pub struct RelaySocket {
    socket: UdpSocket,
    peers: Arc<ArcSwap<Peers>>,
    lease: Lease,
    client: Arc<Client>,
    metrics: Metrics,
    /// Known once the `turn` crate has made it around this socket.
    allocation: OnceLock<Weak<Allocation>>,
    received: tokio::sync::Mutex<Box<[u8; CHANNEL_HEADER_LEN + MAX_PACKET]>>,
}

impl RelaySocket {
    pub fn user(&self) -> &str {
        self.lease.name()
    }

    pub fn belongs_to(&self, allocation: &Arc<Allocation>) {
        // Only the one Allocate request that made this socket gets here.
        let _ = self.allocation.set(Arc::downgrade(allocation));
    }

    /// Relays a packet of the client.
    pub fn send(&self, payload: &[u8], peer: SocketAddr) {
        if !self.peers.load().allows(peer) {
            return self.metrics.dropped(Dropped::Peer);
        }
        if !self.lease.take(Direction::Up, payload.len(), Instant::now()) {
            return self.metrics.dropped(Dropped::Bandwidth);
        }
        // A full socket buffer drops the packet, as a network would.
        if self.socket.try_send_to(payload, peer).is_ok() {
            self.metrics.relayed(Direction::Up, payload.len());
        }
    }

    /// Waits for packets of the SFU. Those with a channel go straight to the client; the first one
    /// without is returned, for the `turn` crate to look for a permission.
    async fn receive(&self, out: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let mut buffer = self.received.lock().await;
        loop {
            let (count, from) = match self.socket.recv_from(&mut buffer[CHANNEL_HEADER_LEN..]).await {
                Ok(received) => received,
                // An ICMP error of an earlier packet.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => continue,
                Err(error) => return Err(error),
            };
            if !self.peers.load().allows(from) {
                self.metrics.dropped(Dropped::Source);
                continue;
            }
            if !self.lease.take(Direction::Down, count, Instant::now()) {
                self.metrics.dropped(Dropped::Bandwidth);
                continue;
            }
            self.metrics.relayed(Direction::Down, count);
            if let Some(number) = self.channel_of(from).await {
                if !self.client.send_channel_data(number, &mut buffer[..CHANNEL_HEADER_LEN + count]) {
                    self.metrics.dropped(Dropped::SlowClient);
                }
                continue;
            }
            let count = count.min(out.len());
            out[..count].copy_from_slice(&buffer[CHANNEL_HEADER_LEN..CHANNEL_HEADER_LEN + count]);
            return Ok((count, from));
        }
    }

    async fn channel_of(&self, peer: SocketAddr) -> Option<u16> {
        let allocation = self.allocation.get()?.upgrade()?;
        allocation.get_channel_number(&peer).await.map(|number| number.0)
    }
}

impl Drop for RelaySocket {
    fn drop(&mut self) {
        self.metrics.allocation_closed();
    }
}

#[async_trait]
impl Conn for RelaySocket {
    async fn connect(&self, _: SocketAddr) -> webrtc_util::Result<()> {
        Err(unsupported())
    }

    async fn recv(&self, buf: &mut [u8]) -> webrtc_util::Result<usize> {
        Ok(self.receive(buf).await?.0)
    }

    async fn recv_from(&self, buf: &mut [u8]) -> webrtc_util::Result<(usize, SocketAddr)> {
        Ok(self.receive(buf).await?)
    }

    async fn send(&self, _: &[u8]) -> webrtc_util::Result<usize> {
        Err(unsupported())
    }

    async fn send_to(&self, buf: &[u8], target: SocketAddr) -> webrtc_util::Result<usize> {
        RelaySocket::send(self, buf, target);
        Ok(buf.len())
    }

    fn local_addr(&self) -> webrtc_util::Result<SocketAddr> {
        Ok(self.socket.local_addr()?)
    }

    fn remote_addr(&self) -> Option<SocketAddr> {
        None
    }

    /// The socket is closed when the allocation lets go of it.
    async fn close(&self) -> webrtc_util::Result<()> {
        Ok(())
    }

    fn as_any(&self) -> &(dyn std::any::Any + Send + Sync) {
        self
    }
}

fn unsupported() -> webrtc_util::Error {
    io::Error::from(io::ErrorKind::Unsupported).into()
}

/// Makes the one relay socket of a client's allocation.
pub struct RelayMaker {
    pub client: Arc<Client>,
    pub peers: Arc<ArcSwap<Peers>>,
    pub metrics: Metrics,
    pub even_port: bool,
    /// Spent by the first allocation.
    pub lease: Mutex<Option<Lease>>,
    pub made: Arc<OnceLock<Weak<RelaySocket>>>,
}

#[async_trait]
impl RelayAddressGenerator for RelayMaker {
    fn validate(&self) -> Result<(), turn::Error> {
        Ok(())
    }

    async fn allocate_conn(
        &self,
        use_ipv4: bool,
        _requested_port: u16,
    ) -> Result<(Arc<dyn Conn + Send + Sync>, SocketAddr), turn::Error> {
        let refused = |why: &str| turn::Error::Other(why.to_owned());
        let family = if use_ipv4 { Family::V4 } else { Family::V6 };
        let ip = self
            .peers
            .load()
            .relay_address(family)
            .ok_or_else(|| refused("no relay address of this family"))?;
        let lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner).take();
        let lease = lease.ok_or_else(|| refused("one allocation per request"))?;
        let socket = bind(ip, self.even_port).await.map_err(|error| refused(&error.to_string()))?;
        // Sending never waits later, so it must be known from the start that the socket takes packets.
        socket.writable().await.map_err(|error| refused(&error.to_string()))?;
        let address = socket.local_addr().map_err(|error| refused(&error.to_string()))?;
        let relay = Arc::new(RelaySocket {
            socket,
            peers: Arc::clone(&self.peers),
            lease,
            client: Arc::clone(&self.client),
            metrics: self.metrics.clone(),
            allocation: OnceLock::new(),
            received: tokio::sync::Mutex::new(Box::new([0; CHANNEL_HEADER_LEN + MAX_PACKET])),
        });
        self.metrics.allocation_opened();
        // The lease allows one call only, so this is the first value.
        let _ = self.made.set(Arc::downgrade(&relay));
        Ok((relay, address))
    }
}

/// A free port, an even one for clients that think in pairs of RTP and RTCP (RFC 8656, section 18.7).
async fn bind(ip: IpAddr, even_port: bool) -> io::Result<UdpSocket> {
    let mut odd = Vec::new();
    for _ in 0..EVEN_PORT_TRIES {
        let socket = UdpSocket::bind(SocketAddr::new(ip, 0)).await?;
        if !even_port || socket.local_addr()?.port().is_multiple_of(2) {
            return Ok(socket);
        }
        // Kept meanwhile, so that the kernel finds another one.
        odd.push(socket);
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, "no even port is free"))
}
