//! The root shell of the debug variant, on a port that only the hypervisor has.

use anyhow::{Context, Result, bail};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(120);

pub struct Shell {
    stream: UnixStream,
    commands: u32,
}

impl Shell {
    pub(super) fn connect(socket: &Path) -> Result<Shell> {
        let stream = UnixStream::connect(socket).context("the machine has no port for a shell")?;
        stream.set_read_timeout(Some(LIMIT))?;
        Ok(Shell { stream, commands: 0 })
    }

    /// What a command line prints. One that fails is an error with what it printed.
    pub fn run(&mut self, line: &str) -> Result<String> {
        self.commands += 1;
        let end = format!("--end-of-{}--", self.commands);
        // In two pieces, so that an echo of the line is not taken for the end.
        writeln!(self.stream, "{line}\nstatus=$?; echo; echo --end-'of-{}'-- $status", self.commands)?;
        let mut text = String::new();
        let mut buffer = [0; 16_384];
        let status = loop {
            if let Some((before, after)) = text.split_once(&end)
                && let Some((status, _)) = after.split_once('\n')
            {
                let status = status.trim().to_owned();
                text.truncate(before.len());
                break status;
            }
            let length = self.stream.read(&mut buffer).with_context(|| format!("`{line}`: no answer"))?;
            if length == 0 {
                bail!("`{line}`: the shell ended");
            }
            text += &String::from_utf8_lossy(&buffer[..length]);
        };
        if status != "0" {
            bail!("`{line}` failed: {text}");
        }
        Ok(text.trim_end().to_owned())
    }
}
