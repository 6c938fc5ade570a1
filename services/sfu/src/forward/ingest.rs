//! The way of a media packet: from its publisher through its layer to every slot that carries it.

use super::Forwarder;
use super::clock::Micros;
use super::codec;
use super::extensions::{self, Values};
use super::layer::SlotRef;
use super::membership::mark;
use super::output::{Link, Media};
use super::peer::{Peer, Stream};
use super::ring::Ring;
use super::rtcp_write;
use super::rtp::Packet;
use super::seen::Novelty;
use super::slot::Passed;
use super::splice::{Input, LayerRef};
use super::track::Payload;
use crate::description::PayloadType;
use crate::egress::Egress;
use plenum_protocol::media::Source;

/// The canonical name in sender reports (RFC 3550, section 6.5.1).
pub const CANONICAL_NAME: &str = "plenum";

/// −dBov of a microphone whose client sends no levels: quiet speech.
const LEVEL_UNKNOWN: u8 = 45;
/// This many packets in a row from the distant past mean that the publisher has begun anew.
const RESTART_AFTER: u8 = 16;

/// A media packet as it came, with its place in its layer.
struct Arrival<'a> {
    packet: Packet<'a>,
    values: Values<'a>,
    payload: PayloadType,
    stream: Stream,
    /// It came as a retransmission.
    repeated: bool,
}

impl Forwarder {
    pub(super) fn receive(&mut self, from: u32, bytes: &[u8], now: Micros, out: &mut impl Egress) {
        let peer = &mut self.peers[from as usize];
        peer.gives_sign_of_life(now);
        let Some(packet) = Packet::parse(bytes) else {
            self.counters.malformed += 1;
            return;
        };
        let values = extensions::read(&packet, &peer.ids);
        if let Some(number) = values.transport_cc {
            peer.arrivals.record(number, now);
        }
        let known = peer.stream(packet.ssrc);
        let Some(stream) = known.or_else(|| self.recognise(from, &packet, &values)) else {
            self.counters.unknown += 1;
            return;
        };
        let track = &self.tracks[stream.track as usize];
        if !track.allowed {
            self.counters.refused += 1;
            return;
        }
        match track.payload(packet.payload_type) {
            Some(Payload::Media(payload)) if !stream.repeat => {
                self.peers[from as usize].media_ssrc = packet.ssrc;
                self.ingest(&Arrival { packet, values, payload, stream, repeated: false }, now, out);
            }
            Some(Payload::Repeat(payload)) if stream.repeat => {
                self.receive_repeated(&packet, payload, stream, now, out);
            }
            _ => self.counters.unknown += 1,
        }
    }

    fn receive_repeated(
        &mut self,
        packet: &Packet<'_>,
        payload: PayloadType,
        stream: Stream,
        now: Micros,
        out: &mut impl Egress,
    ) {
        let track = &self.tracks[stream.track as usize];
        let layer = &track.layers[usize::from(stream.layer)];
        // Probes come before media does.
        if !layer.has_begun() {
            self.counters.padding += 1;
            return;
        }
        let ids = self.peers[track.peer as usize].ids;
        let mut buffer = std::mem::take(&mut self.buffer);
        match packet.unwrap_retransmission(layer.ssrc, payload.number, &mut buffer) {
            Some(packet) => {
                let values = extensions::read(&packet, &ids);
                self.ingest(&Arrival { packet, values, payload, stream, repeated: true }, now, out);
            }
            None => self.counters.padding += 1,
        }
        self.buffer = buffer;
    }

    /// Finds out by mid and rid what a new SSRC is (RFC 8843, section 9.2; RFC 8852).
    fn recognise(&mut self, from: u32, packet: &Packet<'_>, values: &Values<'_>) -> Option<Stream> {
        let mid = values.mid?;
        let peer = &self.peers[from as usize];
        let sender = peer.senders.iter().find(|sender| sender.mid.as_bytes() == mid)?;
        let track = &self.tracks[sender.track as usize];
        let repeat = matches!(track.payload(packet.payload_type)?, Payload::Repeat(_));
        let rid = if repeat { values.repaired_rid.or(values.rid) } else { values.rid };
        let layer = track.layer_of(rid)?;
        let stream = Stream { ssrc: packet.ssrc, track: sender.track, layer, repeat };
        self.learn(from, stream);
        Some(stream)
    }

    fn ingest(&mut self, arrival: &Arrival<'_>, now: Micros, out: &mut impl Egress) {
        let &Arrival { packet, values, payload, stream, repeated } = arrival;
        let track = &mut self.tracks[stream.track as usize];
        let is_audio = track.source.is_audio();
        let layer = &mut track.layers[usize::from(stream.layer)];
        let (sequence, novelty) = layer.take(packet.sequence);
        match novelty {
            Novelty::Next { skipped } => {
                if skipped > 0 && !is_audio && !layer.missing.gap(sequence, skipped, now) {
                    self.gap_too_long(stream);
                }
            }
            Novelty::Late => {
                let asked = layer.missing.arrived(sequence);
                self.counters.recovered += u64::from(asked && repeated);
            }
            Novelty::Duplicate => {
                self.counters.duplicates += 1;
                if !repeated && layer.is_stale(sequence, RESTART_AFTER) {
                    self.restart(stream.track, stream.layer, packet.ssrc);
                }
                return;
            }
        }
        if is_audio && matches!(novelty, Novelty::Next { .. }) {
            self.notice_pause(stream, packet.timestamp, now);
        }
        let layer = &mut self.tracks[stream.track as usize].layers[usize::from(stream.layer)];
        if !repeated {
            layer.reception.packet(packet.timestamp, now, payload.clock_rate);
        }
        let source = LayerRef { track: stream.track, layer: stream.layer, stream: layer.stream };
        let input = Input {
            sequence,
            timestamp: packet.timestamp,
            picture: None,
            base_count: None,
            starts_frame: false,
            ends_frame: packet.marker,
        };
        let abs_send_time = self.clock.abs_send_time(now);
        let mut media =
            Media { packet, values, payload, source, input, frame: Default::default(), abs_send_time };
        if packet.payload.is_empty() {
            self.counters.padding += 1;
            self.leave_out(&media);
            return;
        }
        self.counters.packets_in += 1;
        self.note(&mut media, repeated, now);
        if is_audio {
            self.forward_audio(&media, now, out);
        } else {
            self.forward_video(&media, now, out);
            if media.frame.starts_key_frame {
                let layer = &mut self.tracks[stream.track as usize].layers[usize::from(stream.layer)];
                layer.wanted = false;
            }
        }
        self.after_switches(&media, now, out);
    }

    /// Sound that goes on after a pause of its timestamps begins a new piece. Otherwise it would seem to come
    /// late by the length of the pause, and receivers would play everything that follows so much later.
    fn notice_pause(&mut self, stream: Stream, timestamp: u32, now: Micros) {
        let track = &mut self.tracks[stream.track as usize];
        let Peer { steady, clock, .. } = &self.peers[track.peer as usize];
        let layer = &mut track.layers[usize::from(stream.layer)];
        let Some(pause) = layer.timeline.pause(timestamp, now) else { return };
        if track.live && *steady > layer.last {
            // Not a pause: the way was blocked, and what waited comes now.
            return;
        }
        layer.timeline.resume(timestamp, pause, clock, now);
        self.next_stream += 1;
        layer.stream = self.next_stream;
    }

    /// Updates what is known of the layer, and lets the first packet of it change the slots.
    fn note(&mut self, media: &mut Media<'_>, repeated: bool, now: Micros) {
        let &mut Media { packet, payload, source, .. } = media;
        let track = &mut self.tracks[source.track as usize];
        track.payload = Some(payload);
        let (started, is_audio) = (!track.live, track.source.is_audio());
        track.live = true;
        let (room, person, kind) = (track.room, track.person, track.source);
        let layer = &mut track.layers[usize::from(source.layer)];
        let resumed = !layer.live(now);
        layer.last = now;
        if !repeated {
            layer.timeline.arrived(packet.timestamp, now);
        }
        if !is_audio {
            media.frame = codec::inspect(payload.codec, packet.payload, media.values.dependency_descriptor);
            media.input.base_count = media.frame.base_count;
            media.input.starts_frame = media.frame.starts_frame;
            if let Some(picture) = media.frame.picture {
                let picture = layer.unwrap_picture(picture);
                layer.picture = layer.picture.max(picture);
                media.input.picture = Some(picture);
            }
            if media.frame.starts_key_frame {
                layer.size = media.frame.size.or(layer.size);
            }
            layer.rate.add(media.frame.temporal, packet.bytes.len());
            layer.ring.get_or_insert_with(Ring::new).push(media.input.sequence, packet.bytes);
        }
        if started {
            self.track_started(source.track, now);
        } else if resumed && !is_audio {
            self.review_watchers(room, person, kind, now);
        }
        if kind == Source::Microphone {
            let level = media.values.audio_level.unwrap_or(LEVEL_UNKNOWN);
            if self.rooms[room as usize].speakers.packet(source.track, level, now) {
                self.choose_voices(room, now);
            }
        }
    }

    fn forward_audio(&mut self, media: &Media<'_>, now: Micros, out: &mut impl Egress) {
        let Forwarder { tracks, peers, switched, counters, .. } = self;
        let track = &tracks[media.source.track as usize];
        let layer = &track.layers[usize::from(media.source.layer)];
        let clock = peers[track.peer as usize].clock;
        for &at in &layer.subscribers {
            let Peer { connected: true, audio, departures, key, .. } = &mut peers[at.peer as usize] else {
                continue;
            };
            let mut link = Link { key: *key, departures, now, out };
            let captured = || layer.timeline.captured(media.input.timestamp, &clock, now);
            match audio[usize::from(at.slot)].pass(media, captured, &mut link) {
                Passed::No => {}
                Passed::Yes => counters.packets_out += 1,
                Passed::Switched(before) => switched.push((at, before)),
            }
        }
    }

    fn forward_video(&mut self, media: &Media<'_>, now: Micros, out: &mut impl Egress) {
        let Forwarder { tracks, peers, switched, counters, .. } = self;
        let track = &tracks[media.source.track as usize];
        let layer = &track.layers[usize::from(media.source.layer)];
        let clock = peers[track.peer as usize].clock;
        for &at in &layer.subscribers {
            let Peer { connected: true, video, departures, key, .. } = &mut peers[at.peer as usize] else {
                continue;
            };
            let mut link = Link { key: *key, departures, now, out };
            let captured = || layer.timeline.captured(media.input.timestamp, &clock, now);
            match video[usize::from(at.slot)].pass(media, captured, &mut link) {
                Passed::No => {}
                Passed::Yes => counters.packets_out += 1,
                Passed::Switched(before) => switched.push((at, before)),
            }
        }
    }

    /// Slots that have gone over to this source say so, in a sender report and to signaling.
    fn after_switches(&mut self, media: &Media<'_>, now: Micros, out: &mut impl Egress) {
        while let Some((at, before)) = self.switched.pop() {
            self.counters.switches += 1;
            self.counters.packets_out += 1;
            let track = &self.tracks[media.source.track as usize];
            let content = Some(track.content());
            let peer = &mut self.peers[at.peer as usize];
            let slot = usize::from(at.slot);
            let is_audio = track.source.is_audio();
            let shown = if is_audio { &mut peer.audio[slot].shown } else { &mut peer.video[slot].shown };
            if *shown != content {
                *shown = content;
                mark(&mut self.changed, peer, at.peer);
            }
            if !is_audio {
                let target = peer.video[slot].target;
                let kept = |layer: &LayerRef| {
                    target.is_some_and(|target| (target.track, target.layer) == (layer.track, layer.layer))
                        || (layer.track, layer.layer) == (media.source.track, media.source.layer)
                };
                self.unsubscribe(before.filter(|before| !kept(before)), at);
            }
            self.report_slot(at, is_audio, now, out);
        }
    }

    /// Sends a sender report of one slot.
    pub(super) fn report_slot(&mut self, at: SlotRef, is_audio: bool, now: Micros, out: &mut impl Egress) {
        let peer = &self.peers[at.peer as usize];
        let slot = usize::from(at.slot);
        let (output, current) = if is_audio {
            (&peer.audio[slot].output, peer.audio[slot].current)
        } else {
            (&peer.video[slot].output, peer.video[slot].current)
        };
        let Some(current) = current.filter(|_| peer.connected) else { return };
        let track = &self.tracks[current.track as usize];
        let clock = &self.peers[track.peer as usize].clock;
        let timeline = &track.layers[usize::from(current.layer)].timeline;
        let report = timeline
            .timestamp_at(now, clock)
            .and_then(|timestamp| output.sender_report(self.clock.ntp(now), timestamp));
        if let Some(report) = report {
            self.compound.clear();
            rtcp_write::sender_report(&mut self.compound, &report);
            rtcp_write::canonical_name(&mut self.compound, report.ssrc, CANONICAL_NAME);
            out.rtcp(peer.key, &self.compound);
        }
    }

    /// A packet of nothing but padding leaves no gap on the slots.
    fn leave_out(&mut self, media: &Media<'_>) {
        let Forwarder { tracks, peers, .. } = self;
        let track = &tracks[media.source.track as usize];
        for at in &track.layers[usize::from(media.source.layer)].subscribers {
            let peer = &mut peers[at.peer as usize];
            let slot = usize::from(at.slot);
            let output = if track.source.is_audio() {
                &mut peer.audio[slot].output
            } else {
                &mut peer.video[slot].output
            };
            output.skip(media);
        }
    }

    /// So much is missing that only a key frame helps those who watch.
    fn gap_too_long(&mut self, stream: Stream) {
        let layer = &self.tracks[stream.track as usize].layers[usize::from(stream.layer)];
        let source = LayerRef { track: stream.track, layer: stream.layer, stream: layer.stream };
        if !layer.subscribers.is_empty() {
            self.want_key_frame(source);
        }
    }
}
