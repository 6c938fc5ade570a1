//! People join, publish, are watched, and leave.

use crate::offer::Offer;
use crate::world::World;
use plenum_protocol::media::Source;

const BOTH: [Source; 2] = [Source::Microphone, Source::Camera];

#[test]
fn three_people_see_and_hear_each_other() {
    let mut world = World::new(1);
    for person in 1..=3 {
        world.join(person, Offer::slots(3, 9), &BOTH);
    }
    for client in 0..3 {
        world.watch_cameras(client, &[1, 2, 3], (640, 360));
    }
    world.run(2_000);
    world.rewind();
    world.run(10_000);
    for client in 0..3 {
        let own = client as u32 + 1;
        for other in (1..=3).filter(|other| *other != own) {
            let slot = world.shows(client, other).expect("seen");
            let frames = world.clients[client].video[slot].played.len();
            assert!((195..=201).contains(&frames), "{frames} frames in 10 s");
            assert_eq!(world.layer(client, other), Some(1), "640×360 for a tile of this size");
            let slot = world.hears(client, other).expect("heard");
            assert!((498..=501).contains(&world.clients[client].audio[slot].played.len()));
        }
        assert_eq!((world.shows(client, own), world.hears(client, own)), (None, None), "not oneself");
    }
    assert!(world.slots().all(|slot| slot.gaps == 0 && slot.breaks == 0));
    assert_eq!(world.counters().malformed + world.counters().unknown, 0);
}

#[test]
fn a_newcomer_sees_the_others_at_once() {
    let mut world = World::new(2);
    for person in 1..=2 {
        world.join(person, Offer::default(), &BOTH);
    }
    world.run(3_000);
    let newcomer = world.join(3, Offer::default(), &BOTH);
    world.watch_cameras(newcomer, &[1, 2], (640, 360));
    let waited = world.run_until(1_000, |world| {
        (1..=2)
            .all(|person| world.shows(newcomer, person).is_some() && world.hears(newcomer, person).is_some())
    });
    assert!(waited <= 120, "{waited} ms");
}

#[test]
fn a_first_key_frame_is_not_missed_by_those_who_watch() {
    let mut world = World::new(3);
    let viewer = world.join(1, Offer::default(), &[]);
    world.watch_cameras(viewer, &[2], (320, 180));
    world.run(500);
    let publisher = world.join(2, Offer::default(), &[Source::Camera]);
    world.clients[publisher].publisher.stream(Source::Camera, 1).on = false;
    world.clients[publisher].publisher.stream(Source::Camera, 2).on = false;
    world.run(1_000);
    assert_eq!(world.clients[publisher].publisher.stream(Source::Camera, 0).key_frames, 1);
    assert!(world.layer(viewer, 2).is_some());
}

#[test]
fn who_leaves_is_taken_off_the_slots_at_once() {
    let mut world = World::new(4);
    for person in 1..=3 {
        world.join(person, Offer::default(), &BOTH);
    }
    world.watch_cameras(0, &[2, 3], (640, 360));
    world.run(2_000);
    world.leave(1);
    assert_eq!((world.shows(0, 2), world.hears(0, 2)), (None, None));
    world.run(1_000);
    assert!(world.shows(0, 3).is_some() && world.hears(0, 3).is_some());
    // The same person comes again with another connection.
    world.join(2, Offer::default(), &BOTH);
    world.run(1_000);
    assert!(world.layer(0, 2).is_some() && world.hears(0, 2).is_some());
}

#[test]
fn a_second_connection_replaces_the_first() {
    let mut world = World::new(5);
    world.join(1, Offer::default(), &[]);
    let first = world.join(2, Offer::default(), &BOTH);
    world.watch_cameras(0, &[2], (640, 360));
    world.run(1_000);
    world.clients[first].here = false;
    world.join(2, Offer::default(), &BOTH);
    world.run(1_000);
    assert!(world.layer(0, 2).is_some() && world.hears(0, 2).is_some());
}

#[test]
fn who_is_not_allowed_is_neither_heard_nor_seen() {
    let mut world = World::new(6);
    for person in 1..=2 {
        world.join(person, Offer::default(), &BOTH);
    }
    world.watch_cameras(0, &[2], (640, 360));
    world.run(1_000);
    world.allow(1, &[Source::Camera]);
    assert_eq!(world.hears(0, 2), None, "at once");
    world.run(1_000);
    assert!(world.hears(0, 2).is_none() && world.shows(0, 2).is_some());
    assert!(world.counters().refused > 0);
    world.allow(1, &BOTH);
    world.run(200);
    assert!(world.hears(0, 2).is_some());
}

#[test]
fn rooms_do_not_hear_each_other() {
    use plenum_sfu::description::Codec;
    let mut world = World::new(7);
    world.join_room("a", 1, Offer::default(), Codec::Vp8, &BOTH);
    world.join_room("b", 1, Offer::default(), Codec::Vp8, &BOTH);
    world.join_room("b", 2, Offer::default(), Codec::Vp8, &BOTH);
    for client in 0..3 {
        world.watch_cameras(client, &[1, 2], (640, 360));
    }
    world.run(2_000);
    let played = |world: &World, client: usize| {
        let client = &world.clients[client];
        client.audio.iter().chain(&client.video).map(|slot| slot.played.len()).sum::<usize>()
    };
    assert_eq!(played(&world, 0), 0);
    assert!(played(&world, 1) > 0 && played(&world, 2) > 0);
}

#[test]
fn a_camera_that_is_switched_off_leaves_its_slot_and_comes_back() {
    let mut world = World::new(8);
    for person in 1..=2 {
        world.join(person, Offer::default(), &BOTH);
    }
    world.watch_cameras(0, &[2], (1_280, 720));
    world.run(2_000);
    let camera = |world: &mut World, on: bool| {
        (0..3).for_each(|layer| world.clients[1].publisher.stream(Source::Camera, layer).on = on);
    };
    camera(&mut world, false);
    world.run(3_000);
    assert_eq!(world.shows(0, 2), None);
    camera(&mut world, true);
    let waited = world.run_until(500, |world| world.shows(0, 2).is_some());
    assert!(waited <= 100, "{waited} ms");
}

#[test]
fn more_slots_by_a_later_offer_interrupt_nothing() {
    let mut world = World::new(9);
    world.join(1, Offer::slots(3, 2), &[]);
    for person in 2..=6 {
        world.join(person, Offer::default(), &[Source::Camera]);
    }
    world.watch_cameras(0, &[2, 3, 4, 5, 6], (320, 180));
    world.run(2_000);
    let before = (2..=3).map(|person| world.shows(0, person).expect("shown")).collect::<Vec<_>>();
    // The simulated client numbers new m-lines after all others, as browsers do.
    let mut description = world.clients[0].offer.describe(1);
    let larger = Offer::slots(3, 4).describe(1);
    description.lines.extend_from_slice(&larger.lines[description.lines.len()..]);
    let (now, key) = (world.instant(), world.clients[0].key);
    world.clients[0].video.extend([5, 6].map(|at| {
        let line = &larger.lines[4 + at];
        crate::receiver::Slot::new(line.kind, line.mid.clone(), line.local.unwrap().ssrc, line.codecs.clone())
    }));
    world.rewind();
    world.forwarder.renegotiate(now, key, &description);
    world.run(3_000);
    assert_eq!((2..=3).map(|person| world.shows(0, person).expect("shown")).collect::<Vec<_>>(), before);
    assert_eq!(world.clients[0].told_video.iter().flatten().count(), 4);
    for slot in before {
        assert!(world.clients[0].video[slot].longest_pause(world.now) <= 110);
    }
}
