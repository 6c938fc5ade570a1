use super::output::{ConnectionId, Slots};
use crate::limits::Limits;
use crate::records::{Offered, SeatRecord};
use crate::secret::Digest;
use plenum_protocol::PersonId;
use plenum_protocol::media::{Grade, QualityReason, Source, Tile};
use plenum_protocol::server::{Person, Role};
use std::time::Duration;

/// Somebody in a meeting, with or without a connection at the moment.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) resume: Digest,
    pub(super) connection: Option<ConnectionId>,
    /// Without a connection: when the seat is given up.
    pub(super) kept_until: Duration,
    pub(super) sources: Vec<Source>,
    pub(super) muted: Option<Muted>,
    pub(super) hand: Option<u64>,
    pub(super) limits: Limits,
    pub(super) quality: Option<(Grade, QualityReason)>,
    pub(super) media: MediaState,
}

/// A host has cut off the microphone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Muted {
    pub(super) by: PersonId,
    pub(super) at: Duration,
    /// The client has said since then that its microphone is off, or it was off anyway.
    pub(super) settled: bool,
}

/// What is known about somebody's connection to the SFU.
#[derive(Debug, Default)]
pub(super) struct MediaState {
    pub(super) offered: Option<Offered>,
    pub(super) offered_at: Duration,
    /// The client wants media and has no working connection: it is told to make a new one.
    pub(super) lost: bool,
    pub(super) tiles: Option<Vec<Tile>>,
    pub(super) slots: Option<Slots>,
}

impl Seat {
    pub(super) fn new(name: String, role: Role, resume: Digest) -> Seat {
        Seat {
            name,
            role,
            resume,
            connection: None,
            kept_until: Duration::ZERO,
            sources: Vec::new(),
            muted: None,
            hand: None,
            limits: Limits::default(),
            quality: None,
            media: MediaState::default(),
        }
    }

    pub(super) fn person(&self, id: PersonId) -> Person {
        Person {
            id,
            name: self.name.clone(),
            role: self.role,
            sources: self.sources.clone(),
            present: self.connection.is_some(),
        }
    }

    /// What the SFU lets through.
    pub(super) fn allowed(&self) -> Vec<Source> {
        let muted = self.muted.is_some();
        Source::ALL.into_iter().filter(|source| !(muted && *source == Source::Microphone)).collect()
    }

    pub(super) fn record(&self) -> Box<SeatRecord> {
        Box::new(SeatRecord {
            name: self.name.clone(),
            role: self.role,
            resume: self.resume,
            sources: self.sources.clone(),
            muted_by: self.muted.map(|muted| muted.by),
            hand: self.hand,
            offered: self.media.offered,
        })
    }

    /// A seat found in the store waits for its person.
    pub(super) fn restored(record: SeatRecord, now: Duration, kept_until: Duration) -> Seat {
        let mut seat = Seat::new(record.name, record.role, record.resume);
        seat.kept_until = kept_until;
        seat.sources = record.sources;
        // Perhaps the daemon ended before the client heard of it.
        seat.muted = record.muted_by.map(|by| Muted { by, at: now, settled: false });
        seat.hand = record.hand;
        seat.media.offered = record.offered;
        seat
    }
}
