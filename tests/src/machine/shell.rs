//! The root shell of the debug variant, on a port that only the hypervisor has.

use anyhow::{Context, Result, bail};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(120);

pub struct Shell {
    stream: UnixStream,
    commands: u32,
}

impl Shell {
    pub(super) fn connect(socket: &Path) -> Result<Shell> {
        let stream = UnixStream::connect(socket).context("the machine has no port for a shell")?;
        let mut shell = Shell { stream, commands: 0 };
        shell.wait_until_it_answers()?;
        shell.stream.set_read_timeout(Some(LIMIT))?;
        Ok(shell)
    }

    /// What is written before the shell has opened its end is lost: it is asked until it answers.
    fn wait_until_it_answers(&mut self) -> Result<()> {
        self.stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        let (end, mut text, mut buffer) = (Instant::now() + LIMIT, String::new(), [0; 4_096]);
        while Instant::now() < end {
            writeln!(self.stream, "echo --'shell'--")?;
            match self.stream.read(&mut buffer) {
                Ok(length) => text += &String::from_utf8_lossy(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error).context("the port for a shell broke"),
            }
            if text.contains("--shell--") {
                return Ok(());
            }
        }
        bail!("no shell answers: is it the debug variant?")
    }

    /// What a command line prints. One that fails is an error with what it printed.
    pub fn run(&mut self, line: &str) -> Result<String> {
        self.commands += 1;
        let end = format!("--end-of-{}--", self.commands);
        // In two pieces, so that an echo of the line is not taken for the end.
        // What earlier questions are still answered with is not of this command.
        writeln!(self.stream, "echo --begin-'of-{}'--", self.commands)?;
        writeln!(self.stream, "{line}\nstatus=$?; echo; echo --end-'of-{}'-- $status", self.commands)?;
        let mut text = String::new();
        let mut buffer = [0; 16_384];
        let begin = format!("--begin-of-{}--", self.commands);
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
        let (_, printed) = text.split_once(&begin).context("the shell lost a line")?;
        Ok(printed.trim().to_owned())
    }
}
