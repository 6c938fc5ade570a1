//! The root side: slots on the disk and entries of the boot loader. `plenum-slots` runs it in small one-shot
//! units; the daemon, which is not root, can only start them.
//!
//! Boot entries are counted as systemd-boot does (`plenum_VERSION+LEFT-DONE.efi`, The Boot Loader
//! Specification, "Boot counting"). A version that has proved itself is counted again from three at every boot
//! where there is another slot to fall back to: so a slot that is damaged later is left as well.

pub mod boot;
mod digest;
pub mod disk;
pub mod entries;
pub mod esp;
pub mod forget;
pub mod gpt;
pub mod seal;
pub mod sums;
pub mod write;

use serde::{Deserialize, Serialize};

/// What `plenum-slots boot` found, in [`REPORT`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Of the image that runs.
    pub version: String,
    /// The running version has not proved itself yet.
    pub trial: bool,
    /// Versions whose entries the boot loader would still choose, the running one included.
    pub bootable: Vec<String>,
    /// A newer version that was given up: its tries were used up.
    pub given_up: Option<String>,
    /// What was wrong and has been put right.
    pub notes: Vec<String>,
}

/// Where the root side writes what the daemon reads; a tmpfs.
pub const REPORT: &str = "/run/plenum/slots/boot.json";
/// Why `write`, `seal` or `rollback` failed last; absent after a success.
pub const FAILURE: &str = "/run/plenum/slots/failure";
/// There while the running version is on trial; units have it as a condition.
pub const TRIAL: &str = "/run/plenum/slots/trial";
/// Where the daemon leaves a verified update.
pub const STAGING: &str = "/var/lib/plenum/appliance/update";
/// Why a boot was given up: the health check or the deadline writes it, the next boot's daemon reads it.
pub const BOOT_FAILURE: &str = "/var/lib/plenum/health/failure.json";

/// Why a version's boot was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootFailure {
    pub version: String,
    pub reason: String,
}
