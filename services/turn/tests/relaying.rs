//! Media goes through the relay to the SFU and back, over every transport; credentials, quotas, limits.

mod common;

use common::{House, Turn, proxy_header};
use plenum_turn::client::Transport;
use plenum_turn::frame::channel_data;
use plenum_turn::stun::{Class, Message, Method, Writer, attribute};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

const TRANSPORTS: [Transport; 3] = [Transport::Udp, Transport::Tcp, Transport::Tls];

#[tokio::test]
async fn relays_by_channel_and_by_indication_over_every_transport() {
    let house = House::start(|_| {}).await;
    for transport in TRANSPORTS {
        let credential = house.credential("room-1", 60);
        let mut turn = house.connect(transport).await;
        let answer = turn.allocate(&credential).await;
        assert_eq!(answer.code(), 0, "{transport:?}");

        assert_eq!(turn.permit(&credential, &[house.echo]).await.code(), 0);
        turn.send_indication(house.echo, b"before a channel").await;
        let data = turn.receive().await.unwrap();
        let data = Message::parse(&data).unwrap();
        assert_eq!((data.class, data.method), (Class::Indication, Method::Data));
        assert_eq!(data.get(attribute::DATA), Some(&b"before a channel"[..]));
        assert_eq!(data.peers().next(), Some(house.echo));

        assert_eq!(turn.bind(&credential, 0x4000, house.echo).await.code(), 0);
        for length in [0, 1, 2, 3, 4, 160, 1_199, 1_200] {
            let payload = vec![length as u8; length];
            turn.send_channel(0x4000, &payload).await;
            let back = turn.receive().await.unwrap();
            assert_eq!(channel_data(&back), Ok((0x4000, &payload[..])), "{transport:?}");
        }
        assert_eq!(turn.refresh(&credential, 0).await.code(), 0);
        assert_eq!(turn.refresh(&credential, 600).await.code(), 437);
    }
    assert_eq!(house.metric("allocations"), 0.0);
    assert_eq!(house.metric("allocations_made_total{transport=\"tls\"}"), 1.0);
    assert!(house.metric("relayed_packets_total{direction=\"down\"}") >= 27.0);
}

#[tokio::test]
async fn names_the_client_address_of_the_proxy_header() {
    let house = House::start(|_| {}).await;
    let mut turn = house.connect(Transport::Tls).await;
    let request = Writer::new(Class::Request, Method::Binding, turn.transaction()).finish();
    let answer = turn.exchange(&request).await;
    let expected = Writer::new(Class::Success, Method::Binding, answer.message().transaction)
        .xor_address(attribute::XOR_MAPPED_ADDRESS, "192.0.2.1:50000".parse().unwrap())
        .finish();
    assert_eq!(answer.0, expected);

    let mut turn = house.connect(Transport::Udp).await;
    let request = Writer::new(Class::Request, Method::Binding, turn.transaction()).finish();
    let answer = turn.exchange(&request).await;
    let expected = Writer::new(Class::Success, Method::Binding, answer.message().transaction)
        .xor_address(attribute::XOR_MAPPED_ADDRESS, turn.local().unwrap())
        .finish();
    assert_eq!(answer.0, expected, "IPv4 on a socket for both families is named as IPv4");
}

#[tokio::test]
async fn refuses_wrong_and_expired_credentials() {
    let house = House::start(|_| {}).await;
    for transport in TRANSPORTS {
        let mut turn = house.connect(transport).await;
        let good = house.credential("room-1", 60);

        let mut wrong = good.clone();
        wrong.password.push('x');
        assert_eq!(turn.allocate(&wrong).await.code(), 401);
        let mut extended = good.clone();
        extended.username = format!("9{}", extended.username);
        assert_eq!(turn.allocate(&extended).await.code(), 401);
        let mut nobody = good.clone();
        nobody.username = "nobody".into();
        assert_eq!(turn.allocate(&nobody).await.code(), 401);
        assert_eq!(turn.allocate(&house.credential("room-1", -1)).await.code(), 401);

        assert_eq!(turn.allocate(&good).await.code(), 0, "{transport:?}");
        let other = house.credential("room-2", 60);
        assert_eq!(turn.refresh(&other, 600).await.code(), 441);
        assert_eq!(turn.permit(&other, &[house.echo]).await.code(), 441);
    }
    assert_eq!(house.metric("requests_refused_total{reason=\"wrong_credentials\"}"), 9.0);
    assert_eq!(house.metric("requests_refused_total{reason=\"expired\"}"), 3.0);
}

#[tokio::test]
async fn a_nonce_serves_one_client_only() {
    let house = House::start(|_| {}).await;
    let credential = house.credential("room-1", 60);
    let (mut first, mut second) = (house.connect(Transport::Udp).await, house.connect(Transport::Udp).await);
    first.challenge().await;
    let stolen = first.allocate_request(&credential);
    let answer = second.exchange(&stolen).await;
    assert_eq!(answer.code(), 438);
    assert!(answer.message().text(attribute::NONCE).is_some());
}

#[tokio::test]
async fn answers_a_retransmitted_allocate_alike_and_another_with_437() {
    let house = House::start(|_| {}).await;
    let credential = house.credential("room-1", 60);
    let mut turn = house.connect(Transport::Udp).await;
    turn.challenge().await;
    let request = turn.allocate_request(&credential);
    let first = turn.exchange(&request).await;
    let again = turn.exchange(&request).await;
    assert_eq!((first.code(), &first.0), (0, &again.0));
    let other = turn.allocate_request(&credential);
    assert_eq!(turn.exchange(&other).await.code(), 437);
    assert_eq!(house.metric("allocations"), 1.0);
}

#[tokio::test]
async fn quotas_of_a_credential_and_of_everyone() {
    let house = House::start(|settings| {
        settings.max_allocations_per_user = 2;
        settings.max_allocations = 3;
    })
    .await;
    let (one, other) = (house.credential("one", 60), house.credential("other", 60));
    let mut held: Vec<Turn> = Vec::new();
    for (credential, code) in [(&one, 0), (&one, 0), (&one, 486), (&other, 0), (&other, 486)] {
        let mut turn = house.connect(Transport::Tcp).await;
        assert_eq!(turn.allocate(credential).await.code(), code);
        if code == 0 {
            held.push(turn);
        }
    }
    assert_eq!(house.metric("requests_refused_total{reason=\"quota_user\"}"), 1.0);
    assert_eq!(house.metric("requests_refused_total{reason=\"quota_everyone\"}"), 1.0);
    assert_eq!(held[0].refresh(&one, 0).await.code(), 0);
    let mut turn = house.connect(Transport::Tcp).await;
    assert_eq!(turn.allocate(&one).await.code(), 0, "given up, so there is room again");
}

#[tokio::test]
async fn a_closed_stream_gives_its_allocation_back() {
    let house = House::start(|settings| settings.max_allocations = 1).await;
    let credential = house.credential("one", 60);
    for _ in 0..20 {
        let mut turn = house.connect(Transport::Tcp).await;
        let mut code = turn.allocate(&credential).await.code();
        // The server notices the end of the stream before this one a moment later.
        while code == 486 {
            tokio::task::yield_now().await;
            code = turn.allocate(&credential).await.code();
        }
        assert_eq!(code, 0);
    }
}

#[tokio::test]
async fn bandwidth_is_limited() {
    let house = House::start(|settings| settings.max_kbps_per_user = 800).await;
    let credential = house.credential("one", 60);
    let mut turn = house.connect(Transport::Tcp).await;
    assert_eq!(turn.allocate(&credential).await.code(), 0);
    assert_eq!(turn.bind(&credential, 0x4000, house.echo).await.code(), 0);
    for _ in 0..200 {
        turn.send_channel(0x4000, &[0; 1_000]).await;
    }
    let mut back = 0;
    while turn.receive_within(Duration::from_millis(300)).await.is_some() {
        back += 1;
    }
    // The burst of half a second is 50 kB; a little more may have been refilled meanwhile.
    assert!((50..=100).contains(&back), "{back}");
    assert!(house.metric("dropped_total{reason=\"bandwidth\"}") >= 100.0);
}

#[tokio::test]
async fn family_by_family() {
    let house = House::start(|_| {}).await;
    let credential = house.credential("one", 60);
    let request = |turn: &mut Turn, family: u8| {
        turn.signed(Method::Allocate, &credential, |writer| {
            writer
                .attribute(attribute::REQUESTED_TRANSPORT, &[17, 0, 0, 0])
                .attribute(attribute::REQUESTED_ADDRESS_FAMILY, &[family, 0, 0, 0])
        })
    };
    let mut turn = house.connect(Transport::Udp).await;
    turn.challenge().await;
    let v6 = request(&mut turn, 2);
    assert_eq!(turn.exchange(&v6).await.code(), 440, "this SFU has no IPv6 address");
    let unknown = request(&mut turn, 3);
    assert_eq!(turn.exchange(&unknown).await.code(), 440);
    let v4 = request(&mut turn, 1);
    assert_eq!(turn.exchange(&v4).await.code(), 0);

    let mut tasks = tokio::task::JoinSet::new();
    let echo = common::echo(&mut tasks, "[::1]:0").await;
    let house = House::start(|settings| settings.peers.push(echo)).await;
    let credential = house.credential("one", 60);
    let mut turn = house.connect(Transport::Udp).await;
    turn.challenge().await;
    let v6 = turn.signed(Method::Allocate, &credential, |writer| {
        writer
            .attribute(attribute::REQUESTED_TRANSPORT, &[17, 0, 0, 0])
            .attribute(attribute::REQUESTED_ADDRESS_FAMILY, &[2, 0, 0, 0])
    });
    assert_eq!(turn.exchange(&v6).await.code(), 0);
    assert_eq!(turn.bind(&credential, 0x4000, house.echo).await.code(), 443, "an IPv4 peer of an IPv6 relay");
    assert_eq!(turn.bind(&credential, 0x4000, echo).await.code(), 0);
    turn.send_channel(0x4000, b"over IPv6").await;
    assert_eq!(channel_data(&turn.receive().await.unwrap()), Ok((0x4000, &b"over IPv6"[..])));
}

#[tokio::test]
async fn other_kinds_of_relaying_are_refused() {
    let house = House::start(|_| {}).await;
    let credential = house.credential("one", 60);
    let mut turn = house.connect(Transport::Udp).await;
    turn.challenge().await;
    let transport: &[(u16, &[u8])] = &[(attribute::REQUESTED_TRANSPORT, &[17, 0, 0, 0])];
    for (code, extra) in [
        (442, &[(attribute::REQUESTED_TRANSPORT, &[6, 0, 0, 0][..])][..]),
        (400, &[]),
        (508, &[transport[0], (attribute::EVEN_PORT, &[0x80])]),
        (508, &[transport[0], (attribute::RESERVATION_TOKEN, &[0; 8])]),
        (420, &[transport[0], (0x001A, &[])]),
    ] {
        let request = turn.signed(Method::Allocate, &credential, |writer| {
            extra.iter().fold(writer, |writer, (kind, value)| writer.attribute(*kind, value))
        });
        assert_eq!(turn.exchange(&request).await.code(), code);
    }
    assert_eq!(house.metric("allocations"), 0.0);

    let even = turn.signed(Method::Allocate, &credential, |writer| {
        writer.attribute(attribute::REQUESTED_TRANSPORT, &[17, 0, 0, 0]).attribute(attribute::EVEN_PORT, &[0])
    });
    let answer = turn.exchange(&even).await;
    assert_eq!(answer.code(), 0);
    let relayed = answer.message().get(0x0016).unwrap();
    assert_eq!((relayed[3] ^ 0x12) & 1, 0, "an even port");
}

#[tokio::test(start_paused = true)]
async fn silent_and_slow_streams_are_closed() {
    let house = House::start(|_| {}).await;
    let mut silent = TcpStream::connect(house.tcp).await.unwrap();
    let mut slow = TcpStream::connect(house.tcp).await.unwrap();
    slow.write_all(&[0x00, 0x03, 0x00, 0x08]).await.unwrap();
    let mut headless = UnixStream::connect(&house.unix).await.unwrap();
    headless.write_all(&proxy_header("192.0.2.1:1", "192.0.2.9:443")[..20]).await.unwrap();
    let mut buffer = [0; 16];
    assert_eq!(silent.read(&mut buffer).await.unwrap(), 0);
    assert_eq!(slow.read(&mut buffer).await.unwrap(), 0);
    assert_eq!(headless.read(&mut buffer).await.unwrap(), 0);
    assert_eq!(house.metric("streams"), 0.0);
    assert_eq!(house.metric("streams_ended_total{reason=\"slow\"}"), 1.0);
    assert_eq!(house.metric("streams_ended_total{reason=\"idle\"}"), 2.0);
}

/// A client that does not read costs a bounded buffer, and in the end its stream.
#[tokio::test]
async fn a_client_that_does_not_read_loses_packets_only() {
    let house = House::start(|settings| settings.max_kbps_per_user = 1_000_000).await;
    let credential = house.credential("one", 60);
    let mut turn = house.connect(Transport::Tcp).await;
    assert_eq!(turn.allocate(&credential).await.code(), 0);
    assert_eq!(turn.bind(&credential, 0x4000, house.echo).await.code(), 0);
    let mut sent = 0;
    while house.metric("dropped_total{reason=\"slow_client\"}") == 0.0 {
        for _ in 0..100 {
            turn.send_channel(0x4000, &[0; 1_200]).await;
        }
        sent += 100;
        assert!(sent < 100_000, "the buffers have an end");
    }
    let mut other = house.connect(Transport::Tcp).await;
    assert_eq!(other.allocate(&credential).await.code(), 0, "others are served meanwhile");
}
