//! Malformed input never ends the daemon: 10,000 seeded mutations of real messages, over every transport.

mod common;

use common::{Credential, House, Turn};
use plenum_turn::client::Transport;
use plenum_turn::frame::{channel_data, channel_header};
use plenum_turn::stun::{Class, Method, Writer, attribute};
use std::net::SocketAddr;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const MUTATIONS: usize = 10_000;

/// One message of every kind, as the client would send it now.
fn originals(turn: &mut Turn, credential: &Credential, echo: SocketAddr) -> Vec<Vec<u8>> {
    let mut channel = channel_header(0x4000, 100).to_vec();
    channel.extend([7; 100]);
    let indication = Writer::new(Class::Indication, Method::Send, turn.transaction())
        .xor_address(attribute::XOR_PEER_ADDRESS, echo)
        .attribute(attribute::DATA, &[7; 100])
        .finish();
    vec![
        channel,
        indication,
        Writer::new(Class::Request, Method::Binding, turn.transaction()).finish(),
        turn.allocate_request(credential),
        turn.signed(Method::Refresh, credential, |w| w.attribute(attribute::LIFETIME, &600u32.to_be_bytes())),
        turn.signed(Method::CreatePermission, credential, |w| {
            w.xor_address(attribute::XOR_PEER_ADDRESS, echo)
        }),
        turn.signed(Method::ChannelBind, credential, |w| {
            w.attribute(attribute::CHANNEL_NUMBER, &[0x40, 0, 0, 0])
                .xor_address(attribute::XOR_PEER_ADDRESS, echo)
        }),
        turn.signed(Method::Allocate, credential, |w| {
            w.attribute(attribute::REQUESTED_TRANSPORT, &[17, 0, 0, 0])
                .attribute(attribute::REQUESTED_ADDRESS_FAMILY, &[1, 0, 0, 0])
                .attribute(attribute::EVEN_PORT, &[0x80])
                .attribute(attribute::RESERVATION_TOKEN, &[1; 8])
        }),
    ]
}

fn mutate(random: &mut fastrand::Rng, message: &mut Vec<u8>) {
    for _ in 0..random.usize(1..=4) {
        let at = random.usize(..message.len().max(1));
        match random.u8(..6) {
            0 => message.truncate(at),
            1 => {
                message.extend(std::iter::repeat_with(|| random.u8(..)).take(at.min(64)).collect::<Vec<_>>())
            }
            2 if message.len() > 4 => message[2] = random.u8(..),
            3 if message.len() > 4 => message[3] = random.u8(..),
            _ if !message.is_empty() => message[at] = random.u8(..),
            _ => {}
        }
        if message.is_empty() {
            message.push(random.u8(..));
        }
    }
}

/// Signed after the mutation of an attribute, so that the mutation gets past the authentication.
fn mutate_signed(random: &mut fastrand::Rng, turn: &mut Turn, credential: &Credential) -> Vec<u8> {
    let method =
        random.choice([Method::Allocate, Method::Refresh, Method::CreatePermission, Method::ChannelBind]);
    let kinds = [0x0C, 0x0D, 0x12, 0x13, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x20, 0x22, 0x8000];
    let count = random.usize(..4);
    let attributes: Vec<(u16, Vec<u8>)> = (0..count)
        .map(|_| {
            let length = random.choice([0, 1, 2, 4, 8, 20, 64]).unwrap_or(4);
            let kind = random.choice(kinds).unwrap_or(0x12);
            (kind, std::iter::repeat_with(|| random.u8(..4)).take(length).collect())
        })
        .collect();
    turn.signed(method.unwrap_or(Method::Allocate), credential, |writer| {
        attributes.iter().fold(writer, |writer, (kind, value)| writer.attribute(*kind, value))
    })
}

async fn serves(house: &House) {
    let credential = house.credential("afterwards", 60);
    for transport in [Transport::Udp, Transport::Tcp, Transport::Tls] {
        let mut turn = house.connect(transport).await;
        assert_eq!(turn.allocate(&credential).await.code(), 0);
        assert_eq!(turn.bind(&credential, 0x4000, house.echo).await.code(), 0);
        turn.send_channel(0x4000, b"still here").await;
        assert_eq!(channel_data(&turn.receive().await.unwrap()), Ok((0x4000, &b"still here"[..])));
        turn.refresh(&credential, 0).await;
    }
}

#[tokio::test]
async fn survives_mutated_datagrams() {
    let house = House::start(|_| {}).await;
    let credential = house.credential("room-1", 600);
    let mut random = fastrand::Rng::with_seed(20);
    let mut turn = house.connect(Transport::Udp).await;
    turn.allocate(&credential).await;
    for index in 0..MUTATIONS {
        let message = if index % 4 == 0 {
            mutate_signed(&mut random, &mut turn, &credential)
        } else {
            let mut originals = originals(&mut turn, &credential, house.echo);
            let mut message = originals.swap_remove(random.usize(..originals.len()));
            mutate(&mut random, &mut message);
            message
        };
        turn.send(&message).await;
        if index % 50 == 0 {
            // Keeps the client from outrunning the server, whose socket buffer would drop the rest.
            let request = Writer::new(Class::Request, Method::Binding, turn.transaction()).finish();
            turn.exchange(&request).await;
        }
    }
    serves(&house).await;
    assert!(house.metric("malformed_total{transport=\"udp\"}") > 1_000.0);
}

#[tokio::test]
async fn survives_mutated_streams() {
    let house = House::start(|_| {}).await;
    let credential = house.credential("room-1", 600);
    let mut random = fastrand::Rng::with_seed(21);
    let mut turn = house.connect(Transport::Udp).await;
    turn.challenge().await;
    let mut stream = TcpStream::connect(house.tcp).await.unwrap();
    let mut streams = 1;
    for _ in 0..MUTATIONS {
        let mut originals = originals(&mut turn, &credential, house.echo);
        let mut message = originals.swap_remove(random.usize(..originals.len()));
        if random.bool() {
            mutate(&mut random, &mut message);
        }
        if stream.write_all(&message).await.is_err() {
            stream = TcpStream::connect(house.tcp).await.unwrap();
            streams += 1;
        }
    }
    drop(stream);
    serves(&house).await;
    assert!(streams > 50, "{streams}: malformed streams are closed");
}
