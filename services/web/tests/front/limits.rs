//! Clients that are slow, greedy or rude are cut off; others are served meanwhile.

use super::house::{House, PATIENCE, read_to_end, status};
use bytes::Bytes;
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SHORT: Duration = Duration::from_millis(300);

/// How long the other side lets a connection live on which something is sent now and then.
async fn dribble(
    mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    piece: &[u8],
) -> Duration {
    let started = Instant::now();
    let mut buffer = [0u8; 1_024];
    while started.elapsed() < PATIENCE {
        if stream.write_all(piece).await.is_err() || stream.flush().await.is_err() {
            break;
        }
        let reading = tokio::time::timeout(SHORT / 10, stream.read(&mut buffer));
        if let Ok(Ok(0) | Err(_)) = reading.await {
            break;
        }
    }
    started.elapsed()
}

fn in_time(elapsed: Duration) -> bool {
    elapsed >= SHORT / 2 && elapsed < SHORT + Duration::from_secs(5)
}

#[tokio::test]
async fn a_slow_handshake() {
    let house = House::start_with(|_| {}, |limits| limits.handshake = SHORT).await;
    // The header of a TLS record of 512 bytes, and then one byte after the other.
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    stream.write_all(b"\x16\x03\x01\x02\x00").await.unwrap();
    assert!(in_time(dribble(stream, b"\x01").await));
    // Nothing at all.
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    assert_eq!(read_to_end(&mut stream).await, "");
    house.until_metric("refused_total{reason=\"Slow\"}", 2).await;
}

#[tokio::test]
async fn a_slow_first_byte() {
    let house = House::start_with(|_| {}, |limits| limits.first_byte = SHORT).await;
    let started = Instant::now();
    let mut stream = house.connect().await;
    assert_eq!(read_to_end(&mut stream).await, "");
    assert!(in_time(started.elapsed()));
}

#[tokio::test]
async fn slow_headers_of_many_connections_do_not_keep_others_out() {
    let house = House::start_with(|_| {}, |limits| limits.header = SHORT).await;
    let mut slow = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let mut stream = house.connect().await;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n").await.unwrap();
        slow.spawn(dribble(stream, b"X-A: b\r\n"));
    }
    assert_eq!(status(&house.get("/nothing").await), "404");
    while let Some(elapsed) = slow.join_next().await {
        let elapsed = elapsed.unwrap();
        assert!(in_time(elapsed), "{elapsed:?}");
    }
    house.until_metric("connections", 0).await;
}

#[tokio::test]
async fn an_idle_connection() {
    let house = House::start_with(
        |_| {},
        |limits| {
            limits.idle = SHORT;
            limits.drain = SHORT;
        },
    )
    .await;
    let mut stream = house.connect().await;
    stream.write_all(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    assert_eq!(status(&read_to_end(&mut stream).await), "404");

    let mut config = house.client_config();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let mut stream = house.connect_with(config).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let started = Instant::now();
    read_to_end(&mut stream).await;
    assert!(in_time(started.elapsed()), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_client_that_takes_nothing() {
    let house = House::start_with(|_| {}, |limits| limits.stall = SHORT).await;
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    socket.connect(&house.address.into()).unwrap();
    socket.set_nonblocking(true).unwrap();
    let stream = TcpStream::from_std(socket.into()).unwrap();
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(house.client_config()));
    let mut stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
    // Thousands of answers that nobody reads.
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(200);
    let started = Instant::now();
    let sending = async { while stream.write_all(&request).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, sending).await.expect("it is cut off");
    assert!(started.elapsed() >= SHORT);
    house.until_metric("connections", 0).await;
}

#[tokio::test]
async fn large_heads() {
    let house = House::start().await;
    let head =
        |lines: String| format!("GET / HTTP/1.1\r\nHost: localhost\r\n{lines}Connection: close\r\n\r\n");
    let large = house.ask(&head(format!("X-A: {}\r\n", "x".repeat(20_000)))).await;
    assert_eq!(status(&large), "431", "{large}");
    let many = house.ask(&head("X-A: b\r\n".repeat(70))).await;
    assert_eq!(status(&many), "431", "{many}");
    let long = house.ask(&format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(70_000))).await;
    assert!(matches!(status(&long), "414" | "431"), "{long}");
    let endless = house.ask(&format!("GET / HTTP/1.1\r\nHost: {}", "x".repeat(100_000))).await;
    assert_eq!(status(&endless), "431", "{endless}");
}

#[tokio::test]
async fn connections_of_one_address() {
    let house = House::start_with(
        |settings| {
            settings.max_connections = 3;
            settings.max_connections_per_address = 3;
        },
        |_| {},
    )
    .await;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(house.connect().await);
    }
    let refused = house.connect_with(house.client_config()).await;
    assert!(refused.is_err());
    open.pop();
    house.until_metric("connections", 2).await;
    house.connect().await;
    assert_eq!(house.metric("refused_total{reason=\"Full\"}"), 1);
}

#[tokio::test]
async fn streams_that_are_reset_at_once() {
    let house = House::start().await;
    let mut config = house.client_config();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let mut stream = house.connect_with(config).await.unwrap();
    // RFC 9113: preface, empty SETTINGS, then HEADERS of `GET https://localhost/` and RST_STREAM, over and over.
    let mut attack = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    for id in (1..2_000u32).step_by(2) {
        attack.extend_from_slice(b"\0\0\x0e\x01\x05");
        attack.extend_from_slice(&id.to_be_bytes());
        attack.extend_from_slice(b"\x82\x87\x84\x41\x09localhost");
        attack.extend_from_slice(b"\0\0\x04\x03\0");
        attack.extend_from_slice(&id.to_be_bytes());
        attack.extend_from_slice(b"\0\0\0\x08");
    }
    stream.write_all(&attack).await.unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0u8; 4_096];
    let reading = async {
        while let Ok(length @ 1..) = stream.read(&mut buffer).await {
            answer.extend_from_slice(&buffer[..length]);
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("the connection ends");
    assert_eq!(goaway(&answer), Some(11), "ENHANCE_YOUR_CALM (RFC 9113 section 7)");
    assert_eq!(status(&house.get("/nothing").await), "404");
}

/// The error code of a GOAWAY frame.
fn goaway(mut frames: &[u8]) -> Option<u32> {
    while let Some((head, rest)) = frames.split_first_chunk::<9>() {
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let (payload, rest) = rest.split_at_checked(length)?;
        if head[3] == 7 {
            return Some(u32::from_be_bytes(payload[4..8].try_into().ok()?));
        }
        frames = rest;
    }
    None
}

#[tokio::test]
async fn streams_beyond_the_limit_wait() {
    let house = House::start_with(|_| {}, |limits| limits.streams = 4).await;
    let mut config = house.client_config();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TokioIo::new(house.connect_with(config).await.unwrap());
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let ask = |mut sender: hyper::client::conn::http2::SendRequest<Empty<Bytes>>| async move {
        let request = hyper::Request::get("https://localhost/nothing").body(Empty::new()).unwrap();
        sender.send_request(request).await.map(|answer| answer.status().as_u16())
    };
    // After the first answer, the client knows the limit and waits with what is beyond it.
    assert_eq!(ask(sender.clone()).await.unwrap(), 404);
    let mut answers: tokio::task::JoinSet<_> = (0..200).map(|_| ask(sender.clone())).collect();
    while let Some(answer) = answers.join_next().await {
        assert_eq!(answer.unwrap().unwrap(), 404);
    }
}
