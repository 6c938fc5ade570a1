//! A TPM 2 in software, for one machine.

use crate::process::die_with_parent;
use anyhow::{Context, Result, bail};
use plenum_image::tools::Tools;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

pub(super) struct Tpm {
    swtpm: Child,
}

impl Tpm {
    /// Its state lies in the machine's folder, and so belongs to the machine.
    pub(super) fn start(tools: &Tools, folder: &Path) -> Result<Tpm> {
        fs::create_dir_all(folder.join("tpm"))?;
        let socket = folder.join("tpm.sock");
        let _ = fs::remove_file(&socket);
        let mut command = tools.command("swtpm");
        command.args(["socket", "--tpm2", "--tpmstate", "dir=/machine/tpm"]);
        command.args([
            "--ctrl",
            "type=unixio,path=/machine/tpm.sock",
            "--log",
            "file=/machine/tpm.log,level=1",
        ]);
        die_with_parent(command.stdin(Stdio::null()));
        let mut swtpm = command.spawn().context("swtpm did not start")?;
        let end = Instant::now() + Duration::from_secs(10);
        while !socket.exists() {
            if Instant::now() > end || !matches!(swtpm.try_wait(), Ok(None)) {
                bail!("swtpm is not ready; see tpm.log in {}", folder.display());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(Tpm { swtpm })
    }
}

impl Drop for Tpm {
    fn drop(&mut self) {
        let _ = self.swtpm.kill();
        let _ = self.swtpm.wait();
    }
}
