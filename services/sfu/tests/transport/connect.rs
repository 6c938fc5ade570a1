//! Offer, ICE, DTLS, media.

use crate::world::World;
use plenum_sfu::core::{Drop, Event, Handled};
use std::net::SocketAddr;
use std::time::Duration;

#[test]
fn what_one_says_the_other_hears() {
    let mut world = World::new();
    let (speaker, listener) = (world.join(1, 1), world.join(2, 1));
    world.connect(speaker);
    world.connect(listener);
    let connected = world.events.iter().filter(|event| {
        matches!(event, Event::Connected { connection: 1, protection: "AEAD_AES_256_GCM", .. })
    });
    assert_eq!(connected.count(), 2);
    world.speak(speaker, 100);
    let heard = &world.clients[listener].client.rtp;
    assert!(heard.len() > 80, "{} packets", heard.len());
    assert!(heard.iter().all(|packet| packet.ends_with(b"twenty milliseconds")));
    assert!(world.clients[speaker].client.rtp.is_empty(), "nobody hears themselves");
    // Sender reports.
    assert!(!world.clients[listener].client.rtcp.is_empty());
    let report = world.clients[listener].client.report();
    let address = world.clients[listener].address;
    world.input(address, &report);
    let peers = world.core.peers(world.now, "room");
    assert_eq!(peers.iter().map(|peer| peer.state).collect::<Vec<_>>(), ["connected"; 2]);
    assert!(peers[0].bits_in > 10_000 && peers[1].bits_out > 10_000, "{peers:?}");
    let counters = world.core.counters();
    assert_eq!((counters.dropped.iter().sum::<u64>(), counters.handshakes), (0, 2));
}

#[test]
fn an_answer_to_a_check_maps_the_address() {
    let mut world = World::new();
    let place = world.join(1, 1);
    let address = world.clients[place].address;
    let check = world.clients[place].client.check(&[(0x802a, &[1; 8])]);
    assert_eq!(world.input(address, &check), Handled::Bound);
    world.exchange();
    let client = &mut world.clients[place].client;
    assert_eq!(client.responses, [0x0101]);
    let mapped = [0x00, 0x20, 0, 8, 0, 1];
    let at = client.last_response.windows(6).position(|window| window == mapped).expect("XOR-MAPPED-ADDRESS");
    let port = u16::from_be_bytes([client.last_response[at + 6], client.last_response[at + 7]]) ^ 0x2112;
    assert_eq!(port, address.port());
    let again = client.check(&[(0x802a, &[1; 8])]);
    assert_eq!(world.input(address, &again), Handled::Yes, "known by now");
}

#[test]
fn a_client_that_thinks_it_is_controlled_is_told_to_switch() {
    let mut world = World::new();
    let place = world.join(1, 1);
    let check = world.clients[place].client.check(&[(0x8029, &[1; 8])]);
    let address = world.clients[place].address;
    world.input(address, &check);
    world.exchange();
    let client = &world.clients[place].client;
    assert_eq!(client.responses, [0x0111]);
    assert!(client.last_response.windows(4).any(|window| window == [0, 0, 4, 87]), "487 Role Conflict");
}

#[test]
fn an_attribute_that_must_be_understood_and_is_not_is_named() {
    let mut world = World::new();
    let place = world.join(1, 1);
    let check = world.clients[place].client.check(&[(0x7abc, &[1; 4])]);
    let address = world.clients[place].address;
    world.input(address, &check);
    world.exchange();
    let client = &world.clients[place].client;
    assert_eq!(client.responses, [0x0111]);
    assert!(client.last_response.windows(6).any(|window| window == [0, 0x0a, 0, 2, 0x7a, 0xbc]));
}

#[test]
fn checks_that_are_not_authentic_bind_nothing() {
    let mut world = World::new();
    let place = world.join(1, 1);
    let address = world.clients[place].address;
    let check = world.clients[place].client.nomination();
    let mut altered = check.clone();
    altered[45] ^= 1;
    altered.truncate(altered.len() - 8);
    for forged in [altered.clone(), crate::client::fingerprinted(altered)] {
        assert_eq!(world.input(address, &forged), Handled::Yes);
    }
    // USE-CANDIDATE behind the integrity is nobody's.
    let (_, password) = &mut world.clients[place].client.remote;
    *password = "wrong".to_owned();
    let wrong = world.clients[place].client.nomination();
    world.input(address, &wrong);
    world.exchange();
    assert!(world.clients[place].client.responses.is_empty());
    assert_eq!(world.input(address, &[22; 50]), Handled::Stranger);
    assert_eq!(world.core.counters().dropped[Drop::Stun as usize], 3);
}

/// Without the certificate that the offer named there are no keys.
#[test]
fn another_certificate_ends_the_connection() {
    let mut world = World::new();
    let (first, second) = (world.join(1, 1), world.join(2, 1));
    let address = world.clients[first].address;
    let check = world.clients[first].client.nomination();
    world.input(address, &check);
    world.exchange();
    // The handshake of the second, from the address of the first.
    world.clients[first].address = SocketAddr::from(([198, 51, 100, 99], 9));
    world.clients[second].address = address;
    let mut hello = Vec::new();
    let now = world.now;
    world.clients[second].client.poll(now, &mut |datagram| hello.push(datagram.to_vec()));
    world.inputs(address, &hello);
    world.exchange();
    assert!(matches!(world.events[..], [Event::Gone { person: 1, .. }]), "{:?}", world.events);
    assert_eq!(world.core.counters().handshakes_failed, 1);
}

#[test]
fn media_before_the_keys_is_dropped() {
    let mut world = World::new();
    let (a, b) = (world.join(1, 1), world.join(2, 1));
    world.connect(a);
    let check = world.clients[b].client.nomination();
    let address = world.clients[b].address;
    world.input(address, &check);
    let packet = world.clients[a].client.speech(20, b"x");
    world.input(address, &packet);
    assert_eq!(world.core.counters().dropped[Drop::Early as usize], 1);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.core.peers(world.now, "room")[1].state, "connecting");
}
