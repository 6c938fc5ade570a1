//! The daemon as a process, with a message bus, an SFU without media, and clients on its Unix socket.

#![forbid(unsafe_code)]

mod administration;
mod api;
mod client;
mod hostile;
mod house;
mod meeting;
mod privacy;
mod restart;
mod sfu;
