//! A subscriber's receive slot: what is on it, and what comes onto it next.

use super::clock::{MILLISECOND, Micros, NEVER};
use super::output::{Link, Media, Output};
use super::splice::LayerRef;
use crate::description::{LineDescription, LocalStream};
use crate::egress::Egress;
use plenum_protocol::media::SlotContent;

/// Pieces that a NACK may reach back. Frames that are left out begin new pieces.
const VIDEO_MEMORY: usize = 64;
/// No packet is repeated twice within this time.
const REPEAT_PAUSE: Micros = 30 * MILLISECOND;
const REPEATS: usize = 64;
/// Every temporal layer.
pub(super) const ALL_TEMPORAL: u8 = 7;
/// Timestamps across a switch grow by a millisecond of video, or a usual packet of sound, at least.
const VIDEO_STEP: u32 = 90;
const AUDIO_STEP: u32 = 960;

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passed {
    No,
    Yes,
    /// It was the first of another source; the layer that was on the slot before.
    Switched(Option<LayerRef>),
}

#[derive(Debug)]
pub(super) struct AudioSlot {
    pub(super) output: Output,
    /// The track that belongs here, and since when.
    pub(super) assigned: Option<u32>,
    pub(super) since: Micros,
    /// The source of the last packet.
    pub(super) current: Option<LayerRef>,
    pub(super) shown: Option<SlotContent>,
}

impl AudioSlot {
    pub(super) fn new(line: &LineDescription, local: LocalStream, random: &mut fastrand::Rng) -> Self {
        AudioSlot {
            output: Output::new(line, local, 1, random),
            assigned: None,
            since: NEVER,
            current: None,
            shown: None,
        }
    }

    /// `captured` is asked for at the beginning only.
    #[inline]
    pub(super) fn pass(
        &mut self,
        media: &Media<'_>,
        captured: impl FnOnce() -> Micros,
        link: &mut Link<'_, impl Egress>,
    ) -> Passed {
        if self.current == Some(media.source) && self.output.accepts(&media.payload) {
            return passed(self.output.send(media, media.packet.marker, link));
        }
        if !self.output.accept(&media.payload) {
            return Passed::No;
        }
        let before = self.current.replace(media.source);
        self.output.begin(media, captured(), AUDIO_STEP);
        // The marker bit tells the beginning of a talkspurt (RFC 3551, section 4.1).
        self.output.send(media, true, link);
        Passed::Switched(before)
    }
}

#[derive(Debug)]
pub(super) struct VideoSlot {
    pub(super) output: Output,
    /// The track that belongs here.
    pub(super) assigned: Option<u32>,
    /// The layer whose key frame is waited for.
    pub(super) target: Option<LayerRef>,
    /// The layer that is passed on; that of somebody else while the target is waited for.
    pub(super) current: Option<LayerRef>,
    pub(super) shown: Option<SlotContent>,
    /// The highest temporal layer to pass on, and the highest that is passed on at the moment.
    pub(super) temporal_limit: u8,
    temporal: u8,
    repeats: Repeats,
}

impl VideoSlot {
    pub(super) fn new(line: &LineDescription, local: LocalStream, random: &mut fastrand::Rng) -> Self {
        VideoSlot {
            output: Output::new(line, local, VIDEO_MEMORY, random),
            assigned: None,
            target: None,
            current: None,
            shown: None,
            temporal_limit: ALL_TEMPORAL,
            temporal: ALL_TEMPORAL,
            repeats: Repeats([(0, NEVER); REPEATS]),
        }
    }

    /// `captured` is asked for at the beginning only.
    #[inline]
    pub(super) fn pass(
        &mut self,
        media: &Media<'_>,
        captured: impl FnOnce() -> Micros,
        link: &mut Link<'_, impl Egress>,
    ) -> Passed {
        if self.current == Some(media.source) && self.output.accepts(&media.payload) {
            return self.go_on(media, link);
        }
        let expected = self.target == Some(media.source) || self.current == Some(media.source);
        if !expected || !media.frame.starts_key_frame || !self.output.accept(&media.payload) {
            return Passed::No;
        }
        let before = self.current.replace(media.source);
        if self.target == Some(media.source) {
            self.target = None;
        }
        self.temporal = self.temporal_limit;
        self.output.begin(media, captured(), VIDEO_STEP);
        self.output.send(media, media.packet.marker, link);
        Passed::Switched(before.filter(|before| *before != media.source))
    }

    #[inline]
    fn go_on(&mut self, media: &Media<'_>, link: &mut Link<'_, impl Egress>) -> Passed {
        let temporal = media.frame.temporal;
        if temporal > self.temporal && media.frame.goes_up && temporal <= self.temporal_limit {
            self.temporal = temporal;
        }
        // What comes late has its place already, or none.
        if temporal > self.temporal && !self.output.is_late(media) {
            self.output.skip(media);
            return Passed::No;
        }
        // Not in the middle of a frame of a layer that is being given up.
        if temporal <= self.temporal_limit && self.temporal > self.temporal_limit {
            self.temporal = self.temporal_limit;
        }
        passed(self.output.send(media, media.packet.marker, link))
    }

    /// Whether the packet may be repeated now.
    pub(super) fn may_repeat(&mut self, sequence: u16, now: Micros) -> bool {
        self.repeats.may(sequence, now)
    }
}

fn passed(sent: bool) -> Passed {
    if sent { Passed::Yes } else { Passed::No }
}

/// When packets were last repeated, by sequence number modulo the size.
#[derive(Debug)]
struct Repeats([(u16, Micros); REPEATS]);

impl Repeats {
    fn may(&mut self, sequence: u16, now: Micros) -> bool {
        let entry = &mut self.0[usize::from(sequence) % REPEATS];
        if entry.0 == sequence && now - entry.1 < REPEAT_PAUSE {
            return false;
        }
        *entry = (sequence, now);
        true
    }
}
