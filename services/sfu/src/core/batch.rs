//! Sealed packets that wait for the end of a burst, those of one peer side by side.
//!
//! One system call with segmentation offload sends several packets of one destination (measured: a quarter
//! of the cost per packet), if they lie next to each other and have one length, but for the last.

use crate::egress::PeerKey;

/// Fits a dozen large packets: longer trains gain little more, and a burst's slabs should stay in cache.
const SLAB_LEN: usize = 16 * 1024;
/// What the kernel takes as one train (UDP_MAX_SEGMENTS).
const MAX_SEGMENTS: usize = 64;
/// No packet that is larger can be for a network path.
pub(super) const MAX_PACKET: usize = 2_048;

/// A pool of buffers; it grows to the largest burst and is reused.
pub(super) struct Batches {
    slabs: Vec<Slab>,
    free: Vec<usize>,
    /// Filled or being filled, in the order of their first packet.
    queued: Vec<usize>,
    /// Counts flushes: what was open before one is not any more.
    round: u64,
}

struct Slab {
    to: PeerKey,
    bytes: Box<[u8; SLAB_LEN]>,
    len: usize,
    sizes: [u16; MAX_SEGMENTS],
    count: usize,
}

/// The slab that a peer's next packet goes into.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Open {
    slab: usize,
    round: u64,
}

impl Batches {
    pub(super) fn new() -> Batches {
        Batches { slabs: Vec::new(), free: Vec::new(), queued: Vec::new(), round: 1 }
    }

    /// Room for one packet of at most `need` bytes for `to`; afterwards call [`Batches::commit`].
    pub(super) fn room(&mut self, to: PeerKey, open: &mut Open, need: usize) -> &mut [u8] {
        let fits = |slab: &Slab| slab.count < MAX_SEGMENTS && slab.len + need <= SLAB_LEN;
        if open.round != self.round || !fits(&self.slabs[open.slab]) {
            *open = Open { slab: self.take(to), round: self.round };
        }
        let slab = &mut self.slabs[open.slab];
        &mut slab.bytes[slab.len..]
    }

    /// A packet of `len` bytes was written at the start of the room.
    pub(super) fn commit(&mut self, open: Open, len: usize) {
        let slab = &mut self.slabs[open.slab];
        slab.sizes[slab.count] = len as u16;
        slab.count += 1;
        slab.len += len;
    }

    pub(super) fn queued(&self) -> usize {
        self.queued.len()
    }

    /// Empties every queued slab: `send(to, datagrams, segment)` for each train.
    pub(super) fn flush(&mut self, mut send: impl FnMut(PeerKey, &[u8], usize)) {
        self.round += 1;
        for index in self.queued.drain(..) {
            let slab = &mut self.slabs[index];
            slab.trains(|datagrams, segment| send(slab.to, datagrams, segment));
            (slab.len, slab.count) = (0, 0);
            self.free.push(index);
        }
    }

    fn take(&mut self, to: PeerKey) -> usize {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slabs.push(Slab {
                to,
                bytes: Box::new([0; SLAB_LEN]),
                len: 0,
                sizes: [0; MAX_SEGMENTS],
                count: 0,
            });
            self.slabs.len() - 1
        });
        self.slabs[index].to = to;
        self.queued.push(index);
        index
    }
}

impl Slab {
    /// Runs of packets of one length, with at most one shorter packet at the end of each.
    fn trains(&self, mut send: impl FnMut(&[u8], usize)) {
        let (mut at, mut offset) = (0, 0);
        while at < self.count {
            let segment = self.sizes[at];
            let mut end = at + 1;
            while end < self.count && self.sizes[end] == segment {
                end += 1;
            }
            if end < self.count && self.sizes[end] < segment {
                end += 1;
            }
            let len: usize = self.sizes[at..end].iter().map(|size| usize::from(*size)).sum();
            send(&self.bytes[offset..offset + len], usize::from(segment));
            (at, offset) = (end, offset + len);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trains_have_one_length_but_for_the_last() {
        let mut batches = Batches::new();
        let mut open = Open::default();
        let sizes = [100, 100, 100, 40, 50, 50, 60, 10, 10];
        for (value, size) in sizes.iter().enumerate() {
            batches.room(PeerKey(1), &mut open, MAX_PACKET)[..*size].fill(value as u8);
            batches.commit(open, *size);
        }
        let mut trains = Vec::new();
        batches.flush(|_, bytes, segment| trains.push((bytes.len(), segment)));
        assert_eq!(trains, [(340, 100), (100, 50), (70, 60), (10, 10)]);
    }

    #[test]
    fn everything_arrives_in_order_and_slabs_are_reused() {
        let mut random = fastrand::Rng::with_seed(1);
        let mut batches = Batches::new();
        for _ in 0..50 {
            let mut open = [Open::default(); 3];
            let (mut sent, mut received) = ([(); 3].map(|()| Vec::new()), [(); 3].map(|()| Vec::new()));
            for _ in 0..300 {
                let (to, len) = (random.usize(0..3), random.usize(1..1_200));
                let value = random.u8(..);
                batches.room(PeerKey(to as u32), &mut open[to], 1_300)[..len].fill(value);
                batches.commit(open[to], len);
                sent[to].push((len, value));
            }
            batches.flush(|to, bytes, segment| {
                assert!(bytes.len() <= SLAB_LEN && bytes.chunks(segment).count() <= MAX_SEGMENTS);
                received[to.0 as usize].extend(bytes.chunks(segment).map(|chunk| (chunk.len(), chunk[0])));
            });
            assert_eq!(sent, received);
            assert_eq!(batches.queued(), 0);
        }
        assert!(batches.slabs.len() < 40, "{} slabs", batches.slabs.len());
    }
}
