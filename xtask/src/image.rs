//! `cargo xtask image`: the disk, the update, a machine that boots it, and the proof that a commit gives the
//! same bytes again.

use crate::shell::{cargo, in_root, output, root, run, target_dir, timed};
use crate::{build, setup};
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(Subcommand)]
pub(crate) enum Task {
    /// Build the disk, the signed update, the bill of materials and the checksums.
    Build(Options),
    /// Boot the debug variant in QEMU and print the links to a conference.
    Run {
        /// Port of the pages on 127.0.0.1.
        #[arg(long, default_value_t = 8443)]
        port: u16,
        /// The machine's disk, TPM and firmware variables; `.state/machine` by default.
        #[arg(long)]
        state: Option<PathBuf>,
        /// Print one line of JSON: url, host_link, guest_link.
        #[arg(long)]
        json: bool,
    },
    /// Build the commit a second time from a clone of its own, and compare.
    Reproduce,
    /// Cut the power again and again during an update, and see whether the box comes back.
    Powercut {
        #[arg(long, default_value_t = 100)]
        rounds: usize,
        /// Print the result as JSON.
        #[arg(long)]
        json: bool,
        /// In every how many-th round the update is installed again to its end, where the cut prevented it.
        #[arg(long, default_value_t = 1)]
        install_every: usize,
        /// The same cuts again.
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Take today's versions of Debian's packages into the lock files.
    Lock {
        /// Which: tools, root, kernel, firmware; all without a name.
        names: Vec<String>,
    },
}

#[derive(Args, Default)]
pub(crate) struct Options {
    /// With a shell and a way in for tests, and with the daemons as `cargo xtask build` makes them.
    #[arg(long)]
    debug_variant: bool,
    #[arg(long, default_value = env!("CARGO_PKG_VERSION"))]
    version: String,
    /// Folder of the release keys; without it development keys are made, outside the repository.
    #[arg(long)]
    keys: Option<PathBuf>,
    /// Install the base packages anew instead of taking them from the cache.
    #[arg(long)]
    fresh: bool,
}

pub(crate) fn run_task(task: &Task) -> Result<()> {
    setup::install(setup::HOUSE)?;
    setup::install(setup::IMAGE)?;
    match task {
        Task::Build(options) => make(options),
        Task::Run { port, state, json } => machine(*port, state.as_deref(), *json),
        Task::Reproduce => reproduce(),
        Task::Powercut { rounds, json, install_every, seed } => {
            powercut(*rounds, *json, *install_every, *seed)
        }
        Task::Lock { names } => {
            build::everything(false)?;
            run(Command::new(build::bin_dir(false).join("plenum-image")).arg("lock").args(names))
        }
    }
}

/// Crates of the programs in the image, and the builder, whose dependencies they share: a build of its own would
/// compile them twice.
const RELEASED: [&str; 7] = [
    "plenum-appliance",
    "plenum-firmware",
    "plenum-image",
    "plenum-sfu",
    "plenum-signaling",
    "plenum-turn",
    "plenum-web",
];

/// Where the images lie.
fn out() -> PathBuf {
    target_dir().join("image")
}

fn make(options: &Options) -> Result<()> {
    let programs = if options.debug_variant {
        build::everything(false)?;
        build::bin_dir(false)
    } else {
        timed("user interface", build::user_interface)?;
        timed("programs", released_programs)?
    };
    let mut image = builder(&programs, &options.version)?;
    if options.debug_variant {
        image.arg("--debug-variant");
    }
    if options.fresh {
        image.arg("--fresh");
    }
    if let Some(keys) = &options.keys {
        image.arg("--keys").arg(keys);
    }
    run(&mut image)?;
    println!("{}", out().display());
    Ok(())
}

/// The debug variant's disk alone, made quickly.
pub(crate) fn debug_disk() -> Result<PathBuf> {
    build::everything(false)?;
    let version = env!("CARGO_PKG_VERSION");
    debug_variant(&build::bin_dir(false), version, None)?;
    Ok(debug_file(version, "raw"))
}

/// The disk of a later version with the same programs; its update lies beside it.
pub(crate) fn debug_disk_of(version: &str) -> Result<PathBuf> {
    debug_variant(&build::bin_dir(false), version, None)?;
    Ok(debug_file(version, "raw"))
}

/// An update of the debug variant, with files over its root for a version that has to fail.
pub(crate) fn debug_update(version: &str, overlay: Option<&str>) -> Result<PathBuf> {
    debug_variant(&build::bin_dir(false), version, overlay)?;
    Ok(debug_file(version, "update"))
}

fn debug_variant(programs: &Path, version: &str, overlay: Option<&str>) -> Result<()> {
    let mut image = builder(programs, version)?;
    image.args(["--debug-variant", "--quick"]);
    if let Some(overlay) = overlay {
        image.arg("--overlay").arg(root().join(overlay));
    }
    run(&mut image)
}

fn debug_file(version: &str, ending: &str) -> PathBuf {
    out().join(format!("plenum-{version}-debug.{ending}"))
}

fn builder(programs: &Path, version: &str) -> Result<Command> {
    let epoch = output(in_root("git").args(["log", "-1", "--format=%ct"]))
        .context("the time of the commit is what every file bears")?;
    let mut image = Command::new(programs.join("plenum-image"));
    image.arg("build").arg("--programs").arg(programs).arg("--out").arg(out());
    image.args(["--version", version, "--epoch", epoch.trim()]);
    Ok(image)
}

/// The optimised daemons and the builder, without a trace of where they were built: the same commit gives the
/// same bytes in every folder.
fn released_programs() -> Result<PathBuf> {
    let target = target_dir().join("image-programs");
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cargo");
    let cargo_home = std::env::var_os("CARGO_HOME").map_or_else(home, PathBuf::from);
    let maps = [(&cargo_home, "/cargo"), (&target, "/target"), (&root(), "/plenum")];
    let rust: Vec<String> =
        maps.iter().map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display())).collect();
    let c: Vec<String> =
        maps.iter().map(|(from, to)| format!("-ffile-prefix-map={}={to}", from.display())).collect();
    let mut command = cargo();
    command.args(["build", "--quiet", "--release", "--locked", "--bins"]);
    for package in RELEASED {
        command.args(["--package", package]);
    }
    // Nothing in the image reads line tables.
    command.env("CARGO_PROFILE_RELEASE_DEBUG", "none");
    command.env("CARGO_TARGET_DIR", &target).env("CARGO_ENCODED_RUSTFLAGS", rust.join("\u{1f}"));
    run(command.env("CFLAGS", c.join(" ")))?;
    Ok(target.join("release"))
}

fn machine(port: u16, state: Option<&Path>, json: bool) -> Result<()> {
    let disk = debug_disk()?;
    let state = state.map_or_else(|| root().join(".state/machine"), Path::to_owned);
    let mut machine = Command::new(build::bin_dir(false).join("plenum-machine"));
    machine.arg(disk).arg("--port").arg(port.to_string()).arg("--state").arg(state);
    if json {
        machine.arg("--json");
    }
    run(&mut machine)
}

fn powercut(rounds: usize, json: bool, install_every: usize, seed: Option<u64>) -> Result<()> {
    // The programs that ship, in the variant with a shell.
    build::everything(false)?;
    let programs = released_programs()?;
    let (old, new) = (env!("CARGO_PKG_VERSION"), "0.1.1");
    for version in [old, new] {
        debug_variant(&programs, version, None)?;
    }
    let folder = target_dir().join("powercut");
    if folder.exists() {
        fs::remove_dir_all(&folder).context("an earlier run cannot be removed")?;
    }
    let mut program = Command::new(build::bin_dir(false).join("plenum-powercut"));
    program.arg(debug_file(old, "raw")).arg(debug_file(new, "update")).arg("--folder").arg(&folder);
    program.args(["--rounds", &rounds.to_string(), "--install-every", &install_every.to_string()]);
    program.args(["--commit", output(in_root("git").args(["rev-parse", "HEAD"]))?.trim()]);
    if json {
        program.arg("--json");
    }
    if let Some(seed) = seed {
        program.args(["--seed", &seed.to_string()]);
    }
    run(&mut program)?;
    fs::remove_dir_all(&folder).context("the disks of the run cannot be removed")
}

fn reproduce() -> Result<()> {
    let changes = output(in_root("git").args(["status", "--porcelain"]))?;
    if !changes.is_empty() {
        bail!("there are changes that no commit has: commit them, because a commit is what is built twice");
    }
    make(&Options { version: env!("CARGO_PKG_VERSION").to_owned(), ..Options::default() })?;
    let again = target_dir().join("reproduce");
    if again.exists() {
        fs::remove_dir_all(&again).context("an earlier second build cannot be removed")?;
    }
    let clone = again.join("a-folder-with-another-name");
    run(in_root("git").args(["clone", "--quiet", "--no-hardlinks"]).arg(root()).arg(&clone))?;
    let mut second = cargo();
    second.current_dir(&clone).args(["xtask", "image", "build", "--fresh"]);
    run(second.env("CARGO_TARGET_DIR", again.join("target")))?;
    compare(&out(), &again.join("target/image"))
}

fn compare(first: &Path, second: &Path) -> Result<()> {
    let sums = format!("plenum-{}.sha256", env!("CARGO_PKG_VERSION"));
    let read = |folder: &Path| {
        fs::read_to_string(folder.join(&sums)).with_context(|| format!("no {sums} in {}", folder.display()))
    };
    let (first, second) = (read(first)?, read(second)?);
    let differing: Vec<&str> =
        first.lines().filter(|line| !second.lines().any(|other| other == *line)).collect();
    if !differing.is_empty() {
        bail!("the second build differs:\n{}\nis not\n{}", differing.join("\n"), second.trim_end());
    }
    println!("no difference:\n{}", first.trim_end());
    Ok(())
}
