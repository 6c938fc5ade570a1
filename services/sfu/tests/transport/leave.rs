//! Ends of connections.

use crate::world::World;
use plenum_sfu::core::{Event, Gone};
use std::time::Duration;

fn gone(world: &World) -> Vec<(u32, u32, Gone)> {
    let gone = world.events.iter().filter_map(|event| match event {
        Event::Gone { person, connection, reason, .. } => Some((*person, *connection, reason.clone())),
        _ => None,
    });
    gone.collect()
}

/// Consent, RFC 7675.
#[test]
fn a_peer_that_checks_no_more_is_gone_after_thirty_seconds() {
    let mut world = World::new();
    let (silent, lively) = (world.join(1, 1), world.join(2, 1));
    world.connect(silent);
    world.connect(lively);
    for _ in 0..5 {
        world.pass(Duration::from_secs(5));
        let address = world.clients[lively].address;
        let check = world.clients[lively].client.nomination();
        world.input(address, &check);
    }
    assert!(gone(&world).is_empty());
    assert_eq!(world.core.peers(world.now, "room")[0].state, "silent");
    world.pass(Duration::from_secs(7));
    assert_eq!(gone(&world), [(1, 1, Gone::Silent)]);
    assert_eq!(world.core.counters().peers, 1);
}

#[test]
fn a_client_that_says_good_bye_is_gone_at_once() {
    let mut world = World::new();
    let place = world.join(1, 1);
    world.connect(place);
    let mut alert = Vec::new();
    world.clients[place].client.close(&mut |datagram| alert.push(datagram.to_vec()));
    let address = world.clients[place].address;
    world.inputs(address, &alert);
    world.exchange();
    assert_eq!(gone(&world), [(1, 1, Gone::Closed)]);
    assert!(world.core.rooms().is_empty());
}

#[test]
fn a_removed_client_is_told() {
    let mut world = World::new();
    let place = world.join(1, 1);
    world.connect(place);
    world.core.disconnect(world.now, "room", 1, &mut world.sent);
    world.exchange();
    assert!(world.clients[place].client.closed);
    assert!(gone(&world).is_empty(), "it was asked for");
}

#[test]
fn a_new_connection_replaces_the_old_one() {
    let mut world = World::new();
    let (old, listener) = (world.join(1, 1), world.join(2, 1));
    world.connect(old);
    world.connect(listener);
    world.speak(old, 30);
    let new = world.join(1, 2);
    world.exchange();
    assert!(world.clients[old].client.closed);
    world.connect(new);
    let before = world.clients[listener].client.rtp.len();
    world.speak(new, 50);
    assert!(world.clients[listener].client.rtp.len() > before + 30);
    assert_eq!(world.core.counters().peers, 2);
    assert!(gone(&world).is_empty());
}

#[test]
fn everybody_is_told_when_the_daemon_ends() {
    let mut world = World::new();
    for person in 1..=5 {
        let place = world.join(person, 1);
        world.connect(place);
    }
    world.core.close(world.now, &mut world.sent);
    world.exchange();
    assert!(world.clients.iter().all(|member| member.client.closed));
}

/// Alerts without a tag, as anybody can send who knows both addresses.
#[test]
fn a_forged_alert_ends_nothing() {
    let mut world = World::new();
    let place = world.join(1, 1);
    let address = world.clients[place].address;
    let alert = |sequence: u8, level: u8, kind: u8| {
        [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, sequence, 0, 2, level, kind]
    };
    world.connect(place);
    for (sequence, (level, kind)) in [(1, 0), (2, 0), (2, 40), (2, 90)].into_iter().enumerate() {
        world.input(address, &alert(50 + sequence as u8, level, kind));
        world.input(address, &alert(0, level, kind));
    }
    world.exchange();
    assert!(gone(&world).is_empty());
}
