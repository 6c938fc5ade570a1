//! The D-Bus interface `org.plenum.Sfu1` (the same as [`plenum_protocol::sfu`] describes for callers).

use crate::control::Control;
use crate::core::{Event, Gone, PeerReport, RoomReport};
use crate::forward::ForwardEvent;
use plenum_protocol::PersonId;
use plenum_protocol::limits::MAX_TILES;
use plenum_protocol::media::{LineUse, SlotContent, Source, Tile};
use plenum_protocol::sfu::{BUS_NAME, BusPeer, BusRoom, BusSlot, OBJECT_PATH};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use zbus::fdo;
use zbus::object_server::SignalEmitter;

/// Shared by the bus and the pump of events; never held over an await.
pub type SharedControl = Arc<Mutex<Control>>;

#[derive(Clone)]
pub struct Interface {
    pub control: SharedControl,
    pub instance: String,
    /// Addresses of this machine: media from them came through its TURN server.
    pub own_addresses: fn() -> Vec<IpAddr>,
}

impl Interface {
    fn control(&self) -> MutexGuard<'_, Control> {
        lock(&self.control)
    }
}

/// Nothing that holds the lock leaves it half changed.
pub fn lock(control: &SharedControl) -> MutexGuard<'_, Control> {
    control.lock().unwrap_or_else(PoisonError::into_inner)
}

#[zbus::interface(name = "org.plenum.Sfu1")]
impl Interface {
    async fn connect(
        &self,
        room: &str,
        person: PersonId,
        connection: u32,
        offer: &str,
        lines: Vec<(&str, &str)>,
    ) -> fdo::Result<String> {
        let uses = lines.into_iter().map(|(mid, name)| match LineUse::parse(name) {
            Some(line_use) => Ok((mid.to_owned(), line_use)),
            None => Err(unknown("line use", name)),
        });
        let uses = uses.collect::<fdo::Result<Vec<_>>>()?;
        let answer = self.control().connect(room, person, connection, offer, &uses);
        answer.map_err(|error| fdo::Error::InvalidArgs(error.to_string()))
    }

    async fn disconnect(&self, room: &str, person: PersonId) {
        self.control().disconnect(room, person);
    }

    async fn close_room(&self, room: &str) {
        self.control().close_room(room);
    }

    async fn set_allowed(&self, room: &str, person: PersonId, sources: Vec<&str>) -> fdo::Result<()> {
        let allowed = sources.into_iter().map(source).collect::<fdo::Result<_>>()?;
        self.control().set_allowed(room, person, allowed);
        Ok(())
    }

    async fn watch(
        &self,
        room: &str,
        person: PersonId,
        tiles: Vec<(PersonId, &str, u16, u16)>,
    ) -> fdo::Result<()> {
        if tiles.len() > MAX_TILES {
            return Err(fdo::Error::InvalidArgs(format!("at most {MAX_TILES} tiles can be watched")));
        }
        let tiles = tiles
            .into_iter()
            .map(|(person, name, width, height)| Ok(Tile { person, source: source(name)?, width, height }));
        let tiles = tiles.collect::<fdo::Result<_>>()?;
        self.control().watch(room, person, tiles);
        Ok(())
    }

    async fn slots(&self, room: &str, person: PersonId) -> (Vec<BusSlot>, Vec<BusSlot>) {
        let (audio, video) = self.control().slots(room, person);
        (bus_slots(&audio), bus_slots(&video))
    }

    async fn list_rooms(&self) -> Vec<BusRoom> {
        let answers = self.control().rooms();
        let mut rooms: BTreeMap<Arc<str>, RoomReport> = BTreeMap::new();
        for answer in answers {
            rooms.extend(answer.await.unwrap_or_default());
        }
        let room = |(room, report): (Arc<str>, RoomReport)| BusRoom {
            room: room.to_string(),
            peers: report.peers,
            bits_in: report.bits_in,
            bits_out: report.bits_out,
        };
        rooms.into_iter().map(room).collect()
    }

    async fn list_peers(&self, room: &str) -> Vec<BusPeer> {
        let answer = self.control().peers(room);
        let peers = match answer {
            Some(answer) => answer.await.unwrap_or_default(),
            None => Vec::new(),
        };
        let own = (self.own_addresses)();
        peers.into_iter().map(|peer| bus_peer(peer, &own)).collect()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    async fn instance(&self) -> String {
        self.instance.clone()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    async fn version(&self) -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }

    #[zbus(signal)]
    async fn slots_changed(
        emitter: &SignalEmitter<'_>,
        room: &str,
        person: PersonId,
        audio: Vec<BusSlot>,
        video: Vec<BusSlot>,
    ) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn speakers_changed(
        emitter: &SignalEmitter<'_>,
        room: &str,
        speakers: Vec<(PersonId, u8)>,
    ) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn peer_state(
        emitter: &SignalEmitter<'_>,
        room: &str,
        person: PersonId,
        connection: u32,
        state: &str,
    ) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn quality_changed(
        emitter: &SignalEmitter<'_>,
        room: &str,
        person: PersonId,
        grade: &str,
        reason: &str,
    ) -> zbus::Result<()>;
}

/// Puts the interface on the bus under its name.
pub async fn serve(address: &str, interface: Interface) -> zbus::Result<zbus::Connection> {
    let builder = match address {
        "" => zbus::connection::Builder::system(),
        address => zbus::connection::Builder::address(address),
    };
    builder.name(BUS_NAME).serve_at(OBJECT_PATH, interface).build().await
}

/// Sends the signal that an event stands for.
pub async fn signal(connection: &zbus::Connection, event: &Event) -> zbus::Result<()> {
    let emitter = SignalEmitter::new(connection, OBJECT_PATH)?;
    match event {
        Event::Connected { room, person, connection, .. } => {
            Interface::peer_state(&emitter, room, *person, *connection, "connected").await
        }
        Event::Gone { room, person, connection, .. } => {
            Interface::peer_state(&emitter, room, *person, *connection, "gone").await
        }
        Event::Forward(ForwardEvent::SlotsChanged { room, person, audio, video }) => {
            Interface::slots_changed(&emitter, room, *person, bus_slots(audio), bus_slots(video)).await
        }
        Event::Forward(ForwardEvent::SpeakersChanged { room, speakers }) => {
            Interface::speakers_changed(&emitter, room, speakers.clone()).await
        }
        Event::Forward(ForwardEvent::QualityChanged { room, person, grade, reason }) => {
            Interface::quality_changed(&emitter, room, *person, grade.as_str(), reason.as_str()).await
        }
    }
}

/// For the journal: rooms are opaque identifiers, people are numbers (LG2).
pub fn log(event: &Event) {
    match event {
        Event::Connected { room, person, connection, protection } => {
            log::info!(room = &**room, person, connection, protection; "connected");
        }
        Event::Gone { room, person, connection, reason } => {
            let reason = match reason {
                Gone::Silent => "no connectivity check for 30 s",
                Gone::Closed => "closed by the client",
                Gone::Failed(reason) => reason,
                Gone::Full => "too many connections on one media thread",
            };
            log::info!(room = &**room, person, connection, reason; "gone");
        }
        Event::Forward(_) => {}
    }
}

fn source(name: &str) -> fdo::Result<Source> {
    Source::parse(name).ok_or_else(|| unknown("source", name))
}

fn unknown(what: &str, name: &str) -> fdo::Error {
    let name: String = name.chars().take(40).collect();
    fdo::Error::InvalidArgs(format!("{name:?} is no {what}"))
}

fn bus_slots(slots: &[Option<SlotContent>]) -> Vec<BusSlot> {
    let bus_slot = |slot: &Option<SlotContent>| match slot {
        Some(content) => (content.person, content.source.as_str().to_owned()),
        None => (0, String::new()),
    };
    slots.iter().map(bus_slot).collect()
}

fn bus_peer(peer: PeerReport, own: &[IpAddr]) -> BusPeer {
    let relayed = peer.address.is_some_and(|at| !at.ip().is_loopback() && own.contains(&at.ip()));
    BusPeer {
        person: peer.person,
        state: peer.state.to_owned(),
        path: if relayed { "relay" } else { "udp" }.to_owned(),
        protection: peer.protection.to_owned(),
        sources: peer.sources.iter().map(|source| source.as_str().to_owned()).collect(),
        bits_in: peer.bits_in,
        bits_out: peer.bits_out,
        loss_in: peer.loss_in,
        loss_out: peer.loss_out,
        round_trip: peer.round_trip.map_or(0, |time| u32::try_from(time.as_micros()).unwrap_or(u32::MAX)),
        limit: peer.limit,
    }
}
