//! Who comes, goes, and what they may send.

use super::Forwarder;
use super::clock::Micros;
use super::layer::SlotRef;
use super::peer::{Peer, Sender, Stream};
use super::room::Room;
use super::slot::{AudioSlot, VideoSlot};
use super::splice::LayerRef;
use super::track::Track;
use crate::description::{Description, Kind, LineDescription, LocalStream};
use crate::egress::PeerKey;
use plenum_protocol::PersonId;
use plenum_protocol::media::Source;
use std::sync::Arc;

impl Forwarder {
    pub(super) fn enter(
        &mut self,
        name: &str,
        person: PersonId,
        key: PeerKey,
        description: &Description,
        now: Micros,
    ) {
        self.depart(key, now);
        let room = self.room(name);
        if let Some(&earlier) = self.rooms[room as usize].people.get(&person) {
            self.depart(self.peers[earlier as usize].key, now);
        }
        // Leaving may have closed the room.
        let room = self.room(name);
        let peer = self.peers.insert(Peer::new(key, person, room, self.config.peer_limit_bps, now)) as u32;
        self.keys.insert(key, peer);
        let entered = &mut self.rooms[room as usize];
        entered.peers.push(peer);
        entered.people.insert(person, peer);
        self.negotiate(peer, description, now);
    }

    fn room(&mut self, name: &str) -> u32 {
        if let Some(&room) = self.names.get(name) {
            return room;
        }
        let name = Arc::<str>::from(name);
        let room = self.rooms.insert(Room::new(name.clone())) as u32;
        self.names.insert(name, room);
        room
    }

    pub(super) fn negotiate(&mut self, peer: u32, description: &Description, now: Micros) {
        self.peers[peer as usize].negotiate(description);
        for line in description.lines.iter() {
            if let Some(source) = line.line_use.source() {
                self.negotiate_sender(peer, source, line);
            }
        }
        self.negotiate_slots(peer, description);
        let room = self.peers[peer as usize].room;
        self.assign_voices(room, now);
        self.review(peer, now);
    }

    fn negotiate_sender(&mut self, peer: u32, source: Source, line: &LineDescription) {
        let owner = &self.peers[peer as usize];
        let present = owner.senders.iter().find(|sender| *sender.mid == *line.mid).map(|sender| sender.track);
        let (room, person, allowed) = (owner.room, owner.person, owner.allows(source));
        let track = match present {
            Some(track) if line.codecs.is_empty() => {
                self.remove_track(track);
                self.peers[peer as usize].senders.retain(|sender| sender.track != track);
                return;
            }
            Some(track) => {
                self.tracks[track as usize].codecs.clone_from(&line.codecs);
                track
            }
            None if line.codecs.is_empty() || owner.track(source).is_some() => return,
            None => {
                let mut track = Track::new(peer, room, person, source, line);
                track.allowed = allowed;
                let track = self.tracks.insert(track) as u32;
                self.peers[peer as usize].senders.push(Sender {
                    mid: line.mid.as_str().into(),
                    source,
                    track,
                });
                track
            }
        };
        // SSRCs of simulcast layers are learned from their rids.
        if let (true, Some(&(media, repeat))) = (line.rids.is_empty(), line.remote_ssrcs.first()) {
            if self.peers[peer as usize].stream(media).is_none() {
                self.learn(peer, Stream { ssrc: media, track, layer: 0, repeat: false });
            }
            if let Some(ssrc) = repeat {
                self.learn(peer, Stream { ssrc, track, layer: 0, repeat: true });
            }
        }
    }

    fn negotiate_slots(&mut self, peer: u32, description: &Description) {
        let peer = &mut self.peers[peer as usize];
        let (mut audio, mut video) = (0, 0);
        for line in description.lines.iter().filter(|line| line.line_use.source().is_none()) {
            // A rejected m-line keeps its place: clients count slots by m-lines.
            let local = line.local.unwrap_or(LocalStream { ssrc: 0, rtx_ssrc: None });
            match line.kind {
                Kind::Audio => {
                    match peer.audio.get_mut(audio) {
                        Some(slot) => slot.output.negotiate(line),
                        None => peer.audio.push(AudioSlot::new(line, local, &mut self.random)),
                    }
                    audio += 1;
                }
                Kind::Video => {
                    match peer.video.get_mut(video) {
                        Some(slot) => slot.output.negotiate(line),
                        None => peer.video.push(VideoSlot::new(line, local, &mut self.random)),
                    }
                    video += 1;
                }
            }
        }
    }

    pub(super) fn depart(&mut self, key: PeerKey, now: Micros) {
        let Some(peer) = self.keys.remove(&key) else { return };
        let senders = std::mem::take(&mut self.peers[peer as usize].senders);
        for sender in &senders {
            self.remove_track(sender.track);
        }
        for slot in 0..self.peers[peer as usize].audio.len() {
            self.clear_audio(SlotRef { peer, slot: slot as u16 });
        }
        for slot in 0..self.peers[peer as usize].video.len() {
            self.retarget(SlotRef { peer, slot: slot as u16 }, None);
        }
        self.changed.retain(|changed| *changed != peer);
        let Peer { room, person, .. } = self.peers.remove(peer as usize);
        let left = &mut self.rooms[room as usize];
        left.peers.retain(|other| *other != peer);
        if left.people.get(&person) == Some(&peer) {
            left.people.remove(&person);
        }
        if left.peers.is_empty() {
            let Room { name, .. } = self.rooms.remove(room as usize);
            self.names.remove(&name);
        } else if !senders.is_empty() {
            self.choose_voices(room, now);
            self.review_room(room, now);
        }
    }

    pub(super) fn allow(&mut self, peer: u32, allowed: &[Source], now: Micros) {
        let room = self.peers[peer as usize].room;
        let mut stopped = false;
        for source in Source::ALL {
            let may = allowed.contains(&source);
            self.peers[peer as usize].allowed[source as usize] = may;
            let Some(track) = self.peers[peer as usize].track(source) else { continue };
            if self.tracks[track as usize].allowed && !may {
                self.stop_track(track);
                stopped = true;
            }
            self.tracks[track as usize].allowed = may;
        }
        if stopped {
            self.choose_voices(room, now);
            self.review_room(room, now);
        }
    }

    /// An SSRC is known to carry this stream from now on.
    pub(super) fn learn(&mut self, peer: u32, stream: Stream) {
        let owner = &mut self.peers[peer as usize];
        if owner.stream(stream.ssrc).is_some_and(|known| {
            (known.track, known.layer, known.repeat) == (stream.track, stream.layer, stream.repeat)
        }) {
            return;
        }
        owner.streams.retain(|known| {
            known.ssrc != stream.ssrc
                && (known.track, known.layer, known.repeat) != (stream.track, stream.layer, stream.repeat)
        });
        owner.streams.push(stream);
        if stream.repeat {
            return;
        }
        let announced = owner.announced.iter().find(|(media, _)| *media == stream.ssrc);
        if let Some(&(_, Some(repeat))) = announced
            && owner.stream(repeat).is_none()
        {
            owner.streams.push(Stream { ssrc: repeat, repeat: true, ..stream });
        }
        self.restart(stream.track, stream.layer, stream.ssrc);
    }

    /// A layer begins anew: its counters have nothing to do with those before.
    pub(super) fn restart(&mut self, track: u32, layer: u8, ssrc: u32) {
        self.next_stream += 1;
        let source = LayerRef { track, layer, stream: self.next_stream };
        let restarted = &mut self.tracks[track as usize];
        let clock_rate = restarted.clock_rate;
        let is_audio = restarted.source.is_audio();
        let restarted = &mut restarted.layers[usize::from(layer)];
        restarted.restart(source.stream, ssrc, clock_rate);
        if is_audio {
            return;
        }
        for subscriber in &restarted.subscribers {
            self.peers[subscriber.peer as usize].video[usize::from(subscriber.slot)].target = Some(source);
        }
        if !restarted.subscribers.is_empty() {
            self.want_key_frame(source);
        }
    }

    fn remove_track(&mut self, track: u32) {
        self.stop_track(track);
        let removed = self.tracks.remove(track as usize);
        if let Some(owner) = self.peers.get_mut(removed.peer as usize) {
            owner.streams.retain(|stream| stream.track != track);
        }
    }

    /// Takes a track off every slot.
    pub(super) fn stop_track(&mut self, track: u32) {
        let stopped = &mut self.tracks[track as usize];
        stopped.live = false;
        for layer in &mut stopped.layers {
            layer.subscribers.clear();
            layer.missing.clear();
            layer.wanted = false;
        }
        let room = &mut self.rooms[stopped.room as usize];
        room.speakers.remove(track);
        room.screen_audio.retain(|other| *other != track);
        let of_track = |layer: Option<LayerRef>| layer.is_some_and(|layer| layer.track == track);
        for &peer in &room.peers {
            let peer_ref = &mut self.peers[peer as usize];
            let mut changed = false;
            for slot in peer_ref
                .audio
                .iter_mut()
                .filter(|slot| slot.assigned == Some(track) || of_track(slot.current))
            {
                if slot.assigned == Some(track) {
                    slot.assigned = None;
                }
                slot.current = None;
                changed |= slot.shown.take().is_some();
            }
            for slot in &mut peer_ref.video {
                if slot.assigned == Some(track) {
                    slot.assigned = None;
                }
                if of_track(slot.target) {
                    slot.target = None;
                }
                if of_track(slot.current) {
                    slot.current = None;
                    changed |= slot.shown.take().is_some();
                }
            }
            if changed {
                mark(&mut self.changed, peer_ref, peer);
            }
        }
    }
}

/// A peer's slots carry something else.
pub(super) fn mark(changed: &mut Vec<u32>, peer: &mut Peer, index: u32) {
    if !peer.changed {
        peer.changed = true;
        changed.push(index);
    }
}
