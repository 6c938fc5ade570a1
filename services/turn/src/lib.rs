//! Relays media for clients that only get out over TCP or TLS: TURN (RFC 8656) towards the own SFU and
//! towards nothing else (HD8).
//!
//! A message goes `udp` or `stream` (`frame`) → `server` → `gate`, which decides with `credentials`,
//! `nonce`, `peers` and `quota`; what it passes is done by the `turn` crate in a `session`, whose packets
//! leave through a `relay` socket that checks every destination again.

#![forbid(unsafe_code)]

pub mod client;
pub mod credentials;
pub mod frame;
pub mod gate;
pub mod metrics;
pub mod nonce;
pub mod peers;
pub mod quota;
pub mod relay;
pub mod server;
pub mod session;
pub mod stream;
pub mod stun;
pub mod udp;
