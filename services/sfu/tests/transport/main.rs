//! The way from a datagram to the forwarding plane and back, with clients of another make: their DTLS is
//! dimpl's client, their STUN is written here. First with the time as an argument, then on loopback.

mod client;
mod connect;
mod flood;
mod leave;
#[path = "../../src/mutation.rs"]
mod mutation;
mod network_changes;
mod threads;
mod world;
