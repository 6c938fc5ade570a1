//! A box whose power fails once, at every step in turn: it always ends on the old or on the new
//! version, and the next update is never in the way of the last (trap: a kernel of 0 bytes that counts as
//! installed).

use plenum_appliance::updater::phase::{Action, Event, Outcome, Phase, Record};
use plenum_protocol::update::Version;

#[derive(Clone, Copy, PartialEq, Debug)]
enum Kernel {
    None,
    /// In the cache only, or cut off.
    Torn,
    Whole,
}

struct Machine {
    kept: Record,
    old: Version,
    new: Version,
    good: bool,
    /// Whether the kernel is on the disk before it was synced.
    early: bool,
    kernel: Kernel,
    blessed: bool,
    tries: u32,
    /// Steps until the power fails; `None`: never again.
    cut: Option<u32>,
}

struct Cut;

impl Machine {
    fn new(good: bool, early: bool, cut: Option<u32>) -> Machine {
        let (old, new) = ("1.0.0".parse().unwrap(), "1.1.0".parse().unwrap());
        Machine {
            kept: Record::default(),
            old,
            new,
            good,
            early,
            kernel: Kernel::None,
            blessed: false,
            tries: 3,
            cut,
        }
    }

    fn step(&mut self) -> Result<(), Cut> {
        match &mut self.cut {
            Some(0) => {
                self.cut = None;
                Err(Cut)
            }
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// A kept record and what follows from it, with a cut possible before and after each.
    fn tell(&mut self, event: Event) -> Result<Option<Action>, Cut> {
        let mut record = self.kept.clone();
        let action = record.handle(event);
        self.step()?;
        self.kept = record;
        self.step()?;
        Ok(action)
    }

    /// From power on until the box settles or goes down.
    fn boot(&mut self) -> Result<bool, Cut> {
        let choose_new = self.kernel == Kernel::Whole && (self.blessed || self.tries > 0);
        if choose_new && !self.blessed {
            self.tries -= 1;
        }
        let running = if choose_new { self.new.clone() } else { self.old.clone() };
        self.step()?;
        let bootable = self.kernel == Kernel::Whole && self.tries > 0;
        if choose_new && !self.good && !self.blessed {
            // The check fails: counted boots start again.
            return Ok(false);
        }
        let started = Event::Started { running: running.clone(), bootable, reason: None, given_up: None };
        let mut action = self.tell(started)?;
        if choose_new {
            self.step()?;
            self.blessed = true;
            self.tell(Event::Healthy)?;
            return Ok(true);
        }
        loop {
            action = match action {
                Some(Action::Clean) => {
                    self.step()?;
                    if self.kernel == Kernel::Torn || self.kept.rejected.iter().any(|it| it.0 == self.new) {
                        self.kernel = Kernel::None;
                    }
                    None
                }
                Some(Action::Download) => self.tell(Event::Verified(self.new.clone()))?,
                Some(Action::Write) => {
                    self.kernel = if self.early { Kernel::Whole } else { Kernel::Torn };
                    self.tries = 3;
                    self.step()?;
                    self.tell(Event::Written)?
                }
                Some(Action::VerifySlot) => {
                    self.step()?;
                    self.kernel = Kernel::Whole;
                    self.tell(Event::SlotVerified)?
                }
                Some(Action::Restart) => return Ok(false),
                None => match self.kept.phase {
                    Phase::Idle if self.kept.rejected.is_empty() => self.tell(Event::Install)?,
                    Phase::ReadyToRestart(_) => self.tell(Event::Restart)?,
                    _ => return Ok(true),
                },
            };
        }
    }

    fn settle(&mut self) {
        for _ in 0..20 {
            if let Ok(true) = self.boot() {
                return;
            }
        }
        panic!("never settles: {:?}", self.kept);
    }
}

fn check(good: bool, early: bool, cut: Option<u32>) {
    let mut plenum = Machine::new(good, early, cut);
    plenum.settle();
    assert_eq!(plenum.kept.phase, Phase::Idle, "stuck; good {good}, cut {cut:?}");
    if good {
        assert!(plenum.blessed, "cut {cut:?}");
        assert_eq!(plenum.kept.last, Some(Outcome::Good(plenum.new.clone())), "cut {cut:?}");
    } else {
        assert!(matches!(plenum.kept.last, Some(Outcome::RolledBack(..))), "cut {cut:?}");
        assert_eq!(plenum.kernel, Kernel::None, "cut {cut:?}");
    }
}

#[test]
fn a_cut_at_every_step_ends_on_old_or_new() {
    for (good, early) in [(true, true), (true, false), (false, true), (false, false)] {
        check(good, early, None);
        for cut in 0..40 {
            check(good, early, Some(cut));
        }
    }
}
