//! What time brings: reports, feedback, repeated requests, reviews.

use super::Forwarder;
use super::assign::REVIEW_INTERVAL;
use super::clock::{MILLISECOND, Micros, SECOND};
use super::event::ForwardEvent;
use super::layer::SlotRef;
use super::quality::Measured;
use super::rtcp::Block;
use super::rtcp_write::{self, MAX_BLOCKS, MAX_COMPOUND_BYTES};
use super::splice::LayerRef;
use super::twcc_receive;
use crate::egress::Egress;

pub(super) const TICK: Micros = 20 * MILLISECOND;
const REPORT_INTERVAL: Micros = SECOND;
const QUALITY_INTERVAL: Micros = 2 * SECOND;
const SPEAKERS_INTERVAL: Micros = 300 * MILLISECOND;
/// Requests for key frames of one layer are this far apart; who still waits asks again after the second.
/// Chromium ignores a request within 300 ms of the one before, and the way there varies.
pub(super) const KEY_FRAME_PAUSE: Micros = 330 * MILLISECOND;
const KEY_FRAME_RETRY: Micros = 400 * MILLISECOND;

impl Forwarder {
    pub(super) fn tick(&mut self, now: Micros, out: &mut impl Egress) {
        for room in 0..self.rooms.capacity() {
            if self.rooms.contains(room) {
                self.tick_room(room as u32, now);
            }
        }
        for peer in 0..self.peers.capacity() {
            if self.peers.get(peer).is_some_and(|peer| peer.connected) {
                self.tick_peer(peer as u32, now, out);
            }
        }
    }

    fn tick_room(&mut self, room: u32, now: Micros) {
        if self.rooms[room as usize].speakers.is_empty() {
            return;
        }
        if self.rooms[room as usize].speakers.choose(now) {
            self.assign_voices(room, now);
        }
        let Forwarder { rooms, tracks, events, speaking, .. } = self;
        let room = &mut rooms[room as usize];
        if now - room.speaking_at < SPEAKERS_INTERVAL {
            return;
        }
        room.speakers.speaking(now, speaking);
        let person = |track: u32| tracks[track as usize].person;
        let same =
            speaking.iter().map(|(track, _)| person(*track)).eq(room.speaking.iter().map(|(who, _)| *who));
        if !same {
            room.speaking_at = now;
            room.speaking = speaking.iter().map(|&(track, level)| (person(track), level)).collect();
            let speakers = room.speaking.clone();
            events.push_back(ForwardEvent::SpeakersChanged { room: room.name.clone(), speakers });
        }
    }

    fn tick_peer(&mut self, peer: u32, now: Micros, out: &mut impl Egress) {
        self.send_transport_feedback(peer, now, out);
        self.request_missing(peer, now, out);
        let Some(ticked) = self.peers.get(peer as usize) else { return };
        let (review, report, quality) = (ticked.review_at, ticked.report_at, ticked.quality_at);
        if now >= review {
            self.notice_silence(peer, now);
            self.review(peer, now);
            self.ask_again(peer, now);
            self.peers[peer as usize].review_at = now + REVIEW_INTERVAL;
        }
        if now >= report {
            self.peers[peer as usize].report_at = (report + REPORT_INTERVAL).max(now);
            self.report_reception(peer, now, out);
            self.report_slots(peer, now, out);
        }
        if now >= quality {
            self.peers[peer as usize].quality_at = now + QUALITY_INTERVAL;
            self.grade(peer, now);
        }
    }

    fn send_transport_feedback(&mut self, peer: u32, now: Micros, out: &mut impl Egress) {
        let Forwarder { peers, compound, .. } = self;
        let peer = &mut peers[peer as usize];
        if now - peer.feedback_at < twcc_receive::INTERVAL || !peer.arrivals.pending() {
            return;
        }
        peer.feedback_at = now;
        while peer.arrivals.pending() {
            compound.clear();
            if peer.arrivals.feedback(peer.feedback_ssrc, peer.media_ssrc, compound) {
                out.rtcp(peer.key, compound);
            }
        }
    }

    /// Asks the publisher for what is missing of the layers that somebody watches.
    fn request_missing(&mut self, peer: u32, now: Micros, out: &mut impl Egress) {
        let publisher = &self.peers[peer as usize];
        let round_trip = publisher.round_trip_or_guess();
        let (key, from) = (publisher.key, publisher.feedback_ssrc);
        for sender in 0..publisher.senders.len() {
            let track = self.peers[peer as usize].senders[sender].track;
            for layer in 0..self.tracks[track as usize].layers.len() {
                let missing = &mut self.tracks[track as usize].layers[layer];
                if missing.missing.is_empty() {
                    continue;
                }
                if missing.subscribers.is_empty() {
                    missing.missing.clear();
                    continue;
                }
                self.lost.clear();
                let complete = missing.missing.due(now, round_trip, &mut self.lost);
                let source = LayerRef { track, layer: layer as u8, stream: missing.stream };
                if !self.lost.is_empty() {
                    self.compound.clear();
                    rtcp_write::nack(&mut self.compound, from, missing.ssrc, &self.lost);
                    self.counters.missing += self.lost.len() as u64;
                    out.rtcp(key, &self.compound);
                }
                if !complete {
                    self.want_key_frame(source);
                }
            }
        }
    }

    /// Takes tracks that have stopped off the slots.
    fn notice_silence(&mut self, peer: u32, now: Micros) {
        let room = self.peers[peer as usize].room;
        let mut stopped = false;
        for sender in 0..self.peers[peer as usize].senders.len() {
            let index = self.peers[peer as usize].senders[sender].track;
            let track = &mut self.tracks[index as usize];
            for layer in &mut track.layers {
                layer.rate.update(now);
                let rate = layer.rate.bytes_per_second();
                if let Some(ring) = &mut layer.ring {
                    ring.fit(rate);
                }
            }
            if track.live && track.silent(now) {
                self.stop_track(index);
                stopped = true;
            }
        }
        if stopped {
            self.choose_voices(room, now);
            self.review_room(room, now);
        }
    }

    /// Slots that wait for a key frame ask again.
    fn ask_again(&mut self, peer: u32, now: Micros) {
        for slot in 0..self.peers[peer as usize].video.len() {
            let Some(target) = self.peers[peer as usize].video[slot].target else { continue };
            let layer = &self.tracks[target.track as usize].layers[usize::from(target.layer)];
            if now - layer.asked >= KEY_FRAME_RETRY {
                self.want_key_frame(target);
            }
        }
    }

    /// Sends the key frame requests that are due.
    pub(super) fn send_key_frame_requests(&mut self, now: Micros, out: &mut impl Egress) {
        let mut at = 0;
        while let Some(&wanted) = self.wanted.get(at) {
            let Some(layer) = self.tracks.get_mut(wanted.track as usize).and_then(|track| {
                let layer = track.layers.get_mut(usize::from(wanted.layer))?;
                (layer.wanted && layer.stream == wanted.stream).then_some((track.peer, layer))
            }) else {
                self.wanted.swap_remove(at);
                continue;
            };
            let (peer, layer) = layer;
            if now - layer.asked < KEY_FRAME_PAUSE {
                at += 1;
                continue;
            }
            layer.asked = now;
            layer.wanted = false;
            self.wanted.swap_remove(at);
            let publisher = &self.peers[peer as usize];
            if publisher.connected {
                self.counters.key_frame_requests += 1;
                self.compound.clear();
                rtcp_write::picture_loss(&mut self.compound, publisher.feedback_ssrc, layer.ssrc);
                out.rtcp(publisher.key, &self.compound);
            }
        }
    }

    /// When the next key frame request is due.
    pub(super) fn next_key_frame_request(&self) -> Option<Micros> {
        let due = |wanted: &LayerRef| {
            let track = self.tracks.get(wanted.track as usize);
            track.map_or(0, |track| track.layers[usize::from(wanted.layer)].asked + KEY_FRAME_PAUSE)
        };
        self.wanted.iter().map(due).min()
    }

    /// Tells a publisher how its streams arrive.
    fn report_reception(&mut self, peer: u32, now: Micros, out: &mut impl Egress) {
        let mut blocks = [Block::default(); MAX_BLOCKS];
        let mut count = 0;
        let (mut expected, mut lost) = (0, 0);
        let publisher = &self.peers[peer as usize];
        for stream in publisher.streams.iter().filter(|stream| !stream.repeat) {
            let layer = &mut self.tracks[stream.track as usize].layers[usize::from(stream.layer)];
            if !layer.has_begun() || now - layer.last > 5 * SECOND || count == MAX_BLOCKS {
                continue;
            }
            let report = layer.reception.report(stream.ssrc, layer.seen.highest(), layer.report, now);
            blocks[count] = report.0;
            expected += report.1;
            lost += report.2;
            count += 1;
        }
        let publisher = &mut self.peers[peer as usize];
        publisher.loss_in = (lost * 1_000).checked_div(expected).unwrap_or(0) as u32;
        if let Some(loss) = publisher.reported_loss.take() {
            let limit = publisher.budget.limit();
            publisher.budget.report(loss, limit, now);
        }
        if count > 0 {
            self.compound.clear();
            rtcp_write::receiver_report(&mut self.compound, publisher.feedback_ssrc, &blocks[..count]);
            rtcp_write::canonical_name(&mut self.compound, publisher.feedback_ssrc, super::CANONICAL_NAME);
            debug_assert!(self.compound.len() <= MAX_COMPOUND_BYTES);
            out.rtcp(publisher.key, &self.compound);
        }
    }

    fn report_slots(&mut self, peer: u32, now: Micros, out: &mut impl Egress) {
        for slot in 0..self.peers[peer as usize].audio.len() {
            self.report_slot(SlotRef { peer, slot: slot as u16 }, true, now, out);
        }
        for slot in 0..self.peers[peer as usize].video.len() {
            self.report_slot(SlotRef { peer, slot: slot as u16 }, false, now, out);
        }
    }

    fn grade(&mut self, peer: u32, now: Micros) {
        let peer = &mut self.peers[peer as usize];
        let measured = Measured {
            silence: now - peer.last,
            loss_in: peer.loss_in,
            loss_out: peer.budget.loss(),
            round_trip: peer.round_trip,
            queue: peer.budget.queue(),
            reduced: peer.reduced,
            starved: peer.starved,
        };
        if let Some((grade, reason)) = peer.quality.update(&measured) {
            let room = self.rooms[peer.room as usize].name.clone();
            self.events.push_back(ForwardEvent::QualityChanged { room, person: peer.person, grade, reason });
        }
    }
}
