//! Bodies of the JSON API that `web` hands to `signaling`.
//!
//! | call | body | answer |
//! |---|---|---|
//! | `POST /api/meetings` | [`CreateMeeting`] | 201 [`Meeting`], 403 without the right, 429 |
//! | `POST /api/link` | [`LinkQuery`] | 200 [`LinkInfo`], 404 for an unknown link, 410 ended, 429 |
//! | `GET /api/about` | – | 200 [`About`] |
//! | `GET /ws` | – | 101, then the WebSocket of [`crate::client`] and [`crate::server`] |
//!
//! Every other answer than 2xx has the body [`ApiError`]. Links travel in bodies, never in a URL that a
//! server sees: a link is `https://HOST/join#SECRET`.

use crate::server::Role;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct CreateMeeting {
    /// 1 to 120 characters.
    pub title: String,
    /// Needed where only holders of the host key may open meetings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_key: Option<String>,
}

/// The secret parts of a new meeting's links: at least 128 random bits each, base64url (AU5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Meeting {
    pub title: String,
    pub host_link: String,
    pub guest_link: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct LinkQuery {
    pub link: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LinkInfo {
    pub title: String,
    pub role: Role,
    /// People in the room at the moment.
    pub people: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct About {
    pub version: String,
    pub protocol: u32,
    /// Whether opening a meeting from where the client is needs the host key.
    pub host_key_needed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ApiError {
    pub error: ApiErrorCode,
    /// For developers, in English.
    pub detail: String,
    /// Seconds after which trying again makes sense, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ApiErrorCode {
    Malformed,
    HostKeyNeeded,
    UnknownLink,
    Ended,
    TooManyAttempts,
    Unavailable,
}
