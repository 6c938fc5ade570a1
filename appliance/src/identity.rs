//! Which image runs.

use anyhow::{Context, Result};
use plenum_protocol::update::{PublicKey, Version};
use std::fs;
use std::path::Path;

/// `IMAGE_VERSION` of os-release(5).
pub fn version() -> Result<Version> {
    let text = fs::read_to_string("/etc/os-release").context("/etc/os-release cannot be read")?;
    let value = text.lines().find_map(|line| line.strip_prefix("IMAGE_VERSION="));
    let value = value.context("/etc/os-release names no IMAGE_VERSION: this is no image of Plenum")?;
    value.trim_matches('"').parse().context("IMAGE_VERSION of /etc/os-release")
}

/// One key per line, in hexadecimal digits.
pub fn trusted(path: &Path) -> Result<Vec<PublicKey>> {
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| line.parse().map_err(|error: String| anyhow::anyhow!("{}: {error}", path.display())))
        .collect()
}
