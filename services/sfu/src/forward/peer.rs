//! One client: what it sends, what it looks at, and how it is reached.

use super::budget::Budget;
use super::clock::{MILLISECOND, Micros, NEVER, SECOND};
use super::quality::Quality;
use super::slot::{AudioSlot, VideoSlot};
use super::timeline::ClockOffset;
use super::twcc_receive::Arrivals;
use super::twcc_send::Departures;
use crate::description::{Description, Extensions};
use crate::egress::PeerKey;
use plenum_protocol::PersonId;
use plenum_protocol::media::{Source, Tile};

/// An SSRC of a publisher.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stream {
    pub(super) ssrc: u32,
    pub(super) track: u32,
    pub(super) layer: u8,
    /// Carries retransmissions.
    pub(super) repeat: bool,
}

/// An m-line that the client sends on.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) mid: Box<str>,
    pub(super) source: Source,
    pub(super) track: u32,
}

#[derive(Debug)]
pub(super) struct Peer {
    pub(super) key: PeerKey,
    pub(super) person: PersonId,
    pub(super) room: u32,
    pub(super) connected: bool,
    /// Of all m-lines: in a bundle an id has one meaning (RFC 9143, section 14).
    pub(super) ids: Extensions,
    pub(super) senders: Vec<Sender>,
    pub(super) streams: Vec<Stream>,
    /// `(media, retransmission)` SSRCs that the offer names.
    pub(super) announced: Vec<(u32, Option<u32>)>,
    pub(super) allowed: [bool; Source::ALL.len()],
    pub(super) audio: Vec<AudioSlot>,
    pub(super) video: Vec<VideoSlot>,
    pub(super) tiles: Vec<Tile>,
    pub(super) clock: ClockOffset,
    pub(super) arrivals: Arrivals,
    pub(super) departures: Departures,
    pub(super) budget: Budget,
    pub(super) repeats: RepeatCredit,
    pub(super) round_trip: Option<Micros>,
    /// Whom feedback comes from, and the SSRC of the last packet, which it is about.
    pub(super) feedback_ssrc: u32,
    pub(super) media_ssrc: u32,
    /// The last sign of life.
    pub(super) last: Micros,
    /// Since when signs of life have come without a stall.
    pub(super) steady: Micros,
    pub(super) feedback_at: Micros,
    pub(super) report_at: Micros,
    pub(super) review_at: Micros,
    pub(super) quality_at: Micros,
    pub(super) quality: Quality,
    /// Of 1,000, over the last report interval.
    pub(super) loss_in: u32,
    /// Worst loss that receiver reports told since the last report interval, of 256.
    pub(super) reported_loss: Option<u8>,
    /// Pictures that are shown smaller than wanted, or not at all, for want of bandwidth.
    pub(super) reduced: bool,
    pub(super) starved: bool,
    pub(super) changed: bool,
}

/// With nothing at all from the peer for so long, its packets may have waited somewhere on their way.
const STALL: Micros = 250 * MILLISECOND;

impl Peer {
    pub(super) fn gives_sign_of_life(&mut self, now: Micros) {
        if now - self.last > STALL {
            self.steady = now;
        }
        self.last = now;
    }

    pub(super) fn new(key: PeerKey, person: PersonId, room: u32, limit: u64, now: Micros) -> Self {
        // Reports of different peers do not all fall into the same tick.
        let phase = Micros::from(key.0 % 50) * 20 * MILLISECOND;
        Peer {
            key,
            person,
            room,
            connected: false,
            ids: Extensions::default(),
            senders: Vec::new(),
            streams: Vec::new(),
            announced: Vec::new(),
            allowed: [true; Source::ALL.len()],
            audio: Vec::new(),
            video: Vec::new(),
            tiles: Vec::new(),
            clock: ClockOffset::default(),
            arrivals: Arrivals::new(),
            departures: Departures::new(),
            budget: Budget::new(limit, now),
            repeats: RepeatCredit::default(),
            round_trip: None,
            feedback_ssrc: 1,
            media_ssrc: 0,
            last: now,
            steady: now,
            feedback_at: NEVER,
            report_at: now + phase,
            review_at: now + phase % (200 * MILLISECOND),
            quality_at: now + 2 * SECOND,
            quality: Quality::default(),
            loss_in: 0,
            reported_loss: None,
            reduced: false,
            starved: false,
            changed: false,
        }
    }

    /// Everything of a description but senders and slots.
    pub(super) fn negotiate(&mut self, description: &Description) {
        self.ids = merged(description);
        self.announced =
            description.lines.iter().flat_map(|line| line.remote_ssrcs.iter().copied()).take(64).collect();
        self.feedback_ssrc =
            description.lines.iter().find_map(|line| line.local.map(|local| local.ssrc)).unwrap_or(1);
    }

    #[inline]
    pub(super) fn stream(&self, ssrc: u32) -> Option<Stream> {
        self.streams.iter().find(|stream| stream.ssrc == ssrc).copied()
    }

    pub(super) fn track(&self, source: Source) -> Option<u32> {
        self.senders.iter().find(|sender| sender.source == source).map(|sender| sender.track)
    }

    pub(super) fn allows(&self, source: Source) -> bool {
        self.allowed[source as usize]
    }

    pub(super) fn round_trip_or_guess(&self) -> Micros {
        self.round_trip.unwrap_or(100 * MILLISECOND)
    }
}

fn merged(description: &Description) -> Extensions {
    let mut all = Extensions::default();
    for ids in description.lines.iter().map(|line| &line.extensions) {
        let take = |to: &mut u8, from: u8| {
            if *to == 0 {
                *to = from;
            }
        };
        take(&mut all.mid, ids.mid);
        take(&mut all.rid, ids.rid);
        take(&mut all.repaired_rid, ids.repaired_rid);
        take(&mut all.audio_level, ids.audio_level);
        take(&mut all.transport_cc, ids.transport_cc);
        take(&mut all.abs_send_time, ids.abs_send_time);
        take(&mut all.dependency_descriptor, ids.dependency_descriptor);
        take(&mut all.playout_delay, ids.playout_delay);
        take(&mut all.video_orientation, ids.video_orientation);
    }
    all
}

/// Bounds what retransmissions may cost: a NACK of 1,200 bytes names up to 4,900 packets.
#[derive(Debug, Default)]
pub(super) struct RepeatCredit {
    bytes: i64,
    at: Option<Micros>,
}

impl RepeatCredit {
    const BURST: i64 = 256 * 1024;

    /// Refills with half of `limit` (bits per second).
    pub(super) fn refill(&mut self, limit: u64, now: Micros) {
        let elapsed = self.at.map_or(10 * SECOND, |at| (now - at).clamp(0, 10 * SECOND));
        self.bytes = (self.bytes + limit as i64 / 16 * elapsed / SECOND).min(Self::BURST);
        self.at = Some(now);
    }

    pub(super) fn take(&mut self, bytes: usize) -> bool {
        let enough = self.bytes >= bytes as i64;
        if enough {
            self.bytes -= bytes as i64;
        }
        enough
    }
}
