//! Gaps in a publisher's stream: what to ask for again, and when (RFC 4585, section 6.2.1).

use super::clock::{MILLISECOND, Micros, SECOND};

/// A longer gap is not worth filling: a key frame comes sooner.
const MAX_MISSING: usize = 128;
const MAX_TRIES: u8 = 8;
const MAX_AGE: Micros = SECOND;
/// Packets overtake each other by less than this.
const REORDERING: Micros = 10 * MILLISECOND;
const SHORTEST_RETRY: Micros = 40 * MILLISECOND;

#[derive(Debug, Clone, Copy)]
struct Gap {
    sequence: u64,
    since: Micros,
    asked: Micros,
    tries: u8,
}

#[derive(Debug)]
pub(super) struct Missing {
    /// By sequence number.
    gaps: Vec<Gap>,
}

impl Missing {
    pub(super) fn new() -> Self {
        Missing { gaps: Vec::with_capacity(MAX_MISSING) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.gaps.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.gaps.clear();
    }

    /// The `count` packets before `sequence` did not come. False if they are too many to be asked for.
    pub(super) fn gap(&mut self, sequence: u64, count: u64, now: Micros) -> bool {
        if count as usize > MAX_MISSING - self.gaps.len() {
            self.gaps.clear();
            return false;
        }
        let gaps =
            (sequence - count..sequence).map(|sequence| Gap { sequence, since: now, asked: 0, tries: 0 });
        self.gaps.extend(gaps);
        true
    }

    /// True if the packet had been asked for.
    pub(super) fn arrived(&mut self, sequence: u64) -> bool {
        match self.gaps.binary_search_by_key(&sequence, |gap| gap.sequence) {
            Ok(at) => self.gaps.remove(at).tries > 0,
            Err(_) => false,
        }
    }

    /// Puts what is to be asked for now into `lost`. False if something has been given up.
    pub(super) fn due(&mut self, now: Micros, round_trip: Micros, lost: &mut Vec<u16>) -> bool {
        let before = self.gaps.len();
        self.gaps.retain(|gap| gap.tries < MAX_TRIES && now - gap.since < MAX_AGE);
        let retry = (round_trip + round_trip / 4).max(SHORTEST_RETRY);
        for gap in &mut self.gaps {
            let due = if gap.tries == 0 { now - gap.since >= REORDERING } else { now - gap.asked >= retry };
            if due {
                gap.tries += 1;
                gap.asked = now;
                lost.push(gap.sequence as u16);
            }
        }
        before == self.gaps.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(missing: &mut Missing, now: Micros) -> Vec<u16> {
        let mut lost = Vec::new();
        missing.due(now, 50 * MILLISECOND, &mut lost);
        lost
    }

    #[test]
    fn a_gap_is_asked_for_until_it_is_filled() {
        let mut missing = Missing::new();
        assert!(missing.gap(110, 3, 0));
        assert!(due(&mut missing, 5 * MILLISECOND).is_empty(), "may be reordering");
        assert!(!missing.arrived(108));
        assert_eq!(due(&mut missing, 12 * MILLISECOND), [107, 109]);
        assert!(due(&mut missing, 40 * MILLISECOND).is_empty(), "not sooner than a round trip");
        assert!(missing.arrived(109));
        assert_eq!(due(&mut missing, 80 * MILLISECOND), [107]);
        assert!(!missing.due(1_100 * MILLISECOND, 0, &mut Vec::new()) && missing.is_empty());
    }

    #[test]
    fn a_long_gap_is_given_up() {
        let mut missing = Missing::new();
        assert!(missing.gap(1_000, 100, 0));
        assert!(!missing.gap(1_100, 99, 0));
        assert!(missing.is_empty());
    }
}
