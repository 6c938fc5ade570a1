//! `cargo deny`: licences, banned crates, sources; advisories where their database can be reached.

use crate::shell::{cargo, has, in_root, run};
use anyhow::Result;
use std::path::PathBuf;
use std::process::Command;

const VERSION: &str = "0.20.2";

pub(crate) fn run_checks() -> Result<()> {
    let program = program()?;
    // Not `--offline`: it looks at crates of other platforms too, which no build has downloaded.
    run(in_root(&program.to_string_lossy()).args([
        "--log-level",
        "error",
        "check",
        "licenses",
        "bans",
        "sources",
    ]))
}

/// The installed one, or one built once into the cache folder.
fn program() -> Result<PathBuf> {
    if has("cargo-deny") {
        return Ok("cargo-deny".into());
    }
    let root = cache_dir().join("cargo-deny").join(VERSION);
    let program = root.join("bin/cargo-deny");
    if !program.is_file() {
        eprintln!("building cargo-deny {VERSION} once, into {}", root.display());
        let mut install: Command = cargo();
        install.args([
            "install",
            "--quiet",
            "--debug",
            "--locked",
            "--version",
            VERSION,
            "cargo-deny",
            "--root",
        ]);
        run(install.arg(&root))?;
    }
    Ok(program)
}

/// As in the XDG Base Directory specification.
fn cache_dir() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/tmp".into())).join(".cache");
    std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("plenum")
}
