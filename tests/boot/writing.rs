//! A disk that was written as the manual says.

use crate::manual;
use anyhow::{Context, Result};
use plenum_image::shell::run;
use plenum_image::tools::Tools;
use std::path::{Path, PathBuf};

/// What the manual calls the disk, and the file that is one here.
const DISK: &str = "/dev/sdX";
const FILE: &str = "disk.raw";

/// Gives the disk, in `folder`.
pub(crate) fn by_the_manual(image: &Path, folder: &Path) -> Result<PathBuf> {
    let name = image.file_stem().context("an image without a name")?.to_string_lossy();
    let version = name.strip_prefix("plenum-").context("an image of another name")?;
    let tools = Tools::open()?.with(folder, "/image").with(image, "/image.raw");
    let shell = |line: &str| run(tools.command("sh").args(["-euc", &format!("cd /image\n{line}")]));
    // A build for tests leaves out what is only for handing the image on.
    shell(&format!(
        "zstd --quiet -1 -T2 /image.raw -o {name}.raw.zst; sha256sum {name}.raw.zst > {name}.sha256"
    ))?;
    let commands = manual::commands("first-meeting", DISK)?;
    shell(&commands.replace("VERSION", version).replace(DISK, FILE))?;
    for copy in ["raw", "raw.zst"] {
        std::fs::remove_file(folder.join(format!("{name}.{copy}")))?;
    }
    Ok(folder.join(FILE))
}
