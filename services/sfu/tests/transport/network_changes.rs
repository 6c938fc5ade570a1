//! Addresses and credentials that change in the middle of a connection.

use crate::world::World;
use plenum_sfu::core::Handled;
use std::net::SocketAddr;

#[test]
fn media_follows_a_nomination() {
    let mut world = World::new();
    let (speaker, moving) = (world.join(1, 1), world.join(2, 1));
    world.connect(speaker);
    world.connect(moving);
    world.speak(speaker, 30);
    let before = world.clients[moving].client.rtp.len();
    // From mobile data to Wi-Fi: another address is checked, then nominated.
    let new = SocketAddr::from(([203, 0, 113, 9], 5_000));
    let check = world.clients[moving].client.check(&[(0x802a, &[1; 8])]);
    assert_eq!(world.input(new, &check), Handled::Bound);
    world.exchange();
    world.speak(speaker, 10);
    assert!(world.clients[moving].client.rtp.len() >= before + 9, "not nominated yet");
    let nomination = world.clients[moving].client.nomination();
    world.input(new, &nomination);
    world.clients[moving].address = new;
    world.exchange();
    let before = world.clients[moving].client.rtp.len();
    world.speak(speaker, 10);
    assert_eq!(world.clients[moving].client.rtp.len(), before + 10);
    assert_eq!(world.core.peers(world.now, "room")[1].address, Some(new));
}

/// Chromium may nominate another address in the middle of the handshake (slots.md).
#[test]
fn a_handshake_goes_on_from_another_address() {
    let mut world = World::new();
    let place = world.join(1, 1);
    let address = world.clients[place].address;
    let check = world.clients[place].client.nomination();
    world.input(address, &check);
    world.exchange();
    let mut hello = Vec::new();
    let now = world.now;
    world.clients[place].client.poll(now, &mut |datagram| hello.push(datagram.to_vec()));
    world.inputs(address, &hello);
    // The answer to the hello is under way; everything else takes the new address.
    let to_old = std::mem::take(&mut world.sent.0);
    let new = SocketAddr::from(([203, 0, 113, 9], 5_000));
    let nomination = world.clients[place].client.nomination();
    world.input(new, &nomination);
    world.clients[place].address = new;
    let mut replies = Vec::new();
    for (_, datagram) in to_old {
        world.clients[place].client.handle(now, &datagram, &mut |reply| replies.push(reply.to_vec()));
    }
    world.inputs(new, &replies);
    world.exchange();
    assert!(world.clients[place].client.is_connected());
}

#[test]
fn an_ice_restart_keeps_media_and_takes_the_new_credentials() {
    let mut world = World::new();
    let (speaker, listener) = (world.join(1, 1), world.join(2, 1));
    world.connect(speaker);
    world.connect(listener);
    world.speak(speaker, 30);
    let old = world.clients[listener].client.nomination();
    world.restart(listener);
    let before = world.clients[listener].client.rtp.len();
    world.speak(speaker, 10);
    assert_eq!(world.clients[listener].client.rtp.len(), before + 10);
    // Checks that were under way are still answered, until one with the new credentials came.
    let address = world.clients[listener].address;
    let answered = |world: &mut World, check: &[u8]| {
        let before = world.clients[listener].client.responses.len();
        world.input(address, check);
        world.exchange();
        world.clients[listener].client.responses.len() > before
    };
    assert!(answered(&mut world, &old));
    let new = world.clients[listener].client.nomination();
    assert!(answered(&mut world, &new));
    assert!(!answered(&mut world, &old));
    world.speak(speaker, 10);
    assert_eq!(world.clients[listener].client.rtp.len(), before + 20);
}

/// A peer's addresses are bounded: the least recently checked is forgotten.
#[test]
fn many_addresses_of_one_peer_are_forgotten() {
    let mut world = World::new();
    let place = world.join(1, 1);
    world.connect(place);
    for port in 1..1_000 {
        let check = world.clients[place].client.check(&[(0x802a, &[1; 8])]);
        let address = SocketAddr::from(([203, 0, 113, 9], port));
        assert_eq!(world.input(address, &check), Handled::Bound);
        world.sent.0.clear();
    }
    let known = (1..1_000).filter(|port| {
        world.input(SocketAddr::from(([203, 0, 113, 9], *port)), &[0x80; 30]) != Handled::Stranger
    });
    assert!(known.count() < 8);
    let unbound = std::iter::from_fn(|| world.core.poll_unbound()).count();
    assert!(unbound > 990, "{unbound}");
}
