//! How much a subscriber may be sent.
//!
//! Simple and honest: the limit falls with loss and with growing delay, and rises slowly while both are
//! fine and it is being used. A full estimator (delay gradient, probing) takes the place of [`Budget`]
//! behind the same three inputs: what feedback says, what reports say, what has been sent.

use super::clock::{MILLISECOND, Micros, NEVER, SECOND};
use super::twcc_send::Outcome;

/// Before anything is known.
const START: u64 = 4_000_000;
const LEAST: u64 = 150_000;
const INTERVAL: Micros = 500 * MILLISECOND;
/// So few packets say something about loss only over a longer time.
const FEW: u32 = 20;
const LONG_INTERVAL: Micros = 2 * SECOND;
const HIGH_LOSS: f64 = 0.10;
const LOW_LOSS: f64 = 0.02;
const HIGH_DELAY: Micros = 150 * MILLISECOND;
const LOW_DELAY: Micros = 60 * MILLISECOND;
/// After a decrease nothing is decreased again before its effect can be seen.
const SETTLE: Micros = SECOND;
/// After a decrease the limit rises slowly for this long.
const CAUTION: Micros = 20 * SECOND;
/// The least delay of the path is looked for in a period of this length, and in the one before.
const PATH_PERIOD: Micros = 15 * SECOND;

#[derive(Debug)]
pub(super) struct Budget {
    limit: u64,
    cap: u64,
    received: u32,
    lost: i32,
    bytes: u64,
    delays: Micros,
    since: Micros,
    decreased: Micros,
    path: PathDelay,
    last_queue: Micros,
    loss: f64,
    /// Loss since the last decrease, which decides about the next.
    evidence: f64,
    queue: Micros,
    last_feedback: Micros,
}

/// The least delay of late: the clocks of both ends differ by a constant that is in it.
#[derive(Debug)]
struct PathDelay {
    before: Micros,
    present: Micros,
    since: Micros,
}

impl Budget {
    pub(super) fn new(cap: u64, now: Micros) -> Self {
        Budget {
            limit: START.min(cap),
            cap,
            received: 0,
            lost: 0,
            bytes: 0,
            delays: 0,
            since: now,
            decreased: NEVER,
            path: PathDelay { before: Micros::MAX, present: Micros::MAX, since: now },
            last_queue: 0,
            loss: 0.0,
            evidence: 0.0,
            queue: 0,
            last_feedback: NEVER,
        }
    }

    pub(super) fn limit(&self) -> u64 {
        self.limit
    }

    /// Of 1,000.
    pub(super) fn loss(&self) -> u32 {
        (self.loss * 1_000.0) as u32
    }

    /// How long packets wait on the way, beyond the least delay of the path.
    pub(super) fn queue(&self) -> Micros {
        self.queue
    }

    /// Transport-wide feedback came. True if the limit is another one now.
    pub(super) fn feedback(&mut self, outcome: &Outcome, now: Micros) -> bool {
        self.last_feedback = now;
        self.received += outcome.received;
        self.lost += outcome.lost;
        self.bytes += outcome.bytes;
        self.delays += outcome.delays;
        if outcome.received > 0 {
            self.path.observe(outcome.least_delay, now);
        }
        let few = self.received + self.lost.max(0) as u32 <= FEW;
        if now - self.since < if few { LONG_INTERVAL } else { INTERVAL } {
            return false;
        }
        let before = self.limit;
        self.judge(now);
        before != self.limit
    }

    /// A receiver report came, which counts for peers without transport-wide feedback. `rate` is what
    /// is being sent to them, in bits per second.
    pub(super) fn report(&mut self, fraction_lost: u8, rate: u64, now: Micros) -> bool {
        if now - self.last_feedback < 5 * SECOND {
            return false;
        }
        let before = self.limit;
        self.loss = f64::from(fraction_lost) / 256.0;
        self.evidence = self.loss;
        self.adjust(rate, 1.0, now);
        before != self.limit
    }

    fn judge(&mut self, now: Micros) {
        let seconds = (now - self.since) as f64 / SECOND as f64;
        let lost = self.lost.max(0) as u32;
        let total = self.received + lost;
        let loss = f64::from(lost) / f64::from(total.max(1));
        // Smoothed: a few losses more in half a second say nothing yet.
        self.loss += (loss - self.loss) * 0.4;
        self.evidence += (loss - self.evidence) * 0.4;
        self.last_queue = self.queue;
        if self.received > 0 {
            self.queue = self.delays / Micros::from(self.received) - self.path.least();
        }
        let rate = (self.bytes as f64 * 8.0 / seconds) as u64;
        self.adjust(rate, seconds.min(2.0), now);
        (self.received, self.lost, self.bytes, self.delays, self.since) = (0, 0, 0, 0, now);
    }

    /// `rate` has arrived over the last `seconds`.
    fn adjust(&mut self, rate: u64, seconds: f64, now: Micros) {
        let congested = self.queue > HIGH_DELAY && self.queue >= self.last_queue;
        if self.evidence > HIGH_LOSS || congested {
            if now - self.decreased >= SETTLE {
                let factor = if congested { 0.85 } else { 1.0 };
                let base = self.limit.min(rate + rate / 4) as f64;
                self.limit = (base * factor * (1.0 - 0.5 * self.evidence)) as u64;
                self.decreased = now;
                self.evidence = 0.0;
            }
        } else if self.evidence < LOW_LOSS && self.queue < LOW_DELAY {
            // What has never been tried is not known to work: the limit stays near what is being sent.
            let proven = (2 * rate + 1_000_000).max(START);
            let growth = if now - self.decreased < CAUTION { 0.03 } else { 0.10 };
            let raised = self.limit + (self.limit as f64 * growth * seconds) as u64;
            self.limit = raised.min(proven).max(self.limit);
        }
        self.limit = self.limit.clamp(LEAST.min(self.cap), self.cap);
    }
}

impl PathDelay {
    fn observe(&mut self, delay: Micros, now: Micros) {
        if now - self.since > PATH_PERIOD {
            self.before = self.present;
            self.present = delay;
            self.since = now;
        }
        self.present = self.present.min(delay);
    }

    fn least(&self) -> Micros {
        self.before.min(self.present)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A link of `capacity` with a buffer of 300 ms; `send` bits per second for `seconds`.
    struct Link {
        capacity: u64,
        queue: f64,
        now: Micros,
    }

    impl Link {
        fn run(&mut self, budget: &mut Budget, seconds: i64, wish: u64) {
            for _ in 0..seconds * 20 {
                let send = wish.min(budget.limit()) as f64 / 20.0;
                let room = self.capacity as f64 / 20.0;
                let offered = self.queue + send;
                let delivered = offered.min(room);
                let kept = (offered - delivered).min(self.capacity as f64 * 0.3);
                let dropped = offered - delivered - kept;
                self.queue = kept;
                let delay =
                    (self.queue / self.capacity as f64 * 1e6) as Micros + 20 * MILLISECOND + 12_345_678;
                let received = (delivered / 8_000.0).round() as u32;
                self.now += 50 * MILLISECOND;
                let outcome = Outcome {
                    received,
                    lost: (dropped / 8_000.0).round() as i32,
                    bytes: (delivered / 8.0) as u64,
                    delays: delay * Micros::from(received),
                    least_delay: delay,
                };
                budget.feedback(&outcome, self.now);
            }
        }
    }

    #[test]
    fn a_narrow_link_is_found_and_respected() {
        let mut budget = Budget::new(20_000_000, 0);
        let mut link = Link { capacity: 1_000_000, queue: 0.0, now: 0 };
        link.run(&mut budget, 10, 3_000_000);
        assert!(budget.limit() < 1_300_000, "{}", budget.limit());
        link.run(&mut budget, 30, 3_000_000);
        assert!((500_000..1_400_000).contains(&budget.limit()), "{}", budget.limit());
    }

    #[test]
    fn a_wide_link_is_used_up_to_the_cap() {
        let mut budget = Budget::new(15_000_000, 0);
        let mut link = Link { capacity: 100_000_000, queue: 0.0, now: 0 };
        link.run(&mut budget, 60, 50_000_000);
        assert_eq!(budget.limit(), 15_000_000);
    }

    #[test]
    fn what_is_not_used_is_not_believed() {
        let mut budget = Budget::new(50_000_000, 0);
        let mut link = Link { capacity: 100_000_000, queue: 0.0, now: 0 };
        link.run(&mut budget, 120, 300_000);
        assert_eq!(budget.limit(), START);
    }

    #[test]
    fn reports_count_only_without_feedback() {
        let mut budget = Budget::new(20_000_000, 0);
        assert!(budget.report(100, 2_000_000, SECOND) && budget.limit() < 2_500_000);
        budget.feedback(&Outcome::default(), 2 * SECOND);
        assert!(!budget.report(255, 2_000_000, 3 * SECOND));
    }
}
