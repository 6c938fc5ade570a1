//! Logs of the box's own units, and what an administrator sends to who helps them (NT4).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// RFC 5424 section 6.2.1, as far as the box's units use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum LogPriority {
    Error,
    Warning,
    Info,
    Debug,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct LogQuery {
    /// One of the units of [`LogPage`]; empty: all of them.
    #[serde(default)]
    pub unit: String,
    /// And whatever is graver.
    pub priority: LogPriority,
    /// `cursor` of the page before: what came after it. Without: the newest lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct LogPage {
    /// Oldest first.
    pub lines: Vec<LogLine>,
    /// For the lines to come; empty where there were none.
    pub cursor: String,
    /// What can be asked for.
    pub units: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct LogLine {
    /// Milliseconds since 1970.
    #[ts(type = "number")]
    pub at: u64,
    pub unit: String,
    pub priority: LogPriority,
    pub text: String,
}

/// Nothing in it is secret, and nobody is named. It goes nowhere by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct SupportBundle {
    /// For the file.
    pub name: String,
    pub parts: Vec<SupportPart>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct SupportPart {
    pub what: SupportWhat,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum SupportWhat {
    /// Version, uptime, disk, meetings in numbers.
    About,
    Problems,
    /// Without passwords, keys and names of people.
    Settings,
    Metrics,
    Log,
}
