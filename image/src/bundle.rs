//! The update: one file for HTTPS, upload and USB stick alike (`docs/update-bundle.md`).
//!
//! Its header is signed for whoever receives the file. Inside lies what systemd-sysupdate writes, with sums
//! and a signature of their own: it runs as root and believes nobody else.

use crate::build::Build;
use crate::payload::Payload;
use crate::{digest, files, shell};
use anyhow::{Context, Result};
use plenum_protocol::update::{self, ARCHITECTURE, Index, Manifest, Role, SignedIndex};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

/// How long a mirror may stand still before boxes say so.
const FRESH_SECONDS: u64 = 400 * 86_400;

/// Writes `NAME.update`, and `latest.json` beside it.
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
    let mut sums = String::new();
    for name in [&root, &verity, &kernel] {
        sums += &format!("{}  {name}\n", digest::sha256(&folder.join(name))?);
    }
    fs::write(folder.join("SHA256SUMS"), sums)?;
    sign_sums(build)?;
    let payloads = [
        (Role::SumsSignature, "SHA256SUMS.gpg"),
        (Role::Sums, "SHA256SUMS"),
        (Role::Root, &root),
        (Role::Verity, &verity),
        (Role::Kernel, &kernel),
    ];
    let manifest = manifest(build, payload, &folder, &payloads)?;
    let size = write(build, &manifest, &folder)?;
    latest(build, &manifest, size)
}

fn manifest(build: &Build, payload: &Payload, folder: &Path, parts: &[(Role, &str)]) -> Result<Manifest> {
    let version = build.version.parse().context("the image's version")?;
    let mut payloads = Vec::new();
    for (role, name) in parts {
        let path = folder.join(name);
        let size = fs::metadata(&path)?.len();
        let sha256 = digest::sha256(&path)?;
        payloads.push(update::Payload { role: *role, name: (*name).to_owned(), size, sha256 });
    }
    Ok(Manifest {
        product: "plenum".to_owned(),
        version,
        architecture: ARCHITECTURE.to_owned(),
        built: build.epoch,
        root_hash: payload.root_hash.clone(),
        minimum_version: "0.1".parse().context("the oldest version")?,
        payloads,
    })
}

/// The header, and the payloads behind it.
fn write(build: &Build, manifest: &Manifest, folder: &Path) -> Result<u64> {
    let path = build.out.join(format!("{}.update", build.name()));
    let mut file = File::create(&path).with_context(|| format!("{} cannot be written", path.display()))?;
    file.write_all(&update::sign(manifest, &build.keys.update()?)?)?;
    for payload in &manifest.payloads {
        std::io::copy(&mut File::open(folder.join(&payload.name))?, &mut file)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(file.metadata()?.len())
}

/// What a directory of updates says about its newest one; a mirror is a copy of `.update` and this file.
fn latest(build: &Build, manifest: &Manifest, size: u64) -> Result<()> {
    let index = Index {
        version: manifest.version.clone(),
        bundle: format!("{}.update", build.name()),
        size,
        signed: build.epoch,
        expires: build.epoch + FRESH_SECONDS,
    };
    let signed = SignedIndex::sign(&index, &build.keys.update()?)?;
    let path = build.out.join(format!("{}.latest.json", build.name()));
    files::write(&path, serde_json::to_string(&signed)? + "\n", 0o644)
}

/// At the commit's time, so that the same commit gives the same signature (Ed25519 takes no random numbers).
fn sign_sums(build: &Build) -> Result<()> {
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
