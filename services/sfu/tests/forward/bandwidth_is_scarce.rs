//! A subscriber's downlink carries less than what it wants to see.

use crate::network::Path;
use crate::offer::Offer;
use crate::world::World;
use plenum_protocol::media::{Grade, QualityReason, Source};
use plenum_sfu::forward::ForwardEvent;

fn meeting(mut world: World, people: u32, size: (u16, u16)) -> World {
    let viewer = world.join(1, Offer::slots(3, 9), &[]);
    for person in 2..=people {
        world.join(person, Offer::default(), &[Source::Camera]);
    }
    world.watch_cameras(viewer, &(2..=people).collect::<Vec<_>>(), size);
    for slot in &mut world.clients[viewer].video {
        slot.thinned = true;
    }
    world
}

#[test]
fn the_most_important_picture_is_the_largest() {
    let mut world = meeting(World::with_limit(81, 3_000_000), 6, (1_280, 720));
    world.run(5_000);
    let layers = (2..=6).map(|person| world.layer(0, person).expect("shown")).collect::<Vec<_>>();
    assert!(layers[0] == 2 && layers.is_sorted_by(|a, b| a >= b) && layers[4] == 0, "{layers:?}");
}

#[test]
fn everybody_is_shown_before_anybody_is_large() {
    let mut world = meeting(World::with_limit(82, 1_250_000), 7, (640, 360));
    world.run(5_000);
    let layers = (2..=7).map(|person| world.layer(0, person)).collect::<Vec<_>>();
    assert_eq!(layers, [Some(0); 6]);
}

#[test]
fn a_narrow_link_is_not_flooded() {
    let mut world = meeting(World::new(83), 4, (1_280, 720));
    world.clients[0].down = Path { delay: 20_000, capacity: Some(1_000_000), ..Default::default() };
    world.run(20_000);
    let limit = world.forwarder.peer_stats(world.clients[0].key).limit;
    assert!((400_000..1_500_000).contains(&limit), "{limit}");
    world.rewind();
    for slot in &mut world.clients[0].video {
        slot.breaks = 0;
    }
    world.run(20_000);
    let slot = world.shows(0, 2).expect("the most important stays");
    let slot = &world.clients[0].video[slot];
    assert!(slot.played.len() >= 200, "{} of 400 frames", slot.played.len());
    assert!(slot.longest_pause(world.now) < 2_000, "{} ms", slot.longest_pause(world.now));
    let told = world.events.iter().any(|(_, event)| {
        matches!(event, ForwardEvent::QualityChanged { person: 1, grade, .. } if *grade > Grade::Good)
    });
    assert!(told);
}

#[test]
fn a_link_that_widens_is_used_again() {
    let mut world = meeting(World::new(84), 4, (640, 360));
    world.clients[0].down = Path { delay: 20_000, capacity: Some(600_000), ..Default::default() };
    world.run(15_000);
    world.clients[0].down.capacity = None;
    world.run(60_000);
    assert!((2..=4).all(|person| world.layer(0, person) == Some(1)));
    let last = world.events.iter().rev().find_map(|(_, event)| match event {
        ForwardEvent::QualityChanged { person: 1, grade, reason, .. } => Some((*grade, *reason)),
        _ => None,
    });
    assert_eq!(last, Some((Grade::Good, QualityReason::None)));
}

#[test]
fn frames_are_left_out_before_a_picture_is() {
    // 150 kbit/s aside for sound; the lowest layers of two pictures cost 300 kbit/s.
    let mut world = meeting(World::with_limit(85, 420_000), 3, (320, 180));
    world.run(5_000);
    world.rewind();
    world.run(5_000);
    let frames = (2..=3).map(|person| {
        let slot = world.shows(0, person).expect("shown");
        world.clients[0].video[slot].played.len()
    });
    let frames = frames.collect::<Vec<_>>();
    assert!(frames[0] >= 98 && (20..80).contains(&frames[1]), "{frames:?}");
    assert!(world.slots().all(|slot| slot.gaps == 0), "what is left out leaves no gap");
}
