//! Feedback to publishers: their congestion control starves without it.

use crate::offer::Offer;
use crate::world::World;
use plenum_protocol::media::Source;
use std::time::Duration;

#[test]
fn transport_feedback_comes_every_40_to_60_ms_and_reports_every_second() {
    let mut world = World::new(61);
    world.join(1, Offer::default(), &[Source::Microphone, Source::Camera]);
    world.run(1_000);
    world.clients[0].publisher.transport_feedback.clear();
    world.clients[0].publisher.receiver_reports = 0;
    world.run(10_000);
    let publisher = &world.clients[0].publisher;
    let feedback = &publisher.transport_feedback;
    assert!((160..=260).contains(&feedback.len()), "{} in 10 s", feedback.len());
    assert!(feedback.windows(2).all(|pair| pair[1] - pair[0] <= 80_000));
    assert!((9..=11).contains(&publisher.receiver_reports), "{}", publisher.receiver_reports);
}

#[test]
fn round_trips_and_losses_are_known() {
    let mut world = World::new(62);
    for person in 1..=2 {
        world.join(person, Offer::default(), &[Source::Microphone, Source::Camera]);
        world.watch_cameras(person as usize - 1, &[1, 2], (320, 180));
    }
    world.clients[0].up.delay = 40_000;
    world.clients[0].down.delay = 60_000;
    world.clients[0].up.loss = 4.0;
    world.run(20_000);
    let stats = world.forwarder.peer_stats(world.clients[0].key);
    let round_trip = stats.round_trip.expect("known");
    assert!(round_trip.abs_diff(Duration::from_millis(100)) < Duration::from_millis(5), "{round_trip:?}");
    assert!((10..=90).contains(&stats.loss_in), "{stats:?}");
    assert_eq!(stats.sources, [Source::Microphone, Source::Camera]);
    let stats = world.forwarder.peer_stats(world.clients[1].key);
    assert_eq!((stats.loss_in, stats.loss_out), (0, 0));
}
