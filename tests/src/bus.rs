//! A private message bus, where no system bus is at hand.

use crate::process::{Process, Service};
use anyhow::{Context, Result, bail};
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub struct Bus {
    pub address: String,
    _process: Process,
}

/// Everything is allowed to everyone who may open the socket, which lies in a private folder.
const CONFIGURATION: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path=SOCKET</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
    <allow user="*"/>
  </policy>
</busconfig>
"#;

impl Bus {
    pub fn start(state: &Path) -> Result<Bus> {
        let socket = state.join("run/bus.sock");
        let _ = fs::remove_file(&socket);
        let configuration = state.join("etc/bus.conf");
        fs::write(&configuration, CONFIGURATION.replace("SOCKET", &socket.to_string_lossy()))?;
        let service = Service {
            name: "bus",
            program: "dbus-daemon".into(),
            arguments: vec![
                format!("--config-file={}", configuration.display()),
                "--nofork".to_owned(),
                "--nopidfile".to_owned(),
            ],
            notifies: false,
        };
        let mut process =
            Process::start(&service, state).context("Debian's package dbus-daemon is needed")?;
        wait_for(&socket, &mut process)?;
        Ok(Bus { address: format!("unix:path={}", socket.display()), _process: process })
    }
}

fn wait_for(socket: &PathBuf, process: &mut Process) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(10);
    while UnixStream::connect(socket).is_err() {
        if process.has_ended() || Instant::now() > end {
            bail!("the message bus did not start; see log/bus.log in the state folder");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
