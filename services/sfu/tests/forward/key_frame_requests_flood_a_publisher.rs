//! Many subscribers ask for key frames; the publisher is asked seldom, and again when nothing comes.

use crate::offer::Offer;
use crate::world::World;
use plenum_protocol::media::Source;

fn meeting(seed: u64, viewers: u32) -> World {
    let mut world = World::new(seed);
    for person in 1..=viewers {
        world.join(person, Offer::default(), &[]);
        world.watch_cameras(person as usize - 1, &[100], (320, 180));
    }
    world.join(100, Offer::default(), &[Source::Camera]);
    world
}

fn picture_loss(ssrc: u32) -> Vec<u8> {
    [&[0x81, 206, 0, 2, 0, 0, 0, 1][..], &ssrc.to_be_bytes()].concat()
}

#[test]
fn thirty_subscribers_ask_and_the_publisher_is_asked_every_330_ms() {
    let mut world = meeting(51, 30);
    world.run(1_000);
    world.clients[30].publisher.stream(Source::Camera, 0).key_frame_requests.clear();
    for _ in 0..300 {
        for client in 0..30 {
            let slot = world.shows(client, 100).expect("shown");
            let request = picture_loss(world.clients[client].video[slot].ssrc);
            world.inject(client, true, &request);
        }
        world.run(10);
    }
    let requests = &world.clients[30].publisher.stream(Source::Camera, 0).key_frame_requests;
    assert!((8..=10).contains(&requests.len()), "{} requests in 3 s", requests.len());
    assert!(requests.windows(2).all(|pair| pair[1] - pair[0] >= 329_000));
    assert!(world.slots().all(|slot| slot.gaps == 0));
}

#[test]
fn a_key_frame_that_does_not_come_is_asked_for_again() {
    let mut world = meeting(52, 1);
    world.run(1_000);
    let deaf = |world: &mut World, answers: bool| {
        for layer in 0..3 {
            world.clients[1].publisher.stream(Source::Camera, layer).answers_key_frame_requests = answers;
        }
    };
    deaf(&mut world, false);
    world.watch_cameras(0, &[100], (1_280, 720));
    world.rewind();
    world.run(3_000);
    let requests = world.clients[1].publisher.stream(Source::Camera, 2).key_frame_requests.len();
    assert!((4..=10).contains(&requests), "{requests} requests in 3 s");
    let slot = world.shows(0, 100).expect("shown");
    assert!(world.clients[0].video[slot].longest_pause(world.now) <= 110, "the old layer goes on");
    deaf(&mut world, true);
    let waited = world.run_until(1_000, |world| world.layer(0, 100) == Some(2));
    assert!(waited <= 700, "{waited} ms");
}
