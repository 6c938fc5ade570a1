//! Logs that the box sends to a server of the institution (RFC 5424 over TLS, RFC 5425).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Who gets the operations logs. They name no person (LG2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields, default)]
pub struct SyslogSettings {
    pub revision: u32,
    /// Host name or address. Empty: the logs stay on the box.
    pub server: String,
    /// As a rule 6514.
    pub port: u16,
    /// Up to 3,000 characters of PEM: authorities that are trusted for the server beside the public ones.
    pub authorities: String,
}

impl Default for SyslogSettings {
    fn default() -> Self {
        SyslogSettings { revision: 0, server: String::new(), port: 6514, authorities: String::new() }
    }
}

/// How sending is going.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct SyslogState {
    /// Whether there is a server.
    pub enabled: bool,
    pub connected: bool,
    /// Messages since the daemon has started.
    #[ts(type = "number")]
    pub sent: u64,
    /// Why nothing is sent, in English as in the log; empty if nothing is wrong.
    pub problem: String,
}
