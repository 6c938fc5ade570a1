//! Areas of settings: each is one body, and counts its changes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Who runs the box: what every page names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields, default)]
pub struct Institution {
    /// Counts up with every change; a change names the one that it is based on.
    pub revision: u32,
    /// Up to 120 characters.
    pub name: String,
    /// `https://` addresses of the institution's own pages, or empty.
    pub imprint: String,
    pub privacy: String,
    /// How to reach the data-protection officer.
    pub data_protection_officer: String,
    /// `#rrggbb`, from which the pages derive shades that can be read; empty: their own.
    pub colour: String,
    /// Changes with the logo, which is at `/api/box/institution/logo?v=` and this; empty: there is none. It is not
    /// changed here but by [`InstitutionLogo`].
    pub logo: String,
}

/// Puts a logo in the place of another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct InstitutionLogo {
    /// Of [`Institution`].
    pub revision: u32,
    /// PNG, JPEG or WebP in base64 (RFC 4648 section 4): up to 256 KiB, each side of 16 to 2000 pixels.
    pub logo: String,
}

/// What the box is called.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields, default)]
pub struct HostName {
    pub revision: u32,
    /// Fully qualified, as people type it: `konferenz.example.org`. Empty: `plenum`.
    pub host_name: String,
}

/// Where updates come from, and when the box may restart for one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields, default)]
pub struct UpdateSource {
    pub revision: u32,
    /// `https://` address of a folder on any static web server. Empty: that of the image's settings file.
    pub source: String,
    /// Name of a folder in it, of up to 32 lower-case letters, digits and hyphens, such as `stable`. Empty: the source
    /// itself.
    pub channel: String,
    /// Whether the box installs what it finds there, and restarts for it. It looks once a day in any case.
    pub automatic: bool,
    /// Up to 3,000 characters of PEM: authorities that are trusted for it beside the public ones.
    pub authorities: String,
    /// Hours of the day in UTC, as in `01:00-03:30`, in which the box restarts even while people meet. Empty: it
    /// restarts as soon as nobody does.
    pub restart_window: String,
}

/// Where the box takes the time from (LG8).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields, default)]
pub struct TimeSettings {
    pub revision: u32,
    /// Up to 4 NTP servers, names or addresses. Empty: those that the network names (DHCP).
    pub servers: Vec<String>,
}
