//! A daemon as a process: command line, socket activation, readiness, watchdog, reload, stop, journal.
//!
//! This executable is both the tests and the daemon under test: with `--config` it is the daemon.

mod process {
    pub(crate) mod child;
    pub(crate) mod daemon;
    pub(crate) mod journal;
    pub(crate) mod scenarios;
}

use process::{daemon, journal, scenarios};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("--config" | "--version") => daemon::main(),
        Some("--collect-journal") => journal::collect(),
        _ => {
            // libtest's arguments: a filter, and flags that mean nothing here.
            let filter = arguments.iter().find(|argument| !argument.starts_with('-'));
            let wanted = |name: &str| filter.is_none_or(|filter| name.contains(filter.as_str()));
            for (name, scenario) in scenarios::ALL.iter().filter(|(name, _)| wanted(name)) {
                eprintln!("test {name} ...");
                scenario(); // A failure panics, and the panic is the exit status.
                eprintln!("test {name} ... ok");
            }
            ExitCode::SUCCESS
        }
    }
}
