//! `cargo xtask test`: every suite, each with what ran and how long it took.

use crate::shell::{cargo, in_root, run as start};
use crate::{build, deny, generate, image, setup};
use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

#[derive(Args)]
pub(crate) struct Options {
    /// Which suites; all but `update` and `cuts` without arguments.
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
    /// The image in a virtual machine.
    Boot,
    /// From one version of the image to the next, and back from one that fails. Only when named.
    Update,
    /// The power is cut in every step of the set-up. Only when named.
    Cuts,
}

const ALL: [Suite; 6] = [Suite::Rules, Suite::Ui, Suite::Units, Suite::Services, Suite::Browser, Suite::Boot];

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
        Suite::Cuts => cuts(),
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
    let python = build::python_packages()?;
    let mut command = in_root("tests/browser/in-namespace");
    command.args(["node", "--test", "--test-concurrency=1", "tests/browser/suites/"]);
    command.env("PLENUM_SCHEMATHESIS", python);
    start(command.env("PLENUM_BIN_DIR", build::bin_dir(false)))
}

fn update() -> Result<()> {
    setup::install(setup::IMAGE)?;
    let disk = image::debug_disk()?;
    let versions = [
        ("0.1.1", None),
        ("0.1.2", Some("sfu")),
        ("0.1.3", Some("call")),
        ("0.1.4", Some("hang")),
        ("0.1.5", None),
        ("0.1.6", None),
    ];
    let mut updates = PathBuf::new();
    for (version, broken) in versions {
        let overlay = broken.map(|name| format!("tests/boot/versions/{name}"));
        updates = image::debug_update(version, overlay.as_deref())?;
    }
    updates.pop();
    let mut command = boot_test("versions_come_and_go");
    start(command.env("PLENUM_IMAGE", disk).env("PLENUM_UPDATES", updates))
}

fn cuts() -> Result<()> {
    setup::install(setup::IMAGE)?;
    build::packages("tests/browser")?;
    start(boot_test("the_set_up_survives_power_cuts").env("PLENUM_IMAGE", image::debug_disk()?))
}

fn boot_test(name: &str) -> Command {
    let mut command = cargo();
    command.args(["test", "--quiet", "--package", "plenum-tests", "--test", "boot", "--", "--ignored"]);
    // One machine at a time.
    command.args([name, "--nocapture", "--test-threads=1"]);
    command
}

fn boot(bless: bool) -> Result<()> {
    setup::install(setup::IMAGE)?;
    build::packages("tests/browser")?;
    let mut command = boot_test("the_image_boots_into_the_conference");
    if bless {
        command.env("PLENUM_BLESS", "1");
    }
    command.env("PLENUM_IMAGE", image::debug_disk()?);
    let next = image::debug_disk_of("0.1.1")?;
    command.env("PLENUM_NEXT_UPDATE", next.with_extension("update"));
    start(command.env("PLENUM_NEXT_IMAGE", next))
}
