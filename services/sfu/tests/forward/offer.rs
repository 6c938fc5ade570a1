//! What the clients of the scenarios negotiate.

use plenum_protocol::media::LineUse;
use plenum_sfu::description::{
    Codec, Description, Extensions, Kind, LineDescription, LocalStream, PayloadType,
};

pub(crate) const OPUS: PayloadType =
    PayloadType { codec: Codec::Opus, number: 111, rtx: None, format: 0, clock_rate: 48_000 };
pub(crate) const VP8: PayloadType =
    PayloadType { codec: Codec::Vp8, number: 96, rtx: Some(97), format: 0, clock_rate: 90_000 };
pub(crate) const VP9: PayloadType =
    PayloadType { codec: Codec::Vp9, number: 98, rtx: Some(99), format: 0, clock_rate: 90_000 };
pub(crate) const H264: PayloadType =
    PayloadType { codec: Codec::H264, number: 102, rtx: Some(103), format: 1, clock_rate: 90_000 };

/// How a client's offer differs from the usual one.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) audio_slots: usize,
    pub(crate) video_slots: usize,
    pub(crate) video_codecs: Vec<PayloadType>,
    /// Numbers payload types and extensions as Firefox does.
    pub(crate) other_numbers: bool,
}

impl Default for Offer {
    fn default() -> Self {
        Offer { audio_slots: 3, video_slots: 9, video_codecs: vec![VP8], other_numbers: false }
    }
}

impl Offer {
    pub(crate) fn slots(audio_slots: usize, video_slots: usize) -> Self {
        Offer { audio_slots, video_slots, ..Default::default() }
    }

    pub(crate) fn extensions(&self) -> Extensions {
        let (mid, transport_cc) = if self.other_numbers { (3, 7) } else { (4, 3) };
        Extensions {
            mid,
            transport_cc,
            rid: 10,
            repaired_rid: 11,
            audio_level: 1,
            abs_send_time: 2,
            dependency_descriptor: 8,
            playout_delay: 6,
            video_orientation: 13,
        }
    }

    pub(crate) fn opus(&self) -> PayloadType {
        PayloadType { number: if self.other_numbers { 109 } else { 111 }, ..OPUS }
    }

    pub(crate) fn video(&self) -> Vec<PayloadType> {
        let shift = if self.other_numbers { 20 } else { 0 };
        let renumbered = |payload: &PayloadType| PayloadType {
            number: payload.number + shift,
            rtx: payload.rtx.map(|rtx| rtx + shift),
            ..*payload
        };
        self.video_codecs.iter().map(renumbered).collect()
    }

    pub(crate) fn describe(&self, person: u32) -> Description {
        let line = |mid: usize, kind: Kind, line_use: LineUse| LineDescription {
            mid: mid.to_string(),
            kind,
            line_use,
            codecs: if kind == Kind::Audio { vec![self.opus()] } else { self.video() },
            extensions: self.extensions(),
            rids: vec![],
            remote_ssrcs: vec![],
            local: None,
        };
        let mut lines = vec![
            line(0, Kind::Audio, LineUse::Microphone),
            line(1, Kind::Video, LineUse::Camera),
            line(2, Kind::Video, LineUse::Screen),
            line(3, Kind::Audio, LineUse::ScreenAudio),
        ];
        lines[1].rids = ["q", "h", "f"].map(String::from).to_vec();
        for slot in 0..self.audio_slots + self.video_slots {
            let kind = if slot < self.audio_slots { Kind::Audio } else { Kind::Video };
            let mut slot_line = line(4 + slot, kind, LineUse::Slot);
            let ssrc = slot_ssrc(person, slot);
            let rtx_ssrc = (kind == Kind::Video).then_some(ssrc + 1);
            slot_line.local = Some(LocalStream { ssrc, rtx_ssrc });
            lines.push(slot_line);
        }
        Description { lines }
    }
}

pub(crate) fn slot_ssrc(person: u32, slot: usize) -> u32 {
    0x1000_0000 + person * 1_000 + slot as u32 * 2
}
