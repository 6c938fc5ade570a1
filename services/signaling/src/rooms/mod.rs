//! Rooms, people, roles, chat, hands: everything that `signaling` decides.
//!
//! No sockets, no clock, no threads: messages, events and the time go in by the methods of [`Rooms`], and
//! after each of them [`Rooms::poll`] is called until it gives nothing more. [`Rooms::advance`] is called
//! when [`Rooms::deadline`] has come.

mod administration;
mod chat;
mod departure;
mod hello;
mod lobby;
mod media;
mod media_events;
mod messages;
mod moderation;
mod outbox;
mod output;
mod restore;
mod room;
mod seat;
mod timers;

#[cfg(test)]
mod tests;

pub use administration::{OrderRefusal, RoomOrder, RoomQuery, RoomsFound};
pub use output::*;

use crate::ice::Relay;
use crate::metrics::Metrics;
use crate::records::Standing;
use crate::secret::{Digest, HostKey};
use administration::Deleting;
use outbox::Outbox;
use plenum_daemon::bucket::Bucket;
use plenum_daemon::steady::SteadyClock;
use plenum_daemon::throttle::{AddressKey, AddressKeys, Guesses, Throttle};
use plenum_protocol::PersonId;
use plenum_protocol::http;
use plenum_protocol::server::{LeaveReason, RefusalReason, Role, ServerMessage};
use room::{Meeting, Room};
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;
use timers::{Timer, Timers};

/// A connection that has not said hello by then is closed.
const GREETING_LIMIT: Duration = Duration::from_secs(10);

/// Provides random bytes.
pub type Entropy = Box<dyn FnMut(&mut [u8]) + Send>;

pub struct Config {
    /// Clients on this box's networks may open meetings without the host key.
    pub network_opens: bool,
    pub host_key: HostKey,
    pub seat_time: Duration,
    pub max_people: usize,
    pub room_time: Duration,
    pub relay: Relay,
}

/// Who is at the other end.
#[derive(Debug, Clone)]
pub struct Caller {
    pub address: Option<IpAddr>,
    /// The address belongs to one of this box's networks.
    pub local: bool,
}

#[derive(Debug)]
struct Connection {
    address: AddressKey,
    /// The Host header: the name under which the client knows this box.
    host: String,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Greeting,
    Seated(RoomId, PersonId),
    /// A close is on its way; whatever still arrives is ignored.
    Closing,
}

/// A room that is told to its opener once it is in the store.
struct Creating {
    request: RequestId,
    room: RoomId,
    answer: http::Meeting,
}

pub struct Rooms {
    config: Config,
    fill: Entropy,
    now: Now,
    rooms: HashMap<RoomId, Room>,
    links: HashMap<Digest, (RoomId, Role)>,
    /// By the secret for `hello.resume`.
    seats: HashMap<Digest, (RoomId, PersonId)>,
    passes: HashMap<Digest, (RoomId, Standing)>,
    meetings: HashMap<MeetingId, RoomId>,
    connections: HashMap<ConnectionId, Connection>,
    /// By the ticket of the state store.
    creating: HashMap<u64, Creating>,
    deleting: HashMap<u64, Deleting>,
    media: media::Media,
    timers: Timers,
    out: Outbox,
    addresses: AddressKeys,
    throttle: Throttle,
    /// Meetings opened without the host key.
    openings: HashMap<AddressKey, Bucket>,
    metrics: Metrics,
    /// Whether it may decide what is deleted.
    clock: SteadyClock,
    stopping: bool,
}

/// Wrong links and host keys (AU6). A school behind one address may join with hundreds of people: right ones
/// are free.
const GUESSES: Guesses =
    Guesses { burst: 20, per_minute: 6, everybody_burst: 500, everybody_per_minute: 300 };

impl Rooms {
    pub fn new(config: Config, mut fill: Entropy, metrics: Metrics, now: Now) -> Rooms {
        let addresses = AddressKeys::new(&mut *fill);
        let mut rooms = Rooms {
            media: media::Media::new(now.mono + config.seat_time),
            config,
            fill,
            now,
            rooms: HashMap::new(),
            links: HashMap::new(),
            seats: HashMap::new(),
            passes: HashMap::new(),
            meetings: HashMap::new(),
            connections: HashMap::new(),
            creating: HashMap::new(),
            deleting: HashMap::new(),
            timers: Timers::default(),
            out: Outbox::default(),
            addresses,
            throttle: Throttle::new(GUESSES),
            openings: HashMap::new(),
            metrics,
            clock: SteadyClock::new(None, Duration::ZERO, now.unix_ms, now.mono),
            stopping: false,
        };
        rooms.start_timers();
        rooms
    }

    /// What is to be done now; in this order.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop()
    }

    /// A client's WebSocket is open.
    pub fn opened(&mut self, id: ConnectionId, address: Option<IpAddr>, host: &str, now: Now) {
        self.now = now;
        let address = self.addresses.key(address);
        self.connections.insert(id, Connection { address, host: host.to_owned(), stage: Stage::Greeting });
        self.timers.set(now.mono + GREETING_LIMIT, Timer::Greeting(id));
    }

    /// A client's WebSocket is gone, for whatever reason.
    pub fn closed(&mut self, id: ConnectionId, now: Now) {
        self.now = now;
        if let Some(Connection { stage: Stage::Seated(room, person), .. }) = self.connections.remove(&id) {
            self.dropped(id, room, person);
        }
    }

    /// A text message of a client.
    pub fn text(&mut self, id: ConnectionId, text: &str, now: Now) {
        self.now = now;
        match self.connections.get(&id).map(|connection| connection.stage) {
            Some(Stage::Greeting) => self.greet(id, text),
            Some(Stage::Seated(room, person)) => self.message(id, room, person, text),
            Some(Stage::Closing) | None => {}
        }
    }

    /// A message that is not text.
    pub fn binary(&mut self, id: ConnectionId, now: Now) {
        self.text(id, "", now);
    }

    /// A write was carried out, or could not be.
    pub fn committed(&mut self, keep: crate::records::Keep, ticket: u64, ok: bool, now: Now) {
        self.now = now;
        if keep == crate::records::Keep::State {
            if let Some(creating) = self.creating.remove(&ticket) {
                self.opened_room(creating, ok);
            }
            if let Some(deleting) = self.deleting.remove(&ticket) {
                self.deleted(deleting, ok);
            }
        }
        self.out.committed(keep, ticket);
    }

    /// No hello is answered any more: the daemon ends, and clients come back to the next one.
    pub fn stop(&mut self) {
        self.stopping = true;
    }

    /// The last message, and the end of the connection.
    fn dismiss(&mut self, room: RoomId, id: ConnectionId, reason: LeaveReason) {
        let code = match reason {
            LeaveReason::ProtocolError => CloseCode::PolicyViolation,
            _ => CloseCode::Normal,
        };
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.stage = Stage::Closing;
        }
        self.out.send(room, vec![id], ServerMessage::Goodbye { reason });
        self.out.close(room, id, code);
    }

    /// The answer to a hello that is not accepted.
    fn refuse_hello(&mut self, id: ConnectionId, reason: RefusalReason, wait: Option<Duration>) {
        self.metrics.refused(reason);
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.stage = Stage::Closing;
        }
        let message = ServerMessage::Refused { reason, retry_after: wait.map(whole_seconds) };
        self.out.push(Output::Send { to: vec![id], message });
        self.out.push(Output::Close { connection: id, code: CloseCode::Normal });
    }

    fn meeting(&mut self, room: RoomId) -> Option<&mut Meeting> {
        self.rooms.get_mut(&room)?.meeting.as_mut()
    }

    fn seat(&mut self, room: RoomId, person: PersonId) -> Option<&mut seat::Seat> {
        self.meeting(room)?.seats.get_mut(&person)
    }

    fn random_u64(&mut self) -> u64 {
        let mut bytes = [0u8; 8];
        (self.fill)(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// Counts meetings and people for the metrics.
    fn take_census(&self) {
        let seats = || self.meetings.values().filter_map(|room| self.rooms.get(room)?.meeting.as_ref());
        let (mut present, mut away) = (0, 0);
        for seat in seats().flat_map(|meeting| meeting.seats.values()) {
            *(if seat.connection.is_some() { &mut present } else { &mut away }) += 1;
        }
        self.metrics.census(self.rooms.len(), self.meetings.len(), present, away);
    }
}

/// Rounded up: trying again earlier would be in vain.
fn whole_seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX)
}
