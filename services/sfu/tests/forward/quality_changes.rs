//! What people are told about connections.

use crate::offer::Offer;
use crate::world::World;
use plenum_protocol::media::{Grade, QualityReason, Source};
use plenum_sfu::forward::ForwardEvent;

fn told(world: &World, of: u32) -> Vec<(i64, Grade, QualityReason)> {
    let of_person = |(at, event): &(i64, ForwardEvent)| match event {
        ForwardEvent::QualityChanged { person, grade, reason, .. } if *person == of => {
            Some((*at, *grade, *reason))
        }
        _ => None,
    };
    world.events.iter().filter_map(of_person).collect()
}

fn meeting(seed: u64) -> World {
    let mut world = World::new(seed);
    for person in 1..=2 {
        world.join(person, Offer::default(), &[Source::Microphone, Source::Camera]);
        world.watch_cameras(person as usize - 1, &[1, 2], (640, 360));
    }
    world.slots().for_each(|slot| slot.thinned = true);
    world.run(5_000);
    world
}

#[test]
fn a_good_connection_is_told_once() {
    let mut world = meeting(101);
    world.run(20_000);
    for person in 1..=2 {
        assert_eq!(told(&world, person).iter().map(|told| told.1).collect::<Vec<_>>(), [Grade::Good]);
    }
}

#[test]
fn the_reason_tells_which_way_suffers() {
    let mut world = meeting(102);
    world.clients[0].up.loss = 20.0;
    world.run(5_000);
    let last = *told(&world, 1).last().unwrap();
    assert_eq!((last.1, last.2), (Grade::Poor, QualityReason::UplinkLoss));
    assert_eq!(told(&world, 2).last().unwrap().1, Grade::Good, "only who suffers");
    world.clients[0].up.loss = 0.0;
    world.run(5_000);
    assert_eq!(told(&world, 1).last().unwrap().1, Grade::Good);
    world.clients[1].down.loss = 20.0;
    world.run(6_000);
    let last = *told(&world, 2).last().unwrap();
    assert_eq!((last.1, last.2), (Grade::Poor, QualityReason::DownlinkLoss));
    let times = told(&world, 1).iter().map(|told| told.0).collect::<Vec<_>>();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 1_900_000), "at most every two seconds");
}

#[test]
fn silence_is_lost_and_a_sign_of_life_is_enough() {
    let mut world = meeting(103);
    world.clients[0].up.loss = 100.0;
    world.run(8_000);
    assert_eq!(told(&world, 1).last().unwrap().1, Grade::Lost);
    let (now, key) = (world.instant(), world.clients[0].key);
    world.forwarder.alive(now, key);
    world.run(2_100);
    assert_ne!(told(&world, 1).last().unwrap().1, Grade::Lost);
}
