//! `cargo xtask run`: the harness of the tests, with kept state.

use crate::shell::{root, run as start};
use crate::{build, setup};
use anyhow::Result;
use clap::Args;
use std::path::PathBuf;
use std::process::Command;

#[derive(Args)]
pub(crate) struct Options {
    /// Port of the pages; the media and relay ports follow it.
    #[arg(long, default_value_t = 8443)]
    port: u16,
    /// Where rooms, certificate and keys are kept.
    #[arg(long)]
    state: Option<PathBuf>,
    /// Print one line of JSON: url, host_link, guest_link, ca_file, setup_code.
    #[arg(long)]
    json: bool,
    /// Build with optimisations.
    #[arg(long)]
    release: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    setup::install(setup::HOUSE)?;
    build::user_interface()?;
    build::programs(options.release)?;
    let state = options.state.clone().unwrap_or_else(|| root().join(".state"));
    let mut house = Command::new(build::bin_dir(options.release).join("plenum-house"));
    house.arg("--port").arg(options.port.to_string()).arg("--state").arg(state);
    if options.json {
        house.arg("--json");
    }
    start(&mut house)
}
