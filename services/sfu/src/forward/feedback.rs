//! What RTCP says: publishers' clocks, subscribers' losses, wishes for repetition and key frames.

use super::Forwarder;
use super::clock::{Micros, SECOND, ntp_micros};
use super::codec;
use super::extensions;
use super::output::{Link, Media};
use super::peer::Peer;
use super::rtcp::{self, Block, Lost, Report};
use super::rtp::Packet;
use super::splice::{Input, Origin, Segment};
use super::track::{Payload, Track};
use crate::egress::Egress;

impl Forwarder {
    pub(super) fn receive_reports(&mut self, from: u32, compound: &[u8], now: Micros, out: &mut impl Egress) {
        self.peers[from as usize].gives_sign_of_life(now);
        let mut packets = rtcp::packets(compound);
        for report in &mut packets {
            match report {
                Report::Sender { ssrc, ntp, rtp, blocks } => {
                    self.publisher_clock(from, ssrc, ntp, rtp, now);
                    blocks.for_each(|block| self.reception(from, &block, now));
                }
                Report::Receiver { blocks } => blocks.for_each(|block| self.reception(from, &block, now)),
                Report::Nack { media, lost } => self.repeat(from, media, lost, now, out),
                Report::TransportCc(body) => self.transport_feedback(from, body, now),
                Report::KeyFrame { media } => self.key_frame_wanted(from, media),
                Report::Other => {}
            }
        }
        self.counters.malformed += u64::from(packets.malformed());
    }

    fn publisher_clock(&mut self, from: u32, ssrc: u32, ntp: u64, rtp: u32, now: Micros) {
        let peer = &mut self.peers[from as usize];
        let Some(stream) = peer.stream(ssrc).filter(|stream| !stream.repeat) else { return };
        let theirs = ntp_micros(ntp);
        peer.clock.observe(theirs, now);
        let layer = &mut self.tracks[stream.track as usize].layers[usize::from(stream.layer)];
        layer.timeline.reported(rtp, theirs);
        layer.report = Some(((ntp >> 16) as u32, now));
    }

    /// How one of the slots arrives (RFC 3550, section 6.4.1).
    fn reception(&mut self, from: u32, block: &Block, now: Micros) {
        let peer = &mut self.peers[from as usize];
        let own = peer.video.iter().map(|slot| slot.output.ssrc());
        if !own.chain(peer.audio.iter().map(|slot| slot.output.ssrc())).any(|ssrc| ssrc == block.ssrc) {
            return;
        }
        let worst = peer.reported_loss.unwrap_or(0).max(block.fraction_lost);
        peer.reported_loss = Some(worst);
        if block.last_report == 0 {
            return;
        }
        let middle = (self.clock.ntp(now) >> 16) as u32;
        let elapsed = middle.wrapping_sub(block.last_report).wrapping_sub(block.delay);
        let sample = Micros::from(elapsed) * SECOND / 65_536;
        if sample < 10 * SECOND {
            let smoothed = peer.round_trip.map_or(sample, |before| (7 * before + sample) / 8);
            peer.round_trip = Some(smoothed);
        }
    }

    fn transport_feedback(&mut self, from: u32, body: &[u8], now: Micros) {
        let peer = &mut self.peers[from as usize];
        match peer.departures.feedback(body) {
            Some(outcome) => {
                let before = peer.budget.limit();
                // A falling limit is acted upon at once.
                if peer.budget.feedback(&outcome, now) && peer.budget.limit() < before {
                    peer.review_at = now;
                }
            }
            None => self.counters.malformed += 1,
        }
    }

    fn key_frame_wanted(&mut self, from: u32, media: u32) {
        let slot = self.peers[from as usize].video.iter().find(|slot| slot.output.ssrc() == media);
        if let Some(layer) = slot.and_then(|slot| slot.target.or(slot.current)) {
            self.want_key_frame(layer);
        }
    }

    /// Answers a NACK from the rings of the publishers.
    fn repeat(&mut self, from: u32, media: u32, lost: Lost<'_>, now: Micros, out: &mut impl Egress) {
        let peer = &mut self.peers[from as usize];
        if !peer.connected {
            return;
        }
        peer.repeats.refill(peer.budget.limit(), now);
        let Some(slot) = peer.video.iter().position(|slot| slot.output.ssrc() == media) else { return };
        for sequence in lost {
            self.counters.nacked += 1;
            let video = &mut self.peers[from as usize].video[slot];
            let Some(origin) = video.output.origin_of(sequence) else { continue };
            if video.may_repeat(sequence, now) && self.repeat_one(from, slot, &origin, now, out) {
                self.counters.repeated += 1;
            }
        }
    }

    fn repeat_one(
        &mut self,
        to: u32,
        slot: usize,
        origin: &Origin,
        now: Micros,
        out: &mut impl Egress,
    ) -> bool {
        let &Origin { ref segment, sequence, .. } = origin;
        let abs_send_time = self.clock.abs_send_time(now);
        let Some(track) = self.tracks.get(segment.source.track as usize) else { return false };
        let Some(ids) = self.peers.get(track.peer as usize).map(|owner| owner.ids) else { return false };
        let Some(packet) = stored(track, segment, sequence) else { return false };
        let values = extensions::read(&packet, &ids);
        let Some(Payload::Media(payload)) = track.payload(packet.payload_type) else { return false };
        let frame = codec::inspect(payload.codec, packet.payload, values.dependency_descriptor);
        let layer = &track.layers[usize::from(segment.source.layer)];
        let input = Input {
            sequence,
            timestamp: packet.timestamp,
            picture: frame.picture.map(|picture| layer.unwrap_picture(picture)),
            base_count: frame.base_count,
            starts_frame: frame.starts_frame,
            ends_frame: packet.marker,
        };
        let media = Media { packet, values, payload, source: segment.source, input, frame, abs_send_time };
        let Peer { video, departures, repeats, key, .. } = &mut self.peers[to as usize];
        if !origin.admits(input.picture) || !repeats.take(packet.bytes.len()) {
            return false;
        }
        video[slot].output.repeat(&media, segment, &mut Link { key: *key, departures, now, out })
    }
}

/// A packet of the piece's layer, if its stream is still the same and the packet still there.
fn stored<'a>(track: &'a Track, segment: &Segment, sequence: u64) -> Option<Packet<'a>> {
    let layer = track.layers.get(usize::from(segment.source.layer))?;
    if layer.stream != segment.source.stream {
        return None;
    }
    Packet::parse(layer.ring.as_ref()?.get(sequence)?)
}
