//! Development keys, made once in the cache folder. Release keys never lie on a machine that builds: see
//! `README.md` for their place.

use crate::tools::Tools;
use crate::{digest, files, paths, shell};
use anyhow::{Context, Result, anyhow};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use std::path::{Path, PathBuf};

/// A folder with `secure-boot.{key,crt}`, `pcr.{key,pub}`, `update.key` (of the update's header, Ed25519 as
/// PKCS #8 in DER), `update.gnupg` and `update.pgp` (of what systemd-sysupdate checks).
#[derive(Debug, Clone)]
pub struct Keys {
    pub folder: PathBuf,
}

impl Keys {
    /// `folder`: the release keys; without it the development keys.
    pub fn open(folder: Option<&Path>, tools: &Tools) -> Result<Keys> {
        if let Some(folder) = folder {
            return Ok(Keys { folder: std::path::absolute(folder)? });
        }
        let folder = paths::cache().join("development-keys");
        if !folder.join("complete").is_file() || !folder.join("update.key").is_file() {
            files::fresh(&folder)?;
            generate(&tools.with(&folder, "/keys")).context("the development keys could not be made")?;
            std::fs::write(folder.join("complete"), "")?;
        }
        Ok(Keys { folder })
    }

    /// What signs the header of an update.
    pub fn update(&self) -> Result<Ed25519KeyPair> {
        let path = self.folder.join("update.key");
        let bytes = std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(&bytes)
            .map_err(|error| anyhow!("{} is no Ed25519 key (PKCS #8, DER): {error}", path.display()))
    }

    /// Its public half, as boxes hold it: hexadecimal digits.
    pub fn trusted(&self) -> Result<String> {
        Ok(digest::hex(self.update()?.public_key().as_ref()) + "\n")
    }

    /// The tools with these keys in `/keys`.
    pub fn in_tools(&self, tools: &Tools) -> Tools {
        tools.with(&self.folder, "/keys")
    }
}

fn generate(tools: &Tools) -> Result<()> {
    shell::run(
        tools
            .command("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", "3650"])
            .args(["-subj", "/CN=Plenum development Secure Boot"])
            .args(["-keyout", "/keys/secure-boot.key", "-out", "/keys/secure-boot.crt"]),
    )?;
    shell::run(
        tools
            .command("openssl")
            .args(["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"])
            .args(["-out", "/keys/pcr.key"]),
    )?;
    shell::run(tools.command("openssl").args([
        "pkey",
        "-in",
        "/keys/pcr.key",
        "-pubout",
        "-out",
        "/keys/pcr.pub",
    ]))?;
    shell::run(tools.command("openssl").args([
        "genpkey",
        "-algorithm",
        "ED25519",
        "-outform",
        "DER",
        "-out",
        "/keys/update.key",
    ]))?;
    let gpg = || {
        let mut command = tools.command("gpg");
        command.args(["--homedir=/keys/update.gnupg", "--batch", "--quiet"]);
        command
    };
    shell::run(tools.command("mkdir").args(["-m", "0700", "/keys/update.gnupg"]))?;
    shell::run(
        gpg()
            // Older than every commit, at whose time updates are signed.
            .arg("--faked-system-time=1700000000")
            .args(["--passphrase", "", "--quick-generate-key", "Plenum development update"])
            .args(["ed25519", "sign", "never"]),
    )?;
    shell::run(gpg().args(["--output", "/keys/update.pgp", "--export"]))
}
