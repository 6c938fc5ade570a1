//! The forwarding plane: sans-IO. Decrypted packets, commands and the time go in; packets leave through
//! [`Egress`], events are polled.
//!
//! After every call ask [`Forwarder::poll_timeout`] for the next deadline (it may be in the past, when a
//! command made something due at once) and empty [`Forwarder::poll_event`].
//!
//! The way of a packet: [`Forwarder::rtp`] → `ingest` (which layer of which track is it, what does it say)
//! → the layer's subscribers → `slot` (does it pass here) → `output` (rewrite) → [`Egress::rtp`]. On this
//! way nothing is allocated, locked or logged. What the slots carry is decided in `assign`, apart from it.

mod allocate;
mod assign;
mod budget;
mod clock;
mod codec;
mod event;
mod extensions;
mod feedback;
mod ingest;
mod layer;
mod membership;
mod missing;
mod output;
mod pairing;
mod peer;
mod quality;
mod rate;
mod ring;
mod room;
mod rtcp;
mod rtcp_write;
mod rtp;
mod seen;
mod slot;
mod speakers;
mod splice;
mod tick;
mod timeline;
mod track;
mod twcc_receive;
mod twcc_send;

pub use event::{Counters, ForwardConfig, ForwardEvent, PeerStats};
pub use ingest::CANONICAL_NAME;

use crate::description::Description;
use crate::egress::{Egress, PeerKey};
use clock::{Clock, Micros};
use layer::SlotRef;
use peer::Peer;
use plenum_protocol::PersonId;
use plenum_protocol::limits::MAX_TILES;
use plenum_protocol::media::{Source, Tile};
use room::Room;
use rustc_hash::FxHashMap;
use slab::Slab;
use splice::LayerRef;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use track::Track;

/// One per media thread; holds all rooms of that thread.
pub struct Forwarder {
    config: ForwardConfig,
    clock: Clock,
    random: fastrand::Rng,
    keys: FxHashMap<PeerKey, u32>,
    names: FxHashMap<Arc<str>, u32>,
    peers: Slab<Peer>,
    tracks: Slab<Track>,
    rooms: Slab<Room>,
    /// The last number of [`LayerRef::stream`].
    next_stream: u32,
    next_tick: Micros,
    /// Layers whose key frame shall be asked for.
    wanted: Vec<LayerRef>,
    /// Peers whose slots carry something else since the last events.
    changed: Vec<u32>,
    events: VecDeque<ForwardEvent>,
    counters: Counters,
    // Kept for their capacity.
    switched: Vec<(SlotRef, Option<LayerRef>)>,
    buffer: Vec<u8>,
    compound: Vec<u8>,
    lost: Vec<u16>,
    speaking: Vec<(u32, u8)>,
}

impl Forwarder {
    pub fn new(config: ForwardConfig) -> Self {
        Forwarder {
            config,
            clock: Clock::new(config.reference),
            random: fastrand::Rng::with_seed(config.seed),
            keys: FxHashMap::default(),
            names: FxHashMap::default(),
            peers: Slab::new(),
            tracks: Slab::new(),
            rooms: Slab::new(),
            next_stream: 0,
            next_tick: clock::NEVER,
            wanted: Vec::new(),
            changed: Vec::new(),
            events: VecDeque::new(),
            counters: Counters::default(),
            switched: Vec::new(),
            buffer: Vec::with_capacity(rtp::MAX_PACKET_BYTES),
            compound: Vec::with_capacity(2 * rtcp_write::MAX_COMPOUND_BYTES),
            lost: Vec::new(),
            speaking: Vec::new(),
        }
    }

    /// A person's connection comes into a room. A person has one connection: an earlier one is left.
    pub fn join(
        &mut self,
        now: Instant,
        room: &str,
        person: PersonId,
        key: PeerKey,
        description: &Description,
    ) {
        self.enter(room, person, key, description, self.clock.micros(now));
        self.tell_changes();
    }

    /// A later offer of the same connection was answered. m-lines keep their mid and their place.
    pub fn renegotiate(&mut self, now: Instant, key: PeerKey, description: &Description) {
        if let Some(&peer) = self.keys.get(&key) {
            self.negotiate(peer, description, self.clock.micros(now));
            self.tell_changes();
        }
    }

    /// SRTP keys are there: media may flow.
    pub fn connected(&mut self, now: Instant, key: PeerKey) {
        let now = self.clock.micros(now);
        let Some(&peer) = self.keys.get(&key) else { return };
        let connected = &mut self.peers[peer as usize];
        connected.connected = true;
        connected.last = now;
        // Key frames that it has missed are asked for.
        for slot in 0..connected.video.len() {
            if let Some(target) = self.peers[peer as usize].video[slot].target {
                self.want_key_frame(target);
            }
        }
    }

    pub fn leave(&mut self, now: Instant, key: PeerKey) {
        self.depart(key, self.clock.micros(now));
        self.tell_changes();
    }

    /// What the peer may send; everything before the first call.
    pub fn set_allowed(&mut self, now: Instant, key: PeerKey, allowed: &[Source]) {
        if let Some(&peer) = self.keys.get(&key) {
            self.allow(peer, allowed, self.clock.micros(now));
            self.tell_changes();
        }
    }

    /// Whom the peer shows, the most important first; at most [`MAX_TILES`].
    pub fn watch(&mut self, now: Instant, key: PeerKey, tiles: &[Tile]) {
        if let Some(&peer) = self.keys.get(&key) {
            self.peers[peer as usize].tiles = tiles[..tiles.len().min(MAX_TILES)].to_vec();
            self.review(peer, self.clock.micros(now));
            self.tell_changes();
        }
    }

    /// The peer gave a sign of life other than media (an authenticated STUN check).
    pub fn alive(&mut self, now: Instant, key: PeerKey) {
        if let Some(&peer) = self.keys.get(&key) {
            self.peers[peer as usize].gives_sign_of_life(self.clock.micros(now));
        }
    }

    /// A decrypted RTP packet.
    pub fn rtp(&mut self, now: Instant, from: PeerKey, packet: &[u8], out: &mut impl Egress) {
        if let Some(&peer) = self.keys.get(&from) {
            let now = self.clock.micros(now);
            self.receive(peer, packet, now, out);
            self.settle(now, out);
        }
    }

    /// A decrypted RTCP compound packet (or one of reduced size, RFC 5506).
    pub fn rtcp(&mut self, now: Instant, from: PeerKey, compound: &[u8], out: &mut impl Egress) {
        if let Some(&peer) = self.keys.get(&from) {
            let now = self.clock.micros(now);
            self.receive_reports(peer, compound, now, out);
            self.settle(now, out);
        }
    }

    /// When [`Self::handle_timeout`] wants to be called next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.peers.is_empty() {
            return None;
        }
        let request = self.next_key_frame_request().unwrap_or(Micros::MAX);
        Some(self.clock.instant(self.next_tick.min(request)))
    }

    pub fn handle_timeout(&mut self, now: Instant, out: &mut impl Egress) {
        let now = self.clock.micros(now);
        if now >= self.next_tick {
            self.tick(now, out);
            self.next_tick = now + tick::TICK;
        }
        self.settle(now, out);
    }

    pub fn poll_event(&mut self) -> Option<ForwardEvent> {
        self.events.pop_front()
    }

    /// Default for an unknown peer.
    pub fn peer_stats(&self, key: PeerKey) -> PeerStats {
        let Some(&peer) = self.keys.get(&key) else { return PeerStats::default() };
        let peer = &self.peers[peer as usize];
        let live =
            |source: &Source| peer.track(*source).is_some_and(|track| self.tracks[track as usize].live);
        PeerStats {
            sources: Source::ALL.into_iter().filter(live).collect(),
            loss_in: peer.loss_in,
            loss_out: peer.budget.loss(),
            round_trip: peer.round_trip.map(|micros| Duration::from_micros(micros as u64)),
            limit: peer.budget.limit(),
        }
    }

    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// What every packet may have made due.
    #[inline]
    fn settle(&mut self, now: Micros, out: &mut impl Egress) {
        if !self.wanted.is_empty() {
            self.send_key_frame_requests(now, out);
        }
        if !self.changed.is_empty() {
            self.tell_changes();
        }
    }

    fn tell_changes(&mut self) {
        while let Some(peer) = self.changed.pop() {
            let peer = &mut self.peers[peer as usize];
            peer.changed = false;
            self.events.push_back(ForwardEvent::SlotsChanged {
                room: self.rooms[peer.room as usize].name.clone(),
                person: peer.person,
                audio: peer.audio.iter().map(|slot| slot.shown).collect(),
                video: peer.video.iter().map(|slot| slot.shown).collect(),
            });
        }
    }
}
