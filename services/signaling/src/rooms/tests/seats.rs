//! Dropped connections, resuming, time-outs.

use super::*;
use plenum_protocol::media::Source;
use plenum_protocol::server::LeaveReason;

#[test]
fn a_dropped_connection_keeps_seat_hand_and_mute_state() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    let ben = world.join(&links.guest, "Ben");
    world.say(&ben, ClientMessage::Hand { raised: true });
    world.say(&ben, ClientMessage::Sending { sources: vec![Source::Microphone] });
    world.say(&anna, ClientMessage::Mute { person: 2 });
    world.forget_heard();

    world.drop_connection(&ben);
    let [ServerMessage::PersonChanged { person }] = &world.heard(&anna)[..] else { panic!() };
    assert!(!person.present);
    world.wait(59);
    let (ben, welcome) = world.resume(&ben);
    assert_eq!((welcome.you, &welcome.hands[..]), (2, &[2][..]));
    assert_eq!(world.heard(&ben), [ServerMessage::Muted { by: 1 }]);
    let [ServerMessage::PersonJoined { person }] = &world.heard(&anna)[..] else { panic!() };
    assert!(person.present);
    world.wait(120);
    assert_eq!(world.roster().len(), 2, "the old deadline does not count any more");
}

#[test]
fn a_seat_is_given_up_after_its_time() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    let ben = world.join(&links.guest, "Ben");
    world.say(&ben, ClientMessage::Hand { raised: true });
    world.drop_connection(&ben);
    world.forget_heard();
    world.wait(60);
    let left = ServerMessage::PersonLeft { person: 2, reason: LeaveReason::TimedOut };
    assert_eq!(world.heard(&anna), [left, ServerMessage::Hands { queue: vec![] }]);
    let (_, welcome) = world.come(&links.guest, "Ben", Some(&ben.resume));
    assert_eq!((welcome.resumed, welcome.you), (false, 3));
}

#[test]
fn breaks_of_the_connection_count_anew() {
    let mut world = World::new();
    let links = world.create();
    world.join(&links.host, "Anna");
    let mut ben = world.join(&links.guest, "Ben");
    for _ in 0..5 {
        world.drop_connection(&ben);
        world.wait(40);
        ben = world.resume(&ben).0;
        world.wait(5);
    }
}

#[test]
fn a_second_connection_replaces_the_first() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    let ben = world.join(&links.guest, "Someone");
    world.forget_heard();
    let (again, welcome) = world.resume(&ben);
    assert_eq!(welcome.people.len(), 2);
    assert_eq!(world.heard(&ben), [ServerMessage::Goodbye { reason: LeaveReason::Replaced }]);
    assert_eq!(world.closed(&ben), Some(CloseCode::Normal));
    assert!(world.heard(&anna).is_empty(), "nobody else notices");
    world.say(&ben, chat("from the old connection"));
    assert!(world.heard(&anna).is_empty());
    world.say(&again, chat("from the new one"));
    assert_eq!(world.heard(&anna).len(), 1);
    world.wait(300);
    assert_eq!(world.roster().len(), 2);
}

#[test]
fn a_secret_of_another_room_is_no_use() {
    let mut world = World::new();
    let one = world.create();
    let two = world.create();
    let ben = world.join(&one.guest, "Ben");
    let (_, welcome) = world.come(&two.guest, "Ben", Some(&ben.resume));
    assert!(!welcome.resumed);
    assert_eq!(world.closed(&ben), None);
}

#[test]
fn a_guest_who_gets_the_host_link_becomes_a_host_on_the_same_seat() {
    let mut world = World::new();
    let links = world.create();
    let ben = world.join(&links.guest, "Ben");
    let (again, welcome) = world.come(&links.host, "Ben", Some(&ben.resume));
    assert!(welcome.resumed);
    assert_eq!(welcome.people[0].role, Role::Host);
    assert!(welcome.room.guest_link.is_some());
    // And not the other way round: the secret is that of a host's seat.
    let (_, welcome) = world.come(&links.guest, "Ben", Some(&again.resume));
    assert_eq!(welcome.people[0].role, Role::Host);
}

#[test]
fn dm2_when_the_last_seat_is_gone_nothing_is_left() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    world.say(&anna, chat("secret"));
    world.say(&anna, ClientMessage::Hand { raised: true });
    world.drop_connection(&anna);
    assert!(!world.disk.is_forgotten());
    world.wait(60);
    assert!(world.disk.is_forgotten());
    assert!(world.rooms.meetings.is_empty() && world.rooms.seats.is_empty() && world.rooms.passes.is_empty());
    let (_, welcome) = world.come(&links.host, "Anna", None);
    assert_eq!((welcome.you, welcome.chat.len(), welcome.hands.len()), (1, 0, 0), "a new meeting");
}
