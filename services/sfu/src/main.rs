//! `plenum-sfu --config FILE`

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    plenum_daemon::run("sfu", plenum_sfu::server::main)
}
