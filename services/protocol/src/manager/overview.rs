//! The box in numbers, and the orders that restart it. Nothing here names a person or a meeting.

use super::{AcmeFailure, CertificateInfo, NetworkState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Overview {
    pub version: String,
    /// Fully qualified, or `plenum`.
    pub host_name: String,
    /// Under which its neighbours reach it without the DNS (RFC 6762): `plenum.local`, or another one if that is taken.
    /// Empty where nobody says so.
    pub local_name: String,
    /// Seconds since the box was switched on.
    #[ts(type = "number")]
    pub uptime: u64,
    /// The most important first; empty if all is well.
    pub problems: Vec<Problem>,
    pub meetings: Meetings,
    /// People at once for whom this hardware is good, worked out as the self-test does.
    pub capacity: u32,
    pub disk: Disk,
    /// When the newest backup was made, in milliseconds since 1970; missing where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(type = "number | null")]
    pub last_backup: Option<u64>,
    pub clock: Clock,
    pub network: NetworkState,
    /// As visitors see it; missing while the pages do not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificateInfo>,
    /// Missing on a machine that is no appliance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update: Option<UpdateState>,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Problem {
    /// No meeting can begin.
    MediaServerSilent,
    /// Nobody reaches the box with a browser.
    PagesSilent,
    /// A unit of systemd.
    UnitFailed {
        unit: String,
    },
    /// What the settings say does not hold. `detail` is in English, as in the log.
    NotApplied {
        area: SettingsArea,
        detail: String,
    },
    LowDisk {
        free_megabytes: u32,
    },
    /// Days until the certificate has expired; negative: since when.
    CertificateExpires {
        days: i32,
    },
    /// The ACME directory gives no certificate.
    CertificateNotRenewed {
        failure: AcmeFailure,
    },
    NoAddress,
    /// The last update did not succeed: the version, or empty, and why, in English, as in the log.
    UpdateFailed {
        version: String,
        reason: String,
    },
    /// Nobody has noted the key that opens the data without the TPM.
    RecoveryKeyWaits,
    /// There is no backup, because nobody has made a key for it.
    NoBackup,
    /// The last backup could not be made. `detail` is in English, as in the log.
    BackupFailed {
        detail: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum SettingsArea {
    Network,
    HostName,
    Time,
    Pages,
    Updates,
    Syslog,
}

/// What the box's display shows, and nobody else may ask for: `org.plenum.Console1` on the bus.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Display {
    /// As long as the box can be set up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setup_code: Option<String>,
    /// `plenum.toml` on a USB stick, as long as the box can be set up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer: Option<SettingsOffer>,
    pub overview: Overview,
}

/// A file that waits for somebody before the box to confirm it, unless something is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsOffer {
    /// With line, key and remedy, in English.
    pub findings: Vec<String>,
    /// Its signature is wrong.
    pub forged: bool,
}

/// Numbers alone (DM4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Meetings {
    pub rooms: u32,
    pub people: u32,
    /// `false` while the media server does not answer.
    pub known: bool,
}

/// Of the data partition, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Disk {
    #[ts(type = "number")]
    pub total: u64,
    #[ts(type = "number")]
    pub free: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Clock {
    /// Milliseconds since 1970.
    #[ts(type = "number")]
    pub now: u64,
    /// Whether a time server has set it since the start.
    pub synchronized: bool,
}

/// As `org.plenum.Appliance1` shows it on the bus.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct UpdateState {
    /// `idle`, `checking`, `downloading`, `writing`, `verifying-slot`, `ready-to-restart`, `waiting`,
    /// `restarting` or `trying`.
    pub state: String,
    /// The version that the state is about, or empty.
    pub target: String,
    /// Bytes done, and of how many; 0 of 0 where nothing is counted.
    #[ts(type = "number")]
    pub done: u64,
    #[ts(type = "number")]
    pub of: u64,
    /// A version that could be installed, or empty.
    pub available: String,
    /// How the last one ended: `good`, `failed`, `interrupted`, `rolled-back` by the box, `went-back` by an
    /// administrator, or empty.
    pub last: String,
    pub last_version: String,
    pub last_reason: String,
    /// Why it waits, in plain words.
    pub reasons: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum PowerAction {
    Restart,
    SwitchOff,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct PowerOrder {
    pub action: PowerAction,
    /// Even if it cuts people off.
    #[serde(default)]
    pub now: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct PowerAnswer {
    pub done: bool,
    /// People in meetings, whom it would cut off or has cut off.
    pub people: u32,
}

/// Everything on the box is deleted at once, and it starts as from the factory. Whoever orders it proves once more who
/// they are (AU8).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct FactoryReset {
    /// Of the box that is meant; case does not matter.
    pub host_name: String,
    pub password: String,
    /// A one-time password, or a recovery code.
    pub code: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum UpdateAction {
    /// Looks for a new version, in the update source and on a USB stick.
    Check,
    /// What is available.
    Install,
    Cancel,
    /// Into the new version, as soon as no meeting is running.
    Restart,
    /// Back to the former version, as soon as no meeting is running.
    Rollback,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct UpdateOrder {
    pub action: UpdateAction,
    /// `restart` and `rollback`: even if it cuts people off.
    #[serde(default)]
    pub now: bool,
}

/// The longest part of an update's file in one call.
pub const MAX_UPDATE_PART_BYTES: usize = 4 << 20;

/// A part of an update's file. The first one begins the installation, and the one that ends the file ends the sending.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct UpdatePart {
    /// Where it begins in the file, in bytes. Each follows the one before; none for two minutes breaks it off.
    #[ts(type = "number")]
    pub first: u64,
    /// Bytes of the whole file.
    #[ts(type = "number")]
    pub of: u64,
    /// 1 byte to 4 MiB, in base64 (RFC 4648 section 4).
    pub part: String,
}

/// Opens the data when the TPM does not any more.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct RecoveryKey {
    /// Missing once somebody has noted it, and where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// A proof that somebody has noted a key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct KeyNoted {
    /// What stands behind the last hyphen.
    pub last_part: String,
}

/// Opens meetings; for the people of the institution.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct HostKey {
    /// Missing where the box does not know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}
