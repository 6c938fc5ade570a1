//! Every message on every wire of Plenum, and every setting, once.
//!
//! * [`client`] and [`server`]: JSON text messages on the WebSocket between browser and `signaling`.
//! * [`http`]: request and response bodies of the JSON API beside it.
//! * [`media`]: what both of these and the SFU's control interface say about media.
//! * [`sfu`] (feature `bus`): the SFU's control interface on D-Bus.
//! * [`settings`]: the typed configuration file of every daemon.
//! * [`appliance`] (feature `bus`): the appliance's interface on D-Bus, for the command line and the pages.
//! * [`console`] (feature `bus`): what the box's own display may ask of the appliance.
//! * [`update`] (feature `update`): the signed update of the image.
//! * [`manager`]: request and response bodies of the JSON API for set-up and administration of the box.
//! * [`limits`]: size and rate of every message a client may send.
//!
//! TypeScript is generated from these types by `cargo xtask generate` ([`typescript`]).

#![forbid(unsafe_code)]

#[cfg(feature = "bus")]
pub mod appliance;
pub mod client;
#[cfg(feature = "bus")]
pub mod console;
pub mod document;
pub mod http;
pub mod limits;
pub mod manager;
pub mod media;
pub mod server;
pub mod settings;
#[cfg(feature = "bus")]
pub mod sfu;
#[cfg(feature = "bus")]
pub mod signaling;
pub mod typescript;
#[cfg(feature = "update")]
pub mod update;

/// Version of the WebSocket protocol. A client names it in [`client::ClientMessage::Hello`]; a server
/// refuses any other with [`server::RefusalReason::ClientTooOld`] or [`server::RefusalReason::ClientTooNew`].
pub const PROTOCOL_VERSION: u32 = 1;

/// A person in a room: counts up from 1 within the room, never used twice there.
pub type PersonId = u32;
