//! Opening meetings, looking at links, throttling.

use super::*;
use plenum_protocol::http::{ApiErrorCode, LinkQuery};

fn body(host_key: Option<&str>) -> CreateMeeting {
    CreateMeeting { title: "Board".to_owned(), host_key: host_key.map(str::to_owned) }
}

fn code<T: std::fmt::Debug>(answer: Result<T, Denied>) -> ApiErrorCode {
    answer.expect_err("denied").code
}

#[test]
fn only_holders_of_the_host_key_open_meetings() {
    let mut world = World::new();
    let someone = caller("192.0.2.1");
    assert_eq!(code(world.try_create(body(None), &someone)), ApiErrorCode::HostKeyNeeded);
    assert_eq!(code(world.try_create(body(Some("wrong")), &someone)), ApiErrorCode::HostKeyNeeded);
    let local = Caller { local: true, ..someone.clone() };
    assert_eq!(code(world.try_create(body(None), &local)), ApiErrorCode::HostKeyNeeded);
    assert!(world.rooms.about(&local).host_key_needed);
    let meeting = world.try_create(body(Some(HOST_KEY)), &someone).unwrap();
    assert_eq!(meeting.title, "Board");
    assert_ne!(meeting.host_link, meeting.guest_link);
}

#[test]
fn anyone_on_the_network_if_it_is_set_so() {
    let mut world = World::new();
    world.rooms.config.network_opens = true;
    let far = caller("198.51.100.1");
    let near = Caller { local: true, ..caller("192.0.2.1") };
    assert_eq!(code(world.try_create(body(None), &far)), ApiErrorCode::HostKeyNeeded);
    assert!(world.try_create(body(Some(HOST_KEY)), &far).is_ok());
    assert!(!world.rooms.about(&near).host_key_needed);
    let opened = (0..200).filter(|_| world.try_create(body(None), &near).is_ok()).count();
    assert_eq!(opened, 60, "nobody fills the disk with rooms");
    assert_eq!(code(world.try_create(body(None), &near)), ApiErrorCode::TooManyAttempts);
}

#[test]
fn titles_are_checked() {
    let mut world = World::new();
    for title in ["", " ", "a\nb", &"x".repeat(121)] {
        let body = CreateMeeting { title: title.to_owned(), host_key: Some(HOST_KEY.to_owned()) };
        assert_eq!(code(world.try_create(body, &caller("192.0.2.1"))), ApiErrorCode::Malformed);
    }
}

#[test]
fn links_tell_what_they_lead_to() {
    let mut world = World::new();
    let links = world.create();
    let someone = caller("192.0.2.1");
    let ask = |world: &mut World, link: &str| {
        world.rooms.link_info(&LinkQuery { link: link.to_owned() }, &someone, world.now)
    };
    let info = ask(&mut world, &links.guest).unwrap();
    assert_eq!((info.title.as_str(), info.role, info.people), ("Board", Role::Guest, 0));
    let anna = world.join(&links.host, "Anna");
    assert_eq!(ask(&mut world, &links.host).unwrap().people, 1);
    assert_eq!(code(ask(&mut world, "nonsense")), ApiErrorCode::UnknownLink);
    world.say(&anna, ClientMessage::EndForAll {});
    assert_eq!(code(ask(&mut world, &links.guest)), ApiErrorCode::Ended);
}

#[test]
fn au5_nothing_that_opens_a_meeting_is_stored() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    let stored = serde_json::to_string(&(
        world.disk.rooms.values().collect::<Vec<_>>(),
        world.disk.seats.values().collect::<Vec<_>>(),
    ))
    .unwrap();
    for secret in [&links.host, &links.guest, &anna.resume] {
        assert!(secret.len() >= 22, "128 bits in base64url");
        assert!(!stored.contains(secret.as_str()));
    }
    assert!(stored.contains("Anna"), "the search would find it");
}

#[test]
fn au6_a_thousand_wrong_links_and_host_keys() {
    let mut world = World::new();
    let links = world.create();
    let mut reasons = BTreeMap::new();
    for number in 0..1_000 {
        let id = world.hello(&format!("guess {number}"), "Mallory", None);
        *reasons.entry(format!("{:?}", world.refusal(id))).or_insert(0) += 1;
    }
    assert_eq!(reasons["UnknownLink"], 20);
    assert_eq!(reasons["TooManyAttempts"], 980);
    // The right link is not answered either, by whatever call.
    let id = world.hello(&links.host, "Mallory", None);
    let Some(ServerMessage::Refused { reason, retry_after: Some(wait) }) = world.next(id) else { panic!() };
    assert_eq!(reason, RefusalReason::TooManyAttempts);
    assert!((1..=10).contains(&wait));
    let blocked = caller("192.0.2.1");
    let query = LinkQuery { link: links.host.clone() };
    assert_eq!(code(world.rooms.link_info(&query, &blocked, world.now)), ApiErrorCode::TooManyAttempts);
    assert_eq!(code(world.try_create(body(Some(HOST_KEY)), &blocked)), ApiErrorCode::TooManyAttempts);
    assert!(world.rooms.link_info(&query, &caller("192.0.2.2"), world.now).is_ok());
    world.wait(10);
    world.join(&links.host, "Anna");
}

#[test]
fn who_is_in_comes_back_although_a_neighbour_guesses() {
    let mut world = World::new();
    let links = world.create();
    let ben = world.join(&links.guest, "Ben");
    world.drop_connection(&ben);
    for number in 0..50 {
        let id = world.hello(&format!("guess {number}"), "Mallory", None);
        world.refusal(id);
    }
    world.resume(&ben);
    // Guessing such secrets is blocked as well.
    let id = world.hello("guess", "Mallory", Some("guess"));
    assert_eq!(world.refusal(id), RefusalReason::TooManyAttempts);
}

#[test]
fn a_room_that_cannot_be_stored_is_not_opened() {
    let mut world = World::new();
    world.slow_disk = true;
    world.rooms.create(7, body(Some(HOST_KEY)), &caller("192.0.2.1"), world.now);
    world.settle();
    assert!(world.created.is_empty(), "nothing is answered before it is in the store");
    world.commit_one(false);
    assert_eq!(code(world.created.pop_front().unwrap()), ApiErrorCode::Unavailable);
    assert!(world.rooms.rooms.is_empty() && world.rooms.links.is_empty());
}

#[test]
fn rooms_that_nobody_uses_go() {
    let mut world = World::new();
    let links = world.create();
    world.wait(80 * 86_400);
    let anna = world.join(&links.host, "Anna");
    world.wait(30 * 86_400);
    assert_eq!(world.disk.rooms.len(), 1, "a running meeting keeps its room");
    world.say(&anna, ClientMessage::Leave {});
    world.wait(89 * 86_400);
    assert_eq!(world.disk.rooms.len(), 1);
    world.wait(2 * 86_400);
    assert!(world.disk.rooms.is_empty());
    let id = world.hello(&links.host, "Anna", None);
    assert_eq!(world.refusal(id), RefusalReason::UnknownLink);
}

#[test]
fn a_clock_that_leaps_ahead_deletes_nothing() {
    let mut world = World::new();
    world.create();
    let year = 366 * 86_400;
    world.now.unix_ms += year * 1_000;
    world.wait(3_600);
    assert_eq!(world.disk.rooms.len(), 1);
    // Nor one that is ahead at the start.
    world.restart();
    world.wait(23 * 3_600);
    assert_eq!(world.disk.rooms.len(), 1);
    world.now.unix_ms -= year * 1_000;
    world.wait(80 * 86_400);
    assert_eq!(world.disk.rooms.len(), 1);
    world.wait(11 * 86_400);
    assert!(world.disk.rooms.is_empty());
}
