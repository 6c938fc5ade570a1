//! What the box finds when it tests itself. The way from the browser to it is tested by the browser.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct SelfTest {
    /// Milliseconds since 1970.
    #[ts(type = "number")]
    pub at: u64,
    pub checks: Vec<Check>,
    pub capacity: Capacity,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Check {
    pub what: Checked,
    pub outcome: Outcome,
    /// Names, addresses, or what the other side said, in English as in the log; may be empty.
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Checked {
    /// The box has an address.
    Address,
    /// The name of the box leads to an address of the box.
    DnsForward,
    /// The address leads back to the name.
    DnsReverse,
    /// A time server has set the clock.
    Time,
    /// Browsers take the certificate, and it is for the name of the box.
    Certificate,
    UpdateSource,
    /// The mail server lets the box in.
    Mail,
    /// The media server answers.
    Media,
    /// The meeting server answers.
    Meetings,
    Disk,
    /// Backups have a key.
    Backup,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Good,
    /// It works, and should be better.
    Warning,
    Failed,
    /// There is nothing to test: it has not been set.
    Skipped,
}

/// What this machine can carry, worked out from what it measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Capacity {
    pub processors: u32,
    /// Megabits per second of the fastest port that is plugged in; 0: not known.
    pub network: u32,
    /// Nanoseconds to encrypt one packet of 1,200 bytes on one processor.
    pub packet: u32,
    /// People at once in meetings of ten with cameras on.
    pub people: u32,
    /// What the number of people is limited by.
    pub limit: Limit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    Processors,
    Network,
}
