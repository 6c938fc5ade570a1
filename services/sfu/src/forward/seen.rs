//! Tells repeated packets from late ones.

/// How many of the last packets can be told from repeated ones.
const SEEN: u64 = 1_024;

/// Which of the last packets have come.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    bits: [u64; (SEEN / 64) as usize],
    highest: u64,
}

/// What a sequence number is to [`Seen`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Novelty {
    /// The highest so far, with the number of those left out before it.
    Next {
        skipped: u64,
    },
    Late,
    Duplicate,
}

impl Seen {
    pub(super) fn starting_at(first: u64) -> Self {
        Seen { bits: [0; (SEEN / 64) as usize], highest: first - 1 }
    }

    pub(super) fn highest(&self) -> u64 {
        self.highest
    }

    pub(super) fn take(&mut self, sequence: u64) -> Novelty {
        if sequence > self.highest {
            let skipped = sequence - self.highest - 1;
            for between in (sequence.saturating_sub(SEEN).max(self.highest) + 1)..sequence {
                self.set(between, false);
            }
            self.highest = sequence;
            self.set(sequence, true);
            return Novelty::Next { skipped };
        }
        if !self.remembers(sequence) || self.has(sequence) {
            return Novelty::Duplicate;
        }
        self.set(sequence, true);
        Novelty::Late
    }

    /// Whether it can still tell if this packet has come.
    pub(super) fn remembers(&self, sequence: u64) -> bool {
        sequence + SEEN > self.highest
    }

    fn has(&self, sequence: u64) -> bool {
        let bit = sequence % SEEN;
        self.bits[(bit / 64) as usize] >> (bit % 64) & 1 == 1
    }

    fn set(&mut self, sequence: u64, to: bool) {
        let bit = sequence % SEEN;
        let mask = 1 << (bit % 64);
        let word = &mut self.bits[(bit / 64) as usize];
        *word = if to { *word | mask } else { *word & !mask };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_packets_are_told_from_late_ones() {
        let mut seen = Seen::starting_at(5_000);
        assert_eq!(seen.take(5_000), Novelty::Next { skipped: 0 });
        assert_eq!(seen.take(5_003), Novelty::Next { skipped: 2 });
        assert_eq!(seen.take(5_001), Novelty::Late);
        assert_eq!(seen.take(5_001), Novelty::Duplicate);
        assert_eq!(seen.take(5_003), Novelty::Duplicate);
        assert_eq!(seen.take(9_000), Novelty::Next { skipped: 5_996 - 2_000 });
        assert_eq!(seen.take(8_999), Novelty::Late);
        assert_eq!(seen.take(7_000), Novelty::Duplicate, "too old to tell");
    }
}
