//! When problems of the box are mailed: once when they have come, and once when they are gone. Time is an argument.

use plenum_protocol::manager::{AcmeFailure, Problem};
use std::time::Duration;

/// A daemon that starts again is no news.
const COME_AFTER: Duration = Duration::from_secs(3 * 60);
/// What comes back within it was not gone.
const GONE_AFTER: Duration = Duration::from_secs(10 * 60);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notice {
    pub appeared: Vec<Problem>,
    /// As they were told.
    pub gone: Vec<Problem>,
}

impl Notice {
    pub fn is_empty(&self) -> bool {
        self.appeared.is_empty() && self.gone.is_empty()
    }
}

#[derive(Debug)]
struct Seen {
    /// Without what changes.
    problem: Problem,
    since: Duration,
    last: Duration,
}

#[derive(Debug, Default)]
pub struct Notices {
    /// Those that were mailed and are not yet over.
    told: Vec<Problem>,
    seen: Vec<Seen>,
}

impl Notices {
    /// `told`: of an earlier run.
    pub fn new(told: Vec<Problem>, now: Duration) -> Notices {
        let seen = told.iter().map(|it| Seen { problem: lasting(it), since: now, last: now }).collect();
        Notices { told, seen }
    }

    pub fn told(&self) -> &[Problem] {
        &self.told
    }

    /// What is to be mailed now. It stays so until [`Notices::sent`] says that it was.
    pub fn look(&mut self, problems: &[Problem], now: Duration) -> Notice {
        for problem in problems {
            let problem = lasting(problem);
            match self.seen.iter_mut().find(|seen| seen.problem == problem) {
                Some(seen) => seen.last = now,
                None => self.seen.push(Seen { problem, since: now, last: now }),
            }
        }
        let told = |problem: &Problem| self.told.iter().any(|it| lasting(it) == *problem);
        // Those that nobody was told of are forgotten at once.
        self.seen.retain(|seen| seen.last == now || told(&seen.problem));
        let has_come = |problem: &&Problem| {
            let problem = lasting(problem);
            !told(&problem)
                && self.seen.iter().any(|it| it.problem == problem && now >= it.since + COME_AFTER)
        };
        let is_gone = |told: &&Problem| {
            let told = lasting(told);
            self.seen.iter().any(|it| it.problem == told && now >= it.last + GONE_AFTER)
        };
        Notice {
            appeared: problems.iter().filter(has_come).cloned().collect(),
            gone: self.told.iter().filter(is_gone).cloned().collect(),
        }
    }

    pub fn sent(&mut self, notice: &Notice) {
        self.told.extend(notice.appeared.iter().cloned());
        self.told.retain(|problem| !notice.gone.contains(problem));
        self.seen.retain(|seen| !notice.gone.iter().any(|it| lasting(it) == seen.problem));
    }

    /// Nobody wants to know any more.
    pub fn forget(&mut self) {
        self.told.clear();
    }
}

/// What stays the same as long as it is the same problem.
fn lasting(problem: &Problem) -> Problem {
    match problem {
        Problem::LowDisk { .. } => Problem::LowDisk { free_megabytes: 0 },
        Problem::CertificateExpires { .. } => Problem::CertificateExpires { days: 0 },
        Problem::NotApplied { area, .. } => Problem::NotApplied { area: *area, detail: String::new() },
        Problem::CertificateNotRenewed { failure } => Problem::CertificateNotRenewed {
            failure: AcmeFailure { at: 0, detail: String::new(), ..failure.clone() },
        },
        Problem::BackupFailed { .. } => Problem::BackupFailed { detail: String::new() },
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenum_protocol::manager::AcmeReason;

    fn at(minutes: u64) -> Duration {
        Duration::from_secs(minutes * 60)
    }

    fn disk(free_megabytes: u32) -> Problem {
        Problem::LowDisk { free_megabytes }
    }

    fn mailed(notices: &mut Notices, problems: &[Problem], minutes: u64) -> Notice {
        let notice = notices.look(problems, at(minutes));
        notices.sent(&notice);
        notice
    }

    #[test]
    fn a_problem_is_mailed_once_when_it_comes_and_once_when_it_is_gone() {
        let mut notices = Notices::default();
        for minute in 0..60 {
            let notice = mailed(&mut notices, &[disk(500 - minute as u32)], minute);
            let appeared = if minute == 3 { vec![disk(497)] } else { vec![] };
            assert_eq!(notice, Notice { appeared, gone: vec![] }, "{minute}");
        }
        for minute in 60..100 {
            let notice = mailed(&mut notices, &[], minute);
            let gone = if minute == 69 { vec![disk(497)] } else { vec![] };
            assert_eq!(notice, Notice { appeared: vec![], gone }, "{minute}");
        }
        assert!(notices.told().is_empty() && notices.seen.is_empty());
    }

    #[test]
    fn what_comes_and_goes_is_mailed_once() {
        let mut notices = Notices::default();
        let mut sent = 0;
        for minute in 0..200 {
            // Gone for four minutes of every nine.
            let problems = if minute % 9 < 5 { vec![Problem::PagesSilent] } else { vec![] };
            sent += usize::from(!mailed(&mut notices, &problems, minute).is_empty());
        }
        assert_eq!(sent, 1);
        // Shorter than a restart takes.
        let mut notices = Notices::default();
        for minute in 0..200 {
            let problems = if minute % 9 < 3 { vec![Problem::PagesSilent] } else { vec![] };
            assert!(mailed(&mut notices, &problems, minute).is_empty());
        }
    }

    #[test]
    fn attempts_that_fail_again_and_again_are_one_problem() {
        let mut notices = Notices::default();
        let mut sent = 0;
        for minute in 0..600 {
            let detail = format!("attempt {}", minute / 20);
            let failure = AcmeFailure {
                reason: AcmeReason::Dns,
                name: "box".into(),
                detail: detail.clone(),
                at: minute,
            };
            let problems = [Problem::CertificateNotRenewed { failure }, Problem::BackupFailed { detail }];
            sent += usize::from(!mailed(&mut notices, &problems, minute).is_empty());
        }
        assert_eq!(sent, 1);
    }

    #[test]
    fn what_could_not_be_mailed_is_mailed_later() {
        let mut notices = Notices::default();
        let problems = [Problem::NoAddress];
        notices.look(&problems, at(0));
        for minute in 3..30 {
            assert_eq!(notices.look(&problems, at(minute)).appeared, problems);
        }
        assert_eq!(mailed(&mut notices, &problems, 30).appeared, problems);
        assert!(notices.look(&problems, at(31)).is_empty());
    }

    #[test]
    fn a_restart_forgets_nothing_that_was_mailed() {
        let mut notices = Notices::default();
        let failed = Problem::UnitFailed { unit: "plenum-sfu.service".into() };
        mailed(&mut notices, std::slice::from_ref(&failed), 0);
        mailed(&mut notices, std::slice::from_ref(&failed), 3);
        let mut notices = Notices::new(notices.told().to_vec(), at(0));
        assert!(mailed(&mut notices, std::slice::from_ref(&failed), 5).is_empty());
        assert!(mailed(&mut notices, &[], 14).is_empty());
        assert_eq!(mailed(&mut notices, &[], 15).gone, [failed]);
    }
}
