//! Nobody is told what is not in the store.

use super::*;

#[test]
fn chat_is_shown_after_it_is_stored() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    world.slow_disk = true;
    world.say(&anna, chat("one"));
    world.say(&anna, chat("two"));
    world.say(&anna, ClientMessage::Ping {});
    assert!(world.heard(&anna).is_empty(), "nor what follows: messages keep their order");
    world.commit_one(true);
    let [ServerMessage::Chat { message }] = &world.heard(&anna)[..] else { panic!() };
    assert_eq!(message.text, "one");
    world.commit_one(true);
    let [ServerMessage::Chat { .. }, ServerMessage::Pong {}] = &world.heard(&anna)[..] else { panic!() };
}

#[test]
fn other_rooms_do_not_wait() {
    let mut world = World::new();
    let one = world.create();
    let two = world.create();
    let anna = world.join(&one.host, "Anna");
    let ben = world.join(&two.host, "Ben");
    world.slow_disk = true;
    world.say(&anna, chat("slow"));
    world.say(&ben, ClientMessage::Ping {});
    assert_eq!(world.heard(&ben), [ServerMessage::Pong {}]);
    assert!(world.heard(&anna).is_empty());
}

#[test]
fn a_meeting_goes_on_without_its_store() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    world.slow_disk = true;
    world.say(&anna, chat("one"));
    world.commit_one(false);
    assert!(matches!(world.heard(&anna)[..], [ServerMessage::Chat { .. }]));
}

/// Whatever moment the daemon is killed at: what anybody was shown is there afterwards.
#[test]
fn killed_at_any_moment() {
    for seed in 0..60 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut world = World::new();
        let links = world.create();
        let anna = world.join(&links.host, "Anna");
        let ben = world.join(&links.guest, "Ben");
        world.slow_disk = true;
        for number in 0..rng.u32(1..12) {
            match rng.u8(0..3) {
                0 => world.say(&ben, chat(&format!("message {number}"))),
                1 => world.say(&anna, ClientMessage::Hand { raised: rng.bool() }),
                _ => world.say(&ben, ClientMessage::Hand { raised: rng.bool() }),
            }
            while !world.pending.is_empty() && rng.bool() {
                world.commit_one(true);
            }
        }
        let shown = world.heard(&anna);
        world.restart();
        world.slow_disk = false;
        let (_, welcome) = world.resume(&anna);
        for message in &shown {
            if let ServerMessage::Chat { message } = message {
                assert!(welcome.chat.contains(message), "seed {seed}: {message:?} is lost");
            }
        }
        let queue = shown.iter().rev().find_map(|message| match message {
            ServerMessage::Hands { queue } => Some(queue.clone()),
            _ => None,
        });
        if world.pending.is_empty()
            && let Some(queue) = queue
        {
            assert!(queue.iter().all(|person| *person <= 2));
        }
    }
}
