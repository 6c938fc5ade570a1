//! Backups of what makes this box this one: settings, accounts, certificate and rooms. Nothing of what is said, written
//! or shown in a meeting is in them (BK1). `docs/backup-file.md` describes the files.

use super::NetworkSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// When the box makes a backup by itself, and how many it keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields, default)]
pub struct BackupSettings {
    pub revision: u32,
    /// Time of the day in UTC, as in `02:00`. Empty: it makes none by itself.
    pub daily_at: String,
    /// 1 to 60; the oldest goes first.
    pub keep: u8,
}

impl Default for BackupSettings {
    fn default() -> Self {
        BackupSettings { revision: 0, daily_at: "02:00".to_owned(), keep: 14 }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum BackupKeyState {
    /// There is none: nothing can be backed up.
    #[default]
    Missing,
    /// A new one is shown until somebody has noted it. The one before goes on being used.
    Waiting,
    Noted,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct BackupState {
    pub key: BackupKeyState,
    /// Tells keys apart, as it stands in the head of each file; empty where there is none.
    pub key_number: String,
    /// Newest first.
    pub files: Vec<BackupFile>,
    /// Why the last one could not be made; empty if it could.
    pub problem: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_test: Option<RestoreTest>,
}

/// A backup that lies on the box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct BackupFile {
    pub name: String,
    /// Milliseconds since 1970.
    #[ts(type = "number")]
    pub made: u64,
    #[ts(type = "number")]
    pub bytes: u64,
    /// Of the box that made it.
    pub version: String,
    pub key_number: String,
}

/// A backup was opened and read to its end, in a place of its own (BK2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct RestoreTest {
    /// Milliseconds since 1970.
    #[ts(type = "number")]
    pub at: u64,
    pub name: String,
    pub accounts: u32,
    pub settings: u32,
    pub rooms: u32,
    /// Empty: it can be restored.
    pub problem: String,
}

/// The key of the backups, until somebody has noted it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct BackupKey {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    pub key_number: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct BackupName {
    pub name: String,
}

/// A file for the browser to save.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct SavedFile {
    pub name: String,
    /// Base64 (RFC 4648 section 4).
    pub content: String,
}

/// Restores a backup on a box that is being set up.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct RestoreOrder {
    /// Base64 (RFC 4648 section 4).
    pub backup: String,
    /// Hyphens, spaces and case do not matter.
    pub key: String,
    /// The newest list of deletions, in base64: what was deleted after the backup stays deleted (DM6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletions: Option<String>,
}

/// What has been restored, and what was left out because it had been deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Restored {
    /// When the backup was made, and the list of deletions: milliseconds since 1970.
    #[ts(type = "number")]
    pub made: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(type = "number | null")]
    pub deletions: Option<u64>,
    pub version: String,
    pub host_name: String,
    pub accounts: u32,
    pub accounts_left_out: u32,
    pub rooms: u32,
    pub rooms_left_out: u32,
    /// Not applied: this box may be on another network. They are proposed in the network step.
    pub network: NetworkSettings,
}
