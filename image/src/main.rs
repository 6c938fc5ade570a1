//! `plenum-image build | lock`; `cargo xtask image` starts it.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line talks to its caller")]

use anyhow::Result;
use clap::Parser;
use plenum_image::{build, enter, packages, tools};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "plenum-image", about = "Builds the appliance's image")]
enum Task {
    /// Build the disk, the update, the SBOM and the checksums.
    Build(build::Options),
    /// Write the lock files with today's versions of Debian 13.
    Lock {
        /// Which: tools, root, kernel, firmware; all without a name.
        names: Vec<String>,
    },
    /// Make the tools root, and print where it is.
    Tools,
    #[command(hide = true)]
    Enter(enter::Options),
}

fn main() -> ExitCode {
    match run(Task::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    match task {
        Task::Build(options) => build::run(&options),
        Task::Lock { names } => {
            for (name, count) in packages::lock_all(&names)? {
                println!("{name}: {count} packages");
            }
            Ok(())
        }
        Task::Tools => {
            println!("{}", tools::Tools::open()?.root().display());
            Ok(())
        }
        Task::Enter(options) => enter::run(&options),
    }
}
