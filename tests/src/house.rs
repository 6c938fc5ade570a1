//! The whole house.

use crate::api;
use crate::bus::Bus;
use crate::process::{Process, Service};
use crate::settings::Site;
use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use plenum_protocol::http::Meeting;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// In the order of starting; they end in the opposite one.
const DAEMONS: [&str; 5] = ["sfu", "turn", "signaling", "web", "appliance"];

pub struct House {
    pub site: Site,
    pub bus_address: String,
    running: Vec<(Service, Process)>,
    _bus: Bus,
}

impl House {
    /// Starts everything; `bin_dir` holds the daemons' programs.
    pub fn start(site: Site, bin_dir: &Path) -> Result<House> {
        for folder in ["", "etc", "log", "run"] {
            let path = site.state.join(folder);
            fs::create_dir_all(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        }
        fs::set_permissions(&site.state, fs::Permissions::from_mode(0o700))?;
        let bus = Bus::start(&site.state)?;
        site.write(&bus.address)?;
        let mut running = Vec::new();
        for name in DAEMONS {
            let service = daemon(name, &site, bin_dir);
            let process = Process::start(&service, &site.state)?;
            running.push((service, process));
        }
        Ok(House { bus_address: bus.address.clone(), site, running, _bus: bus })
    }

    pub fn url(&self) -> String {
        format!("https://{}:{}", self.site.addresses[0], self.site.https_port)
    }

    /// The certificate to trust.
    pub fn ca_file(&self) -> PathBuf {
        self.site.state.join("web/ca.pem")
    }

    pub fn host_key(&self) -> Result<String> {
        let key =
            fs::read_to_string(self.site.state.join("host.key")).context("the host key cannot be read")?;
        Ok(key.trim().to_owned())
    }

    /// `None` once the set-up is over.
    pub fn setup_code(&self) -> Option<String> {
        Some(fs::read_to_string(self.site.setup_code_file()).ok()?.trim().to_owned())
    }

    pub fn open_meeting(&self, title: &str) -> Result<Meeting> {
        api::create_meeting(&self.site.run("signaling.sock"), title, &self.host_key()?)
    }

    pub fn link(&self, secret: &str) -> String {
        format!("{}/join#{secret}", self.url())
    }

    /// Starts again what has ended, as systemd does with `Restart=always`. Gives the names.
    pub fn revive(&mut self) -> Result<Vec<&'static str>> {
        let mut revived = Vec::new();
        for (service, process) in &mut self.running {
            if process.has_ended() {
                *process = Process::start(service, &self.site.state)?;
                revived.push(service.name);
            }
        }
        Ok(revived)
    }

    pub fn pid(&self, daemon: &str) -> Option<u32> {
        self.running.iter().find(|(service, _)| service.name == daemon).map(|(_, process)| process.pid())
    }

    pub fn kill(&mut self, daemon: &str) {
        for (service, process) in &mut self.running {
            if service.name == daemon {
                process.signal(Signal::SIGKILL);
            }
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        while self.running.pop().is_some() {}
    }
}

fn daemon(name: &'static str, site: &Site, bin_dir: &Path) -> Service {
    Service {
        name,
        program: bin_dir.join(format!("plenum-{name}")),
        arguments: vec!["--config".to_owned(), site.settings_file(name).to_string_lossy().into_owned()],
        notifies: true,
    }
}
