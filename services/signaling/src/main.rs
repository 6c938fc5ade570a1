//! `plenum-signaling --config FILE`

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = plenum_store::probe_main(std::env::args_os()) {
        return code;
    }
    plenum_daemon::run("signaling", plenum_signaling::server::main)
}
