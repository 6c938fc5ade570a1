//! The way between a peer and this machine.

use std::net::{IpAddr, SocketAddr};

/// Both ends of a datagram. The local address matters where the machine has several: an answer must leave
/// from the address that was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path {
    pub remote: SocketAddr,
    pub local: IpAddr,
}

/// Sends datagrams. Whatever does not get out is counted there and lost: media is not sent late.
pub trait Wire {
    /// `datagrams` are one or more, each of `segment` bytes but the last, which may be shorter.
    fn send(&mut self, path: &Path, datagrams: &[u8], segment: usize);
}

/// What a datagram on the media port is, by its first bytes (RFC 7983 §7, RFC 5761 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    Stun,
    Dtls,
    Rtp,
    Rtcp,
}

impl Content {
    pub fn of(datagram: &[u8]) -> Option<Content> {
        match (datagram.first()?, datagram.get(1)?) {
            (0..=3, _) => Some(Content::Stun),
            (20..=63, _) => Some(Content::Dtls),
            (128..=191, 192..=223) => Some(Content::Rtcp),
            (128..=191, _) => Some(Content::Rtp),
            _ => None,
        }
    }
}
