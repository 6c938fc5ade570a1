//! TURN over TLS: the decrypted stream goes to the TURN server's Unix socket.

use crate::bridge::bridge;
use crate::connection::{Ends, Stream};
use crate::metrics::Present;
use crate::server::Front;
use ppp::v2::{Builder, Command, Protocol, Version};
use std::io;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::time::timeout;

pub(crate) async fn serve(stream: Stream, ends: Ends, front: &Front) {
    let _present = Present::new(&front.metrics.relayed);
    let neighbour = match timeout(front.limits.connect, connect(ends, front)).await {
        Ok(Ok(neighbour)) => neighbour,
        Ok(Err(error)) => return log::warn!(error:%; "the TURN server cannot be reached"),
        Err(_) => return log::warn!("the TURN server does not accept connections"),
    };
    let relaying = bridge(stream, neighbour, front.limits.relay_idle, &front.metrics.relay_bytes);
    tokio::select! {
        ended = relaying => if let Err(error) = ended {
            log::debug!(error:%; "TURN stream ended");
        },
        () = front.shutdown.wait() => {}
    }
}

async fn connect(ends: Ends, front: &Front) -> io::Result<UnixStream> {
    let mut neighbour = UnixStream::connect(front.turn_socket.as_ref()).await?;
    neighbour.write_all(&proxy_header(ends)?).await?;
    Ok(neighbour)
}

/// PROXY protocol version 2: who the client is, and which address it connected to.
fn proxy_header(ends: Ends) -> io::Result<Vec<u8>> {
    Builder::with_addresses(Version::Two | Command::Proxy, Protocol::Stream, (ends.client, ends.local))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_names_both_ends() {
        let ends =
            Ends { client: "192.0.2.7:50000".parse().unwrap(), local: "198.51.100.1:443".parse().unwrap() };
        let header = proxy_header(ends).unwrap();
        assert_eq!(&header[..12], b"\r\n\r\n\0\r\nQUIT\n");
        // Version 2, PROXY; TCP over IPv4; 12 bytes of addresses and ports.
        assert_eq!(header[12..16], [0x21, 0x11, 0, 12]);
        assert_eq!(header[16..], [192, 0, 2, 7, 198, 51, 100, 1, 0xc3, 0x50, 1, 0xbb]);
    }
}
