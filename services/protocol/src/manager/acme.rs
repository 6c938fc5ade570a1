//! A certificate that the box gets by itself from an ACME directory (RFC 8555).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// From which directory, and as whom.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields, default)]
pub struct AcmeSettings {
    pub revision: u32,
    /// Whether the box gets and renews its certificate. Uploading one ends it.
    pub enabled: bool,
    /// `https://` address of the directory (RFC 8555 section 7.1.1).
    pub directory: String,
    /// Mail address for the directory, or empty.
    pub contact: String,
    /// Up to 3,000 characters of PEM: authorities that are trusted for the directory beside the public ones.
    pub authorities: String,
    /// External account binding (RFC 8555 section 7.3.4): the identifier of its key, or empty.
    pub binding_key_id: String,
    /// Its MAC key in base64url. Never in an answer; missing in a change: it stays as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binding_key: Option<String>,
}

/// How getting a certificate is going.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct AcmeState {
    pub phase: AcmePhase,
    /// When the box asks the directory for the next time, in seconds since 1970.
    #[ts(type = "number")]
    pub next: u64,
    /// The end of the certificate that has come for the box's name, in seconds since 1970; missing: none has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(type = "number | null")]
    pub until: Option<i64>,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<AcmeFailure>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum AcmePhase {
    /// The directory is being asked.
    Waiting,
    /// The certificate is there, and is renewed in time.
    Good,
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct AcmeFailure {
    pub reason: AcmeReason,
    /// The host name that the certificate was to be for.
    pub name: String,
    /// What the directory answered, or what went wrong on the way to it, in English as in the log.
    pub detail: String,
    /// Seconds since 1970.
    #[ts(type = "number")]
    pub at: u64,
}

/// What kept the box from a certificate; the remedies differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum AcmeReason {
    /// The box has no name that a certificate could be for.
    NoName,
    /// The directory does not answer.
    Unreachable,
    /// The box does not know the authority of the directory's own certificate.
    Untrusted,
    /// What answers is no ACME directory.
    NoDirectory,
    /// It takes only accounts with an external account binding.
    BindingNeeded,
    /// It refused the account, its binding, or its contact.
    Account,
    /// It gives no certificates for this name.
    Name,
    /// It finds no address for the name.
    Dns,
    /// It cannot reach the box on port 443.
    Connection,
    /// What it reached on port 443 under the name is not this box.
    OtherServer,
    /// A CAA record of the DNS forbids it (RFC 8659).
    Caa,
    /// It cannot verify a host by TLS on port 443 (RFC 8737).
    NoTlsAlpn,
    /// It was asked too often.
    RateLimited,
    /// The pages of the box did not show the proof, or the box could not keep what came.
    Box,
    /// Browsers would not take the certificate that came.
    Certificate,
    /// It has a fault of its own, or took too long.
    Directory,
}
