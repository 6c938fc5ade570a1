use super::house::{House, PATIENCE, read_to_end};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

/// A STUN binding request (RFC 8489 section 5).
const BINDING: &[u8] = b"\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl";

async fn accept(listener: &UnixListener) -> UnixStream {
    timeout(PATIENCE, listener.accept()).await.unwrap().unwrap().0
}

async fn exactly<const LENGTH: usize>(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> [u8; LENGTH] {
    let mut bytes = [0u8; LENGTH];
    timeout(PATIENCE, stream.read_exact(&mut bytes)).await.unwrap().unwrap();
    bytes
}

fn header_of(client: SocketAddr, local: SocketAddr) -> Vec<u8> {
    let (SocketAddr::V4(client), SocketAddr::V4(local)) = (client, local) else { panic!("IPv4 here") };
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    header.extend(client.ip().octets());
    header.extend(local.ip().octets());
    header.extend(client.port().to_be_bytes());
    header.extend(local.port().to_be_bytes());
    header
}

#[tokio::test]
async fn stun_is_handed_to_turn_with_the_clients_address() {
    let house = House::start().await;
    let turn = UnixListener::bind(&house.settings.turn_socket).unwrap();
    let mut client = house.connect().await;
    client.write_all(BINDING).await.unwrap();
    let mut stream = accept(&turn).await;
    let client_address = client.get_ref().0.local_addr().unwrap();
    assert_eq!(exactly::<28>(&mut stream).await.to_vec(), header_of(client_address, house.address));
    assert_eq!(exactly::<20>(&mut stream).await, *BINDING);

    stream.write_all(b"\x01\x01 answer").await.unwrap();
    assert_eq!(&exactly::<9>(&mut client).await, b"\x01\x01 answer");
    // Larger than every buffer on the way.
    let media: Vec<u8> = (0..1_000_000u32).map(|index| index.to_le_bytes()[0]).collect();
    let (sent, mut received) = (media.clone(), vec![0u8; media.len()]);
    let sending = async { client.write_all(&sent).await.unwrap() };
    let (_, read) = tokio::join!(sending, stream.read_exact(&mut received));
    read.unwrap();
    assert_eq!(received, media);
    house.until_metric("relay_received_bytes_total", 20 + 1_000_000).await;
    house.until_metric("relay_sent_bytes_total", 9).await;
    assert_eq!(house.metric("relayed"), 1);

    drop(stream);
    assert_eq!(read_to_end(&mut client).await, "");
    drop(client);
    house.until_metric("relayed", 0).await;
}

#[tokio::test]
async fn every_first_byte_of_stun_and_no_other() {
    let house = House::start().await;
    let turn = UnixListener::bind(&house.settings.turn_socket).unwrap();
    for first in 0..=3u8 {
        let mut client = house.connect().await;
        client.write_all(&[first]).await.unwrap();
        let mut stream = accept(&turn).await;
        assert_eq!(exactly::<29>(&mut stream).await[28], first);
    }
    let mut client = house.connect().await;
    client.write_all(&[4, 0, 0, 0]).await.unwrap();
    read_to_end(&mut client).await;
    let further = timeout(Duration::from_millis(50), turn.accept()).await;
    assert!(further.is_err(), "byte 4 is not STUN's");
}

#[tokio::test]
async fn without_a_turn_server_the_stream_is_closed() {
    let house = House::start().await;
    let mut client = house.connect().await;
    client.write_all(BINDING).await.unwrap();
    assert_eq!(read_to_end(&mut client).await, "");
}

#[tokio::test]
async fn a_silent_stream_ends() {
    let house = House::start_with(|_| {}, |limits| limits.relay_idle = Duration::from_millis(200)).await;
    let turn = UnixListener::bind(&house.settings.turn_socket).unwrap();
    let mut client = house.connect().await;
    client.write_all(BINDING).await.unwrap();
    let mut stream = accept(&turn).await;
    assert_eq!(read_to_end(&mut client).await, "");
    exactly::<48>(&mut stream).await;
    assert_eq!(timeout(PATIENCE, stream.read(&mut [0u8; 1])).await.unwrap().unwrap(), 0);
}
