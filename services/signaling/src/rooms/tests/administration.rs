//! What an administrator of the box sees of rooms and does to them.

use super::*;
use plenum_protocol::http::{ApiErrorCode, LinkQuery};
use plenum_protocol::server::LeaveReason;
use plenum_protocol::signaling::BusRoom;

const DAY_SECONDS: u64 = 86_400;

fn all() -> RoomQuery {
    RoomQuery { most: 50, ..RoomQuery::default() }
}

impl World {
    fn found(&self, query: RoomQuery) -> Vec<BusRoom> {
        self.rooms.find(&query).rooms
    }

    fn only(&self) -> BusRoom {
        let [room] = &self.found(all())[..] else { panic!("one room") };
        room.clone()
    }

    fn title(&mut self, title: &str) {
        let body = CreateMeeting { title: title.to_owned(), host_key: Some(HOST_KEY.to_owned()) };
        self.try_create(body, &caller("192.0.2.9")).unwrap();
    }

    fn order(&mut self, room: u64, order: RoomOrder) -> Result<u32, OrderRefusal> {
        self.rooms.order(1, RoomId(room), order, self.now);
        self.settle();
        self.ordered.pop_front().expect("an answer")
    }

    fn code(&mut self, link: &str) -> ApiErrorCode {
        let query = LinkQuery { link: link.to_owned() };
        self.rooms.link_info(&query, &caller("192.0.2.1"), self.now).expect_err("denied").code
    }
}

#[test]
fn a_list_tells_how_a_room_is_used_and_nobodys_name() {
    let mut world = World::new();
    let links = world.create();
    let opened = world.now.unix_ms;
    let room = world.only();
    let ends = opened + 90 * DAY_SECONDS * 1_000;
    assert_eq!((room.title.as_str(), room.created, room.used, room.expires), ("Board", opened, opened, ends));
    assert!(!room.running && !room.ended && room.people == 0 && !room.replaceable);
    world.wait(DAY_SECONDS);
    world.join(&links.host, "Anna");
    let ben = world.join(&links.guest, "Ben");
    let room = world.only();
    assert!(room.running && room.replaceable && (room.people, room.expires) == (2, 0));
    let told = serde_json::to_string(&room).unwrap();
    for secret in [links.host.as_str(), &links.guest, &ben.resume, "Anna", "Ben"] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
    world.restart();
    let room = world.only();
    assert!(room.created <= room.used && room.people == 2, "{room:?}");
    assert!(!room.replaceable, "until a host is back");
}

#[test]
fn a_long_list_comes_in_pages_newest_first() {
    let mut world = World::new();
    for number in 0..120 {
        world.title(&format!("Room {number}"));
        // Several in a millisecond, too.
        if number % 3 == 0 {
            world.wait(1);
        }
    }
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = world.rooms.find(&RoomQuery { after, ..all() });
        assert_eq!(page.count, 120);
        seen.extend(page.rooms.iter().map(|room| (room.created, room.room)));
        after = seen.last().copied();
        if !page.more {
            break;
        }
        assert_eq!(page.rooms.len(), 50);
    }
    assert_eq!(seen.len(), 120);
    assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "newest first, each once");
}

#[test]
fn rooms_are_found_by_title_number_and_meeting() {
    let mut world = World::new();
    let links = world.create();
    world.title("Über den Wolken");
    let find = |world: &World, text: &str| world.found(RoomQuery { text: text.to_owned(), ..all() });
    let [room] = &find(&world, "übER")[..] else { panic!() };
    assert_eq!(room.title, "Über den Wolken");
    let number = format!("{:016x}", room.room);
    assert_eq!(find(&world, &number[..8]), std::slice::from_ref(room));
    assert!(find(&world, "nothing").is_empty());
    world.join(&links.host, "Anna");
    let [meeting] = &world.found(RoomQuery { running: true, ..all() })[..] else { panic!() };
    assert_eq!(meeting.title, "Board");
}

#[test]
fn a_room_made_for_an_administrator_is_one_like_any_other() {
    let mut world = World::new();
    world.rooms.create_for_administrator(1, " Board ", world.now);
    world.settle();
    let meeting = world.created.pop_front().unwrap().unwrap();
    assert_eq!(meeting.title, "Board");
    world.join(&meeting.host_link, "Anna");
    world.join(&meeting.guest_link, "Ben");
    assert_eq!(world.roster().len(), 2);
    world.rooms.create_for_administrator(1, "", world.now);
    world.settle();
    assert_eq!(world.created.pop_front().unwrap().unwrap_err().code, ApiErrorCode::Malformed);
}

#[test]
fn an_ended_meeting_is_ended_as_by_a_host() {
    let mut world = World::new();
    let links = world.create();
    let room = world.only().room;
    assert_eq!(world.order(room, RoomOrder::End), Err(OrderRefusal::NoMeeting));
    assert_eq!(world.order(room + 1, RoomOrder::End), Err(OrderRefusal::UnknownRoom));
    let people = [world.join(&links.host, "Anna"), world.join(&links.guest, "Ben")];
    world.forget_heard();
    assert_eq!(world.order(room, RoomOrder::End), Ok(2));
    for person in &people {
        assert_eq!(world.heard(person), [ServerMessage::Goodbye { reason: LeaveReason::Ended }]);
    }
    assert!(world.disk.is_forgotten());
    assert_eq!(world.code(&links.guest), ApiErrorCode::Ended);
    let room = world.only();
    assert!(room.ended && room.title.is_empty() && !room.running, "{room:?}");
    assert_eq!(room.expires, world.now.unix_ms + DAY_SECONDS * 1_000);
}

#[test]
fn a_deleted_room_is_gone_with_its_meeting_also_after_a_restart() {
    let mut world = World::new();
    let links = world.create();
    let ben = world.join(&links.guest, "Ben");
    world.forget_heard();
    let room = world.only().room;
    world.slow_disk = true;
    world.rooms.order(1, RoomId(room), RoomOrder::Delete, world.now);
    world.settle();
    assert!(world.ordered.is_empty(), "nothing is answered before it is gone from the store");
    assert_eq!(world.code(&links.host), ApiErrorCode::Ended, "nobody comes in meanwhile");
    while !world.pending.is_empty() {
        world.commit_one(true);
    }
    assert_eq!(world.ordered.pop_front(), Some(Ok(1)));
    assert_eq!(world.heard(&ben), [ServerMessage::Goodbye { reason: LeaveReason::Ended }]);
    assert!(world.disk.rooms.is_empty() && world.disk.is_forgotten());
    world.slow_disk = false;
    for _ in 0..2 {
        assert!(world.found(all()).is_empty());
        for link in [&links.host, &links.guest] {
            assert_eq!(world.code(link), ApiErrorCode::UnknownLink);
        }
        world.restart();
    }
}

#[test]
fn what_cannot_be_deleted_says_so_and_stays_closed() {
    let mut world = World::new();
    let links = world.create();
    let room = world.only().room;
    world.slow_disk = true;
    world.rooms.order(1, RoomId(room), RoomOrder::Delete, world.now);
    world.settle();
    world.commit_one(false);
    assert_eq!(world.ordered.pop_front(), Some(Err(OrderRefusal::NotStored)));
    assert_eq!(world.code(&links.host), ApiErrorCode::Ended);
    world.slow_disk = false;
    assert_eq!(world.order(room, RoomOrder::Delete), Ok(0), "again");
    assert!(world.disk.rooms.is_empty());
}

#[test]
fn a_link_is_replaced_for_guests_to_come_and_hosts_have_the_new_one() {
    let mut world = World::new();
    let links = world.create();
    let room = world.only().room;
    assert_eq!(world.order(room, RoomOrder::ReplaceGuestLink), Err(OrderRefusal::NoMeeting));
    let ben = world.join(&links.guest, "Ben");
    assert_eq!(world.order(room, RoomOrder::ReplaceGuestLink), Err(OrderRefusal::NoHost));
    let anna = world.join(&links.host, "Anna");
    world.forget_heard();
    assert_eq!(world.order(room, RoomOrder::ReplaceGuestLink), Ok(0));
    assert!(world.heard(&ben).is_empty(), "guests do not get it");
    let heard = world.heard(&anna);
    let [ServerMessage::Room { room: info }] = &heard[..] else { panic!("{heard:?}") };
    let fresh = info.guest_link.clone().expect("hosts get the new link");
    assert_eq!(world.code(&links.guest), ApiErrorCode::UnknownLink);
    world.join(&fresh, "Cem");
    assert_eq!(world.roster().len(), 3, "who is there stays");
}
