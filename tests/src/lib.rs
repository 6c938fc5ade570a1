//! The harness: the whole house on this machine, on free ports, with state of its own.
//!
//! [`house::House`] starts a private message bus and every daemon in the order of their needs, waits
//! until each says that it is ready, opens a meeting and gives its links. `cargo xtask run` is the same
//! with kept state (`plenum-house`).

#![deny(unsafe_code)]

pub mod api;
pub mod bus;
pub mod house;
pub mod machine;
pub mod notify;
pub mod process;
pub mod settings;
pub mod signals;
