//! Transport-wide congestion control, the sending side: numbers the packets to a subscriber and makes
//! losses and delays of its feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01).

use super::clock::{MILLISECOND, Micros, UNWRAP_START, unwrap};

/// Packets remembered: at 2,500 a second the feedback may take 800 ms.
const HISTORY: usize = 2_048;
const TICK: Micros = 250;
const REFERENCE: Micros = 64 * MILLISECOND;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Unknown,
    Sent,
    Lost,
    Received,
}

#[derive(Debug, Clone, Copy, Default)]
struct Departure {
    at: Micros,
    number: u16,
    bytes: u16,
    state: State,
}

/// What one feedback packet says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) received: u32,
    /// Negative when packets that were reported as lost have come after all.
    pub(super) lost: i32,
    /// Bytes of the received packets.
    pub(super) bytes: u64,
    /// Sum over the received packets of their delays. The clocks of both ends differ by a constant.
    pub(super) delays: Micros,
    pub(super) least_delay: Micros,
}

#[derive(Debug)]
pub(super) struct Departures {
    history: Box<[Departure]>,
    next: u16,
    /// Unwrapped reference time of the last feedback.
    reference: u64,
}

impl Departures {
    pub(super) fn new() -> Self {
        Departures {
            history: vec![Departure::default(); HISTORY].into_boxed_slice(),
            next: 1,
            reference: UNWRAP_START,
        }
    }

    /// The number for the packet that leaves now.
    #[inline]
    pub(super) fn next(&mut self, at: Micros, bytes: usize) -> u16 {
        let number = self.next;
        self.next = number.wrapping_add(1);
        self.history[usize::from(number) % HISTORY] =
            Departure { at, number, bytes: bytes as u16, state: State::Sent };
        number
    }

    /// Takes what follows the SSRCs of a feedback packet; None when it is malformed.
    pub(super) fn feedback(&mut self, body: &[u8]) -> Option<Outcome> {
        let (&[b0, b1, c0, c1, r0, r1, r2, _count], chunks) = body.split_first_chunk::<8>()?;
        let base = u16::from_be_bytes([b0, b1]);
        let count = u16::from_be_bytes([c0, c1]);
        let reference = u64::from(u32::from_be_bytes([0, r0, r1, r2]));
        self.reference = unwrap(self.reference, reference, 24);
        let mut arrival = (self.reference as Micros - UNWRAP_START as Micros) * REFERENCE;

        let mut deltas = Symbols::new(chunks, count).end()?;
        let mut outcome = Outcome { least_delay: Micros::MAX, ..Default::default() };
        for (offset, symbol) in Symbols::new(chunks, count).enumerate() {
            let departure = self.departure(base.wrapping_add(offset as u16));
            let delta = match symbol {
                1 => {
                    let (&delta, rest) = deltas.split_first()?;
                    deltas = rest;
                    Micros::from(delta)
                }
                2 => {
                    let (&delta, rest) = deltas.split_first_chunk::<2>()?;
                    deltas = rest;
                    Micros::from(i16::from_be_bytes(delta))
                }
                _ => {
                    if let Some(departure) = departure.filter(|departure| departure.state == State::Sent) {
                        departure.state = State::Lost;
                        outcome.lost += 1;
                    }
                    continue;
                }
            };
            arrival += delta * TICK;
            if let Some(departure) = departure {
                outcome.take(departure, arrival);
            }
        }
        Some(outcome)
    }

    fn departure(&mut self, number: u16) -> Option<&mut Departure> {
        let departure = &mut self.history[usize::from(number) % HISTORY];
        (departure.number == number && departure.state != State::Unknown).then_some(departure)
    }
}

impl Outcome {
    fn take(&mut self, departure: &mut Departure, arrival: Micros) {
        if departure.state == State::Received {
            return;
        }
        if departure.state == State::Lost {
            self.lost -= 1;
        }
        departure.state = State::Received;
        let delay = arrival - departure.at;
        self.received += 1;
        self.bytes += u64::from(departure.bytes);
        self.delays += delay;
        self.least_delay = self.least_delay.min(delay);
    }
}

/// The status symbols of a feedback packet.
struct Symbols<'a> {
    chunks: &'a [u8],
    remaining: u16,
    chunk: u16,
    /// Symbols left in `chunk`.
    left: u16,
}

impl<'a> Symbols<'a> {
    fn new(chunks: &'a [u8], count: u16) -> Self {
        Symbols { chunks, remaining: count, chunk: 0, left: 0 }
    }

    /// What comes after the last chunk; None when chunks are missing.
    fn end(mut self) -> Option<&'a [u8]> {
        while self.next().is_some() {}
        (self.remaining == 0).then_some(self.chunks)
    }
}

impl Iterator for Symbols<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if self.remaining == 0 {
            return None;
        }
        while self.left == 0 {
            let (&chunk, rest) = self.chunks.split_first_chunk::<2>()?;
            self.chunks = rest;
            self.chunk = u16::from_be_bytes(chunk);
            self.left = match self.chunk >> 14 {
                2 => 14,
                3 => 7,
                _ => self.chunk & 0x1fff,
            };
        }
        self.left -= 1;
        self.remaining -= 1;
        Some(match self.chunk >> 14 {
            2 => (self.chunk >> self.left & 1) as u8,
            3 => (self.chunk >> (2 * self.left) & 3) as u8,
            _ => (self.chunk >> 13 & 3) as u8,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::twcc_receive::Arrivals;
    use super::*;

    /// Sends packets through a path that loses and delays by `fate`, and returns the outcomes.
    fn exchange(count: u64, fate: impl Fn(u64) -> Option<Micros>) -> (Vec<Outcome>, u32) {
        let (mut departures, mut arrivals) = (Departures::new(), Arrivals::new());
        let mut outcomes = Vec::new();
        let mut delivered = 0;
        for packet in 0..count {
            let at = packet as Micros * MILLISECOND;
            let number = departures.next(at, 1_000);
            if let Some(delay) = fate(packet) {
                arrivals.record(number, at + delay + 777_777_777);
                delivered += 1;
            }
            if packet % 40 == 39 {
                while arrivals.pending() {
                    let mut bytes = Vec::new();
                    if arrivals.feedback(1, 2, &mut bytes) {
                        rtc_rtcp::packet::unmarshal(&mut &bytes[..]).expect("well-formed");
                        outcomes.push(departures.feedback(&bytes[12..]).expect("well-formed"));
                    }
                }
            }
        }
        (outcomes, delivered)
    }

    #[test]
    fn every_loss_and_every_delay_is_known_to_the_sender() {
        let mut random = fastrand::Rng::with_seed(7);
        let fates = (0..200_000)
            .map(|_| (random.u32(..100) >= 20).then(|| random.i64(1..90) * MILLISECOND))
            .collect::<Vec<_>>();
        let (outcomes, delivered) = exchange(200_000, |packet| fates[packet as usize]);
        let received = outcomes.iter().map(|outcome| outcome.received).sum::<u32>();
        let lost = outcomes.iter().map(|outcome| outcome.lost).sum::<i32>();
        assert_eq!(received, delivered);
        assert!((200_000 - delivered as i32 - lost).abs() < 50, "{lost}");
        let base = outcomes.iter().map(|outcome| outcome.least_delay).min().unwrap();
        let mean =
            outcomes.iter().map(|outcome| outcome.delays).sum::<Micros>() / Micros::from(received) - base;
        let true_mean = fates.iter().flatten().sum::<Micros>() / Micros::from(delivered) - MILLISECOND;
        assert!((mean - true_mean).abs() < 2 * TICK, "{mean} {true_mean}");
    }

    #[test]
    fn a_pause_longer_than_a_delta_splits_the_feedback() {
        let (mut departures, mut arrivals) = (Departures::new(), Arrivals::new());
        for at in [0, 10_000_000, 10_001_000] {
            arrivals.record(departures.next(at, 500), at);
        }
        let mut received = 0;
        while arrivals.pending() {
            let mut bytes = Vec::new();
            assert!(arrivals.feedback(1, 2, &mut bytes));
            received += departures.feedback(&bytes[12..]).unwrap().received;
        }
        assert_eq!(received, 3);
    }

    #[test]
    fn cut_feedback_is_refused() {
        let (mut departures, mut arrivals) = (Departures::new(), Arrivals::new());
        for at in 0..30 {
            arrivals.record(departures.next(at * 70_000, 500), at * 70_000);
        }
        let mut bytes = Vec::new();
        arrivals.feedback(1, 2, &mut bytes);
        for length in 0..bytes.len() - 16 {
            assert_eq!(departures.feedback(&bytes[12..12 + length]), None, "{length}");
        }
    }
}
