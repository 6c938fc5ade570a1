//! Clients on streams: TCP on the TURN port, and TLS streams that `web` hands over on a Unix socket,
//! decrypted and with a PROXY protocol version 2 header in front.

use crate::client::{Client, Outbox, Transport};
use crate::frame::Deframer;
use crate::metrics::StreamEnd;
use crate::server::Server;
use crate::session::Session;
use ppp::v2::{Addresses, Header, ParseError};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio::time::{Instant, timeout, timeout_at};

/// `web` writes the header at once.
const HEADER_TIME: Duration = Duration::from_secs(5);
/// From the stream's beginning, or its allocation's end, to an allocation.
const ALLOCATE_TIME: Duration = Duration::from_secs(20);
/// From a message's first byte to its last.
const MESSAGE_TIME: Duration = Duration::from_secs(10);
/// For the client's side to take what waits for it.
const WRITE_TIME: Duration = Duration::from_secs(10);
/// How often an otherwise silent stream is looked at.
const CHECK_TIME: Duration = Duration::from_secs(30);
const MAX_HEADER: usize = 512;

/// Streams without an allocation: of one client address, and of all. Many people sit behind one
/// address, but they do not connect at the same instant.
const MAX_WAITING_PER_ADDRESS: usize = 64;
const MAX_WAITING: usize = 512;

/// Counts streams that have not allocated yet.
#[derive(Default)]
pub struct Waiting(Mutex<HashMap<IpAddr, usize>>);

struct Place {
    waiting: Arc<Waiting>,
    address: IpAddr,
}

impl Waiting {
    fn place(self: &Arc<Waiting>, address: IpAddr) -> Option<Place> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let here = counts.get(&address).copied().unwrap_or(0);
        if here >= MAX_WAITING_PER_ADDRESS || counts.values().sum::<usize>() >= MAX_WAITING {
            return None;
        }
        counts.insert(address, here + 1);
        Some(Place { waiting: Arc::clone(self), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.waiting.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

/// Serves TCP until the listener fails.
pub async fn serve_tcp(server: Arc<Server>, listener: TcpListener, waiting: Arc<Waiting>) -> io::Result<()> {
    let local = listener.local_addr()?;
    loop {
        let (stream, from) = accepted(listener.accept().await).await?;
        let Some((stream, from)) = stream.zip(from) else { continue };
        // Media must not wait for more of it.
        if stream.set_nodelay(true).is_err() {
            continue;
        }
        let (server, waiting) = (Arc::clone(&server), Arc::clone(&waiting));
        tokio::spawn(async move {
            let (reader, writer) = stream.into_split();
            run(server, waiting, Transport::Tcp, from, local, reader, writer).await;
        });
    }
}

/// Serves streams of `web` until the listener fails.
pub async fn serve_handed_over(
    server: Arc<Server>,
    listener: UnixListener,
    waiting: Arc<Waiting>,
) -> io::Result<()> {
    loop {
        let accepted = accepted(listener.accept().await.map(|(stream, _)| (stream, ()))).await?;
        let (Some(stream), _) = accepted else { continue };
        let (server, waiting) = (Arc::clone(&server), Arc::clone(&waiting));
        tokio::spawn(async move {
            let (mut reader, writer) = stream.into_split();
            match timeout(HEADER_TIME, proxy_header(&mut reader)).await {
                Ok(Ok((from, local))) => {
                    run(server, waiting, Transport::Tls, from, local, reader, writer).await
                }
                Ok(Err(_)) => {
                    server.metrics.malformed(Transport::Tls);
                    server.metrics.stream_refused(StreamEnd::Malformed);
                }
                Err(_) => server.metrics.stream_refused(StreamEnd::Idle),
            }
        });
    }
}

/// Running out of file descriptors is not the listener's end: connections wait until some are free.
async fn accepted<S, A>(result: io::Result<(S, A)>) -> io::Result<(Option<S>, Option<A>)> {
    match result {
        Ok((stream, from)) => Ok((Some(stream), Some(from))),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Err(error),
        Err(error) => {
            log::warn!(error:% = error; "a connection could not be accepted");
            tokio::time::sleep(Duration::from_millis(100)).await;
            Ok((None, None))
        }
    }
}

/// Client and server address of a handed-over stream.
async fn proxy_header(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<(SocketAddr, SocketAddr)> {
    let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
    let mut bytes = vec![0; 16];
    reader.read_exact(&mut bytes).await?;
    let length = usize::from(u16::from_be_bytes([bytes[14], bytes[15]]));
    match Header::try_from(&bytes[..]) {
        Ok(_) | Err(ParseError::Partial(..)) if length <= MAX_HEADER => {}
        _ => return Err(invalid("no PROXY protocol header, or one that is too long".to_owned())),
    }
    bytes.resize(16 + length, 0);
    reader.read_exact(&mut bytes[16..]).await?;
    let header = Header::try_from(&bytes[..]).map_err(|error| invalid(error.to_string()))?;
    match header.addresses {
        Addresses::IPv4(ip) => Ok((
            SocketAddr::new(ip.source_address.into(), ip.source_port),
            SocketAddr::new(ip.destination_address.into(), ip.destination_port),
        )),
        Addresses::IPv6(ip) => Ok((
            SocketAddr::new(ip.source_address.into(), ip.source_port),
            SocketAddr::new(ip.destination_address.into(), ip.destination_port),
        )),
        _ => Err(invalid("the PROXY protocol header names no internet addresses".to_owned())),
    }
}

async fn run(
    server: Arc<Server>,
    waiting: Arc<Waiting>,
    transport: Transport,
    from: SocketAddr,
    local: SocketAddr,
    reader: impl AsyncRead + Unpin,
    writer: impl AsyncWrite + Unpin,
) {
    let outbox = Arc::new(Outbox::default());
    let client = Arc::new(Client::stream(Arc::clone(&outbox), transport, from, local));
    let Some(place) = waiting.place(client.address.ip()) else {
        return server.metrics.stream_refused(StreamEnd::Full);
    };
    server.metrics.stream_opened();
    let end = tokio::select! {
        end = read_messages(&server, &client, place, reader) => end,
        end = write_messages(&outbox, writer) => end,
    };
    server.metrics.stream_ended(end);
}

/// Reads until the stream ends; the session ends with it.
async fn read_messages(
    server: &Server,
    client: &Arc<Client>,
    place: Place,
    mut reader: impl AsyncRead + Unpin,
) -> StreamEnd {
    let mut deframer = Deframer::new();
    let mut session: Option<Session> = None;
    let mut place = Some(place);
    let mut patience = Patience::new(Instant::now());
    loop {
        let allocated = session.as_ref().is_some_and(Session::is_alive);
        if allocated {
            drop(place.take());
        }
        let deadline = patience.deadline(Instant::now(), deframer.is_partial(), allocated);
        match timeout_at(deadline, reader.read(deframer.space())).await {
            Ok(Ok(0) | Err(_)) => return StreamEnd::Client,
            Ok(Ok(count)) => deframer.filled(count),
            Err(_) if patience.is_over(Instant::now()) => {
                return if deframer.is_partial() { StreamEnd::Slow } else { StreamEnd::Idle };
            }
            Err(_) => continue,
        }
        loop {
            match deframer.next_message() {
                Ok(Some(range)) => {
                    if server.message(client, &mut session, deframer.message(range)).await.is_err() {
                        return StreamEnd::Malformed;
                    }
                    patience.message_ended();
                }
                Ok(None) => break,
                Err(_) => {
                    server.metrics.malformed(client.transport);
                    return StreamEnd::Malformed;
                }
            }
        }
    }
}

async fn write_messages(outbox: &Outbox, mut writer: impl AsyncWrite + Unpin) -> StreamEnd {
    let mut buffer = Vec::new();
    loop {
        outbox.take(&mut buffer).await;
        match timeout(WRITE_TIME, writer.write_all(&buffer)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return StreamEnd::Client,
            Err(_) => return StreamEnd::Slow,
        }
    }
}

/// How long a stream may stay without an allocation, or a message unfinished.
struct Patience {
    without_allocation_since: Option<Instant>,
    message_since: Option<Instant>,
}

impl Patience {
    fn new(now: Instant) -> Patience {
        Patience { without_allocation_since: Some(now), message_since: None }
    }

    fn message_ended(&mut self) {
        self.message_since = None;
    }

    /// Until when to wait for the next bytes.
    fn deadline(&mut self, now: Instant, partial: bool, allocated: bool) -> Instant {
        self.message_since = if partial { self.message_since.or(Some(now)) } else { None };
        self.without_allocation_since =
            if allocated { None } else { self.without_allocation_since.or(Some(now)) };
        let limits = self.limits();
        limits.into_iter().flatten().min().unwrap_or(now + CHECK_TIME).min(now + CHECK_TIME)
    }

    fn is_over(&self, now: Instant) -> bool {
        self.limits().into_iter().flatten().any(|limit| limit <= now)
    }

    fn limits(&self) -> [Option<Instant>; 2] {
        [
            self.without_allocation_since.map(|at| at + ALLOCATE_TIME),
            self.message_since.map(|at| at + MESSAGE_TIME),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_ends_without_an_allocation_and_in_the_middle_of_a_message() {
        let start = Instant::now();
        let mut patience = Patience::new(start);
        let second = Duration::from_secs(1);
        assert_eq!(patience.deadline(start + second, false, false), start + ALLOCATE_TIME);
        assert!(!patience.is_over(start + ALLOCATE_TIME - second) && patience.is_over(start + ALLOCATE_TIME));

        assert_eq!(patience.deadline(start + second, false, true), start + second + CHECK_TIME);
        assert!(!patience.is_over(start + 100 * ALLOCATE_TIME));

        let begun = start + 40 * second;
        assert_eq!(patience.deadline(begun, true, true), begun + MESSAGE_TIME);
        assert_eq!(patience.deadline(begun + second, true, true), begun + MESSAGE_TIME);
        assert!(patience.is_over(begun + MESSAGE_TIME));
        patience.message_ended();
        assert!(!patience.is_over(begun + MESSAGE_TIME));
    }

    #[test]
    fn streams_without_allocation_are_limited_by_address() {
        let waiting = Arc::new(Waiting::default());
        let address = IpAddr::from([192, 0, 2, 1]);
        let mut places: Vec<_> = std::iter::from_fn(|| waiting.place(address)).collect();
        assert_eq!(places.len(), MAX_WAITING_PER_ADDRESS);
        assert!(waiting.place(IpAddr::from([192, 0, 2, 2])).is_some());
        places.pop();
        assert!(waiting.place(address).is_some());
        drop(places);
        assert!(waiting.0.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn reads_proxy_headers_and_refuses_others() {
        let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
        header.extend([192, 0, 2, 1, 192, 0, 2, 9, 0x12, 0x34, 0x01, 0xbb]);
        let (from, local) = proxy_header(&mut &header[..]).await.unwrap();
        assert_eq!((from, local), ("192.0.2.1:4660".parse().unwrap(), "192.0.2.9:443".parse().unwrap()));
        assert!(proxy_header(&mut &header[..20]).await.is_err());
        assert!(proxy_header(&mut &b"GET / HTTP/1.1\r\nHost: x\r\n"[..]).await.is_err());
        header[13] = 0x00;
        header[12] = 0x20;
        assert!(proxy_header(&mut &header[..]).await.is_err(), "LOCAL without addresses");
    }
}
