//! The set-up: who knows the code on the box's display may do it, once.

use super::door::Guesser;
use super::{Manager, Now, Refused, allow, name_of};
use crate::access::code;
use crate::access::sessions::{Opened, Who};
use crate::audit::Draft;
use plenum_daemon::durable;
use plenum_daemon::secret::Digest;
use plenum_protocol::manager::{
    AdminRole, AuditEvent, ManagerErrorCode, NetworkSettings, SetupStep, StepDone,
};
use plenum_store::{Category, Field, Retention, Stored, Transaction};
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::net::IpAddr;

/// 40 bits, behind the throttle.
const CODE_CHARS: usize = 8;

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Setup {
    /// Empty once the set-up is over. It stays over a restart, so that the set-up goes on where it stopped.
    code: String,
    /// Milliseconds since 1970.
    finished: Option<u64>,
    #[serde(default)]
    done: Vec<SetupStep>,
    /// The network of the box whose backup was restored, as JSON, until the step for it is done.
    #[serde(default)]
    proposed: String,
}

impl Setup {
    pub(super) fn finished_at(unix_millis: u64) -> Setup {
        Setup { code: String::new(), finished: Some(unix_millis), done: Vec::new(), proposed: String::new() }
    }

    /// Steps that were done otherwise than one by one.
    pub(super) fn mark(tx: &mut Transaction<'_, '_>, steps: &[SetupStep]) -> Result<(), Refused> {
        let mut setup = tx.get::<Setup>(&())?.filter(|setup| setup.finished.is_none()).ok_or_else(over)?;
        setup.done.retain(|step| !steps.contains(step));
        setup.done.extend(steps);
        if steps.contains(&SetupStep::Network) {
            setup.proposed.clear();
        }
        Ok(tx.put(&(), &setup)?)
    }

    /// For the step of the network.
    pub(super) fn propose(tx: &mut Transaction<'_, '_>, network: &NetworkSettings) -> Result<(), Refused> {
        let setup = tx.get::<Setup>(&())?.ok_or_else(over)?;
        let proposed = serde_json::to_string(network).map_err(|error| Refused::mistake(&error))?;
        Ok(tx.put(&(), &Setup { proposed, ..setup })?)
    }
}

impl Stored for Setup {
    type Key = ();
    const TREE: &'static str = "setup";
    const CATEGORY: Category = Category::Operation;
    const PURPOSE: &'static str = "lets only who stands before the box set it up, and only once";
    const RETENTION: Retention = Retention::UntilRemoved("a factory reset");
    const KEY: Field = Field::new("", "there is only one");
    const FIELDS: &'static [Field] = &[
        Field::new("code", "code on the display, until the set-up is over").category(Category::Credential),
        Field::new("finished", "when the set-up was over"),
        Field::new("done", "steps that were done"),
        Field::new("proposed", "network of the box whose backup was restored, until the step for it is done"),
    ];
}

impl Manager {
    /// The code for the display, with a hyphen in the middle; `None` once the set-up is over.
    pub fn setup_code(&self) -> Result<Option<String>, Refused> {
        let setup = self.store.tree::<Setup>().get(&())?;
        let code = setup.filter(|setup| setup.finished.is_none()).map(|setup| setup.code);
        Ok(code.map(|code| format!("{}-{}", &code[..CODE_CHARS / 2], &code[CODE_CHARS / 2..])))
    }

    pub(super) fn begin_setup(&self, now: Now) -> Result<(), Refused> {
        if !self.store.tree::<Setup>().contains(&())? {
            let code = code::random::<CODE_CHARS>(self.memory().random());
            self.store
                .tree()
                .put(
                    now.wall,
                    &(),
                    &Setup { code, finished: None, done: Vec::new(), proposed: String::new() },
                )
                .wait()?;
        }
        self.show_code()
    }

    /// On the display. Nobody else reads the file.
    fn show_code(&self) -> Result<(), Refused> {
        let shown = match self.setup_code()? {
            Some(code) => durable::replace(&self.code_file, format!("{code}\n").as_bytes(), 0o640),
            None => match std::fs::remove_file(&self.code_file) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                removed => removed,
            },
        };
        if let Err(error) = shown {
            log::error!(error:%; "the display cannot be told of the setup code");
        }
        Ok(())
    }

    pub(super) fn setup_is_open(&self) -> Result<bool, Refused> {
        Ok(self.setup_code()?.is_some())
    }

    /// With the code; hyphen, spaces and case do not matter.
    pub fn open_setup(&self, address: Option<IpAddr>, claim: &str, now: Now) -> Result<Opened, Refused> {
        let code = self.setup_code()?.ok_or_else(over)?;
        self.guess(Guesser::Address(address), "setup", AuditEvent::SetupCodeWrong, now, || {
            let right = Digest::of(plain(&code).as_bytes()).matches(&plain(claim));
            right.then_some(()).ok_or_else(Refused::wrong_credentials)
        })?;
        self.change(now, Draft::new("setup", AuditEvent::SetupOpened, ""), |_| Ok(()))?;
        let opened = self.open_session(Who::Setup, now);
        // It may have ended meanwhile, with the sessions that there were.
        match self.setup_is_open()? {
            true => Ok(opened),
            false => {
                self.memory().sessions.close(opened.token.expose());
                Err(over())
            }
        }
    }

    /// What the step of the network is to begin with, instead of what holds.
    pub fn proposed_network(&self) -> Result<Option<NetworkSettings>, Refused> {
        let setup = self.store.tree::<Setup>().get(&())?;
        Ok(setup.and_then(|setup| serde_json::from_str(&setup.proposed).ok()))
    }

    pub(super) fn steps_done(&self) -> Result<Vec<SetupStep>, Refused> {
        Ok(self.store.tree::<Setup>().get(&())?.map(|setup| setup.done).unwrap_or_default())
    }

    /// Where the set-up goes on, also after a power cut.
    pub fn step_done(&self, who: &Who, typed: StepDone, now: Now) -> Result<(), Refused> {
        allow(who, &[], true)?;
        let done = self.store.transaction(now.wall, move |tx| {
            if typed.done {
                return Setup::mark(tx, &[typed.step]);
            }
            let mut setup =
                tx.get::<Setup>(&())?.filter(|setup| setup.finished.is_none()).ok_or_else(over)?;
            setup.done.retain(|step| *step != typed.step);
            Ok::<(), Refused>(tx.put(&(), &setup)?)
        });
        done.wait()
    }

    /// Closes the set-up for good. There must be an administrator who can sign in.
    pub fn finish_setup(&self, who: &Who, now: Now) -> Result<(), Refused> {
        allow(who, &[AdminRole::Administrator], true)?;
        if !self.setup_is_open()? {
            return Err(over());
        }
        if self.administrators()? == 0 {
            return Err(Refused::conflict("there is no administrator yet who can sign in"));
        }
        let finished = now.unix_millis();
        self.change(now, Draft::new(name_of(who), AuditEvent::SetupFinished, ""), move |tx| {
            Ok(tx.put(&(), &Setup::finished_at(finished))?)
        })?;
        self.setup_is_over();
        Ok(())
    }

    /// After it has been stored.
    pub(super) fn setup_is_over(&self) {
        let mut memory = self.memory();
        memory.sessions.end_setup();
        // A file would hold passwords, and the display would go on offering it.
        memory.offered = None;
        drop(memory);
        self.tell();
        if let Err(error) = self.show_code() {
            log::error!(error:%; "the display still shows a code, which opens nothing any more");
        }
    }
}

/// Without hyphen and spaces, in upper case.
fn plain(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase()
}

fn over() -> Refused {
    Refused::new(ManagerErrorCode::SetupOver, "the box has been set up already")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dm1_every_stored_field_is_declared() {
        plenum_store::check_fields(&[Setup {
            code: "x".into(),
            finished: Some(1),
            done: vec![SetupStep::Name],
            proposed: "{}".into(),
        }])
        .unwrap();
    }
}
