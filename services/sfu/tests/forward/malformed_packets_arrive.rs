//! Whatever comes, nothing panics, and the meeting goes on (HD1).

use crate::offer::Offer;
use crate::world::World;
use plenum_protocol::media::Source;

const MUTATIONS: usize = 100_000;

fn mutate(random: &mut fastrand::Rng, bytes: &mut Vec<u8>) {
    for _ in 0..random.usize(1..6) {
        if bytes.is_empty() {
            bytes.push(random.u8(..));
        }
        let at = random.usize(..bytes.len());
        match random.u8(..8) {
            0 => bytes[at] ^= 1 << random.u8(..8),
            1 => bytes[at] = random.u8(..),
            2 => bytes[at] = [0, 0xff, 0x7f, 0x80][random.usize(..4)],
            3 => bytes.truncate(at),
            4 => bytes.insert(at, random.u8(..)),
            5 => {
                let piece = bytes[at..].to_vec();
                bytes.extend_from_slice(&piece[..piece.len().min(40)]);
            }
            6 => bytes[..8.min(at)].iter_mut().for_each(|byte| *byte = random.u8(..)),
            _ => {
                let other = random.usize(..bytes.len());
                bytes.swap(at, other);
            }
        }
    }
}

/// Clients 0 and 1 look at each other; client 2 is the attacker, at whom client 3 looks.
fn meeting(seed: u64) -> World {
    let mut world = World::new(seed);
    let everything = [Source::Microphone, Source::Camera, Source::Screen, Source::ScreenAudio];
    world.join(1, Offer::slots(0, 9), &[Source::Camera]);
    world.join(2, Offer::slots(0, 9), &[Source::Camera]);
    world.join(3, Offer::default(), &everything);
    world.join(4, Offer::default(), &[]);
    world.clients[2].careless = true;
    world.clients[3].careless = true;
    world.watch_cameras(0, &[2], (640, 360));
    world.watch_cameras(1, &[1], (640, 360));
    world.watch(2, &[(1, Source::Camera, 640, 360), (2, Source::Camera, 640, 360)]);
    world.watch(3, &[(3, Source::Screen, 640, 360), (3, Source::Camera, 640, 360)]);
    world.run(2_000);
    world
}

fn unharmed(world: &mut World) {
    world.rewind();
    world.run(3_000);
    for (viewer, person) in [(0, 2), (1, 1)] {
        let slot = world.shows(viewer, person).expect("shown");
        let slot = &world.clients[viewer].video[slot];
        assert!(slot.played.len() >= 58 && slot.longest_pause(world.now) <= 110);
    }
}

#[test]
fn a_hundred_thousand_mutated_rtp_packets() {
    let mut world = meeting(111);
    let mut random = fastrand::Rng::with_seed(1_111);
    let mut seeds = Vec::new();
    for at in 0..40 {
        seeds.extend(world.clients[2].publisher.produce(world.now + at * 20_000).0);
    }
    seeds.extend((0..3).map(|layer| world.clients[2].publisher.probe(Source::Camera, layer)));
    assert!(seeds.len() > 100);
    for turn in 0..MUTATIONS {
        let mut bytes = seeds[random.usize(..seeds.len())].clone();
        mutate(&mut random, &mut bytes);
        world.inject(2, false, &bytes);
        if turn % 500 == 0 {
            world.run(1);
        }
    }
    assert!(world.counters().malformed > 1_000, "{:?}", world.counters());
    world.leave(2);
    unharmed(&mut world);
}

#[test]
fn a_hundred_thousand_mutated_rtcp_packets() {
    let mut world = meeting(112);
    let mut random = fastrand::Rng::with_seed(1_112);
    let mut seeds = Vec::new();
    for at in 0..40 {
        seeds.extend(world.clients[2].publisher.produce(world.now + at * 500_000).1);
        seeds.extend(world.clients[2].reports(world.now + at * 500_000));
        world.run(100);
    }
    let ssrc = world.clients[2].video[0].ssrc.to_be_bytes();
    seeds.push([&[0x81, 205, 0, 3, 0, 0, 0, 1][..], &ssrc, &[0, 9, 0xff, 0xff]].concat());
    seeds.push([&[0x81, 206, 0, 2, 0, 0, 0, 1][..], &ssrc].concat());
    seeds.push([&[0x84, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0][..], &ssrc, &[1, 0, 0, 0]].concat());
    assert!(seeds.len() > 50);
    for turn in 0..MUTATIONS {
        let mut bytes = seeds[random.usize(..seeds.len())].clone();
        if random.bool() {
            bytes.extend_from_slice(&seeds[random.usize(..seeds.len())]);
        }
        mutate(&mut random, &mut bytes);
        world.inject(2, true, &bytes);
        if turn % 500 == 0 {
            world.run(1);
        }
    }
    assert!(world.counters().malformed > 1_000, "{:?}", world.counters());
    world.leave(2);
    unharmed(&mut world);
}

#[test]
fn a_small_nack_does_not_become_a_flood() {
    let mut world = meeting(113);
    let ssrc = world.clients[0].video[world.shows(0, 2).unwrap()].ssrc;
    let mut nack = [&[0x81, 205, 0, 0, 0, 0, 0, 1][..], &ssrc.to_be_bytes()].concat();
    for base in (0..u16::MAX).step_by(17).take(300) {
        nack.extend_from_slice(&base.to_be_bytes());
        nack.extend_from_slice(&[0xff, 0xff]);
    }
    let words = (nack.len() / 4 - 1) as u16;
    nack[2..4].copy_from_slice(&words.to_be_bytes());
    let before = world.counters().repeated;
    for _ in 0..1_000 {
        world.inject(0, true, &nack);
    }
    let repeated = world.counters().repeated - before;
    assert!(repeated < 600, "{repeated} packets for {} bytes", nack.len() * 1_000);
}

#[test]
fn packets_of_strangers_are_ignored() {
    let mut world = meeting(114);
    let (packets, reports) = world.clients[2].publisher.produce(world.now + 50_000);
    let before = world.counters();
    world.leave(2);
    for (rtcp, bytes) in
        packets.iter().map(|bytes| (false, bytes)).chain(reports.iter().map(|bytes| (true, bytes)))
    {
        world.inject(2, rtcp, bytes);
    }
    assert_eq!(world.counters(), before);
    unharmed(&mut world);
}
