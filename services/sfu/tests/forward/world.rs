//! Clients, network, forwarding plane and clock, run millisecond by millisecond.

use crate::client::Client;
use crate::network::{Network, Path};
use crate::offer::Offer;
use crate::publisher;
use crate::receiver::{Played, Slot};
use crate::wire;
use plenum_protocol::media::{SlotContent, Source, Tile};
use plenum_sfu::description::{Codec, Kind};
use plenum_sfu::egress::{Egress, PeerKey};
use plenum_sfu::forward::{Counters, ForwardConfig, ForwardEvent, Forwarder};
use std::collections::HashMap;
use std::time::{Duration, Instant};

pub(crate) const ROOM: &str = "room";
const NTP_START: u64 = 0xe900_0000_0000_0000;

#[derive(Default)]
struct Captured {
    rtp: Vec<(PeerKey, Vec<u8>)>,
    rtcp: Vec<(PeerKey, Vec<u8>)>,
}

impl Egress for Captured {
    fn rtp(&mut self, to: PeerKey, header: &[u8], prefix: &[u8], payload: &[u8]) {
        self.rtp.push((to, [header, prefix, payload].concat()));
    }

    fn rtcp(&mut self, to: PeerKey, compound: &[u8]) {
        assert!(compound.len() <= 1_200 && compound.len().is_multiple_of(4));
        self.rtcp.push((to, compound.to_vec()));
    }
}

pub(crate) struct World {
    start: Instant,
    pub(crate) now: i64,
    pub(crate) forwarder: Forwarder,
    pub(crate) network: Network,
    pub(crate) clients: Vec<Client>,
    pub(crate) events: Vec<(i64, ForwardEvent)>,
    out: Captured,
    transport: HashMap<PeerKey, u16>,
    next_key: u32,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self::with_limit(seed, 20_000_000)
    }

    pub(crate) fn with_limit(seed: u64, peer_limit_bps: u64) -> Self {
        let start = Instant::now();
        World {
            start,
            now: 0,
            forwarder: Forwarder::new(ForwardConfig { peer_limit_bps, seed, reference: (start, NTP_START) }),
            network: Network::new(seed),
            clients: Vec::new(),
            events: Vec::new(),
            out: Captured::default(),
            transport: HashMap::new(),
            next_key: 0,
        }
    }

    pub(crate) fn instant(&self) -> Instant {
        self.start + Duration::from_micros(self.now as u64)
    }

    /// Somebody joins who sends these sources, and is connected at once.
    pub(crate) fn join(&mut self, person: u32, offer: Offer, sources: &[Source]) -> usize {
        self.join_room(ROOM, person, offer, Codec::Vp8, sources)
    }

    pub(crate) fn join_room(
        &mut self,
        room: &'static str,
        person: u32,
        offer: Offer,
        codec: Codec,
        sources: &[Source],
    ) -> usize {
        self.next_key += 1;
        let key = PeerKey(self.next_key);
        let mut client = Client::new(person, key, room, offer);
        client.publisher.streams =
            publisher::streams(person, &client.offer, codec, sources, &mut self.network.random);
        let now = self.instant();
        self.forwarder.join(now, room, person, key, &client.offer.describe(person));
        self.forwarder.connected(now, key);
        self.clients.push(client);
        self.drain();
        self.clients.len() - 1
    }

    pub(crate) fn leave(&mut self, client: usize) {
        self.clients[client].here = false;
        self.forwarder.leave(self.instant(), self.clients[client].key);
        self.drain();
    }

    /// `(person, source, width, height)`.
    pub(crate) fn watch(&mut self, client: usize, tiles: &[(u32, Source, u16, u16)]) {
        let tile = |&(person, source, width, height): &(u32, Source, u16, u16)| Tile {
            person,
            source,
            width,
            height,
        };
        let tiles = tiles.iter().map(tile).collect::<Vec<_>>();
        self.forwarder.watch(self.instant(), self.clients[client].key, &tiles);
        self.drain();
    }

    /// Watches the cameras of these people in tiles of this size.
    pub(crate) fn watch_cameras(&mut self, client: usize, people: &[u32], (width, height): (u16, u16)) {
        let tiles = people.iter().map(|&person| (person, Source::Camera, width, height)).collect::<Vec<_>>();
        self.watch(client, &tiles);
    }

    pub(crate) fn allow(&mut self, client: usize, sources: &[Source]) {
        self.forwarder.set_allowed(self.instant(), self.clients[client].key, sources);
        self.drain();
    }

    pub(crate) fn inject(&mut self, client: usize, rtcp: bool, bytes: &[u8]) {
        let (now, key) = (self.instant(), self.clients[client].key);
        match rtcp {
            true => self.forwarder.rtcp(now, key, bytes, &mut self.out),
            false => self.forwarder.rtp(now, key, bytes, &mut self.out),
        }
        self.drain();
    }

    pub(crate) fn run(&mut self, milliseconds: i64) {
        for _ in 0..milliseconds {
            self.step();
        }
    }

    /// Runs until `done`, for `milliseconds` at most; the milliseconds it took.
    pub(crate) fn run_until(&mut self, milliseconds: i64, mut done: impl FnMut(&World) -> bool) -> i64 {
        for elapsed in 0..milliseconds {
            if done(self) {
                return elapsed;
            }
            self.step();
        }
        panic!("nothing in {milliseconds} ms");
    }

    fn step(&mut self) {
        self.now += 1_000;
        self.deliver();
        for at in 0..self.clients.len() {
            if !self.clients[at].here {
                continue;
            }
            let (packets, reports) = self.clients[at].publisher.produce(self.now);
            let more = self.clients[at].reports(self.now);
            packets.into_iter().for_each(|packet| self.up(at, false, packet));
            reports.into_iter().chain(more).for_each(|report| self.up(at, true, report));
        }
        while self.forwarder.poll_timeout().is_some_and(|timeout| timeout <= self.instant()) {
            self.forwarder.handle_timeout(self.instant(), &mut self.out);
            self.drain();
        }
    }

    fn up(&mut self, client: usize, rtcp: bool, bytes: Vec<u8>) {
        self.network.send(&mut self.clients[client].up, self.now, client, false, rtcp, bytes);
    }

    fn deliver(&mut self) {
        while let Some(datagram) = self.network.due(self.now) {
            let client = datagram.client;
            if !self.clients[client].here {
                continue;
            }
            match (datagram.down, datagram.rtcp) {
                (false, rtcp) => self.inject(client, rtcp, &datagram.bytes),
                (true, false) => self.clients[client].receive(&datagram.bytes, self.now),
                (true, true) => {
                    for packet in self.clients[client].receive_reports(&datagram.bytes, self.now) {
                        self.up(client, false, packet);
                    }
                }
            }
        }
    }

    /// Takes what the forwarding plane has put out, and checks that signaling is told the truth: after
    /// every call, what was sent on a slot is what it was said to carry.
    fn drain(&mut self) {
        while let Some(event) = self.forwarder.poll_event() {
            if let ForwardEvent::SlotsChanged { room, person, audio, video } = &event {
                let of =
                    |client: &&mut Client| client.here && client.person == *person && *client.room == **room;
                if let Some(client) = self.clients.iter_mut().find(of) {
                    (client.told_audio, client.told_video) = (audio.clone(), video.clone());
                }
            }
            self.events.push((self.now, event));
        }
        let Captured { rtp, rtcp } = std::mem::take(&mut self.out);
        for (key, bytes) in rtp {
            let at = self.client_of(key);
            let client = &mut self.clients[at];
            if !client.careless {
                check_told(client, &bytes);
            }
            let (header, _) = wire::read(&bytes, &client.offer.extensions());
            let number = header.transport_cc.expect("a transport number");
            if let Some(before) = self.transport.insert(key, number) {
                assert_eq!(number, before.wrapping_add(1), "transport numbers are continuous");
            }
            self.network.send(&mut self.clients[at].down, self.now, at, true, false, bytes);
        }
        for (key, bytes) in rtcp {
            let at = self.client_of(key);
            self.network.send(&mut self.clients[at].down, self.now, at, true, true, bytes);
        }
    }

    fn client_of(&self, key: PeerKey) -> usize {
        self.clients.iter().position(|client| client.key == key && client.here).expect("somebody who is here")
    }

    // What the scenarios ask.

    pub(crate) fn counters(&self) -> Counters {
        self.forwarder.counters()
    }

    /// The video slot that shows this person's camera, as signaling was told.
    pub(crate) fn shows(&self, client: usize, person: u32) -> Option<usize> {
        self.shows_source(client, person, Source::Camera)
    }

    pub(crate) fn shows_source(&self, client: usize, person: u32, source: Source) -> Option<usize> {
        let content = Some(SlotContent { person, source });
        self.clients[client].told_video.iter().position(|slot| *slot == content)
    }

    pub(crate) fn hears(&self, client: usize, person: u32) -> Option<usize> {
        let content = Some(SlotContent { person, source: Source::Microphone });
        self.clients[client].told_audio.iter().position(|slot| *slot == content)
    }

    pub(crate) fn people_heard(&self, client: usize) -> Vec<u32> {
        let mut people = self.clients[client]
            .told_audio
            .iter()
            .flatten()
            .map(|content| content.person)
            .collect::<Vec<_>>();
        people.sort_unstable();
        people
    }

    /// The layer that plays on the slot of this person's camera.
    pub(crate) fn layer(&self, client: usize, person: u32) -> Option<u8> {
        let slot = self.shows(client, person)?;
        self.clients[client].video[slot]
            .last_played()
            .filter(|mark| mark.person == person)
            .map(|mark| mark.layer)
    }

    pub(crate) fn slots(&mut self) -> impl Iterator<Item = &mut Slot> {
        self.clients.iter_mut().flat_map(|client| client.audio.iter_mut().chain(&mut client.video))
    }

    pub(crate) fn rewind(&mut self) {
        self.slots().for_each(Slot::rewind);
    }

    /// When a frame was captured on the SFU's clock, as the slot's sender reports tell (microseconds).
    pub(crate) fn captured(slot: &Slot, played: &Played) -> i64 {
        let report = slot.reports.last().expect("a sender report");
        let rate = if slot.kind == Kind::Audio { 48_000 } else { 90_000 };
        let ntp = ((u128::from(report.ntp - NTP_START) * 1_000_000) >> 32) as i64;
        ntp + i64::from(played.timestamp.wrapping_sub(report.rtp) as i32) * 1_000_000 / rate
    }
}

fn check_told(client: &Client, bytes: &[u8]) {
    let (header, payload) = wire::read(bytes, &client.offer.extensions());
    let content = |mark: wire::Mark| Some(SlotContent { person: mark.person, source: mark.source });
    if let Some(slot) = client.audio.iter().position(|slot| slot.ssrc == header.ssrc) {
        assert_eq!(client.told_audio[slot], content(wire::Mark::read(payload)));
    } else if let Some(slot) = client.video.iter().position(|slot| slot.ssrc == header.ssrc) {
        let codec = client.offer.video().into_iter().find(|codec| codec.number == header.payload_type);
        let (_, mark) = wire::read_video_payload(codec.expect("a negotiated codec").codec, payload);
        assert_eq!(client.told_video[slot], content(mark));
    }
}

impl World {
    /// A path that loses, delays and reorders, for everybody in both directions.
    pub(crate) fn set_paths(&mut self, path: Path) {
        for client in &mut self.clients {
            (client.up, client.down) = (path, path);
        }
    }
}
