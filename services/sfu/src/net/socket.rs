//! Binding the media port: one socket per thread and address family, all on the same port.

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Media comes in bursts, and a thread may be away for some milliseconds: 8 MiB is 250 ms of 250 Mbit/s.
const BUFFER_LEN: usize = 8 << 20;

/// The sockets of every thread.
pub struct Ports {
    pub port: u16,
    /// IPv4 and IPv6, per thread.
    pub sockets: Vec<(Option<UdpSocket>, Option<UdpSocket>)>,
}

/// Binds `port` (0: any) on every address, `threads` times.
pub fn bind(port: u16, threads: usize) -> io::Result<Ports> {
    // SO_REUSEPORT would let a second daemon share the port and take every other packet.
    let port = exclusive(port)?;
    let mut sockets = Vec::with_capacity(threads);
    for _ in 0..threads {
        let v4 = family(open(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)), true))?;
        let v6 = family(open(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)), true))?;
        if v4.is_none() && v6.is_none() {
            return Err(io::Error::from_raw_os_error(nix::libc::EAFNOSUPPORT));
        }
        sockets.push((v4, v6));
    }
    Ok(Ports { port, sockets })
}

/// A port that nobody else has.
fn exclusive(port: u16) -> io::Result<u16> {
    let v4 = family(open(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)), false))?;
    let port = match &v4 {
        Some(socket) => socket.local_addr()?.port(),
        None => port,
    };
    let v6 = family(open(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)), false))?;
    match v6 {
        Some(socket) => Ok(socket.local_addr()?.port()),
        None => Ok(port),
    }
}

/// A kernel may lack one of the families.
fn family(socket: io::Result<UdpSocket>) -> io::Result<Option<UdpSocket>> {
    match socket {
        Err(error) if error.raw_os_error() == Some(nix::libc::EAFNOSUPPORT) => Ok(None),
        Err(error) if error.raw_os_error() == Some(nix::libc::EADDRNOTAVAIL) => Ok(None),
        socket => socket.map(Some),
    }
}

fn open(address: SocketAddr, shared: bool) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    if shared {
        socket.set_reuse_port(true)?;
        if address.is_ipv6() {
            setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?;
        } else {
            setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?;
        }
        enlarge(&socket);
        // When a datagram arrived, not when this thread came to read it: publishers measure the network by it.
        let _ = setsockopt(&socket, sockopt::ReceiveTimestampns, &true);
        // Without it datagrams merely arrive one by one.
        let _ = setsockopt(&socket, sockopt::UdpGroSegment, &true);
    }
    socket.bind(&address.into()).map_err(|error| {
        let remedy = match error.kind() {
            io::ErrorKind::AddrInUse => " (another process has it; stop that or choose another `port`)",
            io::ErrorKind::PermissionDenied => " (ports below 1024 need CAP_NET_BIND_SERVICE)",
            _ => return error,
        };
        io::Error::new(error.kind(), format!("UDP {address} cannot be bound: {error}{remedy}"))
    })?;
    Ok(socket.into())
}

/// As large as the system allows: beyond its limit only with CAP_NET_ADMIN.
fn enlarge(socket: &Socket) {
    if setsockopt(socket, sockopt::RcvBufForce, &BUFFER_LEN).is_err() {
        let _ = socket.set_recv_buffer_size(BUFFER_LEN);
    }
    if setsockopt(socket, sockopt::SndBufForce, &BUFFER_LEN).is_err() {
        let _ = socket.set_send_buffer_size(BUFFER_LEN);
    }
    if let Ok(len) = socket.recv_buffer_size()
        && len < BUFFER_LEN
    {
        log::debug!(bytes = len; "the receive buffer is smaller than wanted: raise net.core.rmem_max");
    }
}
