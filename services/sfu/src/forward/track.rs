//! What a publisher sends on one m-line: a microphone, a camera, a screen or a screen's sound.

use super::clock::{MILLISECOND, Micros, SECOND};
use super::layer::Layer;
use crate::description::{LineDescription, PayloadType};
use plenum_protocol::PersonId;
use plenum_protocol::media::{SlotContent, Source};

/// A layer that stays behind the others for longer has been stopped.
const LAYER_LAG: Micros = 700 * MILLISECOND;
/// Simulcast layers that are taken at most.
const MAX_LAYERS: usize = 4;

#[derive(Debug)]
pub(super) struct Track {
    pub(super) peer: u32,
    pub(super) room: u32,
    pub(super) person: PersonId,
    pub(super) source: Source,
    pub(super) clock_rate: u32,
    pub(super) codecs: Vec<PayloadType>,
    /// The codec of the last packet.
    pub(super) payload: Option<PayloadType>,
    /// The lowest first.
    pub(super) layers: Vec<Layer>,
    pub(super) allowed: bool,
    /// Media has come lately.
    pub(super) live: bool,
}

/// What a payload type of a publisher is.
pub(super) enum Payload {
    Media(PayloadType),
    /// A retransmission of this one.
    Repeat(PayloadType),
}

impl Track {
    pub(super) fn new(
        peer: u32,
        room: u32,
        person: PersonId,
        source: Source,
        line: &LineDescription,
    ) -> Self {
        let clock_rate = line.codecs.first().map_or(90_000, |payload| payload.clock_rate);
        let mut layers =
            line.rids.iter().take(MAX_LAYERS).map(|rid| Some(rid.as_str().into())).collect::<Vec<_>>();
        if layers.is_empty() {
            layers.push(None);
        }
        Track {
            peer,
            room,
            person,
            source,
            clock_rate,
            codecs: line.codecs.clone(),
            payload: None,
            layers: layers.into_iter().map(|rid| Layer::new(rid, clock_rate)).collect(),
            allowed: true,
            live: false,
        }
    }

    pub(super) fn content(&self) -> SlotContent {
        SlotContent { person: self.person, source: self.source }
    }

    pub(super) fn payload(&self, number: u8) -> Option<Payload> {
        self.codecs.iter().find_map(|payload| {
            if payload.number == number {
                Some(Payload::Media(*payload))
            } else if payload.rtx == Some(number) {
                Some(Payload::Repeat(*payload))
            } else {
                None
            }
        })
    }

    /// Without a rid only a track of one layer is meant.
    pub(super) fn layer_of(&self, rid: Option<&[u8]>) -> Option<u8> {
        let layer = match rid {
            None if self.layers.len() == 1 => Some(0),
            None => None,
            Some(rid) => self
                .layers
                .iter()
                .position(|layer| layer.rid.as_deref().is_some_and(|own| own.as_bytes() == rid)),
        };
        layer.map(|layer| layer as u8)
    }

    /// Nothing has come for so long that the source must have stopped.
    pub(super) fn silent(&self, now: Micros) -> bool {
        let patience = match self.source {
            Source::Microphone => 1_200 * MILLISECOND,
            Source::Camera => 2 * SECOND,
            // A screen without motion is sent about once a second.
            Source::Screen => 6 * SECOND,
            Source::ScreenAudio => 2 * SECOND,
        };
        self.layers.iter().all(|layer| now - layer.last > patience)
    }

    /// Whether a layer may be switched to.
    pub(super) fn usable(&self, layer: usize, now: Micros) -> bool {
        let newest = self.layers.iter().map(|layer| layer.last).max().unwrap_or(now);
        let layer = &self.layers[layer];
        let only = self.layers.len() == 1;
        self.live && layer.has_begun() && (only || (layer.live(now) && newest - layer.last < LAYER_LAG))
    }

    /// Width and height of a layer; before its first key frame, derived from the others or taken to be a
    /// fraction of 1280×720 by its place.
    pub(super) fn size(&self, layer: usize) -> (u32, u32) {
        if let Some((width, height)) = self.layers[layer].size {
            return (u32::from(width), u32::from(height));
        }
        let known = self.layers.iter().enumerate().find_map(|(at, layer)| layer.size.map(|size| (at, size)));
        let (at, (width, height)) = known.unwrap_or((self.layers.len() - 1, (1_280, 720)));
        let (width, height) = (u32::from(width), u32::from(height));
        if layer >= at {
            (width << (layer - at), height << (layer - at))
        } else {
            (width >> (at - layer), height >> (at - layer))
        }
    }

    /// Bits per second of a layer's temporal layers; before they are measured, what browsers send.
    pub(super) fn cost(&self, layer: usize, temporal: u8) -> u64 {
        self.layers[layer].rate.bits_per_second(temporal).unwrap_or_else(|| {
            let (width, height) = self.size(layer);
            match u64::from(width) * u64::from(height) {
                0..=70_000 => 150_000,
                70_001..=250_000 => 500_000,
                _ => 1_700_000,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::description::{Codec, Extensions, Kind};
    use plenum_protocol::media::LineUse;

    fn camera(rids: &[&str]) -> Track {
        let line = LineDescription {
            mid: "1".into(),
            kind: Kind::Video,
            line_use: LineUse::Camera,
            codecs: vec![PayloadType {
                codec: Codec::Vp8,
                number: 96,
                rtx: Some(97),
                format: 0,
                clock_rate: 90_000,
            }],
            extensions: Extensions::default(),
            rids: rids.iter().map(|rid| rid.to_string()).collect(),
            remote_ssrcs: vec![],
            local: None,
        };
        Track::new(0, 0, 1, Source::Camera, &line)
    }

    #[test]
    fn sizes_of_unseen_layers_follow_from_the_others() {
        let mut track = camera(&["q", "h", "f"]);
        assert_eq!([track.size(0), track.size(1), track.size(2)], [(320, 180), (640, 360), (1_280, 720)]);
        track.layers[0].size = Some((160, 120));
        assert_eq!([track.size(0), track.size(1), track.size(2)], [(160, 120), (320, 240), (640, 480)]);
    }

    #[test]
    fn layers_are_found_by_rid() {
        let track = camera(&["q", "h"]);
        assert_eq!(
            (track.layer_of(Some(b"h")), track.layer_of(Some(b"x")), track.layer_of(None)),
            (Some(1), None, None)
        );
        assert_eq!(camera(&[]).layer_of(None), Some(0));
        assert!(matches!(track.payload(97), Some(Payload::Repeat(_))));
        assert!(track.payload(98).is_none());
    }
}
