//! The sockets of a call: one for each address that it sends media from, and the way through a TURN
//! server.

use crate::options::RelayTransport;
use crate::relay::{Credentials, Relay, Relayed, next_message};
use crate::tls::Tls;
use anyhow::{Context, bail};
use bytes::BytesMut;
use plenum_protocol::server::IceServer;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

const MAX_DATAGRAM: usize = 2_048;
/// Datagrams between their arrival and their handling.
const QUEUE: usize = 1_024;
const ALLOCATE_TIME: Duration = Duration::from_secs(5);

pub struct Datagram {
    pub local: SocketAddr,
    pub from: SocketAddr,
    pub bytes: BytesMut,
}

enum Arrived {
    Datagram(Datagram),
    FromServer(BytesMut),
}

/// How messages to the TURN server leave.
enum Wire {
    Datagrams(Arc<UdpSocket>),
    Stream(mpsc::Sender<BytesMut>),
}

pub struct Network {
    sockets: Vec<(SocketAddr, Arc<UdpSocket>)>,
    relay: Option<(Relay, Wire, SocketAddr)>,
    arrived: mpsc::Receiver<Arrived>,
    arrive: mpsc::Sender<Arrived>,
    tasks: JoinSet<()>,
}

impl Network {
    pub fn new() -> Network {
        let (arrive, arrived) = mpsc::channel(QUEUE);
        Network { sockets: Vec::new(), relay: None, arrived, arrive, tasks: JoinSet::new() }
    }

    /// Opens a socket on each address from which one of these is reached, if there is none yet.
    pub async fn open(&mut self, towards: &[SocketAddr]) -> io::Result<()> {
        for address in towards {
            let Ok(source) = source_towards(*address) else { continue };
            if self.sockets.iter().any(|(local, _)| local.ip() == source.ip()) {
                continue;
            }
            let socket = Arc::new(UdpSocket::bind(source).await?);
            // Sending never waits later, so it must be known that the socket takes packets.
            socket.writable().await?;
            let local = socket.local_addr()?;
            let (arrive, reader) = (self.arrive.clone(), Arc::clone(&socket));
            self.tasks.spawn(async move { read_datagrams(&reader, local, &arrive).await });
            self.sockets.push((local, socket));
        }
        Ok(())
    }

    /// Every address that datagrams are sent from.
    pub fn locals(&self) -> Vec<SocketAddr> {
        self.sockets.iter().map(|(local, _)| *local).collect()
    }

    /// Allocates at the first server that offers the transport; returns the relayed address.
    pub async fn open_relay(
        &mut self,
        servers: &[IceServer],
        transport: RelayTransport,
        tls: &Tls,
    ) -> anyhow::Result<SocketAddr> {
        let (server, address) =
            find_server(servers, transport).context("the server offers no such TURN transport")?;
        let credentials =
            Credentials { username: server.username.clone(), password: server.credential.clone() };
        let (wire, local, peer) = self.wire(transport, &address, tls).await?;
        let relay = Relay::new(Instant::now(), local, peer, transport != RelayTransport::Udp, credentials)?;
        // Replaced when the allocation is known.
        self.relay = Some((relay, wire, local));
        timeout(ALLOCATE_TIME, self.allocated()).await.context("the TURN server does not answer")?
    }

    async fn allocated(&mut self) -> anyhow::Result<SocketAddr> {
        loop {
            let now = Instant::now();
            self.flush();
            let Some((relay, _, local)) = &mut self.relay else { bail!("no TURN server") };
            match relay.poll(now) {
                Some(Relayed::Allocated(relayed)) => {
                    *local = relayed;
                    return Ok(relayed);
                }
                Some(Relayed::Refused(why)) => bail!("the TURN server refused: {why}"),
                Some(Relayed::Packet { .. }) => continue,
                None => {}
            }
            let deadline = relay.deadline().unwrap_or(now + Duration::from_secs(1));
            tokio::select! {
                arrived = self.arrived.recv() => {
                    if let (Some(Arrived::FromServer(bytes)), Some((relay, ..))) = (arrived, &mut self.relay) {
                        relay.receive(Instant::now(), bytes);
                    }
                }
                () = tokio::time::sleep_until(deadline.into()) => {
                    if let Some((relay, ..)) = &mut self.relay {
                        relay.handle_timeout(Instant::now());
                    }
                }
            }
        }
    }

    async fn wire(
        &mut self,
        transport: RelayTransport,
        (host, port): &(String, u16),
        tls: &Tls,
    ) -> anyhow::Result<(Wire, SocketAddr, SocketAddr)> {
        let arrive = self.arrive.clone();
        match transport {
            RelayTransport::Udp => {
                let mut found = tokio::net::lookup_host((host.as_str(), *port)).await?;
                let server = found.next().context("the TURN server's name has no address")?;
                let socket = Arc::new(UdpSocket::bind(source_towards(server)?).await?);
                socket.connect(server).await?;
                socket.writable().await?;
                let reader = Arc::clone(&socket);
                self.tasks.spawn(async move {
                    let mut buffer = [0; MAX_DATAGRAM];
                    while let Ok(count) = reader.recv(&mut buffer).await {
                        if arrive.send(Arrived::FromServer(BytesMut::from(&buffer[..count]))).await.is_err() {
                            return;
                        }
                    }
                });
                let local = socket.local_addr()?;
                Ok((Wire::Datagrams(socket), local, server))
            }
            RelayTransport::Tcp => {
                let stream =
                    TcpStream::connect((host.as_str(), *port)).await.context("the TURN server's TCP port")?;
                stream.set_nodelay(true)?;
                let (local, server) = (stream.local_addr()?, stream.peer_addr()?);
                Ok((self.stream_wire(stream, arrive), local, server))
            }
            RelayTransport::Tls => {
                let stream = tls.connect(host, *port).await?;
                let (local, server) = (stream.get_ref().0.local_addr()?, stream.get_ref().0.peer_addr()?);
                Ok((self.stream_wire(stream, arrive), local, server))
            }
        }
    }

    fn stream_wire(
        &mut self,
        stream: impl AsyncRead + AsyncWrite + Send + 'static,
        arrive: mpsc::Sender<Arrived>,
    ) -> Wire {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let (leave, mut leaving) = mpsc::channel::<BytesMut>(QUEUE);
        self.tasks.spawn(async move {
            while let Some(message) = leaving.recv().await {
                if writer.write_all(&message).await.is_err() {
                    return;
                }
            }
            let _ = writer.shutdown().await;
        });
        self.tasks.spawn(async move {
            let mut buffer = BytesMut::with_capacity(16 * MAX_DATAGRAM);
            while reader.read_buf(&mut buffer).await.is_ok_and(|count| count > 0) {
                loop {
                    let message = match next_message(&mut buffer) {
                        Ok(Some(message)) => message,
                        Ok(None) => break,
                        Err(why) => return log::warn!("{why}"),
                    };
                    if arrive.send(Arrived::FromServer(message)).await.is_err() {
                        return;
                    }
                }
            }
        });
        Wire::Stream(leave)
    }

    /// Sends a datagram from one of this call's addresses; one that does not fit is dropped.
    pub fn send(&mut self, now: Instant, local: SocketAddr, to: SocketAddr, bytes: BytesMut) {
        if let Some((_, socket)) = self.sockets.iter().find(|(address, _)| *address == local) {
            let _ = socket.try_send_to(&bytes, to);
        } else if let Some((relay, _, _)) = self.relay.as_mut().filter(|(_, _, relayed)| *relayed == local) {
            relay.send(now, to, bytes);
            self.flush();
        }
    }

    /// The next datagram. Cancel safe.
    pub async fn next(&mut self) -> Datagram {
        loop {
            if let Some(datagram) = self.relayed() {
                return datagram;
            }
            match self.arrived.recv().await {
                Some(Arrived::Datagram(datagram)) => return datagram,
                Some(Arrived::FromServer(bytes)) => {
                    if let Some((relay, ..)) = &mut self.relay {
                        relay.receive(Instant::now(), bytes);
                    }
                    self.flush();
                }
                // This side holds a sender.
                None => std::future::pending().await,
            }
        }
    }

    fn relayed(&mut self) -> Option<Datagram> {
        loop {
            let (relay, _, local) = self.relay.as_mut()?;
            let local = *local;
            match relay.poll(Instant::now()) {
                Some(Relayed::Packet { from, bytes }) => return Some(Datagram { local, from, bytes }),
                Some(Relayed::Refused(why)) => log::warn!("{why}"),
                Some(Relayed::Allocated(_)) => {}
                None => {
                    self.flush();
                    return None;
                }
            }
        }
    }

    fn flush(&mut self) {
        let Some((relay, wire, _)) = &mut self.relay else { return };
        while let Some(message) = relay.transmit() {
            // A full queue drops the message, as a network would.
            match wire {
                Wire::Datagrams(socket) => drop(socket.try_send(&message)),
                Wire::Stream(leave) => drop(leave.try_send(message)),
            }
        }
    }

    pub fn deadline(&mut self) -> Option<Instant> {
        self.relay.as_mut().and_then(|(relay, ..)| relay.deadline())
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        if let Some((relay, ..)) = &mut self.relay {
            relay.handle_timeout(now);
        }
        self.flush();
    }

    /// Gives an allocation up.
    pub fn close(&mut self, now: Instant) {
        if let Some((relay, ..)) = &mut self.relay {
            relay.close(now);
        }
        self.flush();
    }
}

impl Default for Network {
    fn default() -> Self {
        Network::new()
    }
}

async fn read_datagrams(socket: &UdpSocket, local: SocketAddr, arrive: &mpsc::Sender<Arrived>) {
    let mut buffer = [0; MAX_DATAGRAM];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((count, from)) => {
                let bytes = BytesMut::from(&buffer[..count]);
                if arrive.send(Arrived::Datagram(Datagram { local, from, bytes })).await.is_err() {
                    return;
                }
            }
            // An ICMP error of an earlier packet.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
            Err(error) => return log::warn!(error:% = error; "a media socket failed"),
        }
    }
}

/// This machine's address towards another one, with port 0. Nothing is sent.
fn source_towards(address: SocketAddr) -> io::Result<SocketAddr> {
    let any: SocketAddr = if address.is_ipv4() { ([0; 4], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = std::net::UdpSocket::bind(any)?;
    socket.connect(address)?;
    Ok(SocketAddr::new(socket.local_addr()?.ip(), 0))
}

/// Server, host and port of the first URL with the transport (RFC 7065).
fn find_server(servers: &[IceServer], transport: RelayTransport) -> Option<(&IceServer, (String, u16))> {
    servers.iter().find_map(|server| {
        let address = server.urls.iter().find_map(|url| turn_address(url, transport))?;
        Some((server, address))
    })
}

fn turn_address(url: &str, wanted: RelayTransport) -> Option<(String, u16)> {
    let (scheme, rest) = url.split_once(':')?;
    let (authority, query) = rest.split_once('?').unwrap_or((rest, ""));
    let transport = match (scheme, query) {
        ("turn", "" | "transport=udp") => RelayTransport::Udp,
        ("turn", "transport=tcp") => RelayTransport::Tcp,
        ("turns", "" | "transport=tcp") => RelayTransport::Tls,
        _ => return None,
    };
    if transport != wanted {
        return None;
    }
    let default = if transport == RelayTransport::Tls { 5349 } else { 3478 };
    let bare = authority.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (host, port) = match bare {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    Some((host.to_owned(), port.map_or(Some(default), |port| port.parse().ok())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_turn_urls() {
        let address = |url, transport| turn_address(url, transport);
        let host = |host: &str, port| Some((host.to_owned(), port));
        assert_eq!(
            address("turn:meet.example:3478?transport=udp", RelayTransport::Udp),
            host("meet.example", 3478)
        );
        assert_eq!(address("turn:meet.example", RelayTransport::Udp), host("meet.example", 3478));
        assert_eq!(address("turn:192.0.2.1:99?transport=tcp", RelayTransport::Tcp), host("192.0.2.1", 99));
        assert_eq!(
            address("turns:[2001:db8::1]:443?transport=tcp", RelayTransport::Tls),
            host("2001:db8::1", 443)
        );
        assert_eq!(address("turns:meet.example", RelayTransport::Tls), host("meet.example", 5349));
        assert_eq!(address("turn:meet.example", RelayTransport::Tls), None);
        assert_eq!(address("stun:meet.example", RelayTransport::Udp), None);
        assert_eq!(address("turn:meet.example:x", RelayTransport::Udp), None);
    }
}
