//! Bytes in both directions between a client and a neighbour, until both have ended or nothing moves.

use crate::activity::Activity;
use prometheus_client::metrics::counter::Counter;
use std::io::{self, ErrorKind};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};

/// The largest TLS record's content: a datagram of media fits many times.
const BUFFER: usize = 16 * 1024;
/// For the second direction, after the first has ended.
const LINGER: Duration = Duration::from_secs(5);

/// Bytes so far, from and to clients.
#[derive(Debug, Clone, Default)]
pub(crate) struct Moved {
    pub(crate) from_clients: Counter,
    pub(crate) to_clients: Counter,
}

pub(crate) async fn bridge<A, B>(client: A, neighbour: B, idle: Duration, moved: &Moved) -> io::Result<()>
where
    A: AsyncRead + AsyncWrite,
    B: AsyncRead + AsyncWrite,
{
    let activity = Activity::new();
    let (client_in, client_out) = split(client);
    let (neighbour_in, neighbour_out) = split(neighbour);
    let mut up = std::pin::pin!(copy(client_in, neighbour_out, &activity, &moved.from_clients));
    let mut down = std::pin::pin!(copy(neighbour_in, client_out, &activity, &moved.to_clients));
    tokio::select! {
        ended = &mut up => {
            ended?;
            within(LINGER, down).await
        }
        ended = &mut down => {
            ended?;
            within(LINGER, up).await
        }
        () = activity.quiet(idle, idle) => Err(io::Error::new(ErrorKind::TimedOut, "nothing moved")),
    }
}

async fn within(limit: Duration, copying: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    // One side has closed: what the other still has to say is not worth an error.
    tokio::time::timeout(limit, copying).await.unwrap_or(Ok(()))
}

async fn copy<R, W>(mut from: R, mut to: W, activity: &Activity, moved: &Counter) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut buffer = vec![0u8; BUFFER];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..length]).await?;
        // TLS may hold a record back until it is told.
        to.flush().await?;
        activity.touch();
        moved.inc_by(length as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::duplex;

    #[tokio::test(start_paused = true)]
    async fn both_directions_and_both_ends() {
        let (mut client, near) = duplex(64);
        let (mut neighbour, far) = duplex(64);
        let moved = Moved::default();
        let bridging = tokio::spawn({
            let moved = moved.clone();
            async move { bridge(near, far, Duration::from_secs(60), &moved).await }
        });
        client.write_all(b"hello").await.unwrap();
        let mut five = [0u8; 5];
        neighbour.read_exact(&mut five).await.unwrap();
        neighbour.write_all(b"you too").await.unwrap();
        neighbour.shutdown().await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert_eq!((&five, answer.as_str()), (b"hello", "you too"));
        drop(client);
        bridging.await.unwrap().unwrap();
        assert_eq!((moved.from_clients.get(), moved.to_clients.get()), (5, 7));
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_it() {
        let (_client, near) = duplex(64);
        let (_neighbour, far) = duplex(64);
        let error = bridge(near, far, Duration::from_secs(60), &Moved::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }
}
