//! One media thread's share of the SFU, sans-IO: datagrams, commands and the time go in; datagrams leave
//! through [`Wire`], events are polled.

mod batch;
mod command;
mod counters;
mod peers;
mod transport;

pub use command::{Join, PeerReport, Renegotiate, RoomReport};
pub use counters::{Counters, Drop};

use crate::dtls::{Identity, Progress};
use crate::egress::PeerKey;
use crate::forward::{ForwardConfig, ForwardEvent, Forwarder};
use crate::ice::CONSENT_TIMEOUT;
use crate::path::{Content, Path, Wire};
use crate::srtp::Refusal;
use plenum_protocol::PersonId;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use transport::{Bound, Checked, Transport};

/// How often peers are looked through for the silent ones, and rates are taken.
const SWEEP: Duration = Duration::from_secs(1);
/// Slabs after which a burst is sent before it is over, so that memory stays bounded: 32 MiB, and several
/// packets of the largest room.
const MAX_QUEUED: usize = 2_048;

pub struct Core {
    transport: Transport,
    forwarder: Forwarder,
    rooms: FxHashMap<Arc<str>, FxHashMap<PersonId, PeerKey>>,
    events: VecDeque<Event>,
    next_sweep: Instant,
    /// Time never goes back, though datagrams of two sockets may arrive in another order than they are read.
    latest: Instant,
}

/// What the control side hears of.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Connected { room: Arc<str>, person: PersonId, connection: u32, protection: &'static str },
    Gone { room: Arc<str>, person: PersonId, connection: u32, reason: Gone },
    Forward(ForwardEvent),
}

/// Why a connection ended by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gone {
    /// No authentic connectivity check for 30 s.
    Silent,
    /// The client ended its DTLS association.
    Closed,
    /// The DTLS handshake, or the association, failed.
    Failed(String),
    /// This thread cannot take more connections.
    Full,
}

/// Whether a datagram found its peer here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handled {
    Yes,
    /// It authenticated a new address: later datagrams from there belong here.
    Bound,
    /// Nobody here owns this address.
    Stranger,
}

impl Core {
    pub fn new(now: Instant, identity: Identity, config: ForwardConfig) -> Core {
        Core {
            transport: Transport::new(identity),
            forwarder: Forwarder::new(config),
            rooms: FxHashMap::default(),
            events: VecDeque::new(),
            next_sweep: now + SWEEP,
            latest: now,
        }
    }

    pub fn poll_event(&mut self) -> Option<Event> {
        while let Some(event) = self.forwarder.poll_event() {
            self.events.push_back(Event::Forward(event));
        }
        self.events.pop_front()
    }

    /// Addresses that are nobody's any more, and the thread that was told of them.
    pub fn poll_unbound(&mut self) -> Option<(SocketAddr, u8)> {
        self.transport.unbound.pop()
    }

    pub fn poll_timeout(&self) -> Instant {
        let handshakes = self.transport.handshaking.iter();
        let handshakes =
            handshakes.filter_map(|key| self.transport.peers.get(*key)?.dtls.as_ref()?.deadline());
        handshakes.chain(self.forwarder.poll_timeout()).fold(self.next_sweep, Instant::min)
    }

    pub fn handle_timeout(&mut self, now: Instant, wire: &mut impl Wire) {
        let now = self.advance(now);
        for index in (0..self.transport.handshaking.len()).rev() {
            let key = self.transport.handshaking[index];
            let progress = self.transport.dtls_timeout(now, key, wire);
            self.progress(now, key, progress, wire);
        }
        self.transport.forget_completed();
        if self.forwarder.poll_timeout().is_some_and(|at| at <= now) {
            self.forwarder.handle_timeout(now, &mut self.transport);
        }
        if self.next_sweep <= now {
            self.next_sweep = now + SWEEP;
            self.sweep(now, wire);
        }
        self.flush_if_large(wire);
    }

    /// Takes one datagram in that arrived at `now`; `via` is the thread whose socket it arrived at. It is
    /// decrypted in place.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        path: Path,
        via: u8,
        datagram: &mut [u8],
        wire: &mut impl Wire,
    ) -> Handled {
        let now = self.advance(now);
        let Some(content) = Content::of(datagram) else {
            self.transport.counters.drop(Drop::Unknown);
            return Handled::Yes;
        };
        if content == Content::Stun {
            return match self.transport.stun(now, path, via, datagram, wire) {
                Checked::Nothing => Handled::Yes,
                Checked::Alive(key) => {
                    self.forwarder.alive(now, key);
                    Handled::Yes
                }
                Checked::Bound(key) => {
                    self.forwarder.alive(now, key);
                    Handled::Bound
                }
            };
        }
        let Some(Bound { key, .. }) = self.transport.by_address.get(&path.remote).copied() else {
            return Handled::Stranger;
        };
        match content {
            Content::Dtls => {
                let progress = self.transport.dtls(now, key, path, datagram, wire);
                self.progress(now, key, progress, wire);
            }
            Content::Rtp => self.media(now, key, datagram, false),
            Content::Rtcp => self.media(now, key, datagram, true),
            Content::Stun => {}
        }
        self.flush_if_large(wire);
        Handled::Yes
    }

    /// Sends what the burst has left behind: call it after the last datagram of one.
    pub fn flush(&mut self, wire: &mut impl Wire) {
        self.transport.flush(wire);
    }

    /// A datagram from an address that no thread knows.
    pub fn count_stranger(&mut self) {
        self.transport.counters.drop(Drop::Stranger);
    }

    pub fn counters(&mut self) -> Counters {
        self.transport.counters.rooms = self.rooms.len() as u64;
        self.transport.counters
    }

    pub fn forward_counters(&self) -> crate::forward::Counters {
        self.forwarder.counters()
    }

    fn advance(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        self.latest
    }

    fn flush_if_large(&mut self, wire: &mut impl Wire) {
        if self.transport.queued() > MAX_QUEUED {
            self.transport.flush(wire);
        }
    }

    fn media(&mut self, now: Instant, key: PeerKey, datagram: &mut [u8], rtcp: bool) {
        let Some(peer) = self.transport.peers.get_mut(key) else { return };
        let counters = &mut self.transport.counters;
        counters.packets_in += 1;
        counters.bytes_in += datagram.len() as u64;
        peer.traffic.bytes_in += datagram.len() as u64;
        let Some(receiver) = &mut peer.receiver else {
            counters.drop(Drop::Early);
            return;
        };
        let opened: Result<usize, Refusal> =
            if rtcp { receiver.rtcp(datagram) } else { receiver.rtp(datagram) };
        if let (true, Some(dtls)) = (opened.is_ok() && !peer.confirmed, &mut peer.dtls) {
            peer.confirmed = true;
            dtls.confirm();
        }
        match opened {
            Ok(len) if rtcp => self.forwarder.rtcp(now, key, &datagram[..len], &mut self.transport),
            Ok(len) => self.forwarder.rtp(now, key, &datagram[..len], &mut self.transport),
            Err(refusal) => counters.drop(Drop::incoming(refusal)),
        }
    }

    fn progress(&mut self, now: Instant, key: PeerKey, progress: Progress, wire: &mut impl Wire) {
        match progress {
            Progress::Pending => {}
            Progress::Connected(keys) => {
                let Some(peer) = self.transport.peers.get_mut(key) else { return };
                let Some((receiver, sender)) = keys.server_side() else { return };
                (peer.receiver, peer.sender) = (Some(receiver), Some(sender));
                peer.protection = keys.profile().as_str();
                self.events.push_back(Event::Connected {
                    room: peer.room.clone(),
                    person: peer.person,
                    connection: peer.connection,
                    protection: peer.protection,
                });
                self.transport.counters.handshakes += 1;
                self.forwarder.connected(now, key);
            }
            Progress::Closed => self.gone(now, key, Gone::Closed, wire),
            Progress::Failed(reason) => {
                if self.transport.peers.get(key).is_some_and(|peer| !peer.is_connected()) {
                    self.transport.counters.handshakes_failed += 1;
                }
                self.gone(now, key, Gone::Failed(reason), wire);
            }
        }
    }

    fn sweep(&mut self, now: Instant, wire: &mut impl Wire) {
        let (mut silent, mut due) = (Vec::new(), Vec::new());
        for (key, peer) in self.transport.peers.iter_mut() {
            peer.traffic.measure(now);
            if now.saturating_duration_since(peer.ice.last_check()) > CONSENT_TIMEOUT {
                silent.push(key);
            } else if peer.dtls.as_ref().and_then(|dtls| dtls.deadline()).is_some_and(|at| at <= now) {
                due.push(key);
            }
        }
        for key in silent {
            self.gone(now, key, Gone::Silent, wire);
        }
        // Established associations have timers too: the key updates of DTLS 1.3.
        for key in due {
            let progress = self.transport.dtls_timeout(now, key, wire);
            self.progress(now, key, progress, wire);
        }
    }

    /// A connection ended by itself.
    fn gone(&mut self, now: Instant, key: PeerKey, reason: Gone, wire: &mut impl Wire) {
        if let Some(peer) = self.leave(now, key, wire) {
            let (room, person, connection) = (peer.room.clone(), peer.person, peer.connection);
            self.events.push_back(Event::Gone { room, person, connection, reason });
        }
    }

    fn leave(&mut self, now: Instant, key: PeerKey, wire: &mut impl Wire) -> Option<Box<peers::Peer>> {
        self.forwarder.leave(now, key);
        let peer = self.transport.remove(now, key, wire)?;
        self.transport.counters.peers -= 1;
        if let Some(room) = self.rooms.get_mut(&peer.room) {
            if room.get(&peer.person) == Some(&key) {
                room.remove(&peer.person);
            }
            if room.is_empty() {
                self.rooms.remove(&peer.room);
            }
        }
        Some(peer)
    }
}
