//! Requests to the front over TLS: HTTP/1.1, HTTP/2, and the handshake itself.

use crate::mutate;
use crate::tally::{Batch, Tally};
use crate::target::Target;
use crate::vitals::Vitals;
use anyhow::{Context, Result};
use fastrand::Rng;
use futures_util::{StreamExt, TryStreamExt, stream};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

const AT_ONCE: usize = 12;
/// For the front to end a connection whose client has said everything.
const PATIENCE: Duration = Duration::from_secs(15);

/// HOST stands for the house's own name.
const REQUESTS: [&str; 8] = [
    "GET /join HTTP/1.1\r\nHost: HOST\r\nAccept-Encoding: gzip, br;q=0.5\r\nIf-None-Match: \"x\"\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: HOST\r\nRange: bytes=0-10\r\nCookie: a=b\r\nAccept-Language: de\r\n\r\n",
    "HEAD /healthz HTTP/1.1\r\nHost: HOST\r\nConnection: keep-alive\r\nKeep-Alive: 5\r\n\r\n",
    "GET /api/about HTTP/1.1\r\nHost: HOST\r\nX-Forwarded-For: 192.0.2.1, 192.0.2.2\r\nTE: trailers\r\n\r\n",
    "POST /api/link HTTP/1.1\r\nHost: HOST\r\nOrigin: https://HOST\r\nContent-Type: application/json\r\n\
     Content-Length: 14\r\n\r\n{\"link\":\"abc\"}",
    "POST /api/meetings HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n\
     Transfer-Encoding: chunked\r\n\r\n1d\r\n{\"title\":\"a\",\"host_key\":\"abc\"}\r\n0\r\nA: b\r\n\r\n",
    "GET /ws HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nOrigin: https://HOST\r\n\
     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: HOST\r\nAccess-Control-Request-Method: PUT\r\n\r\n",
];

/// After the preface: SETTINGS, WINDOW_UPDATE, HEADERS of `GET` and of `POST https://localhost/`, DATA,
/// PING, PRIORITY, RST_STREAM (RFC 9113; the header blocks are of the static table).
const HTTP_2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\
    \0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64\
    \0\0\x04\x08\0\0\0\0\0\0\0\xff\xff\
    \0\0\x0e\x01\x05\0\0\0\x01\x82\x87\x84\x41\x09localhost\
    \0\0\x0e\x01\x04\0\0\0\x03\x83\x87\x84\x41\x09localhost\
    \0\0\x05\0\x01\0\0\0\x03hello\
    \0\0\x08\x06\0\0\0\0\0abcdefgh\
    \0\0\x05\x02\0\0\0\0\x05\0\0\0\x01\x0f\
    \0\0\x04\x03\0\0\0\0\x03\0\0\0\x08";
const PREFACE: usize = 24;

pub(crate) async fn attack(target: &Target, batch: &Batch) -> Result<Tally> {
    let host = target.pages.to_string();
    let requests = REQUESTS.map(|request| request.replace("HOST", &host).into_bytes());
    let requests = &requests;
    let visits = batch.range.clone().map(async |index| {
        let outcome = visit(target, &mut batch.random(index), requests).await;
        outcome.with_context(|| format!("request number {index}"))
    });
    let outcomes = stream::iter(visits).buffer_unordered(AT_ONCE);
    outcomes
        .try_fold(Tally::default(), async |mut all, outcome| {
            all.one(outcome);
            Ok(all)
        })
        .await
}

pub(crate) fn judge(tally: &mut Tally, before: &Vitals, after: &Vitals, sent: usize) -> Result<()> {
    let grown = |series: &str| after.count("web", series) - before.count("web", series);
    tally.add("routed", grown("requests_total"));
    tally.add("handshakes refused", grown("refused_total{reason=\"Handshake\"}"));
    tally.at_least("answered with an error", 15, sent)?;
    tally.at_least("routed", 10, sent)?;
    tally.at_least("answered in HTTP/2", 5, sent)
}

async fn visit(target: &Target, random: &mut Rng, requests: &[Vec<u8>]) -> Result<&'static str> {
    match random.u8(..20) {
        0 => {
            let mut hello = target.client_hello()?;
            let other = target.client_hello()?;
            mutate::bytes(random, &mut hello, &other);
            exchange(target.tcp(target.pages).await?, &hello).await?;
            Ok("handshakes")
        }
        1..=4 => {
            let bytes = frames(random);
            let answer = exchange(target.tls(&[b"h2"]).await?, &bytes).await?;
            Ok(if answer.is_empty() { "closed in HTTP/2" } else { "answered in HTTP/2" })
        }
        _ => {
            let bytes = request(random, requests);
            let answer = exchange(target.tls(&[b"http/1.1"]).await?, &bytes).await?;
            let status = answer.get(9).copied().filter(|_| answer.starts_with(b"HTTP/1."));
            Ok(match status {
                Some(b'1'..=b'3') => "answered",
                Some(_) => "answered with an error",
                None => "closed without a word",
            })
        }
    }
}

/// One request, or two on one connection.
fn request(random: &mut Rng, requests: &[Vec<u8>]) -> Vec<u8> {
    let any = |random: &mut Rng| requests[random.usize(..requests.len())].clone();
    let (mut bytes, other) = (any(random), any(random));
    mutate::text(random, &mut bytes, &other);
    match random.u8(..40) {
        0 => {
            let header = format!("X-Padding: {}\r\n", "x".repeat(random.usize(10_000..100_000)));
            let at = bytes.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            bytes.splice(at..at, header.into_bytes());
        }
        1 => bytes.resize(bytes.len() + random.usize(70_000..300_000), b'x'),
        2..=9 => bytes.extend_from_slice(&other),
        _ => {}
    }
    bytes
}

/// The preface mostly stays, or nothing behind it would be read.
fn frames(random: &mut Rng) -> Vec<u8> {
    let mut frames = HTTP_2[PREFACE..].to_vec();
    let other = frames.clone();
    mutate::bytes(random, &mut frames, &other);
    let mut bytes = HTTP_2[..PREFACE].to_vec();
    if random.u8(..20) == 0 {
        mutate::bytes(random, &mut bytes, &other);
    }
    bytes.extend_from_slice(&frames);
    bytes
}

/// Sends everything, closes its side, and reads until the front has had enough.
async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8]) -> Result<Vec<u8>> {
    let mut answer = Vec::new();
    let exchange = async {
        if stream.write_all(bytes).await.is_ok() {
            let _ = stream.shutdown().await;
        }
        // A reset is an end too.
        let _ = stream.read_to_end(&mut answer).await;
    };
    let ended = timeout(PATIENCE, exchange).await;
    ended.context("the front keeps a connection whose client has closed its side")?;
    Ok(answer)
}
