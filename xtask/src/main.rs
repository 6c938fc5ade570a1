//! The task runner: `cargo xtask run | test | bench | build | pictures | image | generate | data-register`.
//!
//! Thin by rule: each task sets up what it needs and starts a program that does the work.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line talks to its caller")]

mod bench;
mod build;
mod deny;
mod generate;
mod image;
mod run;
mod setup;
mod shell;
mod suites;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Plenum's tasks")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Start the whole house on this machine and print the links to a conference.
    Run(run::Options),
    /// Run the suites; all of them without arguments.
    Test(suites::Options),
    /// Measure.
    Bench(bench::Options),
    /// Build the user interface and every daemon.
    Build {
        #[arg(long)]
        release: bool,
    },
    /// Take the pictures of the operations manual anew.
    Pictures,
    /// The appliance's image.
    #[command(subcommand)]
    Image(image::Task),
    /// Write the generated files: TypeScript types and the protocol's documentation.
    Generate {
        /// Only check that they are fresh.
        #[arg(long)]
        check: bool,
    },
    /// Print the register of everything that is stored (category, purpose, retention).
    DataRegister {
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Run(options) => run::run(&options),
        Task::Test(options) => suites::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Build { release } => build::everything(release),
        Task::Pictures => build::pictures(),
        Task::Image(task) => image::run_task(&task),
        Task::Generate { check } => generate::run(check),
        Task::DataRegister { json } => generate::data_register(json),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
