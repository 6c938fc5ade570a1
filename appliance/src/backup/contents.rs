//! What is in a backup, and in a list of deletions.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Dumps are those of `services/store`: an older version's are brought up to date when they are read.
#[derive(Serialize, Deserialize)]
pub struct Contents {
    /// Settings, accounts and certificate.
    pub manager: String,
    /// Those of `signaling`. Without its answer there is no backup: one without rooms would look whole.
    pub rooms: String,
    pub host_key: String,
}

/// What there is now, so that whatever else an older backup has is known to have been deleted since (DM6).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    pub accounts: BTreeSet<String>,
    /// With how often the link for guests has been replaced.
    pub rooms: Vec<(u64, u32)>,
}
