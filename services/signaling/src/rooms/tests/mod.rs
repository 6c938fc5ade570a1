//! The rooms without sockets: clients, the SFU, the stores and the clock are played by [`World`].

mod administration;
mod conversation;
mod durability;
mod joining;
mod limits;
mod lobby;
mod media;
mod moderation;
mod permissions;
mod restart;
mod seats;

use super::*;
use crate::records::{Change, ChatKey, Found, Keep, MeetingRecord, RoomRecord, SeatRecord};
use plenum_protocol::client::ClientMessage;
use plenum_protocol::http::CreateMeeting;
use plenum_protocol::server::{ChatMessage, Person, Welcome};
use std::collections::{BTreeMap, HashSet, VecDeque};

pub(super) const HOST_KEY: &str = "the host key of this test";
pub(super) const SEAT_TIME: Duration = Duration::from_secs(60);

/// What the stores hold.
#[derive(Default, Clone)]
pub(super) struct Disk {
    rooms: BTreeMap<RoomId, RoomRecord>,
    meetings: BTreeMap<RoomId, MeetingRecord>,
    seats: BTreeMap<(MeetingId, PersonId), SeatRecord>,
    chat: BTreeMap<(MeetingId, u32), ChatMessage>,
    passes: BTreeMap<(MeetingId, Digest), Standing>,
    sfu_instance: Option<String>,
}

impl Disk {
    fn apply(&mut self, change: Change) {
        fn set<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
            match value {
                Some(value) => map.insert(key, value),
                None => map.remove(&key),
            };
        }
        match change {
            Change::Room(id, record) => set(&mut self.rooms, id, record),
            Change::Meeting(id, record) => set(&mut self.meetings, id, record),
            Change::Seat(id, person, record) => set(&mut self.seats, (id, person), record.map(|r| *r)),
            Change::Chat(id, message) => set(&mut self.chat, (id, message.id), Some(*message)),
            Change::ForgetChat(id, ChatKey { id: number, bytes }) => {
                let gone = self.chat.remove(&(id, number));
                assert_eq!(gone.map(|message| message.text.len()), Some(bytes));
            }
            Change::Pass(id, digest, standing) => set(&mut self.passes, (id, digest), standing),
            Change::SfuInstance(instance) => self.sfu_instance = Some(instance),
        }
    }

    fn found(&self) -> Found {
        let disk = self.clone();
        Found {
            rooms: disk.rooms.into_iter().map(|(id, room)| (id, room.clone(), room.used)).collect(),
            meetings: disk.meetings.into_iter().collect(),
            seats: disk.seats.into_iter().map(|((id, person), seat)| (id, person, seat)).collect(),
            chat: disk.chat.into_iter().map(|((id, _), message)| (id, message)).collect(),
            passes: disk.passes.into_iter().map(|((id, digest), pass)| (id, digest, pass)).collect(),
            sfu_instance: disk.sfu_instance,
        }
    }

    /// Nothing of any meeting is left.
    pub(super) fn is_forgotten(&self) -> bool {
        self.meetings.is_empty() && self.seats.is_empty() && self.chat.is_empty() && self.passes.is_empty()
    }
}

/// What a client got.
#[derive(Default)]
struct Wire {
    received: VecDeque<ServerMessage>,
    closed: Option<CloseCode>,
}

pub(super) struct World {
    pub(super) rooms: Rooms,
    pub(super) now: Now,
    pub(super) disk: Disk,
    /// Writes that were asked for while `slow_disk`.
    pub(super) pending: VecDeque<(Keep, u64, Vec<Change>)>,
    pub(super) slow_disk: bool,
    pub(super) sfu: VecDeque<(Peer, SfuCommand)>,
    pub(super) closed_rooms: Vec<MeetingId>,
    pub(super) surveys: usize,
    wires: BTreeMap<ConnectionId, Wire>,
    created: VecDeque<Result<http::Meeting, Denied>>,
    ordered: VecDeque<Result<u32, OrderRefusal>>,
    next_connection: ConnectionId,
    open: HashSet<ConnectionId>,
}

/// A client that has come in.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) id: ConnectionId,
    pub(super) person: PersonId,
    pub(super) link: String,
    pub(super) resume: String,
}

pub(super) struct Links {
    pub(super) host: String,
    pub(super) guest: String,
}

fn rooms(now: Now, seed: u64) -> Rooms {
    let config = Config {
        network_opens: false,
        host_key: HostKey::new(HOST_KEY),
        seat_time: SEAT_TIME,
        max_people: 8,
        room_time: Duration::from_secs(90 * 86_400),
        relay: Relay::new("turn secret", 3478, true, 3600),
    };
    let mut rng = fastrand::Rng::with_seed(seed);
    Rooms::new(config, Box::new(move |bytes| rng.fill(bytes)), Metrics::default(), now)
}

pub(super) fn caller(address: &str) -> Caller {
    Caller { address: address.parse().ok(), local: false }
}

impl World {
    pub(super) fn new() -> World {
        let now = Now { mono: Duration::from_secs(1_000), unix_ms: 1_700_000_000_000 };
        World {
            rooms: rooms(now, 1),
            now,
            disk: Disk::default(),
            pending: VecDeque::new(),
            slow_disk: false,
            sfu: VecDeque::new(),
            closed_rooms: Vec::new(),
            surveys: 0,
            wires: BTreeMap::new(),
            created: VecDeque::new(),
            ordered: VecDeque::new(),
            next_connection: 1,
            open: HashSet::new(),
        }
    }

    /// SIGKILL: what was not in the store is gone, and every connection breaks.
    pub(super) fn restart(&mut self) {
        self.wait(1);
        self.rooms = rooms(self.now, self.now.unix_ms);
        self.rooms.restore(self.disk.found());
        self.open.clear();
        self.pending.clear();
        self.sfu.clear();
        self.settle();
    }

    /// Carries out everything that the rooms ask for.
    pub(super) fn settle(&mut self) {
        while let Some(output) = self.rooms.poll() {
            match output {
                Output::Send { to, message } => {
                    for id in to.iter().filter(|id| self.open.contains(id)) {
                        self.wires.entry(*id).or_default().received.push_back(message.clone());
                    }
                }
                Output::Close { connection, code } => {
                    if self.open.remove(&connection) {
                        self.wires.entry(connection).or_default().closed = Some(code);
                        self.rooms.closed(connection, self.now);
                    }
                }
                Output::Write { keep, ticket, changes } => {
                    self.pending.push_back((keep, ticket, changes));
                    if !self.slow_disk {
                        self.commit_one(true);
                    }
                }
                Output::Created { answer, .. } => self.created.push_back(answer.map(|(_, meeting)| meeting)),
                Output::Ordered { answer, .. } => self.ordered.push_back(answer),
                Output::Sfu { peer, command } => self.sfu.push_back((peer, command)),
                Output::CloseRoom(meeting) => self.closed_rooms.push(meeting),
                Output::Survey => self.surveys += 1,
            }
        }
    }

    /// The oldest write reaches the disk, or does not.
    pub(super) fn commit_one(&mut self, ok: bool) {
        let (keep, ticket, changes) = self.pending.pop_front().expect("a write is pending");
        if ok {
            changes.into_iter().for_each(|change| self.disk.apply(change));
        }
        self.rooms.committed(keep, ticket, ok, self.now);
        if self.slow_disk {
            self.settle();
        }
    }

    pub(super) fn wait(&mut self, seconds: u64) {
        self.now.mono += Duration::from_secs(seconds);
        self.now.unix_ms += seconds * 1_000;
        while self.rooms.deadline().is_some_and(|at| at <= self.now.mono) {
            self.rooms.advance(self.now);
            self.settle();
        }
    }

    pub(super) fn create(&mut self) -> Links {
        let body = CreateMeeting { title: "Board".to_owned(), host_key: Some(HOST_KEY.to_owned()) };
        let meeting = self.try_create(body, &caller("192.0.2.9")).expect("the host key is right");
        Links { host: meeting.host_link, guest: meeting.guest_link }
    }

    pub(super) fn try_create(
        &mut self,
        body: CreateMeeting,
        caller: &Caller,
    ) -> Result<http::Meeting, Denied> {
        self.rooms.create(1, body, caller, self.now);
        self.settle();
        self.created.pop_front().expect("an answer")
    }

    pub(super) fn connect_from(&mut self, address: &str) -> ConnectionId {
        let id = self.next_connection;
        self.next_connection += 1;
        self.open.insert(id);
        self.rooms.opened(id, address.parse().ok(), "meet.example:8443", self.now);
        id
    }

    pub(super) fn hello(&mut self, link: &str, name: &str, resume: Option<&str>) -> ConnectionId {
        let id = self.connect_from("192.0.2.1");
        let hello = ClientMessage::Hello {
            protocol: PROTOCOL_VERSION,
            link: link.to_owned(),
            name: name.to_owned(),
            resume: resume.map(str::to_owned),
        };
        self.say_raw(id, &serde_json::to_string(&hello).expect("a hello is JSON"));
        id
    }

    pub(super) fn join(&mut self, link: &str, name: &str) -> Client {
        self.come(link, name, None).0
    }

    pub(super) fn resume(&mut self, client: &Client) -> (Client, Welcome) {
        let (client, welcome) = self.come(&client.link, "Someone", Some(&client.resume));
        assert!(welcome.resumed, "the seat was not given back");
        (client, welcome)
    }

    /// Joins or resumes; other messages stay queued behind the welcome.
    pub(super) fn come(&mut self, link: &str, name: &str, resume: Option<&str>) -> (Client, Welcome) {
        let id = self.hello(link, name, resume);
        match self.next(id) {
            Some(ServerMessage::Welcome(welcome)) => {
                let resume = welcome.resume.clone();
                (Client { id, person: welcome.you, link: link.to_owned(), resume }, *welcome)
            }
            other => panic!("no welcome but {other:?}"),
        }
    }

    /// The reason for which a hello is refused.
    pub(super) fn refusal(&mut self, id: ConnectionId) -> RefusalReason {
        let Some(ServerMessage::Refused { reason, .. }) = self.next(id) else { panic!("not refused") };
        assert!(self.wires[&id].closed.is_some(), "a refused connection is closed");
        reason
    }

    pub(super) fn say(&mut self, client: &Client, message: ClientMessage) {
        self.say_raw(client.id, &serde_json::to_string(&message).expect("messages are JSON"));
    }

    pub(super) fn say_raw(&mut self, id: ConnectionId, text: &str) {
        self.rooms.text(id, text, self.now);
        self.settle();
    }

    pub(super) fn drop_connection(&mut self, client: &Client) {
        self.open.remove(&client.id);
        self.rooms.closed(client.id, self.now);
        self.settle();
    }

    /// The next message that a connection got.
    pub(super) fn next(&mut self, id: ConnectionId) -> Option<ServerMessage> {
        self.wires.get_mut(&id)?.received.pop_front()
    }

    /// Everything that a client got since it was last looked at.
    pub(super) fn heard(&mut self, client: &Client) -> Vec<ServerMessage> {
        self.wires.get_mut(&client.id).map(|wire| wire.received.drain(..).collect()).unwrap_or_default()
    }

    pub(super) fn forget_heard(&mut self) {
        self.wires.values_mut().for_each(|wire| wire.received.clear());
    }

    pub(super) fn closed(&self, client: &Client) -> Option<CloseCode> {
        self.wires.get(&client.id).and_then(|wire| wire.closed)
    }

    pub(super) fn error(&mut self, client: &Client) -> plenum_protocol::server::ErrorCode {
        let heard = self.heard(client);
        let code = heard.iter().find_map(|message| match message {
            ServerMessage::Error { code, .. } => Some(*code),
            _ => None,
        });
        code.unwrap_or_else(|| panic!("no error in {heard:?}"))
    }

    /// The people in the room, as somebody who comes in now sees them.
    pub(super) fn roster(&self) -> Vec<Person> {
        let meetings = self.rooms.rooms.values().filter_map(|room| room.meeting.as_ref());
        meetings.flat_map(|meeting| meeting.people()).collect()
    }

    pub(super) fn sfu_up(&mut self, instance: &str) {
        self.rooms.sfu(SfuEvent::Up { instance: instance.to_owned() }, self.now);
        self.settle();
    }

    pub(super) fn sfu_event(&mut self, event: SfuEvent) {
        self.rooms.sfu(event, self.now);
        self.settle();
    }

    /// The SFU answers its oldest command.
    pub(super) fn sfu_does(&mut self, outcome: SfuOutcome) -> SfuCommand {
        let (peer, command) = self.sfu.pop_front().expect("a command");
        self.sfu_event(SfuEvent::Done { peer, outcome });
        command
    }

    pub(super) fn meeting_id(&self) -> MeetingId {
        *self.rooms.meetings.keys().next().expect("a meeting is running")
    }
}

pub(super) fn chat(text: &str) -> ClientMessage {
    ClientMessage::Chat { text: text.to_owned() }
}

use plenum_protocol::PROTOCOL_VERSION;
