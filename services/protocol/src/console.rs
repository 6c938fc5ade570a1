//! What the box's own display and keyboard may ask of the manager: interface `org.plenum.Console1` of the name
//! `org.plenum.Appliance1`. Root and the user of `plenum-console` alone
//! may call it: who stands before the box.

pub const OBJECT_PATH: &str = "/org/plenum/Console1";

#[zbus::proxy(
    interface = "org.plenum.Console1",
    default_service = "org.plenum.Appliance1",
    default_path = "/org/plenum/Console1"
)]
pub trait Console1 {
    /// [`Display`](crate::manager::Display) in JSON.
    fn show(&self) -> zbus::Result<String>;

    /// Restarts the box, whoever meets.
    fn restart(&self) -> zbus::Result<()>;

    /// Back to what a box from the factory does: addresses by DHCP and router advertisement.
    fn reset_network(&self) -> zbus::Result<()>;

    /// Applies the `plenum.toml` that [`Display`](crate::manager::Display) shows.
    fn apply_settings(&self) -> zbus::Result<()>;

    /// A `plenum.toml` from the unit that looks at USB sticks, which is root: nobody else may call this. `trust` is
    /// `signed`, `unsigned` or `forged`.
    fn offer_settings(&self, text: &str, trust: &str) -> zbus::Result<()>;

    /// Deletes everything that was stored since the factory, and restarts.
    fn reset_to_factory(&self) -> zbus::Result<()>;
}
