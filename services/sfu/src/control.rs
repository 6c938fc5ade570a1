//! The control side: which room lives on which media thread, and what each connection has agreed on.

use crate::core::{Event, Join, PeerReport, Renegotiate, RoomReport};
use crate::forward::ForwardEvent;
use crate::ice::Credentials;
use crate::mailbox::{Command, Mailbox};
use crate::sdp::{LocalTransport, Negotiated, Negotiation, RemoteTransport, SdpError};
use plenum_protocol::PersonId;
use plenum_protocol::media::{LineUse, SlotContent, Source, Tile};
use rustc_hash::FxHashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Bytes of a room's identifier.
const MAX_ROOM_LEN: usize = 128;

/// Why a connection was not made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("a room is named with 1 to {MAX_ROOM_LEN} bytes")]
    Room,
    #[error(transparent)]
    Offer(#[from] SdpError),
    #[error("the certificate of the client changed: that needs a new connection")]
    Certificate,
    #[error("the system gives no random numbers")]
    Random,
}

/// What is the same for every connection.
pub struct Endpoint {
    /// SHA-256 of the DTLS certificate.
    pub fingerprint: [u8; 32],
    /// The addresses to name in an answer, as they are now.
    pub candidates: Box<dyn Fn() -> Vec<SocketAddr> + Send>,
}

/// Rooms of one media thread.
pub type RoomReports = Vec<(Arc<str>, RoomReport)>;

/// What a person's slots carry: audio, and video.
pub type Slots = (Vec<Option<SlotContent>>, Vec<Option<SlotContent>>);

pub struct Control {
    endpoint: Endpoint,
    mailboxes: Arc<[Mailbox]>,
    rooms: FxHashMap<Arc<str>, Room>,
}

struct Room {
    thread: u8,
    seats: FxHashMap<PersonId, Seat>,
}

/// A person's present connection.
struct Seat {
    connection: u32,
    credentials: Credentials,
    remote: RemoteTransport,
    negotiation: Negotiation,
    slots: Slots,
}

impl Control {
    pub fn new(endpoint: Endpoint, mailboxes: Arc<[Mailbox]>) -> Control {
        Control { endpoint, mailboxes, rooms: FxHashMap::default() }
    }

    /// Answers an offer: of a new connection, or a later one of the present connection.
    pub fn connect(
        &mut self,
        room: &str,
        person: PersonId,
        connection: u32,
        offer: &str,
        uses: &[(String, LineUse)],
    ) -> Result<String, ConnectError> {
        if room.is_empty() || room.len() > MAX_ROOM_LEN {
            return Err(ConnectError::Room);
        }
        let present = self.rooms.get_mut(room).and_then(|room| room.seats.get_mut(&person));
        if present.is_some_and(|seat| seat.connection == connection) {
            self.renegotiate(room, person, offer, uses)
        } else {
            self.join(room, person, connection, offer, uses)
        }
    }

    fn join(
        &mut self,
        room: &str,
        person: PersonId,
        connection: u32,
        offer: &str,
        uses: &[(String, LineUse)],
    ) -> Result<String, ConnectError> {
        let mut negotiation = Negotiation::new(seed()?);
        let negotiated = negotiation.take(offer, uses)?;
        let (name, thread) = match self.rooms.get_key_value(room) {
            Some((name, room)) => (name.clone(), room.thread),
            None => (Arc::from(room), self.least_loaded()),
        };
        let credentials = credentials(thread)?;
        let answer = answer(&self.endpoint, &mut negotiation, &negotiated, &credentials);
        let Negotiated { description, remote, .. } = negotiated;
        let room = self.rooms.entry(name.clone()).or_insert(Room { thread, seats: FxHashMap::default() });
        let seat = Seat {
            connection,
            credentials: credentials.clone(),
            remote: remote.clone(),
            negotiation,
            slots: Slots::default(),
        };
        room.seats.insert(person, seat);
        let join = Join { room: name, person, connection, credentials, remote, description };
        self.mailboxes[usize::from(thread)].command(Command::Join(Box::new(join)));
        Ok(answer)
    }

    fn renegotiate(
        &mut self,
        room: &str,
        person: PersonId,
        offer: &str,
        uses: &[(String, LineUse)],
    ) -> Result<String, ConnectError> {
        // Found by the caller.
        let Some((name, Room { thread, seats })) = self.rooms.iter_mut().find(|(name, _)| ***name == *room)
        else {
            return Err(ConnectError::Room);
        };
        let Some(seat) = seats.get_mut(&person) else { return Err(ConnectError::Room) };
        let negotiated = seat.negotiation.take(offer, uses)?;
        if negotiated.remote.fingerprints != seat.remote.fingerprints {
            return Err(ConnectError::Certificate);
        }
        let restarted = negotiated.remote != seat.remote;
        if restarted {
            seat.credentials = credentials(*thread)?;
            seat.remote = negotiated.remote.clone();
        }
        let answer = answer(&self.endpoint, &mut seat.negotiation, &negotiated, &seat.credentials);
        let change = Renegotiate {
            room: name.clone(),
            person,
            description: negotiated.description,
            restart: restarted.then(|| (seat.credentials.clone(), seat.remote.ufrag.clone())),
        };
        self.mailboxes[usize::from(*thread)].command(Command::Renegotiate(Box::new(change)));
        Ok(answer)
    }

    pub fn disconnect(&mut self, room: &str, person: PersonId) {
        let Some((name, thread)) = self.find(room) else { return };
        self.forget(&name, person);
        self.send(thread, Command::Disconnect { room: name, person });
    }

    pub fn close_room(&mut self, room: &str) {
        let Some((name, thread)) = self.find(room) else { return };
        self.rooms.remove(&name);
        self.send(thread, Command::CloseRoom { room: name });
    }

    pub fn set_allowed(&self, room: &str, person: PersonId, allowed: Vec<Source>) {
        if let Some((room, thread)) = self.find(room) {
            self.send(thread, Command::SetAllowed { room, person, allowed });
        }
    }

    pub fn watch(&self, room: &str, person: PersonId, tiles: Vec<Tile>) {
        if let Some((room, thread)) = self.find(room) {
            self.send(thread, Command::Watch { room, person, tiles });
        }
    }

    pub fn slots(&self, room: &str, person: PersonId) -> Slots {
        let seat = self.rooms.get(room).and_then(|room| room.seats.get(&person));
        seat.map(|seat| seat.slots.clone()).unwrap_or_default()
    }

    /// Every thread's rooms, to be awaited.
    pub fn rooms(&self) -> Vec<oneshot::Receiver<RoomReports>> {
        let ask = |mailbox: &Mailbox| {
            let (reply, answer) = oneshot::channel();
            mailbox.command(Command::Rooms(reply));
            answer
        };
        self.mailboxes.iter().map(ask).collect()
    }

    /// A room's peers, to be awaited; `None` for an unknown room.
    pub fn peers(&self, room: &str) -> Option<oneshot::Receiver<Vec<PeerReport>>> {
        let (room, thread) = self.find(room)?;
        let (reply, answer) = oneshot::channel();
        self.send(thread, Command::Peers { room, reply });
        Some(answer)
    }

    /// Takes note of what a media thread reports; false if it concerns a connection that was replaced.
    pub fn note(&mut self, event: &Event) -> bool {
        match event {
            Event::Gone { room, person, connection, .. } => {
                let current = self.is_current(room, *person, *connection);
                if current {
                    self.forget(room, *person);
                }
                current
            }
            Event::Connected { room, person, connection, .. } => self.is_current(room, *person, *connection),
            Event::Forward(ForwardEvent::SlotsChanged { room, person, audio, video }) => {
                let seat = self.rooms.get_mut(room).and_then(|room| room.seats.get_mut(person));
                let Some(seat) = seat else { return false };
                seat.slots = (audio.clone(), video.clone());
                true
            }
            Event::Forward(_) => true,
        }
    }

    /// Ends the media threads.
    pub fn stop(&self) {
        self.mailboxes.iter().for_each(|mailbox| mailbox.command(Command::Stop));
    }

    fn is_current(&self, room: &str, person: PersonId, connection: u32) -> bool {
        let seat = self.rooms.get(room).and_then(|room| room.seats.get(&person));
        seat.is_some_and(|seat| seat.connection == connection)
    }

    fn forget(&mut self, name: &Arc<str>, person: PersonId) {
        if let Some(room) = self.rooms.get_mut(name) {
            room.seats.remove(&person);
            if room.seats.is_empty() {
                self.rooms.remove(name);
            }
        }
    }

    fn find(&self, room: &str) -> Option<(Arc<str>, u8)> {
        self.rooms.get_key_value(room).map(|(name, room)| (name.clone(), room.thread))
    }

    fn send(&self, thread: u8, command: Command) {
        self.mailboxes[usize::from(thread)].command(command);
    }

    /// A room stays where it began: the thread with the fewest people.
    fn least_loaded(&self) -> u8 {
        let mut loads = vec![0; self.mailboxes.len()];
        for room in self.rooms.values() {
            loads[usize::from(room.thread)] += 1 + room.seats.len();
        }
        let least = loads.iter().enumerate().min_by_key(|(_, load)| **load);
        least.map_or(0, |(thread, _)| thread as u8)
    }
}

fn answer(
    endpoint: &Endpoint,
    negotiation: &mut Negotiation,
    negotiated: &Negotiated,
    credentials: &Credentials,
) -> String {
    let local = LocalTransport {
        ufrag: &credentials.ufrag,
        password: &credentials.password,
        fingerprint: &endpoint.fingerprint,
        candidates: &(endpoint.candidates)(),
    };
    negotiation.answer(negotiated, &local)
}

fn credentials(thread: u8) -> Result<Credentials, ConnectError> {
    let mut failed = false;
    let credentials = Credentials::new(thread, &mut |bytes: &mut [u8]| {
        failed |= aws_lc_rs::rand::fill(bytes).is_err();
    });
    if failed { Err(ConnectError::Random) } else { Ok(credentials) }
}

fn seed() -> Result<u64, ConnectError> {
    let mut seed = [0; 8];
    aws_lc_rs::rand::fill(&mut seed).map_err(|_| ConnectError::Random)?;
    Ok(u64::from_le_bytes(seed))
}
