//! `plenum-powercut`: power cuts during an update. `cargo xtask image powercut` starts it.
//!
//! A box is updated once while each write to its disk is logged. For every round the disk is put together as a
//! cut at one of these writes would leave it: what was flushed is there, of what was not any part may be. The box
//! has to boot from that, know every meeting that was acknowledged before the cut, and take the update.
//! Ctrl-C ends it after the rounds that run, and reports these.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line talks to its caller")]

mod disk;
mod phases;
mod record;
mod round;
mod writes;

use anyhow::{Result, ensure};
use clap::Parser;
use disk::{Disk, Loss};
use phases::{Cut, Phase};
use plenum_tests::machine::site::{Site, free_port, host_key};
use plenum_tests::machine::{Options, flatten, stick};
use plenum_tests::signals::stop_signals;
use record::Recording;
use round::{Found, Task};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use writes::Writes;

#[derive(Parser)]
struct Arguments {
    /// The disk of the debug variant.
    image: PathBuf,
    /// The update that is installed.
    update: PathBuf,
    #[arg(long, default_value_t = 100)]
    rounds: usize,
    /// Disks and logs; some 10 GB.
    #[arg(long)]
    folder: PathBuf,
    /// Machines at the same time.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// In every how many-th round the update is installed again to its end, where the cut prevented it.
    #[arg(long, default_value_t = 1)]
    install_every: usize,
    /// The same cuts again.
    #[arg(long)]
    seed: Option<u64>,
    /// Stands in the result.
    #[arg(long, default_value = "")]
    commit: String,
    /// The result as JSON, on standard output.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Round {
    phase: Phase,
    /// After how many of the update's writes.
    at: usize,
    unflushed: usize,
    lost_writes: usize,
    seconds: f32,
    #[serde(flatten)]
    found: Found,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    commit: &'a str,
    seed: u64,
    rounds: usize,
    by_phase: BTreeMap<Phase, usize>,
    not_booted: usize,
    stuck: usize,
    acknowledged_records_lost: usize,
    /// Rounds in which the update was installed to its end after the cut.
    installed_again: usize,
    seconds: u64,
    each: Vec<Round>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let began = Instant::now();
    let stop = stop_signals()?;
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..1 << 53));
    let mut random = fastrand::Rng::with_seed(seed);
    let stage = Stage::set(&arguments)?;
    let partitions =
        plenum_appliance::slots::disk::Disk::open(&stage.base, Default::default())?.partitions()?;
    let cuts =
        phases::choose(&stage.writes, &stage.recording.marks, &partitions, arguments.rounds, &mut random);
    ensure!(cuts.len() == arguments.rounds, "the recording has no write of some phase");
    let stopped = Arc::clone(&stage.stopped);
    std::thread::spawn(move || stop.recv().map(|_| stopped.store(true, Ordering::Relaxed)));
    let mut each = stage.rounds(&arguments, &cuts, seed)?;
    each.sort_by_key(|round| round.at);
    let report = report(&arguments.commit, seed, began.elapsed().as_secs(), each);
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    }
    eprintln!(
        "{} rounds: {} did not boot, {} stuck, {} acknowledged records lost",
        report.rounds, report.not_booted, report.stuck, report.acknowledged_records_lost
    );
    ensure!(report.not_booted + report.stuck + report.acknowledged_records_lost == 0, "see the rounds above");
    Ok(())
}

fn report(commit: &str, seed: u64, seconds: u64, each: Vec<Round>) -> Report<'_> {
    let mut by_phase = BTreeMap::new();
    for round in &each {
        *by_phase.entry(round.phase).or_default() += 1;
    }
    let count = |is: fn(&Found) -> bool| each.iter().filter(|round| is(&round.found)).count();
    Report {
        commit,
        seed,
        rounds: each.len(),
        by_phase,
        not_booted: count(|found| !found.booted),
        stuck: count(|found| found.stuck),
        acknowledged_records_lost: each.iter().map(|round| round.found.lost).sum(),
        installed_again: count(|found| found.installed_again),
        seconds,
        each,
    }
}

/// What all rounds share.
struct Stage {
    writes: Writes,
    recording: Recording,
    /// The disk before the first logged write.
    base: PathBuf,
    /// The machine's folder at that time.
    before: PathBuf,
    stick: PathBuf,
    /// No further round begins.
    stopped: Arc<AtomicBool>,
}

impl Stage {
    fn set(arguments: &Arguments) -> Result<Stage> {
        let before = arguments.folder.join("before");
        fs::create_dir_all(&before)?;
        let stick = stick::with_update(&arguments.folder, &arguments.update, &[])?;
        let site = Site::new(free_port()?, host_key(&before)?);
        let drives = vec![stick.clone()];
        let options = Options { drives, ..Options::new(arguments.image.clone(), before.clone(), site) };
        eprintln!("the first boot");
        record::first_boot(&options)?;
        let base = flatten(&options)?;
        let recorded = arguments.folder.join("recorded");
        round::copy_machine(&before, &recorded)?;
        eprintln!("the update, recorded");
        let site = options.site.clone();
        let options = Options {
            drives: vec![stick.clone()],
            writes: true,
            ..Options::new(base.clone(), recorded, site)
        };
        let recording = Recording::make(&options)?;
        let writes = Writes::open(&options.folder.join("writes.log"))?;
        eprintln!("{} writes, {} meetings", writes.all.len(), recording.acknowledged.len());
        Ok(Stage { writes, recording, base, before, stick, stopped: Arc::default() })
    }

    fn rounds(&self, arguments: &Arguments, cuts: &[Cut], seed: u64) -> Result<Vec<Round>> {
        let done = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..arguments.jobs)
                .map(|worker| {
                    let done = &done;
                    scope.spawn(move || self.worker(arguments, cuts, seed, worker, done))
                })
                .collect();
            workers.into_iter().try_for_each(|worker| worker.join().expect("a worker"))
        })?;
        Ok(done.into_inner().unwrap_or_default())
    }

    /// Every `jobs`-th cut, on a disk of its own.
    fn worker(
        &self,
        arguments: &Arguments,
        cuts: &[Cut],
        seed: u64,
        worker: usize,
        done: &Mutex<Vec<Round>>,
    ) -> Result<()> {
        let path = arguments.folder.join(format!("cut-{worker}.raw"));
        copy_sparse(&self.base, &path)?;
        let mut disk = Disk::open(&path)?;
        for (number, cut) in cuts.iter().enumerate().skip(worker).step_by(arguments.jobs) {
            if self.stopped.load(Ordering::Relaxed) {
                break;
            }
            let began = Instant::now();
            let mut random = fastrand::Rng::with_seed(seed.wrapping_add(number as u64));
            let loss = disk.cut(&self.writes, cut.writes, &mut random)?;
            let length = self.writes.all[cut.writes - 1].end;
            let known = self.recording.acknowledged.partition_point(|one| one.at <= length);
            let found = round::run(&Task {
                disk: path.clone(),
                before: &self.before,
                folder: arguments.folder.join(format!("machine-{worker}")),
                port: free_port()?,
                stick: &self.stick,
                acknowledged: &self.recording.acknowledged[..known],
                reported: length >= self.recording.marks.ready,
                install: (number / arguments.jobs).is_multiple_of(arguments.install_every),
            });
            let round = told(cut, loss, began, found);
            done.lock().map_err(|_| anyhow::anyhow!("another worker broke"))?.push(round);
        }
        Ok(())
    }
}

fn told(cut: &Cut, loss: Loss, began: Instant, found: Found) -> Round {
    let seconds = began.elapsed().as_secs_f32();
    eprintln!(
        "{:?} at write {}: {} of {} unflushed lost; booted {} after {} boots, {}, last {}; {} of {} records lost{} ({seconds:.0} s) {}",
        cut.phase,
        cut.writes,
        loss.lost,
        loss.unflushed,
        found.booted,
        found.boots,
        found.state,
        found.last,
        found.lost,
        found.acknowledged,
        if found.installed_again { ", installed again" } else { "" },
        found.error
    );
    Round {
        phase: cut.phase,
        at: cut.writes,
        unflushed: loss.unflushed,
        lost_writes: loss.lost,
        seconds,
        found,
    }
}

fn copy_sparse(from: &Path, to: &Path) -> Result<()> {
    let mut copy = std::process::Command::new("cp");
    copy.args(["--sparse=always"]).arg(from).arg(to);
    plenum_image::shell::run(&mut copy)
}
