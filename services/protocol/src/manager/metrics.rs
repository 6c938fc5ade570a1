//! Metrics for a monitoring system of the institution.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct MetricsAccess {
    /// Whether somebody with the token may read them.
    pub open: bool,
}

/// For the header `authorization: Bearer …` of `GET /api/box/metrics`. Shown once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct MetricsToken {
    pub token: String,
}
