//! The update: one file for HTTPS, upload and USB stick alike.
//!
//! A tar archive with, in this order, `SHA256SUMS.gpg`, `SHA256SUMS`, `manifest.json`, and what
//! systemd-sysupdate writes: root, verity and kernel image. The signature covers the sums, and the sums cover
//! everything else, the manifest too; so whoever reads the first two members can check each further one while
//! it arrives. systemd-sysupdate checks the same two files again, as root and by itself.

use crate::build::Build;
use crate::payload::Payload;
use crate::{digest, files, shell};
use anyhow::{Context, Result};
use serde_json::json;
use std::fs;
use std::path::Path;

/// Writes `NAME.update`.
pub fn make(build: &Build, payload: &Payload) -> Result<()> {
    let folder = build.work.join("update");
    files::fresh(&folder)?;
    let entry = build.entry();
    let root = format!("{entry}_{}.root.raw", payload.root_uuid());
    let verity = format!("{entry}_{}.verity.raw", payload.verity_uuid());
    let kernel = format!("{entry}.efi");
    link(&payload.root, &folder.join(&root))?;
    link(&payload.verity, &folder.join(&verity))?;
    link(&build.work.join("plenum.efi"), &folder.join(&kernel))?;
    let manifest = json!({
        "format": 1,
        "product": "plenum",
        "architecture": "x86-64",
        "version": build.version,
        // Freshness: a box refuses what was made long before what it runs.
        "made": build.epoch,
        "root_hash": payload.root_hash,
        "files": { "root": root, "verity": verity, "kernel": kernel },
    });
    fs::write(folder.join("manifest.json"), serde_json::to_string_pretty(&manifest)? + "\n")?;
    let names = ["manifest.json", &root, &verity, &kernel];
    let mut sums = String::new();
    for name in names {
        sums += &format!("{}  {name}\n", digest::sha256(&folder.join(name))?);
    }
    fs::write(folder.join("SHA256SUMS"), sums)?;
    sign(build)?;
    let tools = build.tools.with(&build.out, "/out");
    let mut tar = tools.command("tar");
    tar.args(["--create", "--format=ustar", "--owner=0", "--group=0", "--numeric-owner", "--mode=0644"]);
    tar.arg(format!("--mtime=@{}", build.epoch)).arg("--directory=/build/update");
    tar.arg(format!("--file=/out/{}.update", build.name()));
    shell::run(tar.args(["SHA256SUMS.gpg", "SHA256SUMS"]).args(names))
}

/// At the commit's time, so that the same commit gives the same signature (Ed25519 takes no random numbers).
fn sign(build: &Build) -> Result<()> {
    let tools = build.keys.in_tools(&build.tools);
    let mut gpg = tools.command("gpg");
    gpg.args(["--homedir=/keys/update.gnupg", "--batch", "--quiet", "--yes"]);
    gpg.arg(format!("--faked-system-time={}!", build.epoch));
    gpg.args(["--detach-sign", "--output=/build/update/SHA256SUMS.gpg", "/build/update/SHA256SUMS"]);
    shell::run(&mut gpg).context("the update could not be signed")
}

fn link(from: &Path, to: &Path) -> Result<()> {
    fs::hard_link(from, to).with_context(|| format!("{} cannot be linked", from.display()))
}
