//! Generated files, and the check that they are fresh.

use crate::build;
use crate::shell::{self, root};
use anyhow::{Context, Result, bail};
use std::fs;
use std::process::Command;

const TYPESCRIPT: &str = "services/web/ui/src/generated/protocol.ts";

pub(crate) fn run(check: bool) -> Result<()> {
    typescript(check)?;
    file("docs/protocol.md", &plenum_protocol::document::page(), check)?;
    file("docs/openapi.json", &plenum_protocol::manager::openapi::document(), check)
}

pub(crate) fn typescript(check: bool) -> Result<()> {
    file(TYPESCRIPT, &plenum_protocol::typescript::module(), check)
}

/// Writes a generated file when it differs, or only says that it does.
fn file(path: &str, wanted: &str, check: bool) -> Result<()> {
    let full = root().join(path);
    if fs::read_to_string(&full).is_ok_and(|have| have == wanted) {
        return Ok(());
    }
    if check {
        bail!("{path} is not what its source generates: run `cargo xtask generate` and commit it");
    }
    fs::create_dir_all(full.parent().expect("a generated file lies in a folder"))?;
    fs::write(&full, wanted).with_context(|| format!("{path} cannot be written"))
}

pub(crate) fn data_register(json: bool) -> Result<()> {
    build::programs(false)?;
    let mut command = Command::new(build::bin_dir(false).join("data-register"));
    if json {
        command.arg("--json");
    }
    shell::run(&mut command)
}
