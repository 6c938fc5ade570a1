//! The connections of one media thread.

use super::batch::Open;
use crate::dtls::Dtls;
use crate::egress::PeerKey;
use crate::ice::IceLite;
use crate::sdp::Fingerprint;
use crate::srtp::{Receiver, Sender};
use plenum_protocol::PersonId;
use std::sync::Arc;
use std::time::Instant;

pub(super) struct Peer {
    pub room: Arc<str>,
    pub person: PersonId,
    pub connection: u32,
    pub ice: IceLite,
    /// Before the first DTLS record: none.
    pub dtls: Option<Dtls>,
    pub fingerprints: Vec<Fingerprint>,
    /// Something authentic came with the keys of the handshake.
    pub confirmed: bool,
    pub receiver: Option<Receiver>,
    pub sender: Option<Sender>,
    pub protection: &'static str,
    pub open: Open,
    pub traffic: Traffic,
}

impl Peer {
    pub(super) fn is_connected(&self) -> bool {
        self.sender.is_some()
    }
}

/// Bytes of media each way, and their rates over the last interval.
#[derive(Debug, Clone, Copy)]
pub(super) struct Traffic {
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub bits_in: u64,
    pub bits_out: u64,
    since: Instant,
    then: (u64, u64),
}

impl Traffic {
    pub(super) fn new(now: Instant) -> Traffic {
        Traffic { bytes_in: 0, bytes_out: 0, bits_in: 0, bits_out: 0, since: now, then: (0, 0) }
    }

    pub(super) fn measure(&mut self, now: Instant) {
        let micros = now.saturating_duration_since(self.since).as_micros().max(1) as u64;
        let rate = |now: u64, then: u64| (now - then).saturating_mul(8_000_000) / micros;
        (self.bits_in, self.bits_out) = (rate(self.bytes_in, self.then.0), rate(self.bytes_out, self.then.1));
        (self.since, self.then) = (now, (self.bytes_in, self.bytes_out));
    }
}

/// Peers by key. A key names its place and how often the place was taken before, so that a late event for
/// a peer that is gone never meets its successor.
#[derive(Default)]
pub(super) struct Peers {
    places: Vec<Place>,
    free: Vec<u16>,
}

struct Place {
    taken: u16,
    peer: Option<Box<Peer>>,
}

impl Peers {
    /// `None` when 65,536 peers are there already.
    pub(super) fn insert(&mut self, peer: Peer) -> Option<PeerKey> {
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                let index = u16::try_from(self.places.len()).ok()?;
                self.places.push(Place { taken: 0, peer: None });
                index
            }
        };
        let place = &mut self.places[usize::from(index)];
        place.peer = Some(Box::new(peer));
        Some(PeerKey(u32::from(place.taken) << 16 | u32::from(index)))
    }

    pub(super) fn remove(&mut self, key: PeerKey) -> Option<Box<Peer>> {
        let (index, taken) = split(key);
        let place = self.places.get_mut(index).filter(|place| place.taken == taken)?;
        let peer = place.peer.take()?;
        place.taken = place.taken.wrapping_add(1);
        self.free.push(index as u16);
        Some(peer)
    }

    pub(super) fn get(&self, key: PeerKey) -> Option<&Peer> {
        let (index, taken) = split(key);
        self.places.get(index).filter(|place| place.taken == taken)?.peer.as_deref()
    }

    pub(super) fn get_mut(&mut self, key: PeerKey) -> Option<&mut Peer> {
        let (index, taken) = split(key);
        self.places.get_mut(index).filter(|place| place.taken == taken)?.peer.as_deref_mut()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (PeerKey, &mut Peer)> {
        self.places.iter_mut().enumerate().filter_map(|(index, place)| {
            let key = PeerKey(u32::from(place.taken) << 16 | index as u32);
            place.peer.as_deref_mut().map(|peer| (key, peer))
        })
    }
}

fn split(key: PeerKey) -> (usize, u16) {
    ((key.0 & 0xffff) as usize, (key.0 >> 16) as u16)
}
