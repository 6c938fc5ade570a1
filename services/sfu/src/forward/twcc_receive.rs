//! Transport-wide congestion control, the receiving side: tells a publisher when its packets arrived
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1).

use super::clock::{MILLISECOND, Micros, UNWRAP_START, unwrap};
use super::rtcp::{TRANSPORT_CC, TRANSPORT_FEEDBACK};
use super::rtcp_write::finish;

/// Browsers settle at 4.6–5.5 Mbit/s with feedback at this interval.
pub(super) const INTERVAL: Micros = 40 * MILLISECOND;

const WINDOW: u64 = 1_024;
const MAX_STATUSES: usize = 400;
const TICK: Micros = 250;
const REFERENCE: Micros = 64 * MILLISECOND;

const MISSING: u8 = 0;
const SMALL: u8 = 1;
const LARGE: u8 = 2;

#[derive(Debug)]
pub(super) struct Arrivals {
    /// `(number, time)` of the packets of the window, by number modulo its size.
    window: Box<[(u64, Micros)]>,
    highest: u64,
    /// The first number that the next feedback reports.
    base: u64,
    started: bool,
    count: u8,
}

impl Arrivals {
    pub(super) fn new() -> Self {
        Arrivals {
            window: vec![(0, 0); WINDOW as usize].into_boxed_slice(),
            highest: UNWRAP_START,
            base: UNWRAP_START,
            started: false,
            count: 0,
        }
    }

    pub(super) fn record(&mut self, number: u16, at: Micros) {
        if !self.started {
            self.started = true;
            self.highest = UNWRAP_START + u64::from(number) - 1;
            self.base = self.highest + 1;
        }
        let number = unwrap(self.highest, u64::from(number), 16);
        if number + WINDOW <= self.highest {
            return;
        }
        self.highest = self.highest.max(number);
        // A straggler is reported again from its number on, as libwebrtc does.
        self.base = self.base.min(number).max((self.highest + 1).saturating_sub(WINDOW));
        let entry = &mut self.window[(number % WINDOW) as usize];
        if entry.0 != number {
            *entry = (number, at);
        }
    }

    pub(super) fn pending(&self) -> bool {
        self.base <= self.highest && self.started
    }

    /// Appends one feedback packet; false when there is nothing to tell.
    pub(super) fn feedback(&mut self, from: u32, media: u32, out: &mut Vec<u8>) -> bool {
        let Some(first) = (self.base..=self.highest).find_map(|number| self.arrival(number)) else {
            self.base = self.highest + 1;
            return false;
        };
        let reference = first.div_euclid(REFERENCE);
        let mut statuses = [MISSING; MAX_STATUSES];
        let mut deltas = [0i16; MAX_STATUSES];
        let mut count = 0;
        let mut ticks = reference * (REFERENCE / TICK);
        for number in self.base..=self.highest {
            if count == MAX_STATUSES {
                break;
            }
            if let Some(at) = self.arrival(number) {
                let Ok(delta) = i16::try_from(at.div_euclid(TICK) - ticks) else { break };
                ticks += Micros::from(delta);
                statuses[count] = if (0..=255).contains(&delta) { SMALL } else { LARGE };
                deltas[count] = delta;
            }
            count += 1;
        }

        let start = out.len();
        out.extend_from_slice(&[0x80 | TRANSPORT_CC, TRANSPORT_FEEDBACK, 0, 0]);
        out.extend_from_slice(&from.to_be_bytes());
        out.extend_from_slice(&media.to_be_bytes());
        out.extend_from_slice(&(self.base as u16).to_be_bytes());
        out.extend_from_slice(&(count as u16).to_be_bytes());
        out.extend_from_slice(&(reference as u32).to_be_bytes()[1..]);
        out.push(self.count);
        write_chunks(&statuses[..count], out);
        for (&status, &delta) in statuses[..count].iter().zip(&deltas) {
            match status {
                SMALL => out.push(delta as u8),
                LARGE => out.extend_from_slice(&delta.to_be_bytes()),
                _ => {}
            }
        }
        out.resize(start + (out.len() - start).next_multiple_of(4), 0);
        finish(out, start);
        self.count = self.count.wrapping_add(1);
        self.base += count as u64;
        true
    }

    fn arrival(&self, number: u64) -> Option<Micros> {
        let entry = self.window[(number % WINDOW) as usize];
        (entry.0 == number).then_some(entry.1)
    }
}

/// Run lengths where they pay, else vectors of 14 one-bit or 7 two-bit symbols.
fn write_chunks(mut statuses: &[u8], out: &mut Vec<u8>) {
    while let Some(&first) = statuses.first() {
        let run = statuses.iter().take_while(|&&status| status == first).count().min(0x1fff);
        let (chunk, used) = if run >= 14 || run == statuses.len() {
            ((u16::from(first) << 13) | run as u16, run)
        } else if statuses.iter().take(14).all(|&status| status != LARGE) {
            let bits = statuses.iter().take(14).enumerate();
            (bits.fold(0x8000, |chunk, (at, &status)| chunk | (u16::from(status) << (13 - at))), 14)
        } else {
            let pairs = statuses.iter().take(7).enumerate();
            (pairs.fold(0xc000, |chunk, (at, &status)| chunk | (u16::from(status) << (12 - 2 * at))), 7)
        };
        out.extend_from_slice(&chunk.to_be_bytes());
        statuses = &statuses[used.min(statuses.len())..];
    }
}
