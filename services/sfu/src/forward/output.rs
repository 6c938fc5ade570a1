//! The stream that a slot sends: rewrites a publisher's packets into it.

use super::clock::Micros;
use super::codec::{self, Frame, MAX_DESCRIPTOR_BYTES};
use super::extensions::{self, Header, MAX_HEADER_BYTES, Values};
use super::rtcp_write::SenderReport;
use super::rtp::Packet;
use super::splice::{Input, LayerRef, Origin, Segment, Splice};
use super::twcc_send::Departures;
use crate::description::{Codec, Extensions, LineDescription, LocalStream, PayloadType};
use crate::egress::{Egress, PeerKey};

/// A media packet of a publisher with all that was read from it.
pub(super) struct Media<'a> {
    pub(super) packet: Packet<'a>,
    pub(super) values: Values<'a>,
    /// The publisher's.
    pub(super) payload: PayloadType,
    pub(super) source: LayerRef,
    pub(super) input: Input,
    pub(super) frame: Frame,
    pub(super) abs_send_time: u32,
}

/// Where a peer's packets go, and how they are numbered on the way.
pub(super) struct Link<'a, E> {
    pub(super) key: PeerKey,
    pub(super) departures: &'a mut Departures,
    pub(super) now: Micros,
    pub(super) out: &'a mut E,
}

/// A publisher's payload type number and the subscriber's payload type for the same codec.
#[derive(Debug, Clone, Copy)]
struct Accepted {
    input: u8,
    output: PayloadType,
}

#[derive(Debug)]
pub(super) struct Output {
    mid: [u8; 16],
    mid_length: usize,
    ids: Extensions,
    codecs: Vec<PayloadType>,
    local: LocalStream,
    splice: Splice,
    accepted: Option<Accepted>,
    packets: u32,
    octets: u32,
    repeat_sequence: u16,
}

impl Output {
    /// `memory` is the number of pieces that repetitions may reach back.
    pub(super) fn new(
        line: &LineDescription,
        local: LocalStream,
        memory: usize,
        random: &mut fastrand::Rng,
    ) -> Self {
        let clock_rate = line.codecs.first().map_or(90_000, |payload| payload.clock_rate);
        let mut output = Output {
            mid: [0; 16],
            mid_length: 0,
            ids: Extensions::default(),
            codecs: Vec::new(),
            local,
            splice: Splice::new(clock_rate, memory, random),
            accepted: None,
            packets: 0,
            octets: 0,
            repeat_sequence: random.u16(..0x8000),
        };
        output.negotiate(line);
        output
    }

    pub(super) fn negotiate(&mut self, line: &LineDescription) {
        let mid = line.mid.as_bytes();
        self.mid_length = mid.len().min(self.mid.len());
        self.mid[..self.mid_length].copy_from_slice(&mid[..self.mid_length]);
        self.ids = line.extensions;
        self.codecs.clone_from(&line.codecs);
        // What is under way goes on.
        self.accepted = self.accepted.and_then(|accepted| {
            self.fits(&accepted.output).map(|output| Accepted { input: accepted.input, output: *output })
        });
    }

    pub(super) fn ssrc(&self) -> u32 {
        self.local.ssrc
    }

    /// The subscriber's payload type for what the publisher calls `payload`.
    pub(super) fn fits(&self, payload: &PayloadType) -> Option<&PayloadType> {
        self.codecs.iter().find(|own| own.codec == payload.codec && own.format == payload.format)
    }

    /// Prepares for another codec; false if the subscriber cannot take it.
    pub(super) fn accept(&mut self, payload: &PayloadType) -> bool {
        let output = self.fits(payload).copied();
        self.accepted = output.map(|output| Accepted { input: payload.number, output });
        self.accepted.is_some()
    }

    #[inline]
    pub(super) fn accepts(&self, payload: &PayloadType) -> bool {
        self.accepted.is_some_and(|accepted| accepted.input == payload.number)
    }

    /// Another source begins with this packet, captured at `captured`; timestamps grow by `step` at least.
    pub(super) fn begin(&mut self, media: &Media<'_>, captured: Micros, step: u32) {
        self.splice.begin(media.source, &media.input, captured, step);
    }

    /// Whether packets after this one have been dealt with.
    pub(super) fn is_late(&self, media: &Media<'_>) -> bool {
        self.splice.is_late(media.input.sequence)
    }

    /// Leaves a packet out without a gap in the output.
    pub(super) fn skip(&mut self, media: &Media<'_>) {
        self.splice.skip(media.source, &media.input);
    }

    /// False if the packet has no place in the output.
    #[inline]
    pub(super) fn send(&mut self, media: &Media<'_>, marker: bool, link: &mut Link<'_, impl Egress>) -> bool {
        let Some(accepted) = self.accepted else { return false };
        let Some(segment) = self.splice.pass(media.source, &media.input) else { return false };
        let (prefix, length, dependency_descriptor) = descriptor(media, segment);
        let mut header = Header {
            marker,
            payload_type: accepted.output.number,
            sequence: segment.sequence(media.input.sequence) as u16,
            timestamp: segment.timestamp(media.input.timestamp),
            ssrc: self.local.ssrc,
            mid: &self.mid[..self.mid_length],
            transport_cc: 0,
            abs_send_time: media.abs_send_time,
            video_orientation: media.values.video_orientation,
            playout_delay: media.values.playout_delay,
            dependency_descriptor,
        };
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(media.packet.payload.len() as u32);
        let payload = &media.packet.payload[media.frame.descriptor..];
        transmit(&mut header, &self.ids, &prefix[..length], payload, link);
        true
    }

    /// What the output's packet `sequence` was made of.
    pub(super) fn origin_of(&self, sequence: u16) -> Option<Origin> {
        self.splice.origin_of(sequence)
    }

    /// Sends a packet of the past once more (RFC 4588). False if the subscriber has not negotiated a
    /// stream for that: the same sequence number is never sealed twice.
    pub(super) fn repeat(
        &mut self,
        media: &Media<'_>,
        segment: &Segment,
        link: &mut Link<'_, impl Egress>,
    ) -> bool {
        let Some(payload_type) = self.fits(&media.payload).and_then(|own| own.rtx) else { return false };
        let Some(ssrc) = self.local.rtx_ssrc else { return false };
        let (descriptor, length, dependency_descriptor) = descriptor(media, segment);
        let mut prefix = [0; 2 + MAX_DESCRIPTOR_BYTES];
        prefix[..2].copy_from_slice(&(segment.sequence(media.input.sequence) as u16).to_be_bytes());
        prefix[2..2 + length].copy_from_slice(&descriptor[..length]);
        self.repeat_sequence = self.repeat_sequence.wrapping_add(1);
        let mut header = Header {
            marker: media.packet.marker,
            payload_type,
            sequence: self.repeat_sequence,
            timestamp: segment.timestamp(media.input.timestamp),
            ssrc,
            mid: &self.mid[..self.mid_length],
            transport_cc: 0,
            abs_send_time: media.abs_send_time,
            video_orientation: media.values.video_orientation,
            playout_delay: media.values.playout_delay,
            dependency_descriptor,
        };
        let payload = &media.packet.payload[media.frame.descriptor..];
        transmit(&mut header, &self.ids, &prefix[..2 + length], payload, link);
        true
    }

    /// The sender report of the moment; `rtp` is the source's timestamp at `ntp`.
    pub(super) fn sender_report(&self, ntp: u64, rtp: u32) -> Option<SenderReport> {
        let rtp = self.splice.timestamp(rtp)?;
        Some(SenderReport { ssrc: self.local.ssrc, ntp, rtp, packets: self.packets, octets: self.octets })
    }
}

type Descriptor<'a> = ([u8; MAX_DESCRIPTOR_BYTES], usize, Option<(&'a [u8], u16)>);

/// The codec's descriptor with the output's counters: what goes before the payload, its length, and the
/// header extension that takes its place in AV1.
#[inline]
fn descriptor<'a>(media: &Media<'a>, segment: &Segment) -> Descriptor<'a> {
    let mut prefix = [0; MAX_DESCRIPTOR_BYTES];
    let Some(picture) = media.input.picture else { return (prefix, 0, None) };
    let codec = media.payload.codec;
    let picture = segment.picture(picture, codec::picture_bits(codec));
    if codec == Codec::Av1 {
        return (prefix, 0, media.values.dependency_descriptor.map(|bytes| (bytes, picture)));
    }
    let base_count = segment.base_count(media.input.base_count.unwrap_or(0));
    let length = codec::rewrite(codec, media.packet.payload, &media.frame, picture, base_count, &mut prefix);
    (prefix, length, None)
}

/// Numbers and sends a packet.
#[inline]
fn transmit(
    header: &mut Header<'_>,
    ids: &Extensions,
    prefix: &[u8],
    payload: &[u8],
    link: &mut Link<'_, impl Egress>,
) {
    let mut buffer = [0; MAX_HEADER_BYTES];
    if ids.transport_cc != 0 {
        header.transport_cc = link.departures.next(link.now, prefix.len() + payload.len() + HEADER_ESTIMATE);
    }
    let length = extensions::write(&mut buffer, header, ids);
    link.out.rtp(link.key, &buffer[..length], prefix, payload);
}

/// RTP header with extensions and SRTP tag.
const HEADER_ESTIMATE: usize = 44;
