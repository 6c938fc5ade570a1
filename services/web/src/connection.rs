//! One connection, from the first byte to the protocol that it speaks.

use crate::metrics::{Handshake, Reason};
use crate::prepended::Prepended;
use crate::server::{Front, Held};
use crate::stall::Stall;
use crate::{challenge, http, relay, tls};
use bytes::BytesMut;
use rustls::ProtocolVersion;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

pub(crate) type Stream = Prepended<TlsStream<Stall<TcpStream>>>;

/// RFC 8446 section 5.1: the content type of a ClientHello's record.
const HANDSHAKE_RECORD: u8 = 22;
/// RFC 7983 section 7: the first byte of a STUN message.
const STUN: std::ops::RangeInclusive<u8> = 0..=3;
const FIRST_READ: usize = 4_096;

const PLAIN_HTTP: &str = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 58\r\nConnection: close\r\n\r\n\
    This port speaks HTTPS only: write https:// in the address";

/// Both ends of a client's connection, IPv4 as such where a dual-stack socket maps it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends {
    pub(crate) client: SocketAddr,
    pub(crate) local: SocketAddr,
}

pub(crate) async fn serve(stream: TcpStream, client: SocketAddr, front: Front, held: Arc<Held>) {
    let Ok(local) = stream.local_addr() else { return };
    let ends = Ends { client: canonical(client), local: canonical(local) };
    // Media over TLS must not wait for more of it.
    let _ = stream.set_nodelay(true);
    let metrics = &front.metrics;
    let mut stream = match timeout(front.limits.handshake, handshake(stream, &front)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(reason)) => return metrics.refuse(reason),
        Err(_) => return metrics.refuse(Reason::Slow),
    };
    if stream.get_ref().1.alpn_protocol() == Some(challenge::PROTOCOL) {
        // The handshake was all that it is for (RFC 8737 section 3).
        let _ = timeout(front.limits.stall, stream.shutdown()).await;
        return;
    }
    let waiting = timeout(front.limits.first_byte, first_bytes(stream));
    let (first, stream) = tokio::select! {
        read = waiting => match read {
            Ok(Ok(Some(read))) => read,
            // Closed before it asked for anything, as browsers do with connections they did not need.
            Ok(_) => return,
            Err(_) => return metrics.refuse(Reason::Slow),
        },
        () = front.shutdown.wait() => return,
    };
    let is_stun = first.first().is_some_and(|byte| STUN.contains(byte));
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(tls::HTTP_2);
    let stream = Prepended::new(first.freeze(), stream);
    if is_stun {
        relay::serve(stream, ends, &front).await;
    } else {
        http::serve(stream, is_http2, ends, &front, &held).await;
    }
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

async fn handshake(stream: TcpStream, front: &Front) -> Result<TlsStream<Stall<TcpStream>>, Reason> {
    let mut first = [0u8; 1];
    match stream.peek(&mut first).await {
        Ok(1) if first[0] == HANDSHAKE_RECORD => {}
        Ok(1) if first[0].is_ascii_uppercase() => return Err(refuse_plain_http(stream).await),
        _ => return Err(Reason::NotTls),
    }
    let stream = Stall::new(stream, front.limits.stall);
    let stream = front.acceptor.accept(stream).await.map_err(|error| {
        log::debug!(error:%; "TLS handshake failed");
        Reason::Handshake
    })?;
    let session = stream.get_ref().1;
    let version = match session.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "1.2",
        _ => "1.3",
    };
    let group = session.negotiated_key_exchange_group().map(|group| format!("{:?}", group.name()));
    let negotiated = Handshake { version, group: group.unwrap_or_default() };
    front.metrics.handshakes.get_or_create(&negotiated).inc();
    Ok(stream)
}

async fn refuse_plain_http(mut stream: TcpStream) -> Reason {
    // Read what has arrived, or closing would reset the connection before the answer is seen.
    let mut request = [0u8; FIRST_READ];
    let _ = stream.read(&mut request).await;
    let _ = stream.write_all(PLAIN_HTTP.as_bytes()).await;
    let _ = stream.shutdown().await;
    Reason::PlainHttp
}

/// What the client says first, or None if it closes.
async fn first_bytes<S>(mut stream: TlsStream<S>) -> io::Result<Option<(BytesMut, TlsStream<S>)>>
where
    TlsStream<S>: tokio::io::AsyncRead + Unpin,
{
    let mut first = BytesMut::with_capacity(FIRST_READ);
    let length = stream.read_buf(&mut first).await?;
    Ok((length > 0).then_some((first, stream)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_of_plain_http_has_its_length() {
        let (head, body) = PLAIN_HTTP.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())));
    }
}
