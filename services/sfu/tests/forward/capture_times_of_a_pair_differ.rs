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
