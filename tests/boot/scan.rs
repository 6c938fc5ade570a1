//! A scan from the machine's own network: every TCP port by connecting, common UDP ports by asking.

use anyhow::{Context, Result};
use futures_util::stream::{self, StreamExt};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Interval, timeout};

/// Three SYNs of Linux: after 0, 1 and 3 s.
const TCP_LIMIT: Duration = Duration::from_millis(3_500);
const UDP_LIMIT: Duration = Duration::from_millis(1_500);

/// An emulated machine and its wire lose what comes faster than this many a second.
const PACE: u64 = 1_500;

/// More than `PACE` times `TCP_LIMIT`, so that the pace alone decides.
const AT_ONCE: usize = 6_000;

/// What services of all kinds listen on, and what ours do.
const UDP_PORTS: &[u16] = &[
    7, 9, 13, 17, 19, 37, 53, 67, 68, 69, 111, 123, 135, 137, 138, 139, 161, 162, 177, 389, 427, 443, 445,
    464, 500, 514, 515, 520, 546, 547, 554, 623, 631, 636, 853, 993, 1194, 1434, 1645, 1646, 1701, 1719,
    1812, 1813, 1900, 2049, 2152, 2427, 3389, 3478, 3702, 4433, 4500, 4789, 5004, 5005, 5060, 5061, 5349,
    5353, 5355, 5683, 5684, 6081, 8472, 10000, 10001, 11211, 17185, 20000, 27015, 33434, 47808, 49152, 49153,
    49154, 51820,
];

/// A binding request (RFC 8489, section 5): what a TURN server answers without knowing who asks.
const STUN: [u8; 20] = [
    0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, b'p', b'l', b'e', b'n', b'u', b'm', b'-', b's', b'c', b'a', b'n',
    b'!',
];

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// A connection, or an answer.
    pub(crate) open: Vec<u16>,
    /// A reset, or "port unreachable".
    pub(crate) closed: Vec<u16>,
    /// Nothing came back.
    pub(crate) silent: Vec<u16>,
}

enum State {
    Open,
    Closed,
    Silent,
}

pub(crate) struct Scan {
    pub(crate) tcp: Found,
    pub(crate) udp: Found,
}

/// In the calling thread's network.
pub(crate) fn run(address: Ipv4Addr) -> Result<Scan> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let at_once = AT_ONCE.min(usize::try_from(most)?.saturating_sub(200));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let tcp = stream::unfold(pace(), |mut clock| async move {
            clock.tick().await;
            Some(((), clock))
        });
        let tcp = tcp.zip(stream::iter(1..=u16::MAX)).map(|((), port)| tcp_port(address, port));
        let udp = stream::iter(UDP_PORTS.iter().copied()).map(|port| udp_port(address, port));
        Ok(Scan {
            tcp: Found::of(tcp.buffer_unordered(at_once).collect().await)?,
            udp: Found::of(udp.buffer_unordered(16).collect().await)?,
        })
    })
}

fn pace() -> Interval {
    tokio::time::interval(Duration::from_micros(1_000_000 / PACE))
}

impl Found {
    fn of(ports: Vec<Result<(u16, State)>>) -> Result<Found> {
        let mut found = Found::default();
        for port in ports {
            let (port, state) = port?;
            match state {
                State::Open => found.open.push(port),
                State::Closed => found.closed.push(port),
                State::Silent => found.silent.push(port),
            }
        }
        for list in [&mut found.open, &mut found.closed, &mut found.silent] {
            list.sort_unstable();
        }
        Ok(found)
    }
}

async fn tcp_port(address: Ipv4Addr, port: u16) -> Result<(u16, State)> {
    let state = match timeout(TCP_LIMIT, TcpStream::connect((address, port))).await {
        Err(_) => State::Silent,
        Ok(Ok(_)) => State::Open,
        Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => State::Closed,
        Ok(Err(error)) => return Err(error).with_context(|| format!("TCP port {port} cannot be asked")),
    };
    Ok((port, state))
}

async fn udp_port(address: Ipv4Addr, port: u16) -> Result<(u16, State)> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    socket.connect((address, port)).await?;
    socket.send(&STUN).await?;
    let state = match timeout(UDP_LIMIT, socket.recv(&mut [0; 1_500])).await {
        Err(_) => State::Silent,
        Ok(Ok(_)) => State::Open,
        Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => State::Closed,
        Ok(Err(error)) => return Err(error).with_context(|| format!("UDP port {port} cannot be asked")),
    };
    Ok((port, state))
}
