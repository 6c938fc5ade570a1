//! The appliance's interface on D-Bus: name `org.plenum.Appliance1`, path `/org/plenum/Appliance1`.
//!
//! ```text
//! busctl get-property org.plenum.Appliance1 /org/plenum/Appliance1 org.plenum.Appliance1 State
//! ```

use zbus::Fd;

pub const BUS_NAME: &str = "org.plenum.Appliance1";
pub const OBJECT_PATH: &str = "/org/plenum/Appliance1";

/// `(version, reason)`
pub type BusRejected = (String, String);

#[zbus::proxy(
    interface = "org.plenum.Appliance1",
    default_service = "org.plenum.Appliance1",
    default_path = "/org/plenum/Appliance1"
)]
pub trait Appliance1 {
    /// Looks into the HTTPS directory of the settings, and on a USB stick. What it finds is in `Available`.
    fn check_for_update(&self) -> zbus::Result<()>;

    /// Installs an update from an open file. Returns when it has been taken in; follow `State`.
    fn install_file(&self, file: Fd<'_>) -> zbus::Result<()>;

    /// Installs what is `Available` (empty), or the update at an https URL.
    fn install_url(&self, url: &str) -> zbus::Result<()>;

    /// What a USB stick has, from the unit that looks for one: it becomes `Available`.
    fn offer_file(&self, file: Fd<'_>) -> zbus::Result<()>;

    /// Takes back what was begun, as long as no slot is written.
    fn cancel(&self) -> zbus::Result<()>;

    /// Restarts into the new version: `now`, or as soon as no meeting is running or the window is open.
    fn restart(&self, now: bool) -> zbus::Result<()>;

    /// Goes back to the version in the other slot, which restarts the box as `Restart` does.
    fn rollback(&self, now: bool) -> zbus::Result<()>;

    /// Of the running image.
    #[zbus(property)]
    fn version(&self) -> zbus::Result<String>;

    /// `idle`, `checking`, `downloading` (and verifying what arrives), `writing`, `verifying-slot`,
    /// `ready-to-restart`, `waiting`, `restarting`, `trying`.
    #[zbus(property)]
    fn state(&self) -> zbus::Result<String>;

    /// The version that the state is about; empty when there is none.
    #[zbus(property)]
    fn target(&self) -> zbus::Result<String>;

    /// `(done, of)` in bytes; `(0, 0)` where nothing is counted.
    #[zbus(property)]
    fn progress(&self) -> zbus::Result<(u64, u64)>;

    /// A version that could be installed; empty when none is known.
    #[zbus(property)]
    fn available(&self) -> zbus::Result<String>;

    /// How the last one ended: `(version, good|failed|interrupted|rolled-back, reason, seconds since 1970)`.
    #[zbus(property)]
    fn last(&self) -> zbus::Result<(String, String, String, u64)>;

    /// Versions that are not installed again, and why.
    #[zbus(property)]
    fn rejected(&self) -> zbus::Result<Vec<BusRejected>>;

    /// Why it waits, or what is wrong, in plain words; the most important first.
    #[zbus(property)]
    fn reasons(&self) -> zbus::Result<Vec<String>>;
}
