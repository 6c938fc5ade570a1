//! Simulcast layers start late, stop, change their SSRC; probes come without media.

use crate::offer::Offer;
use crate::world::World;
use plenum_protocol::media::Source;

fn watched(seed: u64) -> World {
    let mut world = World::new(seed);
    world.join(1, Offer::default(), &[]);
    world.join(2, Offer::default(), &[Source::Camera]);
    world.watch_cameras(0, &[2], (1_280, 720));
    world
}

fn switch(world: &mut World, layer: u8, on: bool) {
    world.clients[1].publisher.stream(Source::Camera, layer).on = on;
}

#[test]
fn the_first_layer_is_shown_without_waiting_for_the_others() {
    let mut world = watched(41);
    switch(&mut world, 1, false);
    switch(&mut world, 2, false);
    let waited = world.run_until(500, |world| world.layer(0, 2) == Some(0));
    assert!(waited <= 80, "{waited} ms");
    switch(&mut world, 1, true);
    world.run(500);
    assert_eq!(world.layer(0, 2), Some(1));
    switch(&mut world, 2, true);
    world.run(500);
    assert_eq!(world.layer(0, 2), Some(2));
}

#[test]
fn when_the_top_layer_stops_the_next_one_is_shown() {
    let mut world = watched(42);
    world.run(2_000);
    assert_eq!(world.layer(0, 2), Some(2));
    switch(&mut world, 2, false);
    world.rewind();
    let waited = world.run_until(3_000, |world| world.layer(0, 2) == Some(1));
    assert!(waited <= 1_100, "{waited} ms");
    switch(&mut world, 1, false);
    world.run(2_000);
    assert_eq!(world.layer(0, 2), Some(0));
    assert!(world.shows(0, 2).is_some());
}

#[test]
fn probes_without_media_show_nothing() {
    let mut world = watched(43);
    (0..3).for_each(|layer| switch(&mut world, layer, false));
    for _ in 0..200 {
        for layer in 0..3 {
            let probe = world.clients[1].publisher.probe(Source::Camera, layer);
            world.inject(1, false, &probe);
        }
        world.run(5);
    }
    assert_eq!(world.shows(0, 2), None);
    assert_eq!((world.counters().padding, world.counters().packets_out), (600, 0));
    (0..3).for_each(|layer| switch(&mut world, layer, true));
    world.run(500);
    for _ in 0..200 {
        let probe = world.clients[1].publisher.probe(Source::Camera, 2);
        world.inject(1, false, &probe);
        world.run(5);
    }
    assert_eq!(world.layer(0, 2), Some(2));
    assert_eq!(world.slots().map(|slot| slot.gaps).sum::<u32>(), 0);
}

#[test]
fn a_layer_that_begins_anew_goes_on_with_a_key_frame() {
    let mut world = watched(44);
    world.run(2_000);
    for _ in 0..5 {
        for layer in 0..3 {
            world.clients[1].publisher.stream(Source::Camera, layer).change_ssrc();
        }
        world.rewind();
        world.run(1_000);
        assert_eq!(world.layer(0, 2), Some(2));
        let slot = world.shows(0, 2).expect("shown");
        assert!(world.clients[0].video[slot].longest_pause(world.now) <= 200);
    }
    assert_eq!(world.slots().map(|slot| slot.gaps).sum::<u32>(), 0);
}
