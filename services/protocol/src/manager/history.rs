//! How the box was over time: numbers alone, of nobody (DM4).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum HistoryRange {
    /// 24 hours, a value a minute.
    Day,
    /// 7 days, a value for every 15 minutes.
    Week,
    /// 30 days, a value an hour.
    Month,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct History {
    /// Of the first value, in seconds since 1970.
    #[ts(type = "number")]
    pub begin: u64,
    /// Seconds from one value to the next.
    pub step: u32,
    pub series: Vec<HistorySeries>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct HistorySeries {
    pub kind: HistoryKind,
    /// `null` where nothing is known: the box was off, for example.
    pub values: Vec<Option<f32>>,
}

/// In the order in which they are kept: new ones come last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum HistoryKind {
    /// Percent of all processors.
    Cpu,
    /// Bits per second, of all ports.
    NetworkIn,
    NetworkOut,
    /// RTP and RTCP packets per second.
    PacketsIn,
    PacketsOut,
    Meetings,
    People,
    /// Percent of media packets that had to be asked for again.
    Loss,
    /// Percent of the data partition that is in use.
    Disk,
}

impl HistoryKind {
    pub const ALL: [HistoryKind; 9] = {
        use HistoryKind::*;
        [Cpu, NetworkIn, NetworkOut, PacketsIn, PacketsOut, Meetings, People, Loss, Disk]
    };
}
