//! Deadlines. A timer that has become pointless is not taken back: whoever it wakes looks at the state.

use super::output::{ConnectionId, Now, Output, RoomId};
use super::{Rooms, Stage};
use plenum_protocol::PersonId;
use plenum_protocol::server::{LeaveReason, RefusalReason};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// Between looks at who is connected to the SFU.
const SURVEY_EVERY: Duration = Duration::from_secs(60);
/// Between looks for rooms that have expired.
const SWEEP_EVERY: Duration = Duration::from_secs(600);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    Greeting(ConnectionId),
    Seat(RoomId, PersonId),
    /// Asks a client for a new media connection after the SFU did not answer it.
    MediaRetry(RoomId, PersonId),
    Survey,
    Sweep,
}

#[derive(Debug, Default)]
pub(super) struct Timers(BinaryHeap<Reverse<(Duration, Timer)>>);

impl Timers {
    pub(super) fn set(&mut self, at: Duration, timer: Timer) {
        self.0.push(Reverse((at, timer)));
    }

    fn pop_due(&mut self, now: Duration) -> Option<Timer> {
        let due = self.0.peek().is_some_and(|Reverse((at, _))| *at <= now);
        if due { self.0.pop().map(|Reverse((_, timer))| timer) } else { None }
    }
}

impl Rooms {
    /// When [`Rooms::advance`] is to be called next.
    pub fn deadline(&self) -> Option<Duration> {
        self.timers.0.peek().map(|Reverse((at, _))| *at)
    }

    /// Does what has become due.
    pub fn advance(&mut self, now: Now) {
        self.now = now;
        while let Some(timer) = self.timers.pop_due(now.mono) {
            match timer {
                Timer::Greeting(id) => self.greeting_due(id),
                Timer::Seat(room, person) => self.seat_due(room, person),
                Timer::MediaRetry(room, person) => self.offer_again(room, person),
                Timer::Survey => {
                    self.survey();
                    self.timers.set(now.mono + SURVEY_EVERY, Timer::Survey);
                }
                Timer::Sweep => {
                    self.sweep();
                    self.timers.set(now.mono + SWEEP_EVERY, Timer::Sweep);
                }
            }
        }
    }

    pub(super) fn start_timers(&mut self) {
        // Once after the time that a seat is kept: who is not back by then is disconnected from the SFU.
        self.timers.set(self.now.mono + self.config.seat_time + Duration::from_secs(1), Timer::Survey);
        self.timers.set(self.now.mono, Timer::Sweep);
    }

    fn greeting_due(&mut self, id: ConnectionId) {
        if self.connections.get(&id).is_some_and(|connection| connection.stage == Stage::Greeting) {
            self.refuse_hello(id, RefusalReason::InvalidHello, None);
        }
    }

    fn seat_due(&mut self, room: RoomId, person: PersonId) {
        let now = self.now.mono;
        let due =
            self.seat(room, person).is_some_and(|seat| seat.connection.is_none() && seat.kept_until <= now);
        if due {
            self.depart(room, person, LeaveReason::TimedOut);
        }
    }

    /// Deletes what has reached its time.
    fn sweep(&mut self) {
        let now = self.now.mono;
        self.throttle.forget(now);
        self.openings.retain(|_, bucket| !bucket.is_full(now));
        if self.may_expire(self.now) {
            self.expire_rooms();
            self.expire_chat();
        }
    }

    pub(super) fn survey(&mut self) {
        if self.media.up {
            self.media.surveyed_at = self.now.mono;
            self.out.push(Output::Survey);
        }
    }
}
