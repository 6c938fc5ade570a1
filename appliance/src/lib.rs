//! The box's manager: set-up, administration, updates and boot health.
//!
//! [`manager`] decides what set-up and administration may do, by [`access`]; [`audit`] keeps who did what, [`api`]
//! is how pages ask, [`console`] is the box's own display. [`host`] makes the machine what the settings say,
//! [`acme`] gets certificates, [`machine`] tells what it is like; [`self_test`] tries it, [`monitor`] looks at it once a
//! minute and has [`mail`] sent about it; [`journal`] and [`support`] show it to people; [`backup`] keeps what makes this box this one; [`logo`] looks at images that
//! pages are to show; [`provisioning`] reads `plenum.toml`; [`unasked`] has updates installed if somebody wants that.
//!
//! `plenum-appliance` is the daemon, which is not root: [`updater`] decides, [`bus`] is
//! how it is asked. [`slots`] is the root side, in one-shot units. [`health`] is what a new version has to pass.

#![forbid(unsafe_code)]

pub mod access;
pub mod acme;
pub mod admission;
pub mod api;
pub mod audit;
pub mod backup;
pub mod bus;
pub mod certificate;
pub mod client;
pub mod console;
pub mod health;
pub mod host;
pub mod identity;
pub mod journal;
pub mod logo;
pub mod machine;
pub mod mail;
pub mod manager;
pub mod metrics;
pub mod monitor;
pub mod provisioning;
pub mod record;
pub mod self_test;
pub mod slots;
pub mod sources;
pub mod staging;
pub mod status;
pub mod support;
pub mod syslog;
pub mod system;
pub mod unasked;
pub mod unpack;
pub mod updater;
pub mod updates;
pub mod usb;
