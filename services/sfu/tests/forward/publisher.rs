//! What a client sends: microphone, camera layers, screen; answers key frame requests and NACKs.

use crate::offer::Offer;
use crate::wire::{self, Counters, Header, LAYERS, Mark};
use plenum_protocol::media::Source;
use plenum_sfu::description::{Codec, PayloadType};
use std::collections::HashMap;

/// Microseconds between the publisher's wall clock and the simulation's.
pub(crate) const CLOCK_DISTANCE: i64 = 1_000_000_000_000;

pub(crate) struct Stream {
    pub(crate) source: Source,
    pub(crate) layer: u8,
    pub(crate) on: bool,
    pub(crate) payload: PayloadType,
    pub(crate) ssrc: u32,
    pub(crate) rtx_ssrc: u32,
    pub(crate) size: (u16, u16),
    pub(crate) bitrate: u64,
    pub(crate) interval: i64,
    /// From capture to sending.
    pub(crate) encoding: i64,
    /// −dBov.
    pub(crate) level: u8,
    pub(crate) key_frames: u32,
    pub(crate) key_frame_requests: Vec<i64>,
    pub(crate) key_wanted: bool,
    pub(crate) answers_key_frame_requests: bool,
    next: i64,
    frame: u32,
    counters: Counters,
    sequence: u16,
    rtx_sequence: u16,
    timestamp_base: u32,
    /// Sound's timestamps count samples: they stand still while it is off.
    stood_still: i64,
    report_at: i64,
    packets: u32,
    history: HashMap<u16, (Header, Vec<u8>)>,
    /// mid and rid are on the first packets only.
    introduced: u32,
}

/// VP8 with three temporal layers: 0 2 1 2.
const PATTERN: [u8; 4] = [0, 2, 1, 2];

impl Stream {
    pub(crate) fn new(
        person: u32,
        source: Source,
        layer: u8,
        payload: PayloadType,
        random: &mut fastrand::Rng,
    ) -> Self {
        let ssrc = 0x4000_0000 + person * 100 + source as u32 * 10 + u32::from(layer) * 2;
        let (size, bitrate, interval) = match (source, layer) {
            (Source::Camera, 0) => ((320, 180), 150_000, 50_000),
            (Source::Camera, 1) => ((640, 360), 500_000, 50_000),
            (Source::Camera, _) => ((1_280, 720), 1_700_000, 50_000),
            (Source::Screen, _) => ((1_920, 1_080), 1_500_000, 66_000),
            _ => ((0, 0), 32_000, 20_000),
        };
        Stream {
            source,
            layer,
            on: true,
            payload,
            ssrc,
            rtx_ssrc: ssrc + 1,
            size,
            bitrate,
            interval,
            encoding: if source.is_audio() { 2_000 } else { 30_000 },
            level: 70,
            key_frames: 0,
            key_frame_requests: Vec::new(),
            key_wanted: true,
            answers_key_frame_requests: true,
            // Whole milliseconds are whole timestamp units.
            next: random.i64(0..interval / 1_000) * 1_000,
            frame: 0,
            counters: Counters { picture: random.u16(..0x8000), base: random.u8(..), temporal: 0 },
            sequence: random.u16(..),
            rtx_sequence: random.u16(..),
            timestamp_base: random.u32(..),
            stood_still: 0,
            report_at: 0,
            packets: 0,
            history: HashMap::new(),
            introduced: 0,
        }
    }

    fn timestamp(&self, captured: i64) -> u32 {
        let rate = i64::from(self.payload.clock_rate);
        self.timestamp_base.wrapping_add(((captured - self.stood_still) * rate / 1_000_000) as u32)
    }

    /// The packets that leave at `now`, without transport numbers.
    fn produce(&mut self, person: u32, now: i64) -> Vec<(Header, Vec<u8>)> {
        if now < self.next {
            return vec![];
        }
        let captured = self.next - self.encoding;
        self.next += self.interval;
        if !self.on {
            self.key_wanted = true;
            self.stood_still += if self.source.is_audio() { self.interval } else { 0 };
            return vec![];
        }
        let mut out = if self.source.is_audio() {
            let mark = self.mark(person, false, 0, 1, captured);
            let mut payload = Vec::new();
            mark.write(&mut payload);
            payload.resize(60, 0x55);
            vec![(self.header(captured), payload)]
        } else {
            self.frame_packets(person, captured)
        };
        self.frame += 1;
        for (header, payload) in &mut out {
            header.sequence = self.sequence;
            self.sequence = self.sequence.wrapping_add(1);
            self.packets += 1;
            self.history.insert(header.sequence, (header.clone(), payload.clone()));
            self.history.remove(&header.sequence.wrapping_sub(1_000));
        }
        out
    }

    fn frame_packets(&mut self, person: u32, captured: i64) -> Vec<(Header, Vec<u8>)> {
        let key = std::mem::take(&mut self.key_wanted);
        let mut bytes = (self.bitrate * self.interval as u64 / 8_000_000) as usize;
        if key {
            self.key_frames += 1;
            self.frame = self.frame.next_multiple_of(4);
            bytes *= 3;
        }
        let temporal = PATTERN[self.frame as usize % 4];
        self.counters.picture = (self.counters.picture + 1) & 0x7fff;
        self.counters.temporal = temporal;
        if temporal == 0 {
            self.counters.base = self.counters.base.wrapping_add(1);
        }
        let parts = (bytes / 1_100 + 1) as u16;
        (0..parts)
            .map(|part| {
                let mark = self.mark(person, key, part, parts, captured);
                let up = self.frame % 4 < 3;
                let mut payload =
                    wire::write_video_payload(self.payload.codec, &mark, self.counters, up, self.size);
                payload.resize(payload.len().max(bytes / usize::from(parts)), 0x77);
                let mut header = self.header(captured);
                header.marker = part + 1 == parts;
                header.orientation = (part + 1 == parts && key).then_some(1);
                (header, payload)
            })
            .collect()
    }

    fn mark(&self, person: u32, key: bool, part: u16, parts: u16, captured: i64) -> Mark {
        Mark { person, source: self.source, layer: self.layer, frame: self.frame, part, parts, key, captured }
    }

    fn header(&mut self, captured: i64) -> Header {
        let mut header = Header {
            payload_type: self.payload.number,
            timestamp: self.timestamp(captured),
            ssrc: self.ssrc,
            level: (self.source == Source::Microphone).then_some(self.level),
            ..Default::default()
        };
        if self.introduced < 60 {
            self.introduced += 1;
            header.mid = mid(self.source).to_string();
            if self.source == Source::Camera {
                header.rid = LAYERS[usize::from(self.layer)].to_string();
            }
        }
        header
    }

    fn report(&mut self, now: i64) -> Option<Vec<u8>> {
        if !self.on || now < self.report_at {
            return None;
        }
        self.report_at = now + 1_000_000;
        let ntp = ((i128::from(now + CLOCK_DISTANCE) << 32) / 1_000_000) as u64;
        let mut out = vec![0x80, 200, 0, 6];
        out.extend_from_slice(&self.ssrc.to_be_bytes());
        out.extend_from_slice(&ntp.to_be_bytes());
        out.extend_from_slice(&self.timestamp(now).to_be_bytes());
        out.extend_from_slice(&self.packets.to_be_bytes());
        out.extend_from_slice(&[0; 4]);
        Some(out)
    }

    fn repeat(&mut self, sequence: u16) -> Option<(Header, Vec<u8>)> {
        let rtx = self.payload.rtx?;
        let (header, payload) = self.history.get(&sequence)?;
        self.rtx_sequence = self.rtx_sequence.wrapping_add(1);
        let mut header =
            Header { ssrc: self.rtx_ssrc, payload_type: rtx, sequence: self.rtx_sequence, ..header.clone() };
        header.mid = mid(self.source).to_string();
        header.rid = String::new();
        if self.source == Source::Camera {
            header.repaired_rid = LAYERS[usize::from(self.layer)].to_string();
        }
        let mut repeated = sequence.to_be_bytes().to_vec();
        repeated.extend_from_slice(payload);
        Some((header, repeated))
    }

    /// The same source with another SSRC, as after a sender was replaced.
    pub(crate) fn change_ssrc(&mut self) {
        self.ssrc += 50_000;
        self.rtx_ssrc += 50_000;
        self.sequence = self.sequence.wrapping_add(12_345);
        self.timestamp_base = self.timestamp_base.wrapping_add(987_654_321);
        self.introduced = 0;
        self.key_wanted = true;
        self.history.clear();
    }
}

fn mid(source: Source) -> &'static str {
    match source {
        Source::Microphone => "0",
        Source::Camera => "1",
        Source::Screen => "2",
        Source::ScreenAudio => "3",
    }
}

pub(crate) struct Publisher {
    pub(crate) person: u32,
    pub(crate) streams: Vec<Stream>,
    pub(crate) nacks: u32,
    pub(crate) transport_feedback: Vec<i64>,
    pub(crate) receiver_reports: u32,
    ids: plenum_sfu::description::Extensions,
    transport: u16,
}

impl Publisher {
    pub(crate) fn new(person: u32, offer: &Offer) -> Self {
        Publisher {
            person,
            streams: Vec::new(),
            nacks: 0,
            transport_feedback: Vec::new(),
            receiver_reports: 0,
            ids: offer.extensions(),
            transport: 0,
        }
    }

    pub(crate) fn stream(&mut self, source: Source, layer: u8) -> &mut Stream {
        self.streams
            .iter_mut()
            .find(|stream| (stream.source, stream.layer) == (source, layer))
            .expect("published")
    }

    /// RTP and RTCP that leave now.
    pub(crate) fn produce(&mut self, now: i64) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        let mut packets = Vec::new();
        let mut reports = Vec::new();
        for at in 0..self.streams.len() {
            for (header, payload) in self.streams[at].produce(self.person, now) {
                packets.push(self.finish(header, &payload));
            }
            reports.extend(self.streams[at].report(now));
        }
        (packets, reports)
    }

    fn finish(&mut self, mut header: Header, payload: &[u8]) -> Vec<u8> {
        self.transport = self.transport.wrapping_add(1);
        header.transport_cc = Some(self.transport);
        wire::write(&header, &self.ids, payload)
    }

    /// Takes what the SFU says; gives the packets to repeat.
    pub(crate) fn feedback(&mut self, report: &dyn rtc_rtcp::Packet, now: i64) -> Vec<Vec<u8>> {
        use rtc_rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
        use rtc_rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
        use rtc_rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;
        let mut repeated = Vec::new();
        if let Some(loss) = report.as_any().downcast_ref::<PictureLossIndication>() {
            let stream = self.streams.iter_mut().find(|stream| stream.ssrc == loss.media_ssrc);
            let stream = stream.expect("a stream of this publisher");
            assert!(!stream.source.is_audio());
            stream.key_frame_requests.push(now);
            stream.key_wanted |= stream.answers_key_frame_requests;
        } else if let Some(nack) = report.as_any().downcast_ref::<TransportLayerNack>() {
            self.nacks += 1;
            let lost = nack.nacks.iter().flat_map(|pair| pair.packet_list()).collect::<Vec<_>>();
            let at = self.streams.iter().position(|stream| stream.ssrc == nack.media_ssrc);
            let at = at.expect("a stream of this publisher");
            for sequence in lost {
                if let Some((header, payload)) = self.streams[at].repeat(sequence) {
                    repeated.push(self.finish(header, &payload));
                }
            }
        } else if report.as_any().is::<TransportLayerCc>() {
            self.transport_feedback.push(now);
        } else if report.as_any().is::<rtc_rtcp::receiver_report::ReceiverReport>() {
            self.receiver_reports += 1;
        }
        repeated
    }

    /// A probe as Firefox and Chromium send them: a retransmission of nothing.
    pub(crate) fn probe(&mut self, source: Source, layer: u8) -> Vec<u8> {
        let stream = self.stream(source, layer);
        stream.rtx_sequence = stream.rtx_sequence.wrapping_add(1);
        let header = Header {
            ssrc: stream.rtx_ssrc,
            payload_type: stream.payload.rtx.expect("video"),
            sequence: stream.rtx_sequence,
            mid: mid(source).to_string(),
            repaired_rid: LAYERS[usize::from(layer)].to_string(),
            ..Default::default()
        };
        let mut packet = self.finish(header, &[0; 200]);
        packet[0] |= 0x20;
        *packet.last_mut().expect("not empty") = 200;
        packet
    }
}

pub(crate) fn streams(
    person: u32,
    offer: &Offer,
    codec: Codec,
    sources: &[Source],
    random: &mut fastrand::Rng,
) -> Vec<Stream> {
    let mut streams = Vec::new();
    for &source in sources {
        let layers = if source == Source::Camera { 3 } else { 1 };
        let payload = if source.is_audio() {
            offer.opus()
        } else {
            *offer.video().iter().find(|payload| payload.codec == codec).expect("offered")
        };
        streams.extend((0..layers).map(|layer| Stream::new(person, source, layer, payload, random)));
    }
    streams
}
