//! A network that loses, delays, reorders and queues, by a seed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// One direction of one client's way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Path {
    /// Of 100.
    pub(crate) loss: f64,
    /// Microseconds.
    pub(crate) delay: i64,
    /// Added at random; more than the distance of packets means reordering.
    pub(crate) jitter: i64,
    /// Bits per second, with a queue of 300 ms.
    pub(crate) capacity: Option<u64>,
    /// When the queue is empty.
    pub(crate) busy_until: i64,
}

impl Default for Path {
    fn default() -> Self {
        Path { loss: 0.0, delay: 5_000, jitter: 0, capacity: None, busy_until: 0 }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Datagram {
    pub(crate) at: i64,
    number: u64,
    /// The client, and whether it is the receiver.
    pub(crate) client: usize,
    pub(crate) down: bool,
    pub(crate) rtcp: bool,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) struct Network {
    pub(crate) random: fastrand::Rng,
    queue: BinaryHeap<Reverse<Datagram>>,
    sent: u64,
}

impl Network {
    pub(crate) fn new(seed: u64) -> Self {
        Network { random: fastrand::Rng::with_seed(seed), queue: BinaryHeap::new(), sent: 0 }
    }

    pub(crate) fn send(
        &mut self,
        path: &mut Path,
        now: i64,
        client: usize,
        down: bool,
        rtcp: bool,
        bytes: Vec<u8>,
    ) {
        if self.random.f64() * 100.0 < path.loss {
            return;
        }
        let mut at = now + path.delay;
        if path.jitter > 0 {
            at += self.random.i64(0..path.jitter);
        }
        if let Some(capacity) = path.capacity {
            let start = path.busy_until.max(now);
            if start - now > 300_000 {
                return;
            }
            path.busy_until = start + (bytes.len() as i64 + 40) * 8 * 1_000_000 / capacity as i64;
            at += path.busy_until - now;
        }
        self.sent += 1;
        self.queue.push(Reverse(Datagram { at, number: self.sent, client, down, rtcp, bytes }));
    }

    pub(crate) fn due(&mut self, now: i64) -> Option<Datagram> {
        if self.queue.peek()?.0.at > now {
            return None;
        }
        self.queue.pop().map(|datagram| datagram.0)
    }
}
