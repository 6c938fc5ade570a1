use super::*;
use plenum_protocol::server::LeaveReason;

#[test]
fn hosts_and_guests_come_in_and_see_each_other() {
    let mut world = World::new();
    let links = world.create();
    let (host, welcome) = world.come(&links.host, " Anna ", None);
    assert_eq!((welcome.you, welcome.resumed, welcome.protocol), (1, false, PROTOCOL_VERSION));
    assert_eq!(welcome.room.title, "Board");
    assert_eq!(welcome.room.guest_link.as_deref(), Some(links.guest.as_str()), "hosts can invite");
    let (guest, welcome) = world.come(&links.guest, "Ben", None);
    assert_eq!(welcome.room.guest_link, None, "guests cannot");
    let people: Vec<_> = welcome.people.iter().map(|p| (p.id, p.name.as_str(), p.role, p.present)).collect();
    assert_eq!(people, [(1, "Anna", Role::Host, true), (2, "Ben", Role::Guest, true)]);
    let [ServerMessage::PersonJoined { person }] = &world.heard(&host)[..] else { panic!() };
    assert_eq!((person.id, person.name.as_str()), (2, "Ben"));
    assert!(world.heard(&guest).is_empty());
}

#[test]
fn rm4_nobody_sends_anything_at_first() {
    let mut world = World::new();
    let links = world.create();
    world.join(&links.guest, "Ben");
    assert!(world.roster()[0].sources.is_empty());
}

#[test]
fn ice_servers_have_credentials_without_names() {
    let mut world = World::new();
    let links = world.create();
    let (_, welcome) = world.come(&links.host, "Anna", None);
    let [server] = &welcome.ice_servers[..] else { panic!() };
    assert_eq!(server.urls[2], "turns:meet.example:8443?transport=tcp");
    let expected = format!("{}:{}-1", 1_700_000_000 + 3_600, world.meeting_id());
    assert_eq!(server.username, expected);
}

#[test]
fn clients_of_other_versions_are_told_so() {
    let mut world = World::new();
    let links = world.create();
    for (protocol, reason) in [
        (PROTOCOL_VERSION - 1, RefusalReason::ClientTooOld),
        (PROTOCOL_VERSION + 1, RefusalReason::ClientTooNew),
    ] {
        let id = world.connect_from("192.0.2.1");
        // With a field that this version does not know.
        let hello = format!(
            r#"{{"type":"hello","protocol":{protocol},"link":"{}","name":"A","future":[1]}}"#,
            links.host
        );
        world.say_raw(id, &hello);
        assert_eq!(world.refusal(id), reason);
    }
}

#[test]
fn hellos_that_are_none() {
    let mut world = World::new();
    let links = world.create();
    let long = format!(r#"{{"type":"hello","protocol":1,"link":"{}","name":"A"}}"#, "x".repeat(4_000));
    for text in [
        "",
        "{}",
        r#"{"type":"ping"}"#,
        r#"{"type":"hello"}"#,
        r#"{"type":"hello","protocol":1}"#,
        r#"{"type":"hello","protocol":1,"link":"x","name":"A","more":1}"#,
        &long,
    ] {
        let id = world.connect_from("192.0.2.1");
        world.say_raw(id, text);
        assert_eq!(world.refusal(id), RefusalReason::InvalidHello, "{text:.40}");
    }
    for name in ["", " ", "a\u{202e}b", &"x".repeat(65)] {
        let id = world.hello(&links.host, name, None);
        assert_eq!(world.refusal(id), RefusalReason::InvalidName);
    }
    let id = world.hello("no such link", "A", None);
    assert_eq!(world.refusal(id), RefusalReason::UnknownLink);
    assert!(world.roster().is_empty());
}

#[test]
fn a_connection_that_says_nothing_is_closed() {
    let mut world = World::new();
    let id = world.connect_from("192.0.2.1");
    world.wait(9);
    assert!(world.next(id).is_none());
    world.wait(1);
    assert_eq!(world.refusal(id), RefusalReason::InvalidHello);
}

#[test]
fn a_full_room_is_full() {
    let mut world = World::new();
    let links = world.create();
    let people: Vec<Client> = (0..8).map(|_| world.join(&links.guest, "A")).collect();
    let id = world.hello(&links.host, "Late", None);
    assert_eq!(world.refusal(id), RefusalReason::RoomFull);
    // A seat that is kept for somebody counts, and that somebody gets it back.
    world.drop_connection(&people[0]);
    let id = world.hello(&links.guest, "Late", None);
    assert_eq!(world.refusal(id), RefusalReason::RoomFull);
    world.resume(&people[0]);
    world.say(&people[1], ClientMessage::Leave {});
    world.join(&links.host, "Late");
}

#[test]
fn numbers_are_never_used_twice() {
    let mut world = World::new();
    let links = world.create();
    let host = world.join(&links.host, "Anna");
    let first = world.join(&links.guest, "Ben");
    world.say(&first, ClientMessage::Leave {});
    assert_eq!(world.join(&links.guest, "Cem").person, 3);
    world.restart();
    world.resume(&host);
    assert_eq!(world.join(&links.guest, "Dora").person, 4);
}

#[test]
fn leaving_on_purpose_gives_up_the_seat() {
    let mut world = World::new();
    let links = world.create();
    let host = world.join(&links.host, "Anna");
    let guest = world.join(&links.guest, "Ben");
    world.forget_heard();
    world.say(&guest, ClientMessage::Leave {});
    assert_eq!(world.heard(&guest), [ServerMessage::Goodbye { reason: LeaveReason::Left }]);
    assert_eq!(world.closed(&guest), Some(CloseCode::Normal));
    assert_eq!(world.heard(&host), [ServerMessage::PersonLeft { person: 2, reason: LeaveReason::Left }]);
    let (_, welcome) = world.come(&links.guest, "Ben", Some(&guest.resume));
    assert!(!welcome.resumed);
}

#[test]
fn while_stopping_nobody_comes_in() {
    let mut world = World::new();
    let links = world.create();
    world.rooms.stop();
    let id = world.hello(&links.host, "Anna", None);
    assert_eq!(world.refusal(id), RefusalReason::ShuttingDown);
}
