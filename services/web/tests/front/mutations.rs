//! Seeded mutations of requests: the front goes on serving, and nothing panics.

use super::house::{House, PATIENCE, status};
use fastrand::Rng;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ROUNDS: usize = 2_000;
const AT_ONCE: usize = 8;

const HTTP_1: [&[u8]; 5] = [
    b"GET /join HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip, br;q=0.5\r\nIf-None-Match: \"x\"\r\n\r\n",
    b"POST /api/link HTTP/1.1\r\nHost: localhost\r\nOrigin: https://localhost\r\nContent-Length: 14\r\n\r\n{\"link\": \"abc\"}",
    b"POST /api/link HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n",
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
      Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    b"\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl",
];

/// Preface, SETTINGS, WINDOW_UPDATE, HEADERS of `GET https://localhost/`, DATA, PING, RST_STREAM
/// (RFC 9113; the header block is of the static table).
const HTTP_2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\
    \0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64\
    \0\0\x04\x08\0\0\0\0\0\0\0\xff\xff\
    \0\0\x0e\x01\x04\0\0\0\x01\x82\x87\x84\x41\x09localhost\
    \0\0\x0e\x01\x04\0\0\0\x03\x83\x87\x84\x41\x09localhost\
    \0\0\x05\0\x01\0\0\0\x03hello\
    \0\0\x08\x06\0\0\0\0\0abcdefgh\
    \0\0\x04\x03\0\0\0\0\x03\0\0\0\x08";

fn mutate(random: &mut Rng, original: &[u8]) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for _ in 0..random.usize(1..6) {
        let at = random.usize(..bytes.len().max(1));
        match random.u8(..6) {
            _ if bytes.is_empty() => bytes.push(random.u8(..)),
            0 => bytes[at] = random.u8(..),
            1 => bytes[at] ^= 1 << random.u8(..8),
            2 => bytes.truncate(at.max(1)),
            3 => bytes.insert(at, *random.choice(b"\r\n\0: /%\xff,;").unwrap()),
            4 => {
                let part = bytes[at..(at + random.usize(1..40)).min(bytes.len())].to_vec();
                let times = random.usize(1..50);
                bytes.splice(at..at, part.repeat(times));
            }
            _ => {
                let end = (at + random.usize(1..20)).min(bytes.len());
                bytes.drain(at..end);
            }
        }
    }
    bytes
}

/// Sends, closes its side, and reads until the front has had enough.
async fn send(mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin, bytes: &[u8]) {
    let sending = async {
        if stream.write_all(bytes).await.is_ok() {
            let _ = stream.shutdown().await;
        }
        let mut buffer = [0u8; 4_096];
        while let Ok(1..) = stream.read(&mut buffer).await {}
    };
    tokio::time::timeout(PATIENCE, sending).await.expect("the front closes");
}

#[tokio::test]
async fn mutated_requests_leave_it_serving() {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let shown = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        // Other tests of this process may fail at the same time: theirs are not the front's.
        if panic.location().is_none_or(|place| !place.file().contains("tests/front")) {
            PANICS.fetch_add(1, Ordering::Relaxed);
        }
        shown(panic);
    }));
    let house = House::start_with(
        |_| {},
        |limits| {
            limits.header = Duration::from_millis(200);
            limits.idle = Duration::from_millis(200);
            limits.body = Duration::from_millis(200);
            limits.handshake = Duration::from_millis(500);
        },
    )
    .await;
    let _requests = super::house::neighbour(
        &house.settings.signaling_socket,
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    );
    let house = std::sync::Arc::new(house);
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..AT_ONCE {
        let house = std::sync::Arc::clone(&house);
        workers.spawn(async move {
            let mut random = Rng::with_seed(worker as u64);
            for round in 0..ROUNDS / AT_ONCE {
                attack(&house, &mut random, round).await;
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended.unwrap();
    }
    assert_eq!(PANICS.load(Ordering::Relaxed), 0);
    assert_eq!(status(&house.get("/nothing").await), "404");
    house.until_metric("connections", 0).await;
}

async fn attack(house: &House, random: &mut Rng, round: usize) {
    match round % 8 {
        0 => {
            // The TLS handshake itself.
            let hello = client_hello(house);
            let stream = TcpStream::connect(house.address).await.unwrap();
            send(stream, &mutate(random, &hello)).await;
        }
        1 | 2 => {
            let mut config = house.client_config();
            config.alpn_protocols = vec![b"h2".to_vec()];
            let stream = house.connect_with(config).await.unwrap();
            send(stream, &mutate(random, HTTP_2)).await;
        }
        _ => {
            let request = mutate(random, random.clone().choice(HTTP_1).unwrap());
            send(house.connect().await, &request).await;
        }
    }
}

fn client_hello(house: &House) -> Vec<u8> {
    let name = "localhost".try_into().unwrap();
    let mut client = rustls::ClientConnection::new(std::sync::Arc::new(house.client_config()), name).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    hello
}
