//! A small WebRTC client: synthetic calls for health checks, self-test and load.
//!
//! It joins by a link as a browser does, speaks the documented WebSocket protocol, sends prerecorded VP8
//! simulcast and Opus, and reports what it saw. Its WebRTC stack is the `rtc` crate with *ring*, as far
//! from the SFU's own as the family allows.

#![forbid(unsafe_code)]

mod call;
pub mod clip;
pub mod connection;
pub mod key_frame_requests;
pub mod media;
pub mod network;
pub mod options;
pub mod receiver;
pub mod relay;
pub mod report;
pub mod retransmissions;
pub mod sender;
pub mod signaling;
pub mod tls;
pub mod vp8;

pub use call::{call, call_until};
pub use options::{Link, Options};
pub use report::Report;
