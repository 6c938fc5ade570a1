//! `cargo xtask test`: every suite, each with what ran and how long it took.

use crate::shell::{cargo, in_root, run as start};
use crate::{build, deny, generate, image, setup};
use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use std::time::{Duration, Instant};

#[derive(Args)]
pub(crate) struct Options {
    /// Which suites; all but `boot` and `update` without arguments.
    suites: Vec<Suite>,
    /// Suite `boot` writes what it found into docs/hardening.md instead of comparing.
    #[arg(long)]
    bless: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Suite {
    /// Formatting, lints, licences, generated files, repository rules.
    Rules,
    /// The user interface's checks and tests without a browser.
    Ui,
    /// Tests inside each crate.
    Units,
    /// Daemons on loopback: tests of crates that start processes.
    Services,
    /// Real browsers against the whole house.
    Browser,
    /// The image in a virtual machine. Only when named.
    Boot,
    /// From one version of the image to the next, and back from one that fails. Only when named.
    Update,
}

const ALL: [Suite; 5] = [Suite::Rules, Suite::Ui, Suite::Units, Suite::Services, Suite::Browser];

pub(crate) fn run(options: &Options) -> Result<()> {
    setup::install(setup::HOUSE)?;
    setup::install(setup::SUITES)?;
    let wanted = if options.suites.is_empty() { &ALL[..] } else { &options.suites };
    let mut results = Vec::new();
    for suite in wanted {
        eprintln!("── {suite:?}");
        let began = Instant::now();
        let result = one(*suite, options.bless);
        if let Err(error) = &result {
            eprintln!("── {suite:?} failed: {error:#}");
        }
        results.push((suite, began.elapsed(), result));
    }
    report(&results)
}

fn report(results: &[(&Suite, Duration, Result<()>)]) -> Result<()> {
    println!("\nsuite      seconds  result");
    for (suite, took, result) in results {
        let verdict = if result.is_ok() { "passed" } else { "FAILED" };
        println!("{:<10} {:>7}  {verdict}", format!("{suite:?}").to_lowercase(), took.as_secs());
    }
    let failed = results.iter().filter(|(.., result)| result.is_err()).count();
    println!("{} passed, {failed} failed", results.len() - failed);
    if failed > 0 {
        bail!("{failed} of {} suites failed", results.len());
    }
    Ok(())
}

fn one(suite: Suite, bless: bool) -> Result<()> {
    match suite {
        Suite::Rules => rules(),
        Suite::Ui => ui(),
        Suite::Units => units(),
        Suite::Services => services(),
        Suite::Browser => browser(),
        Suite::Update => update(),
        Suite::Boot => boot(bless),
    }
}

fn rules() -> Result<()> {
    generate::run(true)?;
    start(cargo().args(["fmt", "--all", "--check"]))?;
    build::user_interface()?;
    start(cargo().args(["clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"]))?;
    start(cargo().args(["test", "--quiet", "--workspace", "--test", "rules"]))?;
    deny::run_checks()
}

fn ui() -> Result<()> {
    build::user_interface()?;
    for script in ["check", "test"] {
        start(in_root("npm").args(["--prefix", "services/web/ui", "run", "--silent", script]))?;
    }
    Ok(())
}

fn units() -> Result<()> {
    start(cargo().args(["test", "--quiet", "--no-fail-fast", "--workspace", "--lib", "--bins"]))?;
    start(cargo().args(["test", "--quiet", "--workspace", "--doc"]))
}

/// The tests beside each crate, which start processes and speak over loopback.
fn services() -> Result<()> {
    build::user_interface()?;
    build::programs(false)?;
    let mut command = cargo();
    command.args(["test", "--quiet", "--no-fail-fast", "--workspace", "--test", "*"]);
    start(command.env("PLENUM_BIN_DIR", build::bin_dir(false)))
}

/// Real browsers in a network namespace of their own: Firefox does not pair loopback candidates, and
/// nothing may leave this machine.
fn browser() -> Result<()> {
    build::user_interface()?;
    build::programs(false)?;
    build::packages("tests/browser")?;
    let mut command = in_root("tests/browser/in-namespace");
    command.args(["node", "--test", "--test-concurrency=1", "tests/browser/suites/"]);
    start(command.env("PLENUM_BIN_DIR", build::bin_dir(false)))
}

fn update() -> Result<()> {
    setup::install(setup::IMAGE)?;
    let disk = image::debug_disk()?;
    let good = image::debug_update("0.1.1", None)?;
    let broken = image::debug_update("0.1.2", Some("tests/boot/versions/sfu"))?;
    let mut command = cargo();
    command.args(["test", "--quiet", "--package", "plenum-tests", "--test", "boot", "--", "--ignored"]);
    command.args(["a_good_version_is_taken_and_a_bad_one_goes_back", "--nocapture"]);
    command.env("PLENUM_IMAGE", disk).env("PLENUM_UPDATE", good).env("PLENUM_BROKEN_UPDATE", broken);
    start(&mut command)
}

fn boot(bless: bool) -> Result<()> {
    setup::install(setup::IMAGE)?;
    build::packages("tests/browser")?;
    let mut command = cargo();
    command.args(["test", "--quiet", "--package", "plenum-tests", "--test", "boot", "--", "--ignored"]);
    command.arg("the_image_boots_into_the_conference");
    if bless {
        command.env("PLENUM_BLESS", "1");
    }
    // One machine at a time.
    command.args(["--nocapture", "--test-threads=1"]);
    start(command.env("PLENUM_IMAGE", image::debug_disk()?))
}
