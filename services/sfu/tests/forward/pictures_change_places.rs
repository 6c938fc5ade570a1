//! A page of the gallery switches, speakers change: slots go over from one person to another.

use crate::offer::Offer;
use crate::world::World;
use plenum_protocol::media::Source;

const BOTH: [Source; 2] = [Source::Microphone, Source::Camera];

/// The p95 of `samples`.
fn p95(mut samples: Vec<i64>) -> i64 {
    samples.sort_unstable();
    samples[(samples.len() * 95 / 100).min(samples.len() - 1)]
}

#[test]
fn a_page_of_the_gallery_switches() {
    let mut world = World::new(11);
    let viewer = world.join(1, Offer::slots(3, 9), &[]);
    for person in 2..=19 {
        world.join(person, Offer::default(), &[Source::Camera]);
    }
    let pages = [(2..=10).collect::<Vec<u32>>(), (11..=19).collect()];
    world.watch_cameras(viewer, &pages[0], (320, 180));
    world.run(2_000);
    let mut waits = Vec::new();
    for turn in 1..=20 {
        world.watch_cameras(viewer, &pages[turn % 2], (320, 180));
        world.rewind();
        let page = &pages[turn % 2];
        waits.push(
            world.run_until(2_000, |world| page.iter().all(|&person| world.layer(viewer, person).is_some())),
        );
        assert!(world.slots().all(|slot| slot.gaps == 0));
        // The old pictures ran until the new ones came.
        for slot in &world.clients[viewer].video {
            assert!(slot.longest_pause(world.now) <= 150, "{}", slot.longest_pause(world.now));
        }
        let pause = world.network.random.i64(100..1_500);
        world.run(pause);
    }
    // 10 ms there and back, 30 ms to encode, 50 ms to the next frame; or the pause between requests.
    assert!(p95(waits.clone()) <= 400, "{waits:?}");
}

#[test]
fn who_stays_on_the_page_stays_on_the_slot() {
    let mut world = World::new(12);
    let viewer = world.join(1, Offer::slots(3, 9), &[]);
    for person in 2..=15 {
        world.join(person, Offer::default(), &[Source::Camera]);
    }
    let mut watched = (2..=10).collect::<Vec<u32>>();
    world.watch_cameras(viewer, &watched, (320, 180));
    world.run(1_000);
    for person in 11..=15 {
        let before = watched.iter().map(|&person| world.shows(viewer, person)).collect::<Vec<_>>();
        let leaves = world.network.random.usize(..watched.len());
        let freed = before[leaves];
        watched[leaves] = person;
        world.watch_cameras(viewer, &watched, (320, 180));
        world.run(1_000);
        for (at, &person) in watched.iter().enumerate() {
            let expected = if at == leaves { freed } else { before[at] };
            assert_eq!(world.shows(viewer, person), expected);
        }
    }
}

#[test]
fn a_speakers_picture_is_on_the_slot_beside_the_voice() {
    let mut world = World::new(13);
    let viewer = world.join(1, Offer::slots(3, 9), &[]);
    let people = (2..=10).collect::<Vec<u32>>();
    for &person in &people {
        world.join(person, Offer::default(), &BOTH);
    }
    world.watch_cameras(viewer, &people, (320, 180));
    world.run(2_000);
    for _ in 0..20 {
        let speaker = world.network.random.u32(2..=10);
        for client in 1..world.clients.len() {
            let level = if world.clients[client].person == speaker { 25 } else { 70 };
            world.clients[client].publisher.stream(Source::Microphone, 0).level = level;
        }
        world.rewind();
        world.run(3_000);
        let (voice, picture) = (world.hears(viewer, speaker), world.shows(viewer, speaker));
        assert!(voice.is_some() && voice == picture, "{speaker}: voice {voice:?}, picture {picture:?}");
        for person in &people {
            assert!(world.layer(viewer, *person).is_some(), "everybody is still shown");
        }
        for slot in &world.clients[viewer].video {
            assert!(slot.longest_pause(world.now) <= 150);
        }
    }
}

#[test]
fn a_screen_and_its_sound_share_a_pair_of_slots() {
    let mut world = World::new(14);
    let viewer = world.join(1, Offer::slots(3, 9), &[]);
    for person in 2..=6 {
        world.join(person, Offer::default(), &BOTH);
    }
    world.join(
        7,
        Offer::default(),
        &[Source::Microphone, Source::Camera, Source::Screen, Source::ScreenAudio],
    );
    let mut tiles = vec![(7, Source::Screen, 1_920, 1_080)];
    tiles.extend((2..=7).map(|person| (person, Source::Camera, 320, 180)));
    world.watch(viewer, &tiles);
    world.run(3_000);
    let screen = world.shows_source(viewer, 7, Source::Screen).expect("shown");
    let sound = world.clients[viewer].told_audio[screen].expect("a sound beside the screen");
    assert_eq!((sound.person, sound.source), (7, Source::ScreenAudio));
    assert_eq!(world.people_heard(viewer).len(), 3, "two voices beside the screen's sound");
    let slot = &world.clients[viewer].video[screen];
    assert!(slot.played.iter().filter(|played| played.at > 2_000_000).count() >= 14, "15 frames a second");
}

#[test]
fn a_small_tile_gets_a_small_picture_and_grows_without_a_pause() {
    let mut world = World::new(15);
    let viewer = world.join(1, Offer::default(), &[]);
    world.join(2, Offer::default(), &[Source::Camera]);
    for _ in 0..12 {
        for (size, layer) in [((200, 112), 0), ((640, 360), 1), ((1_600, 900), 2), ((320, 180), 0)] {
            world.watch_cameras(viewer, &[2], size);
            world.rewind();
            world.run(700);
            assert_eq!(world.layer(viewer, 2), Some(layer), "{size:?}");
            let slot = world.shows(viewer, 2).unwrap();
            assert!(world.clients[viewer].video[slot].longest_pause(world.now) <= 110);
        }
    }
    assert_eq!(world.slots().map(|slot| slot.gaps).sum::<u32>(), 0);
}
