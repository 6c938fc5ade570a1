use super::*;
use plenum_protocol::media::Source;
use plenum_protocol::server::{ErrorCode, LeaveReason};

fn sending(sources: &[Source]) -> ClientMessage {
    ClientMessage::Sending { sources: sources.to_vec() }
}

const SPEAKING: &[Source] = &[Source::Microphone, Source::Camera];
const SILENT: &[Source] = &[Source::Camera];

#[test]
fn rm5_a_mute_lasts_until_its_person_ends_it() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    let ben = world.join(&links.guest, "Ben");
    world.say(&ben, sending(SPEAKING));
    world.forget_heard();
    world.say(&anna, ClientMessage::Mute { person: 2 });
    let [ServerMessage::Muted { by: 1 }, ServerMessage::PersonChanged { person }] = &world.heard(&ben)[..]
    else {
        panic!()
    };
    assert_eq!(person.sources, SILENT);

    // This one was on its way when the mute came: it unmutes nobody.
    world.say(&ben, sending(SPEAKING));
    assert_eq!(world.heard(&ben), [ServerMessage::Muted { by: 1 }]);
    assert_eq!(world.roster()[1].sources, SILENT);

    // The client has stopped its microphone; later its person switches it on.
    world.say(&ben, sending(SILENT));
    world.say(&ben, sending(SPEAKING));
    assert_eq!(world.roster()[1].sources, SPEAKING);
}

#[test]
fn a_client_that_does_not_report_its_silence_can_unmute_too() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    let ben = world.join(&links.guest, "Ben");
    world.say(&ben, sending(SPEAKING));
    world.say(&anna, ClientMessage::Mute { person: 2 });
    world.wait(2);
    world.say(&ben, sending(SPEAKING));
    assert_eq!(world.roster()[1].sources, SPEAKING);
}

#[test]
fn a_mute_with_the_microphone_off_leaves_the_first_unmute_to_the_person() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    let ben = world.join(&links.guest, "Ben");
    world.say(&anna, ClientMessage::Mute { person: 2 });
    world.say(&ben, sending(SPEAKING));
    assert_eq!(world.roster()[1].sources, SPEAKING);
}

#[test]
fn a_mute_during_a_break_is_not_undone_by_coming_back() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    let ben = world.join(&links.guest, "Ben");
    world.say(&ben, sending(SPEAKING));
    world.drop_connection(&ben);
    world.say(&anna, ClientMessage::Mute { person: 2 });
    world.wait(30);
    let (ben, _) = world.resume(&ben);
    world.say(&ben, sending(SPEAKING));
    assert_eq!(world.heard(&ben)[..2], [ServerMessage::Muted { by: 1 }, ServerMessage::Muted { by: 1 }]);
    assert_eq!(world.roster()[1].sources, SILENT);
    world.say(&ben, sending(SILENT));
    world.say(&ben, sending(SPEAKING));
    assert_eq!(world.roster()[1].sources, SPEAKING);
}

#[test]
fn mute_all_spares_the_host_who_asks() {
    let mut world = World::new();
    let links = world.create();
    let people: Vec<Client> = ["Anna", "Ben", "Cem"].map(|name| world.join(&links.host, name)).to_vec();
    for person in &people {
        world.say(person, sending(SPEAKING));
    }
    world.say(&people[1], ClientMessage::MuteAll {});
    let speaking: Vec<bool> =
        world.roster().iter().map(|person| person.sources.contains(&Source::Microphone)).collect();
    assert_eq!(speaking, [false, true, false]);
}

#[test]
fn rm7_removed_people_stay_out() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    let ben = world.join(&links.guest, "Ben");
    let cem = world.join(&links.guest, "Cem");
    world.forget_heard();
    world.say(&anna, ClientMessage::Remove { person: 2 });
    assert_eq!(world.heard(&ben), [ServerMessage::Goodbye { reason: LeaveReason::Removed }]);
    assert_eq!(world.closed(&ben), Some(CloseCode::Normal));
    let left = ServerMessage::PersonLeft { person: 2, reason: LeaveReason::Removed };
    assert_eq!(world.heard(&cem), std::slice::from_ref(&left), "guests do not get the new link");
    let heard = world.heard(&anna);
    let [first, ServerMessage::Room { room }] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!(*first, left);
    let fresh = room.guest_link.clone().expect("hosts get the new link");
    assert_ne!(fresh, links.guest);

    for link in [&links.guest, &fresh, &links.host] {
        let id = world.hello(link, "Ben", Some(&ben.resume));
        assert_eq!(world.refusal(id), RefusalReason::Removed);
    }
    let id = world.hello(&links.guest, "Ben", None);
    assert_eq!(world.refusal(id), RefusalReason::UnknownLink, "the old link is dead");
    world.join(&fresh, "Dora");
}

#[test]
fn those_who_stay_keep_their_way_back_when_the_link_is_replaced() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    let ben = world.join(&links.guest, "Ben");
    let cem = world.join(&links.guest, "Cem");
    world.say(&anna, ClientMessage::Remove { person: ben.person });
    world.drop_connection(&cem);
    let (cem, _) = world.resume(&cem);
    // Even after the seat is gone, for as long as the meeting lasts.
    world.drop_connection(&cem);
    world.wait(600);
    let (_, welcome) = world.come(&links.guest, "Cem", Some(&cem.resume));
    assert!(!welcome.resumed);
    world.restart();
    world.resume(&anna);
    let (_, welcome) = world.come(&links.guest, "Cem", Some(&cem.resume));
    assert_eq!(welcome.people.last().map(|person| person.role), Some(Role::Guest));
    let id = world.hello(&links.guest, "Ben", Some(&ben.resume));
    assert_eq!(world.refusal(id), RefusalReason::Removed, "also after a restart");
}

#[test]
fn hosts_cannot_be_removed() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    world.join(&links.host, "Ben");
    for person in [1, 2] {
        world.say(&anna, ClientMessage::Remove { person });
        assert_eq!(world.error(&anna), ErrorCode::NotAllowed);
    }
    assert_eq!(world.roster().len(), 2);
}

#[test]
fn ending_for_all_ends_everything() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    let ben = world.join(&links.guest, "Ben");
    let away = world.join(&links.guest, "Cem");
    world.drop_connection(&away);
    world.say(&ben, chat("secret"));
    world.forget_heard();
    world.say(&anna, ClientMessage::EndForAll {});
    for person in [&anna, &ben] {
        assert_eq!(world.heard(person), [ServerMessage::Goodbye { reason: LeaveReason::Ended }]);
        assert!(world.closed(person).is_some());
    }
    assert!(world.disk.is_forgotten());
    for link in [&links.host, &links.guest] {
        let id = world.hello(link, "Anna", Some(&away.resume));
        assert_eq!(world.refusal(id), RefusalReason::Ended);
    }
    assert!(world.disk.rooms.values().all(|room| room.title.is_empty()));
    world.wait(25 * 3600);
    let id = world.hello(&links.host, "Anna", None);
    assert_eq!(world.refusal(id), RefusalReason::UnknownLink);
    assert!(world.disk.rooms.is_empty());
}
