//! Lip sync: what was captured together has the same time in the sender reports of a pair of slots.

use crate::offer::Offer;
use crate::world::World;
use plenum_protocol::media::Source;

const BOTH: [Source; 2] = [Source::Microphone, Source::Camera];

#[test]
fn sound_and_picture_of_everybody_stay_together_over_switches() {
    let mut world = World::new(71);
    let viewer = world.join(1, Offer::slots(3, 3), &[]);
    for person in 2..=6 {
        let client = world.join(person, Offer::default(), &BOTH);
        // Everybody is another distance away, and encodes pictures slowly.
        world.clients[client].up.delay = 10_000 + 15_000 * i64::from(person);
        world.clients[client].up.jitter = 5_000;
    }
    for speaker in [2, 3, 4, 5, 6, 2, 4, 6] {
        for client in 1..world.clients.len() {
            let level = if world.clients[client].person == speaker { 25 } else { 72 };
            world.clients[client].publisher.stream(Source::Microphone, 0).level = level;
        }
        world.watch_cameras(viewer, &[speaker], (640, 360));
        world.run(5_000);
        let pair = world.hears(viewer, speaker).expect("heard");
        assert_eq!(world.shows(viewer, speaker), Some(pair));
        let offset = |slot: &crate::receiver::Slot| {
            let played = slot.played.last().expect("played");
            assert_eq!(played.mark.person, speaker);
            World::captured(slot, played) - played.mark.captured
        };
        let client = &world.clients[viewer];
        let apart = offset(&client.audio[pair]) - offset(&client.video[pair]);
        assert!(apart.abs() <= 3_000, "{speaker}: {apart} µs apart");
    }
}

#[test]
fn a_microphone_that_was_off_is_heard_at_its_time() {
    for (seed, sources) in [(73, &BOTH[..]), (74, &BOTH[..1])] {
        let mut world = World::new(seed);
        let viewer = world.join(1, Offer::slots(3, 3), &[]);
        let speaker = world.join(2, Offer::default(), sources);
        world.run(3_000);
        let lag = |world: &World| {
            let played = *world.clients[viewer].audio[0].played.last().expect("played");
            played.at - i64::from(played.timestamp) * 1_000 / 48
        };
        // Without any other packet a pause that is shorter cannot be told from a blocked way.
        let shortest = if sources.len() == 1 { 1_500 } else { 400 };
        for pause in [400, 900, 1_500, 4_000, 7_000].into_iter().filter(|pause| *pause >= shortest) {
            let before = lag(&world);
            world.clients[speaker].publisher.stream(Source::Microphone, 0).on = false;
            world.run(pause);
            world.clients[speaker].publisher.stream(Source::Microphone, 0).on = true;
            world.rewind();
            world.run(200);
            let later = lag(&world) - before;
            assert!(later.abs() <= 40_000, "{later} µs later after a pause of {pause} ms");
            world.run(3_000);
            let slot = &world.clients[viewer].audio[0];
            let played = slot.played.last().expect("played");
            let off = World::captured(slot, played) - played.mark.captured;
            assert!((off - 5_000).abs() <= 10_000, "the reports are {off} µs off after {pause} ms");
        }
    }
}

#[test]
fn sound_that_waited_on_its_way_is_not_taken_for_a_pause() {
    let mut world = World::new(75);
    let viewer = world.join(1, Offer::slots(3, 3), &[]);
    let speaker = world.join(2, Offer::default(), &BOTH);
    world.run(3_000);
    let switches = world.counters().switches;
    let delay = world.clients[speaker].up.delay;
    for blocked in (0..800).rev().step_by(10) {
        world.clients[speaker].up.delay = delay + blocked * 1_000;
        world.run(10);
    }
    world.clients[speaker].up.delay = delay;
    world.run(3_000);
    assert_eq!(world.counters().switches, switches);
    let slot = &world.clients[viewer].audio[0];
    assert_eq!(slot.gaps, 0);
    let played = slot.played.last().expect("played");
    let off = World::captured(slot, played) - played.mark.captured;
    assert!((off - 5_000).abs() <= 10_000, "{off} µs");
}

#[test]
fn reports_of_a_slot_lie_on_one_line_over_switches() {
    let mut world = World::new(72);
    let viewer = world.join(1, Offer::slots(3, 1), &[]);
    for person in 2..=5 {
        world.join(person, Offer::default(), &[Source::Camera]);
    }
    for turn in 0..20 {
        world.watch_cameras(viewer, &[2 + turn % 4], (320, 180));
        world.run(1_500);
    }
    let reports = &world.clients[viewer].video[0].reports;
    assert!(reports.len() >= 45, "one a second and one at each switch: {}", reports.len());
    let first = reports[0];
    for report in reports {
        let by_ntp = (((report.ntp - first.ntp) as u128 * 90_000) >> 32) as i64;
        let by_rtp = i64::from(report.rtp.wrapping_sub(first.rtp));
        assert!((by_ntp - by_rtp).abs() <= 90 * 60, "{} ms off", (by_ntp - by_rtp) / 90);
    }
}
