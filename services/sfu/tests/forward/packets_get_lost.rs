//! Packets get lost, late and out of order, on both sides of the SFU.

use crate::network::Path;
use crate::offer::Offer;
use crate::world::World;
use plenum_protocol::media::Source;

const BOTH: [Source; 2] = [Source::Microphone, Source::Camera];

fn meeting(seed: u64, people: u32) -> World {
    let mut world = World::new(seed);
    for person in 1..=people {
        world.join(person, Offer::default(), &BOTH);
    }
    let everybody = (1..=people).collect::<Vec<_>>();
    for client in 0..world.clients.len() {
        world.watch_cameras(client, &everybody, (640, 360));
    }
    world
}

#[test]
fn losses_to_a_subscriber_are_repaired() {
    let mut world = meeting(31, 3);
    world.clients[0].down = Path { loss: 5.0, delay: 20_000, jitter: 3_000, ..Default::default() };
    world.run(20_000);
    let client = &world.clients[0];
    let repaired = client.video.iter().map(|slot| slot.repaired).sum::<u32>();
    assert!(repaired > 100, "{repaired}");
    assert_eq!(client.video.iter().map(|slot| slot.breaks).sum::<u32>(), 0);
    for person in 2..=3 {
        let slot = world.shows(0, person).expect("shown");
        let frames = client.video[slot].played.len();
        assert!(frames >= 390, "{frames} of 400 frames");
    }
    let counters = world.counters();
    assert!(
        counters.repeated >= u64::from(repaired) && counters.repeated < u64::from(repaired) * 2,
        "{counters:?}"
    );
}

#[test]
fn losses_of_a_publisher_are_repaired_for_everybody() {
    let mut world = meeting(32, 4);
    world.clients[0].up = Path { loss: 5.0, delay: 20_000, jitter: 3_000, ..Default::default() };
    world.run(20_000);
    let counters = world.counters();
    assert!(counters.recovered > 40, "{counters:?}");
    for client in 1..4 {
        let slot = world.shows(client, 1).expect("shown");
        let slot = &world.clients[client].video[slot];
        assert_eq!(slot.breaks, 0);
        assert!(slot.played.len() >= 390, "{} of 400 frames", slot.played.len());
    }
    assert!(counters.missing < counters.recovered * 2, "{counters:?}");
}

#[test]
fn switches_under_loss_stay_clean() {
    let mut world = meeting(33, 6);
    world.slots().for_each(|slot| slot.thinned = true);
    world.set_paths(Path { loss: 8.0, delay: 30_000, jitter: 15_000, ..Default::default() });
    for turn in 0..40u32 {
        let people = (0..4).map(|at| 2 + (turn + at) % 5).collect::<Vec<_>>();
        let size = if turn % 3 == 0 { (320, 180) } else { (640, 360) };
        world.watch_cameras(0, &people, size);
        world.run(700);
    }
    let client = &world.clients[0];
    let breaks = client.video.iter().map(|slot| slot.breaks).sum::<u32>();
    assert!(breaks <= 2, "{breaks} unrepaired losses in 28 s");
    let frames = client.video.iter().map(|slot| slot.played.len()).sum::<usize>();
    assert!(frames >= 28 * 20 * 4 * 85 / 100, "{frames}");
}

#[test]
fn reordering_alone_causes_no_requests() {
    let mut world = meeting(34, 2);
    world.clients[0].up = Path { jitter: 8_000, ..Default::default() };
    world.run(10_000);
    assert_eq!((world.counters().missing, world.clients[0].publisher.nacks), (0, 0));
    let slot = world.shows(1, 1).expect("shown");
    assert_eq!(world.clients[1].video[slot].breaks, 0);
    assert!(world.clients[1].video[slot].played.len() >= 197);
}

#[test]
fn duplicates_are_passed_on_once() {
    let mut world = meeting(35, 2);
    world.run(1_000);
    let (packets, _) = world.clients[1].publisher.produce(world.now + 50_000);
    assert!(!packets.is_empty());
    let before = world.counters();
    for packet in packets.iter().chain(&packets) {
        world.inject(1, false, packet);
    }
    let after = world.counters();
    assert_eq!(after.duplicates - before.duplicates, packets.len() as u64);
    assert_eq!(after.packets_in - before.packets_in, packets.len() as u64);
}

#[test]
fn a_long_interruption_ends_with_a_key_frame() {
    let mut world = meeting(36, 2);
    world.run(2_000);
    world.clients[1].up.loss = 100.0;
    world.run(800);
    world.clients[1].up.loss = 0.0;
    world.rewind();
    world.run(1_500);
    let slot = world.shows(0, 2).expect("shown");
    assert!(world.clients[0].video[slot].played.len() >= 20, "{}", world.clients[0].video[slot].played.len());
}
