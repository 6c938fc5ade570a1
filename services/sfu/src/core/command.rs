//! What the control side asks of a media thread.

use super::peers::{Peer, Traffic};
use super::{Core, Event, Gone};
use crate::description::Description;
use crate::egress::PeerKey;
use crate::ice::{Credentials, IceLite, SILENCE};
use crate::path::Wire;
use crate::sdp::RemoteTransport;
use plenum_protocol::PersonId;
use plenum_protocol::media::{Source, Tile};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A connection that was answered.
#[derive(Debug)]
pub struct Join {
    pub room: Arc<str>,
    pub person: PersonId,
    pub connection: u32,
    pub credentials: Credentials,
    pub remote: RemoteTransport,
    pub description: Description,
}

/// A later offer of the same connection was answered.
#[derive(Debug)]
pub struct Renegotiate {
    pub room: Arc<str>,
    pub person: PersonId,
    pub description: Description,
    /// Our new credentials and the client's new ufrag, if the offer restarted ICE.
    pub restart: Option<(Credentials, String)>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoomReport {
    pub peers: u32,
    pub bits_in: u64,
    pub bits_out: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerReport {
    pub person: PersonId,
    /// `connecting`, `connected` or `silent`.
    pub state: &'static str,
    pub address: Option<SocketAddr>,
    pub protection: &'static str,
    pub sources: Vec<Source>,
    pub bits_in: u64,
    pub bits_out: u64,
    pub loss_in: u32,
    pub loss_out: u32,
    pub round_trip: Option<Duration>,
    pub limit: u64,
}

impl Core {
    /// Takes a connection in. An earlier one of the same person ends.
    pub fn join(&mut self, now: Instant, join: Join, wire: &mut impl Wire) {
        if let Some(key) = self.key(&join.room, join.person) {
            self.leave(now, key, wire);
        }
        let ufrag = join.credentials.ufrag.clone();
        let peer = Peer {
            room: join.room.clone(),
            person: join.person,
            connection: join.connection,
            ice: IceLite::new(now, join.credentials, join.remote.ufrag),
            dtls: None,
            fingerprints: join.remote.fingerprints,
            confirmed: false,
            receiver: None,
            sender: None,
            protection: "",
            open: Default::default(),
            traffic: Traffic::new(now),
        };
        let Some(key) = self.transport.peers.insert(peer) else {
            let Join { room, person, connection, .. } = join;
            self.events.push_back(Event::Gone { room, person, connection, reason: Gone::Full });
            return;
        };
        self.transport.counters.peers += 1;
        self.transport.by_ufrag.insert(ufrag.into(), key);
        self.rooms.entry(join.room.clone()).or_default().insert(join.person, key);
        self.forwarder.join(now, &join.room, join.person, key, &join.description);
    }

    pub fn renegotiate(&mut self, now: Instant, change: Renegotiate) {
        let Some(key) = self.key(&change.room, change.person) else { return };
        let Some(peer) = self.transport.peers.get_mut(key) else { return };
        if let Some((credentials, remote_ufrag)) = change.restart {
            self.transport.by_ufrag.insert(credentials.ufrag.as_str().into(), key);
            if let Some(forgotten) = peer.ice.restart(credentials, remote_ufrag) {
                self.transport.by_ufrag.remove(forgotten.as_str());
            }
        }
        self.forwarder.renegotiate(now, key, &change.description);
    }

    pub fn disconnect(&mut self, now: Instant, room: &str, person: PersonId, wire: &mut impl Wire) {
        if let Some(key) = self.key(room, person) {
            self.leave(now, key, wire);
        }
    }

    pub fn close_room(&mut self, now: Instant, room: &str, wire: &mut impl Wire) {
        let people = self.rooms.get(room);
        for key in people.map(|people| people.values().copied().collect::<Vec<_>>()).unwrap_or_default() {
            self.leave(now, key, wire);
        }
    }

    /// Ends every connection, so that clients know at once.
    pub fn close(&mut self, now: Instant, wire: &mut impl Wire) {
        for room in self.rooms.keys().cloned().collect::<Vec<_>>() {
            self.close_room(now, &room, wire);
        }
    }

    pub fn set_allowed(&mut self, now: Instant, room: &str, person: PersonId, allowed: &[Source]) {
        if let Some(key) = self.key(room, person) {
            self.forwarder.set_allowed(now, key, allowed);
        }
    }

    pub fn watch(&mut self, now: Instant, room: &str, person: PersonId, tiles: &[Tile]) {
        if let Some(key) = self.key(room, person) {
            self.forwarder.watch(now, key, tiles);
        }
    }

    pub fn rooms(&mut self) -> Vec<(Arc<str>, RoomReport)> {
        let report = |people: &rustc_hash::FxHashMap<PersonId, PeerKey>| {
            let mut report = RoomReport::default();
            for peer in people.values().filter_map(|key| self.transport.peers.get(*key)) {
                report.peers += 1;
                report.bits_in += peer.traffic.bits_in;
                report.bits_out += peer.traffic.bits_out;
            }
            report
        };
        self.rooms.iter().map(|(room, people)| (room.clone(), report(people))).collect()
    }

    pub fn peers(&mut self, now: Instant, room: &str) -> Vec<PeerReport> {
        let Some(people) = self.rooms.get(room) else { return Vec::new() };
        let mut reports: Vec<PeerReport> =
            people.iter().filter_map(|(person, key)| self.peer(now, *person, *key)).collect();
        reports.sort_by_key(|report| report.person);
        reports
    }

    fn peer(&self, now: Instant, person: PersonId, key: PeerKey) -> Option<PeerReport> {
        let peer = self.transport.peers.get(key)?;
        let stats = self.forwarder.peer_stats(key);
        let silent = now.saturating_duration_since(peer.ice.last_check()) > SILENCE;
        Some(PeerReport {
            person,
            state: match (peer.is_connected(), silent) {
                (false, _) => "connecting",
                (true, false) => "connected",
                (true, true) => "silent",
            },
            address: peer.ice.selected().map(|path| path.remote),
            protection: peer.protection,
            sources: stats.sources,
            bits_in: peer.traffic.bits_in,
            bits_out: peer.traffic.bits_out,
            loss_in: stats.loss_in,
            loss_out: stats.loss_out,
            round_trip: stats.round_trip,
            limit: stats.limit,
        })
    }

    fn key(&self, room: &str, person: PersonId) -> Option<PeerKey> {
        self.rooms.get(room)?.get(&person).copied()
    }
}
