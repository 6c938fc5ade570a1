//! Many microphones, few audio slots.

use crate::offer::Offer;
use crate::world::World;
use plenum_protocol::media::Source;
use plenum_sfu::forward::ForwardEvent;

fn speak(world: &mut World, speakers: &[u32]) {
    for client in &mut world.clients {
        let level = if speakers.contains(&client.person) { 25 } else { 72 };
        client.publisher.stream(Source::Microphone, 0).level = level;
    }
}

fn meeting(seed: u64, people: u32) -> World {
    let mut world = World::new(seed);
    for person in 1..=people {
        world.join(person, Offer::slots(3, 0), &[Source::Microphone]);
    }
    world.run(2_000);
    world
}

#[test]
fn the_three_loudest_are_heard_and_nobody_hears_themselves() {
    let mut world = meeting(21, 12);
    for speakers in [[1, 2, 3], [3, 7, 9], [10, 11, 12], [1, 5, 12]] {
        speak(&mut world, &speakers);
        world.run(1_500);
        for client in 0..12 {
            let own = client as u32 + 1;
            let heard = world.people_heard(client);
            assert!(!heard.contains(&own));
            assert_eq!(heard.len(), 3);
            for speaker in speakers.iter().filter(|speaker| **speaker != own) {
                assert!(heard.contains(speaker), "{own} hears {heard:?} and not {speaker}");
            }
        }
    }
    assert_eq!(world.slots().map(|slot| slot.gaps).sum::<u32>(), 0, "no switch tears a hole");
}

#[test]
fn a_new_speaker_is_heard_soon_and_short_noises_change_nothing() {
    let mut world = meeting(22, 8);
    speak(&mut world, &[1, 2, 3]);
    world.run(2_000);
    let switches = world.counters().switches;
    for _ in 0..20 {
        speak(&mut world, &[1, 2, 3, 8]);
        world.run(20);
        speak(&mut world, &[1, 2, 3]);
        world.run(500);
    }
    // The three who speak may hear another one of those who are silent.
    assert!(world.counters().switches <= switches + 3);
    assert_eq!(world.people_heard(4), [1, 2, 3]);
    speak(&mut world, &[2, 3, 8]);
    let waited = world.run_until(1_000, |world| world.hears(0, 8).is_some());
    assert!(waited <= 500, "{waited} ms");
}

#[test]
fn speakers_are_told_the_loudest_first() {
    let mut world = meeting(23, 5);
    speak(&mut world, &[4]);
    world.run(1_000);
    let speakers = world.events.iter().rev().find_map(|(_, event)| match event {
        ForwardEvent::SpeakersChanged { speakers, .. } => Some(speakers.clone()),
        _ => None,
    });
    let speakers = speakers.expect("told");
    assert_eq!(speakers[0].0, 4);
    assert!((23..=30).contains(&speakers[0].1), "{speakers:?}");
    let told = world.events.len();
    world.run(5_000);
    assert_eq!(world.events.len(), told, "only changes are told");
}

#[test]
fn a_muted_microphone_is_silent_within_300_ms_and_frees_its_slot() {
    let mut world = meeting(24, 3);
    world.rewind();
    world.clients[1].publisher.stream(Source::Microphone, 0).on = false;
    world.run(3_000);
    assert_eq!(world.hears(0, 2), None);
    let last =
        world.clients[0].audio.iter().flat_map(|slot| &slot.played).filter(|played| played.mark.person == 2);
    let start = world.now - 3_000_000;
    assert!(last.map(|played| played.at - start).max().unwrap_or(0) <= 20_000);
    world.clients[1].publisher.stream(Source::Microphone, 0).on = true;
    world.clients[1].publisher.stream(Source::Microphone, 0).level = 30;
    let waited = world.run_until(300, |world| world.hears(0, 2).is_some());
    assert!(waited <= 40, "{waited} ms");
}

#[test]
fn fewer_slots_hear_the_loudest() {
    let mut world = World::new(25);
    world.join(1, Offer::slots(1, 0), &[Source::Microphone]);
    for person in 2..=4 {
        world.join(person, Offer::slots(3, 0), &[Source::Microphone]);
    }
    for speaker in [2, 3, 4, 2] {
        speak(&mut world, &[speaker]);
        world.run(2_000);
        assert_eq!(world.people_heard(0), [speaker]);
    }
}
