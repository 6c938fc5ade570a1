//! What a media thread counts. Plain numbers: the thread publishes them once per round of its loop.

use crate::srtp::Refusal;

/// Why a datagram or packet went no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drop {
    /// None of STUN, DTLS, RTP, RTCP.
    Unknown,
    /// From an address that no peer proved to be its own.
    Stranger,
    /// STUN that is not an authentic connectivity check.
    Stun,
    /// Media before the keys are there.
    Early,
    Malformed,
    Replayed,
    Old,
    Forged,
    /// Outgoing, and the peer has no address yet, or the packet does not fit.
    Unsendable,
    /// Outgoing, and its index was used before.
    Repeated,
}

impl Drop {
    pub const ALL: [(Drop, &'static str); 10] = [
        (Drop::Unknown, "unknown"),
        (Drop::Stranger, "stranger"),
        (Drop::Stun, "stun"),
        (Drop::Early, "early"),
        (Drop::Malformed, "malformed"),
        (Drop::Replayed, "replayed"),
        (Drop::Old, "old"),
        (Drop::Forged, "forged"),
        (Drop::Unsendable, "unsendable"),
        (Drop::Repeated, "repeated"),
    ];

    pub(super) fn incoming(refusal: Refusal) -> Drop {
        match refusal {
            Refusal::Malformed | Refusal::Exhausted => Drop::Malformed,
            Refusal::Replayed => Drop::Replayed,
            Refusal::Old => Drop::Old,
            Refusal::Forged => Drop::Forged,
        }
    }

    pub(super) fn outgoing(refusal: Refusal) -> Drop {
        match refusal {
            Refusal::Replayed | Refusal::Old => Drop::Repeated,
            Refusal::Malformed | Refusal::Exhausted | Refusal::Forged => Drop::Unsendable,
        }
    }
}

/// Sums over the life of a media thread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    pub packets_in: u64,
    pub bytes_in: u64,
    pub packets_out: u64,
    pub bytes_out: u64,
    pub dropped: [u64; Drop::ALL.len()],
    pub handshakes: u64,
    pub handshakes_failed: u64,
    pub checks: u64,
    /// At present.
    pub peers: u64,
    pub rooms: u64,
}

impl Counters {
    pub(super) fn drop(&mut self, reason: Drop) {
        self.dropped[reason as usize] += 1;
    }
}
