//! The configuration file (TOML) of every daemon. Unknown keys are errors; every key has a default
//! unless its documentation says that it must be given.

use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// What every daemon needs beside its own settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CommonSettings {
    /// Unix socket on which `GET /metrics` answers in the Prometheus text format. Empty: none.
    pub metrics_socket: PathBuf,
    /// Address of the message bus, as in the D-Bus specification. Empty: the system bus.
    pub bus_address: String,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub log_level: String,
}

impl Default for CommonSettings {
    fn default() -> Self {
        CommonSettings {
            metrics_socket: PathBuf::new(),
            bus_address: String::new(),
            log_level: "info".to_owned(),
        }
    }
}

/// `/etc/plenum/sfu.toml`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SfuSettings {
    pub common: CommonSettings,
    /// The one UDP port for everyone, bound on every address, IPv4 and IPv6.
    pub port: u16,
    /// Addresses named in answers. Empty: every address of this machine that is neither loopback nor
    /// link-local.
    pub addresses: Vec<IpAddr>,
    /// Where `appliance` puts more of them, one per line: those that a router translates. Read at every answer.
    pub public_addresses_file: PathBuf,
    /// Media threads. 0: one per core.
    pub threads: u16,
    /// Mbit/s towards one peer at the most.
    pub peer_limit_mbps: u32,
    /// For tests only: out of 1,000 datagrams, how many are dropped, each way.
    pub test_loss_permille: u16,
}

impl Default for SfuSettings {
    fn default() -> Self {
        SfuSettings {
            common: CommonSettings::default(),
            port: 10_000,
            addresses: Vec::new(),
            public_addresses_file: "/var/lib/plenum/media/public-addresses".into(),
            threads: 0,
            peer_limit_mbps: 30,
            test_loss_permille: 0,
        }
    }
}

/// Who may open a meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpenPolicy {
    /// Anyone whose address belongs to a network of this box; others need the host key.
    Network,
    /// Only holders of the host key.
    HostKey,
}

/// `/etc/plenum/signaling.toml`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SignalingSettings {
    pub common: CommonSettings,
    /// Unix socket for the JSON API and the WebSocket.
    pub http_socket: PathBuf,
    /// Rooms: kept over restarts of the machine.
    pub state_dir: PathBuf,
    /// Running meetings: kept over restarts of the daemon only. In the image a tmpfs, so that nothing
    /// that is said in a meeting reaches a disk.
    pub runtime_dir: PathBuf,
    pub open_meetings: OpenPolicy,
    /// File with the host key; made when it does not exist.
    pub host_key_file: PathBuf,
    /// Seconds for which a dropped connection keeps its seat.
    pub seat_seconds: u32,
    /// People in one room at the most.
    pub max_people: u32,
    /// Days after which a room that nobody used is deleted.
    pub room_days: u32,
    pub relay: RelaySettings,
}

impl Default for SignalingSettings {
    fn default() -> Self {
        SignalingSettings {
            common: CommonSettings::default(),
            http_socket: "/run/plenum/signaling/http.sock".into(),
            state_dir: "/var/lib/plenum/signaling".into(),
            runtime_dir: "/run/plenum/signaling/meetings".into(),
            open_meetings: OpenPolicy::HostKey,
            host_key_file: "/var/lib/plenum/signaling/host.key".into(),
            seat_seconds: 60,
            max_people: 250,
            room_days: 90,
            relay: RelaySettings::default(),
        }
    }
}

/// What clients are told about the TURN server. Its host name is the one of the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RelaySettings {
    /// File with the secret shared with `turn`; made when it does not exist.
    pub secret_file: PathBuf,
    /// UDP and TCP port of the TURN server; 0: not offered.
    pub port: u16,
    /// Whether TURN over TLS is offered on the page's own port.
    pub tls: bool,
    /// Seconds for which a credential is valid.
    pub credential_seconds: u32,
}

impl Default for RelaySettings {
    fn default() -> Self {
        RelaySettings {
            secret_file: "/var/lib/plenum/turn/secret".into(),
            port: 3478,
            tls: true,
            credential_seconds: 6 * 3600,
        }
    }
}

/// `/etc/plenum/turn.toml`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TurnSettings {
    pub common: CommonSettings,
    /// UDP and TCP addresses to listen on.
    pub listen: Vec<SocketAddr>,
    /// Unix socket on which `web` hands over TLS streams that speak STUN, each with a PROXY protocol
    /// version 2 header in front.
    pub stream_socket: PathBuf,
    /// File with the secret shared with `signaling`; made when it does not exist.
    pub secret_file: PathBuf,
    pub realm: String,
    /// Address of this machine from which relayed packets are sent, and which is named to clients.
    /// Unspecified: the first of `peers`' own network.
    pub relay_address: IpAddr,
    /// The SFU's addresses: nothing else can be reached through the relay (HD8). Empty: every address
    /// of this machine that is neither loopback nor link-local, with `sfu_port`.
    pub peers: Vec<SocketAddr>,
    pub sfu_port: u16,
    /// Allocations of one credential, and of everyone.
    pub max_allocations_per_user: u32,
    pub max_allocations: u32,
    /// kbit/s of one credential, each way.
    pub max_kbps_per_user: u32,
}

impl Default for TurnSettings {
    fn default() -> Self {
        TurnSettings {
            common: CommonSettings::default(),
            listen: vec![SocketAddr::from(([0u16; 8], 3478))],
            stream_socket: "/run/plenum/turn/stream.sock".into(),
            secret_file: "/var/lib/plenum/turn/secret".into(),
            realm: "plenum".to_owned(),
            relay_address: IpAddr::from([0u8; 4]),
            peers: Vec::new(),
            sfu_port: 10_000,
            max_allocations_per_user: 12,
            max_allocations: 2_000,
            max_kbps_per_user: 30_000,
        }
    }
}

/// `/etc/plenum/web.toml`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebSettings {
    pub common: CommonSettings,
    /// TCP addresses for HTTPS.
    pub listen: Vec<SocketAddr>,
    /// PEM chain and PEM key. Both empty: a self-signed certificate for `names` is made in `state_dir`.
    /// Replaced files are taken up without a restart.
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Host names and addresses of the self-signed certificate.
    pub names: Vec<String>,
    pub state_dir: PathBuf,
    /// Where `appliance` puts a certificate with its key (`server.pem`), which goes before the one above, and
    /// more host names (`names`, one per line).
    pub manager_dir: PathBuf,
    pub signaling_socket: PathBuf,
    pub appliance_socket: PathBuf,
    pub turn_socket: PathBuf,
    /// TLS 1.2 with ECDHE and AEAD as well (EN1).
    pub tls12: bool,
    pub max_connections: u32,
    pub max_connections_per_address: u32,
    /// Whom to tell of a weakness, as a URI such as `mailto:security@example.org`, for
    /// `/.well-known/security.txt` (RFC 9116). Empty: there is no such page.
    pub security_contact: String,
}

impl Default for WebSettings {
    fn default() -> Self {
        WebSettings {
            common: CommonSettings::default(),
            listen: vec![SocketAddr::from(([0u16; 8], 443))],
            certificate: PathBuf::new(),
            key: PathBuf::new(),
            names: vec!["plenum.local".to_owned()],
            state_dir: "/var/lib/plenum/web".into(),
            manager_dir: "/var/lib/plenum/pages".into(),
            signaling_socket: "/run/plenum/signaling/http.sock".into(),
            appliance_socket: "/run/plenum/appliance/http.sock".into(),
            turn_socket: "/run/plenum/turn/stream.sock".into(),
            tls12: false,
            max_connections: 4_096,
            max_connections_per_address: 1_024,
            security_contact: String::new(),
        }
    }
}

/// `/etc/plenum/appliance.toml`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApplianceSettings {
    pub common: CommonSettings,
    /// Unix socket for the JSON API of set-up and administration.
    pub http_socket: PathBuf,
    /// Accounts, settings and audit log.
    pub state_dir: PathBuf,
    /// Where the box's display finds the setup code, as long as there is one.
    pub setup_code_file: PathBuf,
    /// Backups that lie on the box itself.
    pub backup_dir: PathBuf,
    /// Metrics sockets of all daemons (`common.metrics_socket` of each).
    pub metrics_sockets: Vec<PathBuf>,
    /// Where the recovery key of the data partition stands until somebody has noted it.
    pub recovery_key_file: PathBuf,
    /// `false` on machines that are no appliance: their network, name and time are left alone.
    pub machine: bool,
    /// Where systemd-networkd reads what the daemon writes.
    pub network_dir: PathBuf,
    /// `manager_dir` of `web`.
    pub web_dir: PathBuf,
    /// The same of `sfu`.
    pub public_addresses_file: PathBuf,
    /// Where the pages answer on this machine, to see their certificate as visitors do.
    pub web_address: SocketAddr,
    pub update: UpdateSettings,
}

impl Default for ApplianceSettings {
    fn default() -> Self {
        ApplianceSettings {
            common: CommonSettings::default(),
            http_socket: "/run/plenum/appliance/http.sock".into(),
            state_dir: "/var/lib/plenum/appliance/manager".into(),
            setup_code_file: "/run/plenum/appliance/setup.code".into(),
            backup_dir: "/var/lib/plenum/appliance/backups".into(),
            metrics_sockets: ["sfu", "signaling", "turn", "web", "appliance"]
                .map(|daemon| format!("/run/plenum/{daemon}/metrics.sock").into())
                .to_vec(),
            recovery_key_file: "/run/plenum/recovery.key".into(),
            machine: true,
            network_dir: "/run/systemd/network".into(),
            web_dir: "/var/lib/plenum/pages".into(),
            public_addresses_file: "/var/lib/plenum/media/public-addresses".into(),
            web_address: SocketAddr::from(([127, 0, 0, 1], 443)),
            update: UpdateSettings::default(),
        }
    }
}

/// Where updates come from, and when the box may restart for one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UpdateSettings {
    /// `false` on machines that run no image: nothing can be updated there.
    pub enabled: bool,
    /// `https://` URL of a directory with updates and `latest.json`: any static web server. Empty: none.
    pub source: String,
    /// PEM file of authorities that are trusted for `source` beside the public ones. Empty: none.
    pub authorities: PathBuf,
    /// Hours of the day in UTC, as in `01:00-03:30`, in which the box restarts for an update even while
    /// people meet. Empty: it restarts as soon as nobody does.
    pub restart_window: String,
    /// Keys whose updates are taken, one per line.
    pub trusted_keys: PathBuf,
    /// Where the progress of an update is kept over restarts.
    pub state_dir: PathBuf,
    /// Where an update is kept until it is written.
    pub staging_dir: PathBuf,
}

impl Default for UpdateSettings {
    fn default() -> Self {
        UpdateSettings {
            enabled: true,
            source: String::new(),
            authorities: PathBuf::new(),
            restart_window: String::new(),
            trusted_keys: "/usr/lib/plenum/update.keys".into(),
            state_dir: "/var/lib/plenum/appliance".into(),
            staging_dir: "/var/lib/plenum/appliance/update".into(),
        }
    }
}
