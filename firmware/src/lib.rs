//! What is particular to machines. A [`Tree`] of kernel files and NIC settings goes into [`plan()`], settings
//! come out; nothing in between reads the machine, so recorded machines are planned for like real ones.

#![deny(unsafe_code)]

pub mod apply;
mod capture;
pub mod cpus;
mod ethtool;
pub mod inventory;
pub mod plan;
pub mod profile;
pub mod tree;

pub use capture::capture;
pub use cpus::Cpus;
pub use inventory::Inventory;
pub use plan::{Setting, plan};
pub use profile::Profile;
pub use tree::Tree;
