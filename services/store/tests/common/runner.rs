//! Runs tests in a program of its own, which can start itself again as writer or probe and which may have a
//! mount namespace: the usual harness can do neither.

use std::{env, process::ExitCode, time::Instant};

/// What a test says when it has passed: its figures.
pub(crate) type Outcome = Result<String, Problem>;

pub(crate) enum Problem {
    Failed(String),
    /// What it needs is not to be had here. Fails where CI=true.
    Impossible(String),
}

impl<E: std::fmt::Display> From<E> for Problem {
    fn from(error: E) -> Self {
        Problem::Failed(error.to_string())
    }
}

/// Fails with a message.
macro_rules! fail {
    ($($message:tt)*) => { return Err($crate::common::runner::Problem::Failed(format!($($message)*))) };
}
pub(crate) use fail;

pub(crate) type Test = (&'static str, fn() -> Outcome);

/// `PROGRAM [PART OF A NAME]…`; other arguments of the usual harness are ignored.
#[expect(clippy::print_stdout, reason = "it is a test harness")]
pub(crate) fn run(tests: &[Test]) -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        tests.iter().for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    let wanted: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for (name, test) in tests {
        if !wanted.is_empty() && !wanted.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        let start = Instant::now();
        let outcome = test();
        let seconds = start.elapsed().as_secs_f32();
        match outcome {
            Ok(figures) => {
                passed += 1;
                println!("test {name} ... ok ({seconds:.1} s) {figures}");
            }
            Err(Problem::Impossible(reason)) if env::var_os("CI").is_none_or(|ci| ci != "true") => {
                skipped += 1;
                println!("test {name} ... ignored, impossible here: {reason}");
            }
            Err(Problem::Impossible(message) | Problem::Failed(message)) => {
                failed += 1;
                println!("test {name} ... FAILED ({seconds:.1} s)\n    {message}");
            }
        }
    }
    let result = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {result}. {passed} passed; {failed} failed; {skipped} ignored; 0 measured; 0 filtered out"
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
