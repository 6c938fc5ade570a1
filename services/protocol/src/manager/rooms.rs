//! Rooms, for who tidies them up. Nothing tells who is in a meeting or what is said there, and links are shown once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Which rooms: a page of 50, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct RoomQuery {
    /// In the title, whatever the case, or at the beginning of the number; up to 120 characters. Empty: all.
    #[serde(default)]
    pub text: String,
    /// Only rooms where people meet.
    #[serde(default)]
    pub running: bool,
    /// `next` of the page before. Without: the first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<RoomPlace>,
}

/// Where a page ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct RoomPlace {
    #[ts(type = "number")]
    pub created: u64,
    pub room: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct RoomPage {
    pub rooms: Vec<RoomSummary>,
    /// Rooms that the query finds, on all pages.
    pub found: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<RoomPlace>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct RoomSummary {
    /// Its number: 16 hexadecimal digits, as in the logs. It opens nothing.
    pub room: String,
    /// As its opener typed it; empty once its meeting was ended.
    pub title: String,
    pub state: RoomState,
    /// In the meeting. Who they are is not told.
    pub people: u32,
    /// Milliseconds since 1970.
    #[ts(type = "number")]
    pub created: u64,
    /// The day of the last meeting: its midnight in UTC, in milliseconds since 1970. Missing where none is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(type = "number | null")]
    pub last_used: Option<u64>,
    /// The day on which it is deleted by itself unless people meet in it, in the same way. Missing while they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(type = "number | null")]
    pub deleted_on: Option<u64>,
    /// Whether its link for guests can be replaced now: hosts in the meeting get the new one.
    pub guest_link_replaceable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum RoomState {
    /// Its links work, and nobody is in it.
    Empty,
    /// People meet.
    Running,
    /// Ended for good; its links only say so.
    Ended,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct NewRoom {
    /// 1 to 120 characters.
    pub title: String,
}

/// A new room, with the secret parts of its links: the box does not know them any more.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct RoomCreated {
    pub room: String,
    pub title: String,
    pub host_link: String,
    pub guest_link: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct RoomNumber {
    pub room: String,
}

/// It was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct RoomDone {
    pub room: String,
    /// People who were cut off.
    pub people: u32,
}
