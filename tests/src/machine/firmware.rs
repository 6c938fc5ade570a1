//! The variables of the machine's firmware.

use super::run;
use anyhow::Result;
use plenum_image::keys::Keys;
use plenum_image::tools::Tools;
use std::fs;
use std::path::Path;

/// Whose keys they are, for the firmware's lists.
const OWNER: &str = "5f1a3c4e-8d0b-4f6e-9a57-2c61d0b7e934";

/// Those of a firmware that was never booted, unless the machine has its own already. With Secure Boot our
/// development key is all three: platform key, key exchange key and signature database.
pub(super) fn variables(tools: &Tools, folder: &Path, secure_boot: bool) -> Result<()> {
    let variables = folder.join("variables.fd");
    if variables.is_file() {
        return Ok(());
    }
    fs::copy(tools.root().join("usr/share/OVMF/OVMF_VARS_4M.fd"), variables)?;
    if !secure_boot {
        return Ok(());
    }
    let tools = Keys::open(None, tools)?.in_tools(tools);
    let mut enrol = tools.command("virt-fw-vars");
    enrol.args([
        "--loglevel",
        "error",
        "--inplace",
        "/machine/variables.fd",
        "--secure-boot",
        "--no-microsoft",
    ]);
    for key in ["--set-pk", "--add-kek", "--add-db"] {
        enrol.args([key, OWNER, "/keys/secure-boot.crt"]);
    }
    run(&mut enrol)
}
