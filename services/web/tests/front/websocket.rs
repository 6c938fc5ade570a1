use super::house::{House, PATIENCE, header, neighbour, status};
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::net::UnixListener;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::{Error, Message, client::IntoClientRequest};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async, client_async};

/// A WebSocket server on signaling's socket that echoes. Gives the requests' headers.
fn echo(house: &House) -> mpsc::UnboundedReceiver<Request> {
    let listener = UnixListener::bind(&house.settings.signaling_socket).unwrap();
    let (sender, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let sender = sender.clone();
            tokio::spawn(async move {
                #[allow(clippy::result_large_err)] // tungstenite's own type
                let note = |request: &Request, response: Response| {
                    let _ = sender.send(request.clone());
                    Ok(response)
                };
                let Ok(mut socket) = accept_hdr_async(stream, note).await else { return };
                while let Some(Ok(message)) = socket.next().await {
                    if message.is_text() || message.is_binary() {
                        let _ = socket.send(message).await;
                    }
                }
            });
        }
    });
    requests
}

async fn open(
    house: &House,
    headers: &[(&'static str, &str)],
) -> Result<WebSocketStream<super::house::Client>, Error> {
    let mut request = format!("wss://localhost:{}/ws", house.address.port()).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    Ok(client_async(request, house.connect().await).await?.0)
}

fn refused(result: Result<WebSocketStream<super::house::Client>, Error>) -> u16 {
    match result {
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was opened"),
    }
}

#[tokio::test]
async fn messages_pass_both_ways() {
    let house = House::start().await;
    let mut requests = echo(&house);
    let origin = format!("https://localhost:{}", house.address.port());
    let forged =
        [("origin", origin.as_str()), ("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=203.0.113.9")];
    let mut socket = open(&house, &forged).await.unwrap();
    let seen = requests.recv().await.unwrap();
    assert_eq!(seen.headers()["x-forwarded-for"], "127.0.0.1");
    assert!(!seen.headers().contains_key("forwarded"));
    assert_eq!(seen.headers()["host"], format!("localhost:{}", house.address.port()));
    for message in [Message::text("hello"), Message::binary(vec![7u8; 250_000])] {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap(), message);
    }
    assert_eq!(house.metric("websockets"), 1);
    assert_eq!(house.metric("connections"), 1);
    socket.close(None).await.unwrap();
    while let Some(Ok(_)) = socket.next().await {}
    drop(socket);
    house.until_metric("websockets", 0).await;
    house.until_metric("connections", 0).await;
    assert_eq!(house.metric("requests_total{route=\"WebSocket\",status=\"101\"}"), 1);
}

#[tokio::test]
async fn au8_a_page_of_another_origin_is_refused() {
    let house = House::start().await;
    let mut requests = echo(&house);
    for origin in ["https://evil.example", "null", "http://localhost"] {
        assert_eq!(refused(open(&house, &[("origin", origin)]).await), 403, "{origin}");
    }
    assert!(requests.try_recv().is_err(), "signaling was not troubled");
}

#[tokio::test]
async fn without_signaling_the_answer_says_so() {
    let house = House::start().await;
    assert_eq!(refused(open(&house, &[]).await), 503);
}

#[tokio::test]
async fn signalings_refusal_is_passed_on() {
    let house = House::start().await;
    let _requests = neighbour(
        &house.settings.signaling_socket,
        "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 2\r\nRetry-After: 7\r\n\r\n{}",
    );
    match open(&house, &[]).await {
        Err(Error::Http(response)) => {
            assert_eq!(response.status(), 429);
            assert_eq!(response.headers()["retry-after"], "7");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_address_is_for_websockets_only() {
    let house = House::start().await;
    let _requests = echo(&house);
    let answer = house.get("/ws").await;
    assert_eq!(status(&answer), "400");
    assert_eq!(header(&answer, "content-type"), Some("application/json"));
}

#[tokio::test]
async fn a_silent_websocket_ends() {
    let house = House::start_with(|_| {}, |limits| limits.websocket_idle = Duration::from_millis(200)).await;
    let _requests = echo(&house);
    let mut socket = open(&house, &[]).await.unwrap();
    for _ in 0..6 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        socket.send(Message::text("here")).await.unwrap();
        socket.next().await.unwrap().unwrap();
    }
    let ended = timeout(PATIENCE, socket.next()).await.unwrap();
    assert!(matches!(ended, None | Some(Err(_))), "{ended:?}");
}

#[tokio::test]
async fn an_open_websocket_counts_against_its_address() {
    let house = House::start_with(|settings| settings.max_connections_per_address = 2, |_| {}).await;
    let _requests = echo(&house);
    let first = open(&house, &[]).await.unwrap();
    let _second = open(&house, &[]).await.unwrap();
    assert!(house.connect_with(house.client_config()).await.is_err());
    assert_eq!(house.metric("refused_total{reason=\"Address\"}"), 1);
    drop(first);
    house.until_metric("connections", 1).await;
    house.connect().await;
}
