//! What a machine is told from outside: ports, names and a host key, as credentials of the hypervisor. Only the
//! debug variant listens to them.

use super::mirror::Mirror;
use super::{Network, lan};
use anyhow::{Context, Result};
use plenum_protocol::http::{CreateMeeting, Meeting};
use plenum_protocol::settings::{ApplianceSettings, SfuSettings, TurnSettings, UpdateSettings, WebSettings};
use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

#[derive(Debug, Clone)]
pub struct Site {
    /// The port of the pages on this machine's loopback address.
    pub https_port: u16,
    /// Whether media and relay are forwarded too. Their ports are those of the image, so that only one machine
    /// can have them.
    pub media: bool,
    pub host_key: String,
    /// Where the box looks for updates.
    pub mirror: Option<Mirror>,
}

const MEDIA: u16 = 10_000;
const RELAY: u16 = 3_478;
/// From the first daemon to the last, under emulation.
const DAEMONS_LIMIT: Duration = Duration::from_secs(120);

/// Those that are told something.
const DAEMONS: [&str; 3] = ["web", "sfu", "turn"];
const FOLDER: &str = "/run/plenum-site";

impl Site {
    /// The pages alone.
    pub fn new(https_port: u16, host_key: String) -> Site {
        Site { https_port, media: false, host_key, mirror: None }
    }

    pub(super) fn forwards(&self) -> String {
        let mut text = format!(",hostfwd=tcp:127.0.0.1:{}-:443", self.https_port);
        if self.media {
            for (protocol, port) in [("udp", MEDIA), ("udp", RELAY), ("tcp", RELAY)] {
                // Writing into a string cannot fail.
                let _ = write!(text, ",hostfwd={protocol}:127.0.0.1:{port}-:{port}");
            }
        }
        text
    }

    /// `NAME=BASE64`
    pub(super) fn credentials(&self, network: Network) -> Result<Vec<String>> {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let names = ["plenum.local", "localhost", &loopback.to_string(), &lan::MACHINE.to_string()];
        let web = WebSettings { names: names.map(str::to_owned).to_vec(), ..WebSettings::default() };
        let addresses = if self.media { vec![loopback] } else { Vec::new() };
        let mut files = format!("d {FOLDER} 0755 root root -\n");
        // The relay reaches the SFU where the SFU says that it is.
        let peers = addresses.iter().map(|address| SocketAddr::new(*address, MEDIA)).collect();
        let sfu = SfuSettings { addresses, ..SfuSettings::default() };
        let turn = TurnSettings { peers, ..TurnSettings::default() };
        let settings = [toml::to_string(&web)?, toml::to_string(&sfu)?, toml::to_string(&turn)?];
        for (name, text) in DAEMONS.iter().zip(settings) {
            writeln!(files, "f+ {FOLDER}/{name}.toml 0644 root root - {}", escaped(&text))?;
        }
        if let Some(mirror) = &self.mirror {
            let (authorities, settings) = (format!("{FOLDER}/mirror.pem"), self.updates(mirror)?);
            writeln!(files, "f+ {authorities} 0644 root root - {}", escaped(&mirror.authority))?;
            writeln!(files, "f+ {FOLDER}/appliance.toml 0644 root root - {}", escaped(&settings))?;
        }
        if network == Network::Lan {
            let settings = escaped(&lan::settings());
            writeln!(files, "f+ /run/systemd/network/60-lan.network 0644 root root - {settings}")?;
        }
        writeln!(files, "d /var/lib/plenum/signaling 0700 plenum-signaling plenum -")?;
        writeln!(
            files,
            "f /var/lib/plenum/signaling/host.key 0600 plenum-signaling plenum - {}",
            self.host_key
        )?;
        let mut credentials = vec![encoded("tmpfiles.extra", &files)];
        if network == Network::Lan {
            let networkd = "[Unit]\nAfter=systemd-tmpfiles-setup.service\n";
            credentials.push(encoded("systemd.unit-dropin.systemd-networkd.service", networkd));
        }
        let appliance = self.mirror.as_ref().map(|_| "appliance");
        for name in DAEMONS.into_iter().chain(appliance) {
            let program = format!("/usr/bin/plenum-{name} --config {FOLDER}/{name}.toml");
            let drop_in = format!("[Service]\nExecStart=\nExecStart={program}\n");
            credentials.push(encoded(&format!("systemd.unit-dropin.plenum-{name}.service"), &drop_in));
        }
        Ok(credentials)
    }

    fn updates(&self, mirror: &Mirror) -> Result<String> {
        let settings = ApplianceSettings {
            update: UpdateSettings {
                source: mirror.url.clone(),
                authorities: format!("{FOLDER}/mirror.pem").into(),
                ..UpdateSettings::default()
            },
            ..ApplianceSettings::default()
        };
        Ok(toml::to_string(&settings)?)
    }

    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.https_port)
    }

    pub fn open_meeting(&self, title: &str) -> Result<Meeting> {
        let request = CreateMeeting { title: title.to_owned(), host_key: Some(self.host_key.clone()) };
        let body = serde_json::to_string(&request)?;
        let end = Instant::now() + DAEMONS_LIMIT;
        loop {
            match super::https::post(self.https_port, "/api/meetings", &body) {
                // The pages are there before the meetings are.
                Err(error) if error.to_string().contains("(503)") && Instant::now() < end => {
                    std::thread::sleep(Duration::from_millis(250));
                }
                answer => return Ok(serde_json::from_str(&answer?)?),
            }
        }
    }

    /// The pages answer before the meetings do.
    pub fn open_meeting_within(&self, title: &str, limit: Duration) -> Result<Meeting> {
        let end = Instant::now() + limit;
        loop {
            match self.open_meeting(title) {
                Err(_) if Instant::now() < end => std::thread::sleep(Duration::from_millis(500)),
                other => return other,
            }
        }
    }

    pub fn link(&self, secret: &str) -> String {
        format!("{}/join#{secret}", self.url())
    }
}

/// For a line of tmpfiles.d.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('%', "%%")
}

fn encoded(name: &str, text: &str) -> String {
    use base64::Engine as _;
    format!("{name}={}", base64::engine::general_purpose::STANDARD.encode(text))
}

/// The host key of a machine: made once, because the machine keeps it on its data partition.
pub fn host_key(folder: &Path) -> Result<String> {
    let path = folder.join("host.key");
    if let Ok(key) = fs::read_to_string(&path) {
        return Ok(key);
    }
    fs::create_dir_all(folder)?;
    let mut random = [0; 32];
    fs::File::open("/dev/urandom")?.read_exact(&mut random)?;
    let key = plenum_image::digest::hex(&random);
    fs::write(&path, &key)?;
    Ok(key)
}

/// A TCP port of this machine's loopback address that nobody has now.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}
