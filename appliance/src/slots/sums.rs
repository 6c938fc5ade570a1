//! `SHA256SUMS` of a staged update: what root believes, after gpgv(1) has checked its signature.

use anyhow::{Context, Result, bail, ensure};
use plenum_protocol::update::Version;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

const KEYRING: &str = "/etc/systemd/import-pubring.gpg";

/// Digest and name of each file, as `sha256sum` writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sums {
    pub version: Version,
    pub root: Part,
    pub verity: Part,
    pub kernel: Part,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    pub sha256: String,
    /// Of the partition; empty for the kernel image.
    pub uuid: String,
}

/// Copies both files to where nobody else can change them between the check and the use.
pub fn verified(staging: &Path, private: &Path) -> Result<Sums> {
    for name in ["SHA256SUMS", "SHA256SUMS.gpg"] {
        let bytes = fs::read(staging.join(name)).with_context(|| format!("the update has no {name}"))?;
        ensure!(bytes.len() <= 64 << 10, "{name} of the update is too long");
        fs::File::create(private.join(name))?.write_all(&bytes)?;
    }
    let mut gpgv = Command::new("gpgv");
    gpgv.args(["--quiet", "--keyring", KEYRING]).env("GNUPGHOME", private);
    gpgv.arg(private.join("SHA256SUMS.gpg")).arg(private.join("SHA256SUMS"));
    let answer = gpgv.output().context("gpgv cannot be started")?;
    if !answer.status.success() {
        let text = String::from_utf8_lossy(&answer.stderr);
        bail!("the signature of the update's sums is not one this box trusts: {}", text.trim());
    }
    parse(&fs::read_to_string(private.join("SHA256SUMS"))?)
}

fn parse(text: &str) -> Result<Sums> {
    let mut parts = text.lines().map(|line| {
        let (sha256, name) = line.split_once("  ").with_context(|| format!("no sum: {line}"))?;
        ensure!(sha256.len() == 64 && !name.contains('/'), "no sum: {line}");
        Ok((sha256.to_owned(), name.to_owned()))
    });
    let mut part = |ending: &str| -> Result<(Part, Version)> {
        let (sha256, name) = parts.next().with_context(|| format!("no sum of {ending}"))??;
        let stem = name.strip_prefix("plenum_").and_then(|it| it.strip_suffix(ending));
        let stem = stem.with_context(|| format!("{name} is no {ending} of an update"))?;
        let (version, uuid) = stem.split_once('_').unwrap_or((stem, ""));
        let version = version.parse().with_context(|| format!("{name} bears no version"))?;
        let uuid = uuid.to_owned();
        Ok((Part { name, sha256, uuid }, version))
    };
    let (root, version) = part(".root.raw")?;
    let (verity, other) = part(".verity.raw")?;
    let (kernel, third) = part(".efi")?;
    ensure!(version == other && version == third, "the sums are of several versions");
    ensure!(root.uuid.len() == 36 && verity.uuid.len() == 36, "the sums name no partitions");
    Ok(Sums { version, root, verity, kernel })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_three_of_one_version() {
        let digest = "a".repeat(64);
        let uuid = "01234567-89ab-cdef-0123-456789abcdef";
        let text = format!(
            "{digest}  plenum_0.2.0_{uuid}.root.raw\n{digest}  plenum_0.2.0_{uuid}.verity.raw\n{digest}  plenum_0.2.0.efi\n"
        );
        let sums = parse(&text).unwrap();
        assert_eq!((sums.version.to_string().as_str(), sums.root.uuid.as_str()), ("0.2.0", uuid));
        assert_eq!(sums.kernel.name, "plenum_0.2.0.efi");
        assert!(parse(&text.replace("plenum_0.2.0.efi", "plenum_0.3.0.efi")).is_err());
        assert!(parse(&text.replace("0.2.0_0", "0.2.0_../0")).is_err());
        assert!(parse("").is_err());
    }
}
