//! From datagrams to decrypted packets, and from finished packets to datagrams.

use super::batch::{Batches, MAX_PACKET};
use super::counters::{Counters, Drop};
use super::peers::{Peer, Peers};
use crate::dtls::{Dtls, Identity, Progress};
use crate::egress::{Egress, PeerKey};
use crate::ice::{self, Check};
use crate::path::{Path, Wire};
use crate::srtp::{MAX_OVERHEAD, Refusal, Sender};
use rustc_hash::FxHashMap;
use std::net::SocketAddr;
use std::time::Instant;

pub(super) struct Transport {
    pub peers: Peers,
    pub counters: Counters,
    pub by_ufrag: FxHashMap<Box<str>, PeerKey>,
    pub by_address: FxHashMap<SocketAddr, Bound>,
    /// Peers whose handshake is under way, or whose last flight may still have to be repeated.
    pub handshaking: Vec<PeerKey>,
    /// Addresses that this thread no longer owns, and the thread whose socket they arrive at.
    pub unbound: Vec<(SocketAddr, u8)>,
    batches: Batches,
    identity: Identity,
}

/// Whose address it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    pub key: PeerKey,
    /// The thread whose socket gets its datagrams.
    pub via: u8,
}

/// What a connectivity check changed.
pub(super) enum Checked {
    Nothing,
    Alive(PeerKey),
    /// An address is known now.
    Bound(PeerKey),
}

impl Transport {
    pub(super) fn new(identity: Identity) -> Transport {
        Transport {
            peers: Peers::default(),
            counters: Counters::default(),
            by_ufrag: FxHashMap::default(),
            by_address: FxHashMap::default(),
            handshaking: Vec::new(),
            unbound: Vec::new(),
            batches: Batches::new(),
            identity,
        }
    }

    pub(super) fn stun(
        &mut self,
        now: Instant,
        path: Path,
        via: u8,
        datagram: &[u8],
        wire: &mut impl Wire,
    ) -> Checked {
        let key = ice::local_ufrag(datagram)
            .and_then(|ufrag| std::str::from_utf8(ufrag).ok())
            .and_then(|ufrag| self.by_ufrag.get(ufrag).copied());
        let Some((key, peer)) = key.and_then(|key| Some((key, self.peers.get_mut(key)?))) else {
            self.counters.drop(Drop::Stun);
            return Checked::Nothing;
        };
        match peer.ice.handle(now, path, datagram) {
            Check::Accepted { response, added, dropped } => {
                self.counters.checks += 1;
                wire.send(&path, &response, response.len());
                if let Some(dropped) = dropped {
                    self.unbind(key, dropped.remote);
                }
                let known = self.by_address.insert(path.remote, Bound { key, via });
                // Otherwise the address is new, or went over from another peer or to another socket.
                let same = known.is_some_and(|known| known.key == key && known.via == via);
                if same && !added { Checked::Alive(key) } else { Checked::Bound(key) }
            }
            Check::Refused { response } => {
                self.counters.checks += 1;
                wire.send(&path, &response, response.len());
                Checked::Nothing
            }
            Check::Ignored => {
                self.counters.drop(Drop::Stun);
                Checked::Nothing
            }
        }
    }

    pub(super) fn dtls(
        &mut self,
        now: Instant,
        key: PeerKey,
        path: Path,
        datagram: &[u8],
        wire: &mut impl Wire,
    ) -> Progress {
        let Some(peer) = self.peers.get_mut(key) else { return Progress::Pending };
        if peer.dtls.is_none() {
            peer.dtls = Some(Dtls::new(&self.identity, std::mem::take(&mut peer.fingerprints)));
            self.handshaking.push(key);
        }
        // Just set; and answers go where the client is now, which may change in the middle of it.
        let Some(dtls) = &mut peer.dtls else { return Progress::Pending };
        let to = peer.ice.selected().copied().unwrap_or(path);
        dtls.handle(now, datagram, &mut |record| wire.send(&to, record, record.len()))
    }

    pub(super) fn dtls_timeout(&mut self, now: Instant, key: PeerKey, wire: &mut impl Wire) -> Progress {
        match self.peers.get_mut(key) {
            Some(Peer { dtls: Some(dtls), ice, .. }) if dtls.deadline().is_some_and(|at| at <= now) => {
                let to = ice.selected().copied();
                dtls.handle_timeout(now, &mut |record| {
                    if let Some(to) = &to {
                        wire.send(to, record, record.len());
                    }
                })
            }
            _ => Progress::Pending,
        }
    }

    /// Handshakes that have nothing to wait for.
    pub(super) fn forget_completed(&mut self) {
        let peers = &self.peers;
        self.handshaking.retain(|key| {
            peers.get(*key).is_some_and(|peer| {
                !peer.is_connected() || peer.dtls.as_ref().is_some_and(|dtls| dtls.deadline().is_some())
            })
        });
    }

    pub(super) fn unbind(&mut self, key: PeerKey, address: SocketAddr) {
        if let Some(bound) = self.by_address.get(&address).filter(|bound| bound.key == key) {
            self.unbound.push((address, bound.via));
            self.by_address.remove(&address);
        }
    }

    /// Takes a peer and everything that leads to it away.
    pub(super) fn remove(&mut self, now: Instant, key: PeerKey, wire: &mut impl Wire) -> Option<Box<Peer>> {
        let mut peer = self.peers.remove(key)?;
        if let (Some(dtls), Some(to)) = (&mut peer.dtls, peer.ice.selected().copied()) {
            dtls.close(now, &mut |record| wire.send(&to, record, record.len()));
        }
        for ufrag in peer.ice.ufrags() {
            self.by_ufrag.remove(ufrag);
        }
        for path in peer.ice.paths() {
            self.unbind(key, path.remote);
        }
        self.handshaking.retain(|other| *other != key);
        Some(peer)
    }

    /// Slabs that wait to be sent.
    pub(super) fn queued(&self) -> usize {
        self.batches.queued()
    }

    /// Sends what a burst has left behind.
    pub(super) fn flush(&mut self, wire: &mut impl Wire) {
        let Transport { peers, batches, .. } = self;
        batches.flush(|to, datagrams, segment| {
            if let Some(path) = peers.get(to).and_then(|peer| peer.ice.selected()) {
                wire.send(path, datagrams, segment);
            }
        });
    }

    /// Seals into the batch of `to` with `seal(sender, room)`.
    fn put(
        &mut self,
        to: PeerKey,
        len: usize,
        seal: impl FnOnce(&mut Sender, &mut [u8]) -> Result<usize, Refusal>,
    ) {
        let Some(peer) = self.peers.get_mut(to) else { return };
        let (Some(sender), true) = (&mut peer.sender, len + MAX_OVERHEAD <= MAX_PACKET) else {
            self.counters.drop(Drop::Unsendable);
            return;
        };
        let room = self.batches.room(to, &mut peer.open, len + MAX_OVERHEAD);
        match seal(sender, room) {
            Ok(len) => {
                self.batches.commit(peer.open, len);
                self.counters.packets_out += 1;
                self.counters.bytes_out += len as u64;
                peer.traffic.bytes_out += len as u64;
            }
            Err(refusal) => self.counters.drop(Drop::outgoing(refusal)),
        }
    }
}

impl Egress for Transport {
    fn rtp(&mut self, to: PeerKey, header: &[u8], prefix: &[u8], payload: &[u8]) {
        let len = header.len() + prefix.len() + payload.len();
        self.put(to, len, |sender, room| sender.rtp(header, prefix, payload, room));
    }

    fn rtcp(&mut self, to: PeerKey, compound: &[u8]) {
        self.put(to, compound.len(), |sender, room| sender.rtcp(compound, room));
    }
}
