//! The packets of one publisher's stream that may be asked for again.

const SMALLEST_BYTES: usize = 64 * 1024;
const LARGEST_BYTES: usize = 1024 * 1024;
/// Bytes of the ring for each packet that it can name.
const BYTES_PER_ENTRY: usize = 256;

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    sequence: u64,
    /// Counts all bytes ever written.
    position: u64,
    length: u16,
}

/// Bytes in a circle, and where the packets are in it by sequence number.
#[derive(Debug)]
pub(super) struct Ring {
    bytes: Box<[u8]>,
    entries: Box<[Entry]>,
    written: u64,
}

impl Ring {
    pub(super) fn new() -> Self {
        Self::with_bytes(SMALLEST_BYTES)
    }

    fn with_bytes(bytes: usize) -> Self {
        Ring {
            bytes: vec![0; bytes].into_boxed_slice(),
            entries: vec![Entry::default(); bytes / BYTES_PER_ENTRY].into_boxed_slice(),
            written: 0,
        }
    }

    /// Sequence numbers are unwrapped and never 0.
    pub(super) fn push(&mut self, sequence: u64, packet: &[u8]) {
        let size = self.bytes.len();
        if packet.len() > size {
            return;
        }
        let mut at = (self.written % size as u64) as usize;
        if at + packet.len() > size {
            self.written += (size - at) as u64;
            at = 0;
        }
        self.bytes[at..at + packet.len()].copy_from_slice(packet);
        let slot = (sequence % self.entries.len() as u64) as usize;
        self.entries[slot] = Entry { sequence, position: self.written, length: packet.len() as u16 };
        self.written += packet.len() as u64;
    }

    pub(super) fn get(&self, sequence: u64) -> Option<&[u8]> {
        let entry = self.entries[(sequence % self.entries.len() as u64) as usize];
        if entry.sequence != sequence || entry.position + (self.bytes.len() as u64) < self.written {
            return None;
        }
        let at = (entry.position % self.bytes.len() as u64) as usize;
        self.bytes.get(at..at + usize::from(entry.length))
    }

    /// Grows until it holds one second at this rate.
    pub(super) fn fit(&mut self, bytes_per_second: u64) {
        let wanted = (bytes_per_second as usize + bytes_per_second as usize / 4)
            .next_power_of_two()
            .clamp(SMALLEST_BYTES, LARGEST_BYTES);
        if wanted <= self.bytes.len() {
            return;
        }
        let mut larger = Ring::with_bytes(wanted);
        let mut kept =
            self.entries.iter().filter(|entry| self.get(entry.sequence).is_some()).collect::<Vec<_>>();
        kept.sort_unstable_by_key(|entry| entry.position);
        for entry in kept {
            if let Some(packet) = self.get(entry.sequence) {
                larger.push(entry.sequence, packet);
            }
        }
        *self = larger;
    }

    /// Forgets everything, for another stream.
    pub(super) fn clear(&mut self) {
        self.entries.fill(Entry::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_gives_back_what_still_fits() {
        let mut ring = Ring::new();
        let packet = |sequence: u64| vec![sequence as u8; 900 + (sequence % 300) as usize];
        for sequence in 1..=1_000 {
            ring.push(sequence, &packet(sequence));
            assert_eq!(ring.get(sequence), Some(&packet(sequence)[..]));
        }
        assert_eq!(ring.get(1_001), None);
        assert_eq!(ring.get(900), None, "overwritten");
        for sequence in 950..=1_000 {
            assert_eq!(ring.get(sequence), Some(&packet(sequence)[..]), "{sequence}");
        }
    }

    #[test]
    fn growing_keeps_the_packets() {
        let mut ring = Ring::new();
        for sequence in 1..=50 {
            ring.push(sequence, &[sequence as u8; 1_000]);
        }
        ring.fit(300_000);
        assert_eq!(ring.bytes.len(), 512 * 1024);
        for sequence in 1..=50 {
            assert_eq!(ring.get(sequence), Some(&[sequence as u8; 1_000][..]));
        }
        ring.clear();
        assert_eq!(ring.get(50), None);
    }
}
