//! The configuration files of a house on this machine.

use anyhow::{Context, Result};
use plenum_protocol::settings::*;
use serde::Serialize;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};

/// What differs between houses.
#[derive(Debug, Clone)]
pub struct Site {
    pub state: PathBuf,
    /// Where the house is reached: named in certificate, candidates and links.
    pub addresses: Vec<IpAddr>,
    pub https_port: u16,
    pub media_port: u16,
    pub relay_port: u16,
    pub test_loss_permille: u16,
}

impl Site {
    /// `port` for the pages; the two others follow it. 0: free ports.
    pub fn new(state: &Path, port: u16) -> Result<Site> {
        let (https_port, media_port, relay_port) = match port {
            0 => (free_tcp_port()?, free_udp_port()?, free_udp_port()?),
            port => (port, port.checked_add(1).context("the port is too high")?, port.saturating_add(2)),
        };
        Ok(Site {
            state: state.to_owned(),
            addresses: own_addresses()?,
            https_port,
            media_port,
            relay_port,
            test_loss_permille: 0,
        })
    }

    pub fn run(&self, name: &str) -> PathBuf {
        self.state.join("run").join(name)
    }

    pub fn settings_file(&self, daemon: &str) -> PathBuf {
        self.state.join("etc").join(format!("{daemon}.toml"))
    }

    pub fn setup_code_file(&self) -> PathBuf {
        self.run("setup.code")
    }

    fn common(&self, daemon: &str, bus: &str) -> CommonSettings {
        CommonSettings {
            metrics_socket: self.run(&format!("{daemon}.metrics")),
            bus_address: bus.to_owned(),
            ..CommonSettings::default()
        }
    }

    /// Writes every daemon's file. What the settings do not name here keeps its default.
    pub fn write(&self, bus: &str) -> Result<()> {
        let secret_file = self.state.join("turn.secret");
        self.file(
            "sfu",
            &SfuSettings {
                common: self.common("sfu", bus),
                port: self.media_port,
                addresses: self.addresses.clone(),
                public_addresses_file: self.state.join("public-addresses"),
                test_loss_permille: self.test_loss_permille,
                ..SfuSettings::default()
            },
        )?;
        self.file(
            "signaling",
            &SignalingSettings {
                common: self.common("signaling", bus),
                http_socket: self.run("signaling.sock"),
                state_dir: self.state.join("signaling"),
                runtime_dir: self.state.join("run/meetings"),
                host_key_file: self.state.join("host.key"),
                relay: RelaySettings {
                    secret_file: secret_file.clone(),
                    port: self.relay_port,
                    ..RelaySettings::default()
                },
                ..SignalingSettings::default()
            },
        )?;
        self.file(
            "turn",
            &TurnSettings {
                common: self.common("turn", bus),
                listen: self
                    .addresses
                    .iter()
                    .map(|address| SocketAddr::new(*address, self.relay_port))
                    .collect(),
                stream_socket: self.run("turn.sock"),
                secret_file,
                peers: self
                    .addresses
                    .iter()
                    .map(|address| SocketAddr::new(*address, self.media_port))
                    .collect(),
                sfu_port: self.media_port,
                relay_address: self.addresses[0],
                ..TurnSettings::default()
            },
        )?;
        self.file(
            "appliance",
            &ApplianceSettings {
                common: self.common("appliance", bus),
                http_socket: self.run("appliance.sock"),
                state_dir: self.state.join("appliance"),
                setup_code_file: self.setup_code_file(),
                backup_dir: self.state.join("backups"),
                metrics_sockets: ["sfu", "signaling", "turn", "web", "appliance"]
                    .map(|daemon| self.run(&format!("{daemon}.metrics")))
                    .to_vec(),
                machine: false,
                web_dir: self.state.join("pages"),
                public_addresses_file: self.state.join("public-addresses"),
                web_address: SocketAddr::new(self.addresses[0], self.https_port),
                update: UpdateSettings { enabled: false, ..UpdateSettings::default() },
                ..ApplianceSettings::default()
            },
        )?;
        self.file(
            "web",
            &WebSettings {
                common: self.common("web", bus),
                listen: self
                    .addresses
                    .iter()
                    .map(|address| SocketAddr::new(*address, self.https_port))
                    .collect(),
                names: std::iter::once("localhost".to_owned())
                    .chain(self.addresses.iter().map(IpAddr::to_string))
                    .collect(),
                state_dir: self.state.join("web"),
                manager_dir: self.state.join("pages"),
                signaling_socket: self.run("signaling.sock"),
                appliance_socket: self.run("appliance.sock"),
                turn_socket: self.run("turn.sock"),
                ..WebSettings::default()
            },
        )
    }

    fn file(&self, daemon: &str, settings: &impl Serialize) -> Result<()> {
        let path = self.settings_file(daemon);
        fs::write(&path, toml::to_string(settings)?)
            .with_context(|| format!("{} cannot be written", path.display()))
    }
}

/// Loopback, and what a colleague's browser would use: every other IPv4 address of this machine.
fn own_addresses() -> Result<Vec<IpAddr>> {
    let others = plenum_daemon::addresses::own()?.into_iter().filter(|ip| ip.is_ipv4() && !ip.is_loopback());
    Ok(std::iter::once(IpAddr::V4(Ipv4Addr::LOCALHOST)).chain(others).collect())
}

fn free_tcp_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))?.local_addr()?.port())
}

fn free_udp_port() -> Result<u16> {
    Ok(UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?.local_addr()?.port())
}
