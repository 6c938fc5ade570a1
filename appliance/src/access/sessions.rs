//! Who is signed in (AU8), and the second factor that waits for its first code. Both live in memory only: a restart of
//! the daemon signs everybody out.

use super::second_factor::SecondFactor;
use plenum_daemon::secret::{Digest, Secret};
use plenum_protocol::manager::{AdminRole, SESSION_IDLE_SECONDS};
use std::collections::HashMap;
use std::time::Duration;

/// Without a request that a person made.
const IDLE: Duration = Duration::from_secs(SESSION_IDLE_SECONDS as u64);
/// After signing in, whatever happens.
pub const LONGEST: Duration = Duration::from_secs(10 * 3600);
/// Of one account; the oldest goes.
const MAX_PER_ACCOUNT: usize = 8;

/// In whose name a request is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Somebody who knew the setup code.
    Setup,
    Account {
        name: String,
        role: AdminRole,
    },
}

#[derive(Debug)]
struct Session {
    who: Who,
    csrf: Secret,
    began: Duration,
    seen: Duration,
    /// Shown to this person, until they have typed a code of it.
    offered: Option<SecondFactor>,
}

/// What a browser gets when somebody signs in.
#[derive(Debug)]
pub struct Opened {
    /// For the cookie.
    pub token: Secret,
    /// For the header of every request that changes something.
    pub csrf: Secret,
}

/// Of a request, by its cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Current {
    pub who: Who,
    pub csrf: Secret,
    /// Until the session ends unless a person makes a call.
    pub idle_left: Duration,
    /// Until it ends whatever happens.
    pub left: Duration,
}

/// Times are since the start of the daemon.
#[derive(Debug, Default)]
pub struct Sessions(HashMap<Digest, Session>);

impl Sessions {
    /// `fill` provides random bytes.
    pub fn open(&mut self, who: Who, now: Duration, fill: &mut dyn FnMut(&mut [u8])) -> Opened {
        self.0.retain(|_, session| session.lives(now));
        self.make_room(&who);
        let (token, csrf) = (Secret::random(fill), Secret::random(fill));
        let session = Session { who, csrf: csrf.clone(), began: now, seen: now, offered: None };
        self.0.insert(token.digest(), session);
        Opened { token, csrf }
    }

    /// The session of this cookie. It has been used now, if it was a person who asked.
    pub fn current(&mut self, token: &str, attended: bool, now: Duration) -> Option<Current> {
        let digest = Digest::of(token.as_bytes());
        let session = self.0.get_mut(&digest)?;
        if !session.lives(now) {
            self.0.remove(&digest);
            return None;
        }
        if attended {
            session.seen = now;
        }
        let idle_left = (session.seen + IDLE).saturating_sub(now);
        let left = (session.began + LONGEST).saturating_sub(now);
        Some(Current { who: session.who.clone(), csrf: session.csrf.clone(), idle_left, left })
    }

    pub fn offer(&mut self, token: &str, factor: SecondFactor) {
        if let Some(session) = self.0.get_mut(&Digest::of(token.as_bytes())) {
            session.offered = Some(factor);
        }
    }

    pub fn offered(&self, token: &str) -> Option<SecondFactor> {
        self.0.get(&Digest::of(token.as_bytes()))?.offered.clone()
    }

    /// Signs the account out everywhere but here, where a new second factor holds now.
    pub fn renewed(&mut self, account: &str, token: &str) {
        let here = Digest::of(token.as_bytes());
        self.0.retain(|digest, session| *digest == here || !session.who.is(account));
        if let Some(session) = self.0.get_mut(&here) {
            session.offered = None;
        }
    }

    pub fn close(&mut self, token: &str) {
        self.0.remove(&Digest::of(token.as_bytes()));
    }

    /// Signs an account out everywhere: its password, its role or its second factor has changed, or it is gone.
    pub fn revoke(&mut self, account: &str) {
        self.0.retain(|_, session| !session.who.is(account));
    }

    /// The wizard has ended.
    pub fn end_setup(&mut self) {
        self.0.retain(|_, session| session.who != Who::Setup);
    }

    fn make_room(&mut self, who: &Who) {
        let own = |(_, session): &(&Digest, &Session)| session.who == *who;
        if self.0.iter().filter(own).count() >= MAX_PER_ACCOUNT {
            let oldest = self.0.iter().filter(own).min_by_key(|(_, session)| session.seen);
            if let Some(oldest) = oldest.map(|(digest, _)| *digest) {
                self.0.remove(&oldest);
            }
        }
    }
}

impl Session {
    fn lives(&self, now: Duration) -> bool {
        now < self.seen + IDLE && now < self.began + LONGEST
    }
}

impl Who {
    pub fn is(&self, account: &str) -> bool {
        matches!(self, Who::Account { name, .. } if name == account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(60 * minutes)
    }

    fn ada() -> Who {
        Who::Account { name: "ada".into(), role: AdminRole::Administrator }
    }

    struct Browser {
        sessions: Sessions,
        rng: fastrand::Rng,
    }

    impl Browser {
        fn new() -> Browser {
            Browser { sessions: Sessions::default(), rng: fastrand::Rng::with_seed(9) }
        }

        fn open(&mut self, who: Who, now: Duration) -> String {
            let rng = &mut self.rng;
            let opened = self.sessions.open(who, now, &mut |bytes: &mut [u8]| rng.fill(bytes));
            opened.token.expose().to_owned()
        }

        fn knows(&mut self, token: &str, now: Duration) -> bool {
            self.sessions.current(token, true, now).is_some()
        }

        fn refreshes(&mut self, token: &str, now: Duration) -> Option<Duration> {
            self.sessions.current(token, false, now).map(|current| current.idle_left)
        }
    }

    #[test]
    fn au8_a_session_ends_when_idle_and_after_a_day_s_work() {
        let mut browser = Browser::new();
        let idle = browser.open(ada(), minutes(0));
        assert!(browser.knows(&idle, minutes(29)));
        assert!(browser.knows(&idle, minutes(58)));
        assert!(!browser.knows(&idle, minutes(88)));
        let busy = browser.open(ada(), minutes(100));
        for now in (100..700).step_by(20) {
            let current = browser.sessions.current(&busy, true, minutes(now)).unwrap();
            assert_eq!(current.left, minutes(700 - now));
        }
        assert!(!browser.knows(&busy, minutes(700)));
    }

    #[test]
    fn au8_a_page_that_nobody_touches_keeps_no_session_alive() {
        let mut browser = Browser::new();
        let token = browser.open(ada(), minutes(0));
        assert!(browser.knows(&token, minutes(10)));
        for now in 11..40 {
            assert_eq!(browser.refreshes(&token, minutes(now)), Some(minutes(40 - now)));
        }
        assert_eq!(browser.refreshes(&token, minutes(40)), None);
        assert!(!browser.knows(&token, minutes(40)));
    }

    #[test]
    fn au8_sessions_are_revoked() {
        let mut browser = Browser::new();
        let (one, two) = (browser.open(ada(), minutes(0)), browser.open(ada(), minutes(0)));
        let bob = Who::Account { name: "bob".into(), role: AdminRole::Auditor };
        let (bob, setup) = (browser.open(bob, minutes(0)), browser.open(Who::Setup, minutes(0)));
        browser.sessions.close(&one);
        assert!(!browser.knows(&one, minutes(1)));
        assert!(browser.knows(&two, minutes(1)));
        browser.sessions.revoke("ada");
        assert!(!browser.knows(&two, minutes(1)));
        assert!(browser.knows(&bob, minutes(1)));
        browser.sessions.end_setup();
        assert!(!browser.knows(&setup, minutes(1)));
        assert!(browser.knows(&bob, minutes(1)));
        assert!(!browser.knows("", minutes(1)));
    }

    #[test]
    fn the_oldest_of_too_many_goes() {
        let mut browser = Browser::new();
        let tokens: Vec<String> = (0..9).map(|n| browser.open(ada(), minutes(n))).collect();
        assert!(!browser.knows(&tokens[0], minutes(9)));
        assert!(tokens[1..].iter().all(|token| browser.knows(token, minutes(9))));
    }
}
