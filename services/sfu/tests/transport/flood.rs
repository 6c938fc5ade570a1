//! 10,000 damaged datagrams of each kind: nothing panics, memory stays bounded, and whoever is there goes on.

use crate::mutation::mutate;
use crate::world::World;
use std::net::SocketAddr;

/// Resident memory in bytes.
fn memory() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("statm") * 4_096
}

/// Damages what `make` gives and feeds it, from a known address and from a strange one.
fn flood(seed: u64, mut make: impl FnMut(&mut World) -> Vec<u8>) {
    let mut world = World::new();
    let (speaker, listener) = (world.join(1, 1), world.join(2, 1));
    world.connect(speaker);
    world.connect(listener);
    let stranger = SocketAddr::from(([203, 0, 113, 9], 9));
    let known = world.clients[speaker].address;
    let mut random = fastrand::Rng::with_seed(seed);
    let mut before = 0;
    for round in 0..10_000 {
        let mut datagram = make(&mut world);
        for _ in 0..random.usize(1..4) {
            mutate(&mut random, &mut datagram);
        }
        datagram.truncate(1_500);
        world.input(if random.bool() { known } else { stranger }, &datagram);
        world.sent.0.clear();
        if round == 1_000 {
            before = memory();
        }
    }
    let grown = memory().saturating_sub(before);
    assert!(grown < 16 << 20, "memory grew by {grown} bytes");

    let heard = world.clients[listener].client.rtp.len();
    world.check_all();
    world.speak(speaker, 30);
    assert!(world.clients[listener].client.rtp.len() > heard + 20, "those who were there go on");
    let fresh = world.join(3, 1);
    world.connect(fresh);
    world.speak(fresh, 100);
    assert!(world.clients[listener].client.rtp.len() > heard + 60, "a fresh client joins");
}

#[test]
fn damaged_checks() {
    flood(1, |world| world.clients[0].client.nomination());
}

#[test]
fn damaged_media() {
    flood(2, |world| world.clients[0].client.speech(20, &[7; 300]));
}

#[test]
fn damaged_reports() {
    flood(3, |world| world.clients[0].client.report());
}

/// Authentic, and nonsense inside.
#[test]
fn sealed_nonsense() {
    let mut random = fastrand::Rng::with_seed(4);
    let mut world = World::new();
    let (speaker, listener) = (world.join(1, 1), world.join(2, 1));
    world.connect(speaker);
    world.connect(listener);
    for _ in 0..10_000 {
        let payload: Vec<u8> = (0..random.usize(0..200)).map(|_| random.u8(..)).collect();
        let packet = world.clients[speaker].client.speech(random.u8(0..128), &payload);
        let known = world.clients[speaker].address;
        world.input(known, &packet);
        world.sent.0.clear();
    }
}

/// Records of another connection's handshake, damaged.
#[test]
fn damaged_handshakes() {
    let mut spare = World::new();
    let place = spare.join(9, 1);
    let mut hello = Vec::new();
    let now = spare.now;
    spare.clients[place].client.poll(now, &mut |datagram| hello.push(datagram.to_vec()));
    flood(5, |_| hello[0].clone());
}
