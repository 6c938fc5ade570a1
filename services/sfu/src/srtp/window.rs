//! Packet indices and the replay window (RFC 3711 §3.3.1, §3.3.2).

use super::Refusal;

/// As many as libwebrtc keeps: half a second of a large screen share.
const SIZE: u64 = 1024;
const WORDS: usize = SIZE as usize / 64;

/// The highest index of one source, and which of the [`SIZE`] up to it were used.
pub(super) struct Window {
    highest: Option<u64>,
    used: [u64; WORDS],
}

impl Window {
    pub(super) const fn new() -> Window {
        Window { highest: None, used: [0; WORDS] }
    }

    /// The 48-bit index that a 16-bit sequence number most probably stands for: roll-over counter and
    /// sequence number. `None` before the first roll-over counter or past the last one.
    pub(super) fn index_of(&self, sequence: u16) -> Option<u64> {
        let sequence = u64::from(sequence);
        let Some(highest) = self.highest else { return Some(sequence) };
        let (counter, last) = (highest >> 16, highest & 0xffff);
        let counter = if last < 0x8000 && sequence > last + 0x8000 {
            counter.checked_sub(1)?
        } else if last >= 0x8000 && sequence < last - 0x8000 {
            counter + 1
        } else {
            counter
        };
        (counter <= u64::from(u32::MAX)).then_some(counter << 16 | sequence)
    }

    pub(super) fn check(&self, index: u64) -> Result<(), Refusal> {
        match self.highest {
            Some(highest) if index + SIZE <= highest => Err(Refusal::Old),
            Some(highest) if index <= highest && self.is_used(index) => Err(Refusal::Replayed),
            _ => Ok(()),
        }
    }

    /// Marks an index that [`Window::check`] let pass, once its packet proved authentic.
    pub(super) fn mark(&mut self, index: u64) {
        match self.highest {
            Some(highest) if index <= highest => {}
            Some(highest) if index - highest < SIZE => {
                for passed in highest + 1..index {
                    self.used[word(passed)] &= !bit(passed);
                }
                self.highest = Some(index);
            }
            _ => {
                self.used = [0; WORDS];
                self.highest = Some(index);
            }
        }
        self.used[word(index)] |= bit(index);
    }

    fn is_used(&self, index: u64) -> bool {
        self.used[word(index)] & bit(index) != 0
    }
}

fn word(index: u64) -> usize {
    (index % SIZE / 64) as usize
}

fn bit(index: u64) -> u64 {
    1 << (index % 64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn sequence_numbers_roll_over() {
        let mut window = Window::new();
        for index in 65_000..200_000u64 {
            // Starts in the first round, as libwebrtc's senders do.
            let index = index - 60_000;
            assert_eq!(window.index_of(index as u16), Some(index));
            assert_eq!(window.check(index), Ok(()));
            window.mark(index);
        }
        let highest = 139_999u64;
        assert_eq!(window.index_of((highest - 500) as u16), Some(highest - 500));
        assert_eq!(window.check(highest - 500), Err(Refusal::Replayed));
        assert_eq!(window.check(highest - 1024), Err(Refusal::Old));
    }

    #[test]
    fn a_number_before_the_first_round_has_no_index() {
        let mut window = Window::new();
        window.mark(3);
        assert_eq!(window.index_of(65_535), None);
    }

    /// Against a set of all indices ever marked, with jumps, reordering and repetitions.
    #[test]
    fn agrees_with_a_naive_model() {
        let mut random = fastrand::Rng::with_seed(1);
        let (mut window, mut marked, mut highest) = (Window::new(), HashSet::new(), None::<u64>);
        for _ in 0..200_000 {
            let around = highest.unwrap_or(40_000);
            let index = match random.u32(0..100) {
                0 => around + random.u64(0..3_000),
                1..60 => around + random.u64(0..4),
                _ => around.saturating_sub(random.u64(0..1_200)),
            };
            let expected = match highest {
                Some(highest) if index + SIZE <= highest => Err(Refusal::Old),
                _ if marked.contains(&index) => Err(Refusal::Replayed),
                _ => Ok(()),
            };
            assert_eq!(window.check(index), expected, "index {index}, highest {highest:?}");
            if expected.is_ok() {
                window.mark(index);
                marked.insert(index);
                highest = highest.max(Some(index));
            }
        }
    }
}
