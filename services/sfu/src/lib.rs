//! The media plane: forwards RTP between one publisher and many subscribers.
//!
//! `sdp` answers offers; `ice`, `dtls` and `srtp` make and keep a connection; `core` puts them around the
//! forwarding plane (`forward`) of one media thread, sans-IO; `net`, `mailbox` and `worker` run it on
//! sockets; `control`, `bus` and `server` steer it.

// Allowed in one place only: `net::sys`.
#![deny(unsafe_code)]

pub mod bus;
pub mod control;
pub mod core;
pub mod description;
pub mod dtls;
pub mod egress;
pub mod forward;
pub mod ice;
pub mod mailbox;
pub mod metrics;
#[cfg(test)]
mod mutation;
pub mod net;
pub mod path;
pub mod sdp;
pub mod server;
pub mod srtp;
pub mod worker;
