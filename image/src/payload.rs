//! The first pass of systemd-repart: the root as erofs, and its dm-verity tree.

use crate::build::Build;
use crate::{files, paths, shell};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::PathBuf;

/// What a slot holds. The halves of the root hash are the UUIDs of its two partitions.
#[derive(Debug, Clone)]
pub struct Payload {
    pub root_hash: String,
    pub root: PathBuf,
    pub verity: PathBuf,
}

impl Payload {
    pub fn root_uuid(&self) -> String {
        uuid(&self.root_hash[..32])
    }

    pub fn verity_uuid(&self) -> String {
        uuid(&self.root_hash[32..])
    }
}

fn uuid(hex: &str) -> String {
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// Without `--sector-size=512`: verity would get blocks of 512 bytes, and eight times as many hashes.
pub fn make(build: &Build) -> Result<Payload> {
    let folder = build.work.join("payload");
    files::fresh(&folder)?;
    let definitions = build.work.join("payload.d");
    files::fresh(&definitions)?;

    let level = if build.quick { "3" } else { "9" };
    files::fill_folder(&paths::definitions().join("repart/payload"), &definitions, &[("LEVEL", level)])?;
    let mut command = build.tools.command("systemd-repart");
    command.args(["--offline=yes", "--empty=create", "--size=auto", "--split=yes", "--json=pretty"]);
    command.args(["--definitions=/build/payload.d", "--root=/build/root"]);
    command.arg(format!("--seed={}", build.seed()));
    command.env("SOURCE_DATE_EPOCH", build.epoch.to_string());
    // Clusters of 16 KiB: some 4 % less than with the 4 KiB that mkfs.erofs begins with.
    let options = format!("-T{} --all-time -C16384", build.epoch);
    command.env("SYSTEMD_REPART_MKFS_OPTIONS_EROFS", options);
    let printed = shell::output(command.arg("/build/payload/payload.raw"))?;
    let partitions: serde_json::Value =
        serde_json::from_slice(&printed).context("systemd-repart's report is not JSON")?;
    let find = |kind: &str, key: &str| {
        let all = partitions.as_array()?;
        let one = all.iter().find(|one| one["type"].as_str().is_some_and(|it| it.ends_with(kind)))?;
        one[key].as_str().map(str::to_owned)
    };
    let root_hash = find("x86-64", "roothash").context("systemd-repart reports no root hash")?;
    if root_hash.len() != 64 {
        bail!("systemd-repart's root hash is not SHA-256: {root_hash}");
    }
    let split = |ending: &str| -> Result<PathBuf> {
        let name = format!("payload.{ending}.raw");
        let path = folder.join(&name);
        fs::metadata(&path).with_context(|| format!("systemd-repart made no {name}"))?;
        Ok(path)
    };
    Ok(Payload { root_hash, root: split("root")?, verity: split("verity")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_halves_of_the_root_hash_are_the_uuids() {
        let hash = "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef".to_owned();
        let payload = Payload { root_hash: hash, root: PathBuf::new(), verity: PathBuf::new() };
        assert_eq!(payload.root_uuid(), "00112233-4455-6677-8899-aabbccddeeff");
        assert_eq!(payload.verity_uuid(), "01234567-89ab-cdef-0123-456789abcdef");
    }
}
