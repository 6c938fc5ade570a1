//! SIGKILL in a meeting.

use super::*;
use plenum_protocol::media::Source;
use plenum_protocol::server::LeaveReason;

#[test]
fn roster_chat_and_hands_are_back() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    let ben = world.join(&links.guest, "Ben");
    let cem = world.join(&links.guest, "Cem");
    world.say(&cem, ClientMessage::Hand { raised: true });
    world.say(&ben, ClientMessage::Hand { raised: true });
    world.say(&ben, ClientMessage::Sending { sources: vec![Source::Microphone, Source::Camera] });
    world.say(&anna, ClientMessage::Mute { person: ben.person });
    world.say(&anna, chat("one"));
    world.say(&ben, chat("two"));
    let meeting = world.meeting_id();

    world.restart();
    assert_eq!(world.meeting_id(), meeting, "the SFU knows the meeting by this name");
    assert!(world.roster().iter().all(|person| !person.present));
    let (anna, welcome) = world.resume(&anna);
    assert_eq!(welcome.room.guest_link.as_deref(), Some(links.guest.as_str()));
    assert_eq!(welcome.hands, [3, 2]);
    assert_eq!(welcome.chat.iter().map(|m| m.text.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(welcome.people.len(), 3);
    assert_eq!(welcome.people[1].sources, [Source::Camera]);
    let (ben, _) = world.resume(&ben);
    assert_eq!(world.heard(&ben), [ServerMessage::Muted { by: 1 }]);
    world.say(&ben, chat("three"));
    let heard = world.heard(&anna);
    assert!(matches!(heard.last(), Some(ServerMessage::Chat { message }) if message.id == 3), "{heard:?}");

    world.wait(60);
    let left = ServerMessage::PersonLeft { person: cem.person, reason: LeaveReason::TimedOut };
    assert!(world.heard(&anna).contains(&left));
}

#[test]
fn a_meeting_to_which_nobody_comes_back_is_forgotten() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    world.say(&anna, chat("secret"));
    world.restart();
    world.wait(59);
    assert!(!world.disk.is_forgotten());
    world.wait(1);
    assert!(world.disk.is_forgotten());
    world.join(&links.guest, "Ben");
}

#[test]
fn a_mute_that_its_person_did_not_hear_of() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    let ben = world.join(&links.guest, "Ben");
    let speaking = ClientMessage::Sending { sources: vec![Source::Microphone] };
    world.say(&ben, speaking.clone());
    world.say(&anna, ClientMessage::Mute { person: ben.person });
    world.restart();
    world.wait(10);
    let (ben, _) = world.resume(&ben);
    world.say(&ben, speaking);
    assert!(world.roster()[1].sources.is_empty());
}

#[test]
fn the_replaced_link_survives() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    let ben = world.join(&links.guest, "Ben");
    world.say(&anna, ClientMessage::Remove { person: ben.person });
    world.restart();
    let (anna, welcome) = world.resume(&anna);
    let fresh = welcome.room.guest_link.expect("a host");
    assert_ne!(fresh, links.guest);
    world.join(&fresh, "Cem");
    let id = world.hello(&links.guest, "Ben", None);
    assert_eq!(world.refusal(id), RefusalReason::UnknownLink);
    world.say(&anna, ClientMessage::EndForAll {});
    world.restart();
    let id = world.hello(&fresh, "Cem", None);
    assert_eq!(world.refusal(id), RefusalReason::Ended);
}

#[test]
fn leftovers_of_a_half_written_end_are_deleted() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    world.say(&anna, chat("secret"));
    // The room is gone from the one store, the other one was not written any more.
    world.disk.rooms.clear();
    world.restart();
    assert!(world.disk.is_forgotten());

    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    world.say(&anna, chat("secret"));
    world.disk.seats.clear();
    world.restart();
    assert!(world.disk.is_forgotten());
    world.join(&links.host, "Anna");
}
