//! One update from beginning to end, with each write to the disk in a log, while meetings are opened.

use anyhow::{Context, Result, ensure};
use plenum_tests::machine::site::Site;
use plenum_tests::machine::{Machine, Options, https};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Under emulation, and beside other work.
const LIMIT: Duration = Duration::from_secs(900);
/// After success was reported.
const MINUTE: Duration = Duration::from_secs(60);
const EVERY: Duration = Duration::from_secs(2);

/// Lengths of the log when something had happened.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Marks {
    pub(crate) asked: u64,
    /// The update was reported to be ready.
    pub(crate) ready: u64,
    pub(crate) restarted: u64,
    /// The new version was reported to be good.
    pub(crate) good: u64,
}

/// A meeting whose link somebody was given, and the length of the log then.
pub(crate) struct Acknowledged {
    pub(crate) link: String,
    pub(crate) at: u64,
}

pub(crate) struct Recording {
    pub(crate) marks: Marks,
    pub(crate) acknowledged: Vec<Acknowledged>,
    log: PathBuf,
    next: Instant,
}

/// A box at its second boot: the data partition is there.
pub(crate) fn first_boot(options: &Options) -> Result<()> {
    let mut machine = Machine::start(options)?;
    machine.wait_for_page(LIMIT)?;
    until(&mut machine, "systemctl is-active boot-complete.target", |text| text == "active", || Ok(()))?;
    machine.power_off(LIMIT)
}

impl Recording {
    pub(crate) fn make(options: &Options) -> Result<Recording> {
        let log = options.folder.join("writes.log");
        let (marks, acknowledged) = (Marks::default(), Vec::new());
        let mut recording = Recording { marks, acknowledged, log, next: Instant::now() };
        recording.install(options)?;
        recording.restart(options)?;
        Ok(recording)
    }

    fn install(&mut self, options: &Options) -> Result<()> {
        let mut machine = Machine::start(options)?;
        machine.wait_for_page(LIMIT)?;
        machine.site.open_meeting_within("Before", LIMIT)?;
        until(&mut machine, "systemctl is-active boot-complete.target", |text| text == "active", || Ok(()))?;
        find_update(&mut machine)?;
        self.marks.asked = self.length()?;
        machine.shell()?.run("plenum update install")?;
        let site = machine.site.clone();
        until(
            &mut machine,
            "plenum update status",
            |text| text.contains("ready-to-restart"),
            || self.meet(&site),
        )?;
        self.marks.ready = self.length()?;
        self.minute(&site)?;
        machine.shell()?.run("plenum update restart --now || true")?;
        machine.wait_until_off(LIMIT)?;
        self.marks.restarted = self.length()?;
        Ok(())
    }

    fn restart(&mut self, options: &Options) -> Result<()> {
        let mut machine = Machine::start(options)?;
        machine.wait_for_page(LIMIT)?;
        let site = machine.site.clone();
        site.open_meeting_within("After the restart", LIMIT)?;
        until(
            &mut machine,
            "plenum update status",
            |text| text.contains("last       good"),
            || self.meet(&site),
        )?;
        self.marks.good = self.length()?;
        self.minute(&site)?;
        // Everything acknowledged has been flushed: the log's count of writes is written at flushes.
        machine.shell()?.run("sync")?;
        machine.cut();
        Ok(())
    }

    fn minute(&mut self, site: &Site) -> Result<()> {
        let end = Instant::now() + MINUTE;
        while Instant::now() < end {
            self.meet(site)?;
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    /// Opens a meeting now and then.
    fn meet(&mut self, site: &Site) -> Result<()> {
        if Instant::now() >= self.next {
            self.next = Instant::now() + EVERY;
            let title = format!("Meeting {}", self.acknowledged.len());
            // A box that is busy with an update may be late with an answer.
            if let Ok(meeting) = site.open_meeting(&title) {
                self.acknowledged.push(Acknowledged { link: meeting.guest_link, at: self.length()? });
            }
        }
        Ok(())
    }

    fn length(&self) -> Result<u64> {
        Ok(fs::metadata(&self.log).context("there is no log of writes")?.len())
    }
}

pub(crate) fn find_update(machine: &mut Machine) -> Result<()> {
    machine.shell()?.run("plenum update check")?;
    until(machine, "plenum update status", |text| text.contains("available"), || Ok(()))
}

/// Asks the machine until its answer is the right one, and does something else between.
pub(crate) fn until(
    machine: &mut Machine,
    line: &str,
    is: impl Fn(&str) -> bool,
    mut between: impl FnMut() -> Result<()>,
) -> Result<()> {
    let end = Instant::now() + LIMIT;
    loop {
        let text = machine.shell()?.run(&format!("{line} || true"))?;
        if is(text.trim()) {
            return Ok(());
        }
        ensure!(Instant::now() < end, "not within {} s: {line}:\n{text}", LIMIT.as_secs());
        between()?;
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// How many of the meetings the box does not know.
pub(crate) fn unknown(port: u16, links: &[&str]) -> Result<usize> {
    let bodies: Vec<String> =
        links.iter().map(|link| serde_json::json!({ "link": link }).to_string()).collect();
    Ok(links.len() - https::post_all(port, "/api/link", &bodies)?.len())
}
