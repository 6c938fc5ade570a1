//! The one public HTTPS front. A connection's way:
//!
//! 1. [`server`] accepts it if [`admission`] has a place for its address;
//! 2. [`connection`] refuses plain HTTP, does the TLS handshake ([`tls`], [`certificates`]) and looks at
//!    the first decrypted byte; an ACME directory gets its proof ([`challenge`]) and nothing else;
//! 3. a STUN byte leads to [`relay`], which hands the stream to the TURN server;
//! 4. anything else is HTTP ([`http`]): [`routes`] answers with [`pages`], [`health`], [`security_txt`],
//!    or passes the request to signaling ([`upstream`], [`websocket`]).
//!
//! It holds no state of meetings, and reads nothing of what it passes on.

#![forbid(unsafe_code)]

mod activity;
pub mod admission;
mod bridge;
pub mod certificates;
mod challenge;
mod connection;
mod headers;
mod health;
mod http;
mod limits;
mod metrics;
mod own_certificate;
mod pages;
mod prepended;
mod relay;
mod routes;
mod security_txt;
pub mod server;
mod stall;
mod tls;
mod upstream;
mod validity;
mod websocket;

pub use limits::Limits;
pub use metrics::Metrics;
