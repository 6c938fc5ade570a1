//! Decides what the slots carry: voices for the whole room, pictures and their layers for each peer.

use super::Forwarder;
use super::allocate::{Offer, allocate};
use super::clock::{MILLISECOND, Micros, SECOND};
use super::layer::SlotRef;
use super::membership::mark;
use super::pairing::{Pair, Voice, place_pictures, place_voices};
use super::slot::ALL_TEMPORAL;
use super::speakers::HEARD;
use super::splice::LayerRef;
use super::track::Track;
use crate::description::PayloadType;
use plenum_protocol::media::Source;

/// After this long on an audio slot, somebody's picture moves to the video slot beside it.
const SETTLED: Micros = SECOND;
pub(super) const REVIEW_INTERVAL: Micros = 200 * MILLISECOND;
/// Set aside from a peer's limit for sound and reports.
const AUDIO_RESERVE: u64 = 150_000;

/// A layer and its highest temporal layer.
#[derive(Debug, Clone, Copy)]
struct Step {
    layer: u8,
    temporal: u8,
}

/// A picture that a peer wants to see, and the slot it has.
#[derive(Debug)]
struct Wish {
    track: u32,
    slot: usize,
    steps: Vec<Step>,
    offer: Offer,
    present: Option<u8>,
}

impl Forwarder {
    /// A track has begun to carry media.
    pub(super) fn track_started(&mut self, track: u32, now: Micros) {
        let Track { room, person, source, .. } = self.tracks[track as usize];
        match source {
            // Its level decides, with this very packet.
            Source::Microphone => {}
            Source::ScreenAudio => {
                self.rooms[room as usize].screen_audio.insert(0, track);
                self.assign_voices(room, now);
            }
            Source::Camera | Source::Screen => self.review_watchers(room, person, source, now),
        }
    }

    /// Reviews those who watch a picture.
    pub(super) fn review_watchers(&mut self, room: u32, person: u32, source: Source, now: Micros) {
        for at in 0..self.rooms[room as usize].peers.len() {
            let peer = self.rooms[room as usize].peers[at];
            let tiles = &self.peers[peer as usize].tiles;
            if tiles.iter().any(|tile| tile.person == person && tile.source == source) {
                self.review(peer, now);
            }
        }
    }

    pub(super) fn review_room(&mut self, room: u32, now: Micros) {
        for at in 0..self.rooms[room as usize].peers.len() {
            self.review(self.rooms[room as usize].peers[at], now);
        }
    }

    /// Chooses who is heard, and tells everybody's slots.
    pub(super) fn choose_voices(&mut self, room: u32, now: Micros) {
        self.rooms[room as usize].speakers.choose(now);
        self.assign_voices(room, now);
    }

    pub(super) fn assign_voices(&mut self, room: u32, now: Micros) {
        for at in 0..self.rooms[room as usize].peers.len() {
            let peer = self.rooms[room as usize].peers[at];
            if !self.peers[peer as usize].audio.is_empty() {
                self.assign_voices_of(peer, now);
            }
        }
    }

    fn assign_voices_of(&mut self, peer: u32, now: Micros) {
        let listener = &self.peers[peer as usize];
        let room = &self.rooms[listener.room as usize];
        let slots = listener.audio.len();
        let not_own = |track: &u32| self.tracks[*track as usize].peer != peer;
        let screens = room.screen_audio.iter().copied().filter(not_own).take((slots - 1).max(1));
        let microphones = room.speakers.active().filter(not_own).take(HEARD);
        let voices = screens
            .chain(microphones)
            .map(|track| Voice { track, picture_slot: self.picture_slot(peer, track) })
            .collect::<Vec<_>>();
        let mut placed = listener.audio.iter().map(|slot| slot.assigned).collect::<Vec<_>>();
        place_voices(&mut placed, &voices);
        for (slot, track) in placed.into_iter().enumerate() {
            self.assign_voice(SlotRef { peer, slot: slot as u16 }, track, now);
        }
    }

    /// The video slot that carries the picture that goes with this sound.
    fn picture_slot(&self, peer: u32, sound: u32) -> Option<usize> {
        let picture = self.picture_of(sound)?;
        self.peers[peer as usize].video.iter().position(|slot| slot.assigned == Some(picture))
    }

    fn picture_of(&self, sound: u32) -> Option<u32> {
        let sound = &self.tracks[sound as usize];
        let source = if sound.source == Source::ScreenAudio { Source::Screen } else { Source::Camera };
        self.peers[sound.peer as usize].track(source)
    }

    fn assign_voice(&mut self, at: SlotRef, track: Option<u32>, now: Micros) {
        let slot = &mut self.peers[at.peer as usize].audio[usize::from(at.slot)];
        if slot.assigned == track {
            return;
        }
        let before = std::mem::replace(&mut slot.assigned, track);
        slot.since = now;
        slot.current = None;
        let emptied = track.is_none() && slot.shown.take().is_some();
        if emptied {
            mark(&mut self.changed, &mut self.peers[at.peer as usize], at.peer);
        }
        if let Some(before) = before.and_then(|before| self.tracks.get_mut(before as usize)) {
            before.layers[0].subscribers.retain(|subscriber| *subscriber != at);
        }
        if let Some(track) = track {
            self.tracks[track as usize].layers[0].subscribers.push(at);
        }
    }

    pub(super) fn clear_audio(&mut self, at: SlotRef) {
        self.assign_voice(at, None, 0);
    }

    /// Decides anew which pictures a peer gets, on which slots and in which layers.
    pub(super) fn review(&mut self, peer: u32, now: Micros) {
        let viewer = &mut self.peers[peer as usize];
        viewer.review_at = now + REVIEW_INTERVAL;
        if viewer.video.is_empty() {
            return;
        }
        let pictures = self.wanted_pictures(peer);
        let tracks = pictures.iter().map(|(track, ..)| *track).collect::<Vec<_>>();
        self.place(peer, &tracks, now);
        let mut wishes = self.wishes(peer, &pictures, now);
        self.allocate(peer, &mut wishes);
        self.apply(peer, &wishes);
    }

    /// `(track, width, height)` of the tiles that can be shown, the most important first.
    fn wanted_pictures(&self, peer: u32) -> Vec<(u32, u16, u16)> {
        let viewer = &self.peers[peer as usize];
        let room = &self.rooms[viewer.room as usize];
        let mut pictures = Vec::<(u32, u16, u16)>::with_capacity(viewer.tiles.len());
        for tile in viewer.tiles.iter().filter(|tile| tile.person != viewer.person) {
            let owner = room.people.get(&tile.person).map(|&owner| &self.peers[owner as usize]);
            let Some(track) = owner.and_then(|owner| owner.track(tile.source)) else { continue };
            let showable = self.tracks[track as usize].live && !tile.source.is_audio();
            if showable && pictures.iter().all(|picture| picture.0 != track) {
                pictures.push((track, tile.width, tile.height));
            }
        }
        pictures
    }

    fn place(&mut self, peer: u32, pictures: &[u32], now: Micros) {
        let viewer = &self.peers[peer as usize];
        let pairs = viewer.audio.iter().enumerate().filter_map(|(slot, voice)| {
            let picture = self.picture_of(voice.assigned?)?;
            Some(Pair { slot, picture, settled: now - voice.since >= SETTLED })
        });
        let pairs = pairs.collect::<Vec<_>>();
        let mut placed = viewer.video.iter().map(|slot| slot.assigned).collect::<Vec<_>>();
        let fits = |slot: usize, track: u32| {
            let track = &self.tracks[track as usize];
            let output = &viewer.video[slot].output;
            let fits = |payload: &PayloadType| output.fits(payload).is_some();
            track.payload.as_ref().map_or_else(|| track.codecs.iter().any(fits), fits)
        };
        place_pictures(&mut placed, pictures, &pairs, viewer.audio.len(), fits);
        for (slot, track) in self.peers[peer as usize].video.iter_mut().zip(placed) {
            slot.assigned = track;
        }
    }

    /// What each placed picture could be shown with.
    fn wishes(&self, peer: u32, pictures: &[(u32, u16, u16)], now: Micros) -> Vec<Wish> {
        let viewer = &self.peers[peer as usize];
        let mut wishes = Vec::with_capacity(pictures.len());
        for &(track, width, height) in pictures {
            let Some(slot) = viewer.video.iter().position(|slot| slot.assigned == Some(track)) else {
                continue;
            };
            let steps = steps(&self.tracks[track as usize], (width, height), now);
            let mut offer = Offer::default();
            for step in &steps {
                offer.push(self.tracks[track as usize].cost(usize::from(step.layer), step.temporal));
                if step.layer == steps[0].layer {
                    offer.mark_fluent();
                }
            }
            let video = &viewer.video[slot];
            let layer = video.target.or(video.current).filter(|layer| layer.track == track);
            let present = layer.and_then(|layer| {
                let same = |step: &Step| step.layer == layer.layer && step.temporal >= video.temporal_limit;
                steps.iter().position(same).map(|step| step as u8)
            });
            wishes.push(Wish { track, slot, steps, offer, present });
        }
        wishes
    }

    fn allocate(&mut self, peer: u32, wishes: &mut [Wish]) {
        let viewer = &mut self.peers[peer as usize];
        let limit = viewer.budget.limit().saturating_sub(AUDIO_RESERVE);
        let offers = wishes.iter().map(|wish| wish.offer).collect::<Vec<_>>();
        let mut chosen = wishes.iter().map(|wish| wish.present).collect::<Vec<_>>();
        allocate(limit, &offers, &mut chosen);
        (viewer.reduced, viewer.starved) = (false, false);
        for (wish, chosen) in wishes.iter_mut().zip(chosen) {
            wish.present = chosen;
            let best = wish.steps.len().checked_sub(1).map(|best| best as u8);
            viewer.reduced |= chosen < best;
            viewer.starved |= chosen.is_none() && best.is_some();
        }
    }

    fn apply(&mut self, peer: u32, wishes: &[Wish]) {
        for slot in 0..self.peers[peer as usize].video.len() {
            let at = SlotRef { peer, slot: slot as u16 };
            let Some(wish) = wishes.iter().find(|wish| wish.slot == slot) else {
                self.retarget(at, None);
                continue;
            };
            if wish.steps.is_empty() {
                // Every layer pauses: what is there stays until the track has stopped.
                continue;
            }
            let Some(step) = wish.present.map(|step| wish.steps[usize::from(step)]) else {
                self.retarget(at, None);
                continue;
            };
            self.peers[peer as usize].video[slot].temporal_limit = step.temporal;
            let stream = self.tracks[wish.track as usize].layers[usize::from(step.layer)].stream;
            self.retarget(at, Some(LayerRef { track: wish.track, layer: step.layer, stream }));
        }
    }

    /// Makes a slot carry a layer from its next key frame on, or nothing from now on.
    pub(super) fn retarget(&mut self, at: SlotRef, to: Option<LayerRef>) {
        let slot = &mut self.peers[at.peer as usize].video[usize::from(at.slot)];
        let (current, target) = (slot.current, slot.target);
        let Some(layer) = to else {
            slot.current = None;
            slot.target = None;
            if slot.shown.take().is_some() {
                mark(&mut self.changed, &mut self.peers[at.peer as usize], at.peer);
            }
            self.unsubscribe(current, at);
            self.unsubscribe(target, at);
            return;
        };
        if current == Some(layer) {
            slot.target = None;
            self.unsubscribe(target.filter(|target| !same_layer(*target, layer)), at);
        } else if target != Some(layer) {
            slot.target = Some(layer);
            let stale = target.filter(|target| current.is_none_or(|current| !same_layer(*target, current)));
            self.unsubscribe(stale.filter(|target| !same_layer(*target, layer)), at);
            let subscribers =
                &mut self.tracks[layer.track as usize].layers[usize::from(layer.layer)].subscribers;
            if !subscribers.contains(&at) {
                subscribers.push(at);
            }
            // Before that it would be missed, and the pause after it delay the one that is needed.
            if self.peers[at.peer as usize].connected {
                self.want_key_frame(layer);
            }
        }
    }

    pub(super) fn unsubscribe(&mut self, layer: Option<LayerRef>, at: SlotRef) {
        let Some(layer) = layer else { return };
        if let Some(layer) = self
            .tracks
            .get_mut(layer.track as usize)
            .and_then(|track| track.layers.get_mut(usize::from(layer.layer)))
            && let Some(found) = layer.subscribers.iter().position(|subscriber| *subscriber == at)
        {
            layer.subscribers.swap_remove(found);
        }
    }

    /// A key frame of this layer shall be asked for as soon as the pause since the last request allows.
    pub(super) fn want_key_frame(&mut self, layer: LayerRef) {
        let wanted = &mut self.tracks[layer.track as usize].layers[usize::from(layer.layer)].wanted;
        if !std::mem::replace(wanted, true) {
            self.wanted.push(layer);
        }
    }
}

/// The same place, whatever its SSRC.
fn same_layer(a: LayerRef, b: LayerRef) -> bool {
    (a.track, a.layer) == (b.track, b.layer)
}

/// The steps from the lowest layer that is live up to the best one for a tile of this size.
fn steps(track: &Track, tile: (u16, u16), now: Micros) -> Vec<Step> {
    let mut steps = Vec::new();
    for layer in (0..track.layers.len()).filter(|&layer| track.usable(layer, now)) {
        if steps.is_empty() && track.layers[layer].rate.has_temporal_layers() {
            steps.extend([0, 1].map(|temporal| Step { layer: layer as u8, temporal }));
        }
        steps.push(Step { layer: layer as u8, temporal: ALL_TEMPORAL });
        if suffices(track.size(layer), tile) {
            break;
        }
    }
    steps
}

/// A picture may be enlarged by a quarter.
fn suffices(picture: (u32, u32), tile: (u16, u16)) -> bool {
    picture.0 * 5 >= u32::from(tile.0) * 4 || picture.1 * 5 >= u32::from(tile.1) * 4
}
