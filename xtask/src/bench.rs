//! `cargo xtask bench`: measurements, with optimised binaries.

use crate::shell::{in_root, run as start};
use crate::{build, setup};
use anyhow::Result;
use clap::{Args, Subcommand};

#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// 20 joins into a meeting of two: from the click on "Join" to the first remote frame and sound.
    Join {
        #[arg(long)]
        json: bool,
        #[arg(long, default_value_t = 20)]
        joins: u32,
    },
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let What::Join { json, joins } = options.what;
    setup::install(setup::HOUSE)?;
    setup::install(setup::SUITES)?;
    build::user_interface()?;
    build::programs(true)?;
    build::packages("tests/browser")?;
    let mut command = in_root("tests/browser/in-namespace");
    command.args(["node", "tests/browser/bench/join.mjs", "--joins", &joins.to_string()]);
    if json {
        command.arg("--json");
    }
    start(command.env("PLENUM_BIN_DIR", build::bin_dir(true)))
}
