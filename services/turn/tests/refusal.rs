//! HD8: the relay reaches the SFU and nothing else, whichever way a client asks.

mod common;

use arc_swap::ArcSwap;
use common::{Credential, House, Turn};
use plenum_turn::client::{Client, Transport};
use plenum_turn::metrics::Metrics;
use plenum_turn::peers::Peers;
use plenum_turn::quota::{Limits, Users};
use plenum_turn::relay::RelayMaker;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;
use turn::relay::RelayAddressGenerator;

/// Addresses that must never be reached; `listening` is a real socket on this machine.
fn targets(house: &House, listening: SocketAddr) -> Vec<SocketAddr> {
    let port = house.echo.port();
    let mut targets = vec![listening];
    for ip in [
        "127.0.0.2",
        "127.255.255.254",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "255.255.255.255",
        "8.8.8.8",
        "192.0.2.1",
        "198.51.100.7",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::7f00:1",
    ] {
        targets.push(SocketAddr::new(ip.parse().unwrap(), port));
    }
    for other in [1, 22, 53, 80, 443, 3478, port - 1, port + 1] {
        targets.push(SocketAddr::new(house.echo.ip(), other));
    }
    targets
}

async fn allocated(house: &House, transport: Transport, credential: &Credential) -> Turn {
    let mut turn = house.connect(transport).await;
    assert_eq!(turn.allocate(credential).await.code(), 0);
    turn
}

#[tokio::test]
async fn every_other_target_is_forbidden() {
    let house = House::start(|_| {}).await;
    let victim = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let targets = targets(&house, victim.local_addr().unwrap());
    for transport in [Transport::Udp, Transport::Tcp, Transport::Tls] {
        let credential = house.credential("room-1", 60);
        let mut turn = allocated(&house, transport, &credential).await;
        for (index, target) in targets.iter().enumerate() {
            assert_eq!(turn.permit(&credential, &[*target]).await.code(), 403, "{target}");
            assert_eq!(turn.permit(&credential, &[house.echo, *target]).await.code(), 403, "{target}");
            assert_eq!(turn.bind(&credential, 0x4000 + index as u16, *target).await.code(), 403, "{target}");
            turn.send_channel(0x4000 + index as u16, b"no such channel").await;
            turn.send_indication(*target, b"no permission").await;
        }
        // With the permission for the SFU's address, too.
        assert_eq!(turn.permit(&credential, &[house.echo]).await.code(), 0);
        for target in &targets {
            turn.send_indication(*target, b"another port").await;
        }
        turn.send_indication(house.echo, b"the SFU").await;
        let answer = turn.receive().await.unwrap();
        assert!(answer.windows(7).any(|window| window == b"the SFU"), "the first thing that comes back");
    }
    let count = targets.len() as f64;
    assert_eq!(house.metric("requests_refused_total{reason=\"peer\"}"), 3.0 * 3.0 * count);
    assert_eq!(house.metric("dropped_total{reason=\"peer\"}"), 2.0 * 3.0 * count);
    assert_eq!(house.metric("relayed_packets_total{direction=\"up\"}"), 3.0);
    let mut buffer = [0; 64];
    assert!(victim.try_recv(&mut buffer).is_err(), "nothing arrived");
}

/// Somebody who learns a relayed address cannot get anything through it to the client.
#[tokio::test]
async fn only_the_sfu_reaches_the_client() {
    let house = House::start(|_| {}).await;
    let credential = house.credential("room-1", 60);
    let mut turn = house.connect(Transport::Udp).await;
    let answer = turn.allocate(&credential).await;
    assert_eq!(turn.permit(&credential, &[house.echo]).await.code(), 0);
    let relayed = relayed_address(&answer.message());
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    stranger.send_to(b"hello", relayed).await.unwrap();
    turn.send_indication(house.echo, b"the SFU").await;
    let first = turn.receive().await.unwrap();
    assert!(first.windows(7).any(|window| window == b"the SFU"));
    assert!(turn.receive_within(Duration::from_millis(100)).await.is_none());
    assert_eq!(house.metric("dropped_total{reason=\"source\"}"), 1.0);
}

fn relayed_address(message: &plenum_turn::stun::Message<'_>) -> SocketAddr {
    // XOR-RELAYED-ADDRESS (RFC 8656, section 18.5), IPv4.
    let value = message.get(0x0016).unwrap();
    let port = u16::from_be_bytes([value[2] ^ 0x21, value[3] ^ 0x12]);
    let ip = [value[4] ^ 0x21, value[5] ^ 0x12, value[6] ^ 0xA4, value[7] ^ 0x42];
    SocketAddr::from((ip, port))
}

/// Whatever stands above it asks for: the relay socket itself sends to the SFU only.
#[tokio::test]
async fn the_relay_socket_checks_again() {
    let (sfu, victim) =
        (UdpSocket::bind("127.0.0.1:0").await.unwrap(), UdpSocket::bind("127.0.0.1:0").await.unwrap());
    let peers = Peers::new(vec![sfu.local_addr().unwrap()], [0; 4].into());
    let users = Users::new(Limits { allocations_per_user: 1, allocations: 1, kbps_per_user: 1_000 });
    let address = "192.0.2.1:1".parse().unwrap();
    let maker = RelayMaker {
        client: Arc::new(Client::stream(Arc::default(), Transport::Tcp, address, address)),
        peers: Arc::new(ArcSwap::from_pointee(peers)),
        metrics: Metrics::default(),
        even_port: false,
        lease: Mutex::new(Some(users.lease("somebody", Instant::now()).unwrap())),
        made: Arc::default(),
    };
    let (relay, relayed) = maker.allocate_conn(true, 0).await.unwrap();
    relay.send_to(b"to the victim", victim.local_addr().unwrap()).await.unwrap();
    victim.send_to(b"from the victim", relayed).await.unwrap();
    relay.send_to(b"to the SFU", sfu.local_addr().unwrap()).await.unwrap();
    let mut buffer = [0; 64];
    let (count, _) = sfu.recv_from(&mut buffer).await.unwrap();
    assert_eq!(&buffer[..count], b"to the SFU");
    sfu.send_to(b"from the SFU", relayed).await.unwrap();
    let (count, from) = relay.recv_from(&mut buffer).await.unwrap();
    assert_eq!((&buffer[..count], from), (&b"from the SFU"[..], sfu.local_addr().unwrap()));
    assert!(victim.try_recv(&mut buffer).is_err(), "nothing arrived");
    assert!(maker.allocate_conn(true, 0).await.is_err(), "one request, one allocation");
}
