//! What the forwarding plane alone costs: one publisher, N subscribers, an egress that only counts.
//!
//! ```text
//! cargo run --release -p plenum-sfu --example forward_cost
//! ```

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout)]

use plenum_protocol::media::{LineUse, Source, Tile};
use plenum_sfu::description::{
    Codec, Description, Extensions, Kind, LineDescription, LocalStream, PayloadType,
};
use plenum_sfu::egress::{Egress, PeerKey};
use plenum_sfu::forward::{ForwardConfig, Forwarder};
use std::hint::black_box;
use std::time::{Duration, Instant};

const FRAMES: u32 = 4_000;
const PACKETS_PER_FRAME: u32 = 8;
const PAYLOAD_BYTES: usize = 1_100;

#[derive(Default)]
struct Counting {
    packets: u64,
    bytes: u64,
}

impl Egress for Counting {
    fn rtp(&mut self, _: PeerKey, header: &[u8], prefix: &[u8], payload: &[u8]) {
        self.packets += 1;
        self.bytes += (black_box(header).len() + black_box(prefix).len() + payload.len()) as u64;
    }

    fn rtcp(&mut self, _: PeerKey, compound: &[u8]) {
        self.bytes += compound.len() as u64;
    }
}

fn main() {
    println!(
        "{:>12} {:>22} {:>22} {:>18}",
        "subscribers", "video ns per packet", "audio ns per packet", "ticks µs per s"
    );
    for subscribers in [1, 50, 100, 200] {
        // The median of five.
        let mut runs = [(); 5].map(|()| measure(subscribers));
        let mut median = |column: usize| {
            runs.sort_by(|a, b| a[column].total_cmp(&b[column]));
            runs[2][column]
        };
        println!("{subscribers:>12} {:>22.1} {:>22.1} {:>18.0}", median(0), median(1), median(2));
    }
}

/// Nanoseconds per forwarded video and audio packet, and microseconds of timers per second of media.
fn measure(subscribers: u32) -> [f64; 3] {
    let start = Instant::now();
    let reference = (start, 0xe900_0000_0000_0000);
    let mut forwarder = Forwarder::new(ForwardConfig { peer_limit_bps: 50_000_000, seed: 1, reference });
    let mut out = Counting::default();
    for person in 0..=subscribers {
        forwarder.join(start, "room", person, PeerKey(person), &description(person));
        forwarder.connected(start, PeerKey(person));
        let tile = Tile { person: 0, source: Source::Camera, width: 1_280, height: 720 };
        forwarder.watch(start, PeerKey(person), &[tile]);
    }
    let (mut video, mut audio, mut timers) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let (mut video_packets, mut audio_packets) = (0, 0);
    let mut sequence = 0u16;
    for frame in 0..FRAMES {
        let now = start + Duration::from_millis(u64::from(frame) * 33);
        let packets = (0..PACKETS_PER_FRAME).map(|part| video_packet(frame, part, &mut sequence));
        let packets = packets.collect::<Vec<_>>();
        let sound = audio_packet(frame);
        let before = out.packets;
        let clock = Instant::now();
        for packet in &packets {
            forwarder.rtp(now, PeerKey(0), packet, &mut out);
        }
        video += clock.elapsed();
        video_packets += out.packets - before;
        let before = out.packets;
        let clock = Instant::now();
        forwarder.rtp(now, PeerKey(0), &sound, &mut out);
        audio += clock.elapsed();
        audio_packets += out.packets - before;
        let clock = Instant::now();
        while forwarder.poll_timeout().is_some_and(|timeout| timeout <= now) {
            forwarder.handle_timeout(now, &mut out);
        }
        while forwarder.poll_event().is_some() {}
        timers += clock.elapsed();
    }
    let expected = u64::from(subscribers * FRAMES * PACKETS_PER_FRAME);
    assert_eq!((video_packets, audio_packets), (expected, u64::from(subscribers * FRAMES)));
    black_box(out.bytes);
    let seconds = f64::from(FRAMES) * 0.033;
    [
        video.as_nanos() as f64 / video_packets as f64,
        audio.as_nanos() as f64 / audio_packets as f64,
        timers.as_micros() as f64 / seconds,
    ]
}

fn header(
    marker: bool,
    payload_type: u8,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
    elements: &[u8],
) -> Vec<u8> {
    let mut packet = vec![0x90, (u8::from(marker) << 7) | payload_type];
    packet.extend_from_slice(&sequence.to_be_bytes());
    packet.extend_from_slice(&timestamp.to_be_bytes());
    packet.extend_from_slice(&ssrc.to_be_bytes());
    packet.extend_from_slice(&[0xbe, 0xde, 0, elements.len().div_ceil(4) as u8]);
    packet.extend_from_slice(elements);
    packet.resize(packet.len().next_multiple_of(4), 0);
    packet
}

fn video_packet(frame: u32, part: u32, sequence: &mut u16) -> Vec<u8> {
    *sequence = sequence.wrapping_add(1);
    let transport = (frame * (PACKETS_PER_FRAME + 1) + part) as u16;
    let [high, low] = transport.to_be_bytes();
    let elements = [0x40, b'1', 0x31, high, low];
    let marker = part + 1 == PACKETS_PER_FRAME;
    let mut packet = header(marker, 96, *sequence, frame.wrapping_mul(2_970), 1, &elements);
    let picture = (0x8000 | (frame & 0x7fff) as u16).to_be_bytes();
    packet.extend_from_slice(&[
        if part == 0 { 0x90 } else { 0x80 },
        0xf0,
        picture[0],
        picture[1],
        frame as u8,
        0x21,
    ]);
    packet.extend_from_slice(&[u8::from(frame != 0), 0, 0, 0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02]);
    packet.resize(packet.len() + PAYLOAD_BYTES, 0x5a);
    packet
}

fn audio_packet(frame: u32) -> Vec<u8> {
    let transport = (frame * (PACKETS_PER_FRAME + 1) + PACKETS_PER_FRAME) as u16;
    let [high, low] = transport.to_be_bytes();
    let elements = [0x40, b'0', 0x10, 30, 0x31, high, low];
    let mut packet = header(frame == 0, 111, frame as u16, frame.wrapping_mul(1_584), 2, &elements);
    packet.resize(packet.len() + 100, 0x5a);
    packet
}

fn description(person: u32) -> Description {
    let opus = PayloadType { codec: Codec::Opus, number: 111, rtx: None, format: 0, clock_rate: 48_000 };
    let vp8 = PayloadType { codec: Codec::Vp8, number: 96, rtx: Some(97), format: 0, clock_rate: 90_000 };
    let extensions = Extensions { mid: 4, audio_level: 1, transport_cc: 3, ..Default::default() };
    let line = |mid: u32, kind: Kind, line_use: LineUse| LineDescription {
        mid: mid.to_string(),
        kind,
        line_use,
        codecs: vec![if kind == Kind::Audio { opus } else { vp8 }],
        extensions,
        rids: vec![],
        remote_ssrcs: vec![],
        local: None,
    };
    let mut lines = vec![line(0, Kind::Audio, LineUse::Microphone), line(1, Kind::Video, LineUse::Camera)];
    for slot in 0..12 {
        let kind = if slot < 3 { Kind::Audio } else { Kind::Video };
        let mut slot_line = line(2 + slot, kind, LineUse::Slot);
        let ssrc = 1_000 * (person + 1) + 2 * slot;
        slot_line.local = Some(LocalStream { ssrc, rtx_ssrc: (kind == Kind::Video).then_some(ssrc + 1) });
        lines.push(slot_line);
    }
    Description { lines }
}
