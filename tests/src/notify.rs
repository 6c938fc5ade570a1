//! The receiving end of sd_notify(3): how the harness learns that a daemon is ready.

use anyhow::{Context, Result, bail};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub struct NotifySocket {
    socket: UnixDatagram,
    path: PathBuf,
}

impl NotifySocket {
    pub fn bind(path: &Path) -> Result<NotifySocket> {
        let _ = std::fs::remove_file(path);
        let socket =
            UnixDatagram::bind(path).with_context(|| format!("{} cannot be bound", path.display()))?;
        Ok(NotifySocket { socket, path: path.to_owned() })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for `READY=1`. `alive` is asked in between, so that a daemon that ended is noticed at once.
    pub fn wait_ready(&self, limit: Duration, mut alive: impl FnMut() -> Result<()>) -> Result<()> {
        let end = Instant::now() + limit;
        self.socket.set_read_timeout(Some(Duration::from_millis(50)))?;
        let mut buffer = [0; 4096];
        while Instant::now() < end {
            match self.socket.recv(&mut buffer) {
                Ok(length) if states(&buffer[..length]).any(|state| state == "READY=1") => return Ok(()),
                Ok(_) => {}
                Err(_) => alive()?,
            }
        }
        bail!("not ready within {} s", limit.as_secs())
    }
}

fn states(message: &[u8]) -> impl Iterator<Item = &str> {
    message.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok())
}
