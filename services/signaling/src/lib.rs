//! Meetings: rooms, people, roles, chat, hands; steers the media plane.
//!
//! [`rooms`] decides everything and does no input or output. Around it: [`http`] and [`socket`] bring
//! clients, [`bus`] the SFU, [`storage`] keeps what must outlive the daemon, [`server`] drives them all.

#![forbid(unsafe_code)]

pub mod backup;
pub mod bus;
pub mod bus_interface;
pub mod http;
pub mod ice;
pub mod limits;
pub mod metrics;
pub mod network;
pub mod permissions;
pub mod records;
pub mod rooms;
pub mod secret;
pub mod server;
pub mod socket;
pub mod storage;
pub mod stored;
pub mod text;

pub use stored::stored_types;
