//! The way out of the forwarding plane.

/// A connected peer of one media thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerKey(pub u32);

/// Takes finished packets, seals them for their peer and batches them. Nothing allocates per packet.
pub trait Egress {
    /// One RTP packet for `to`: `header` (fixed header, CSRCs, extensions) is authenticated, `prefix` (an
    /// RTX original sequence number, a rewritten VP8 payload descriptor, …) and `payload` are sealed.
    fn rtp(&mut self, to: PeerKey, header: &[u8], prefix: &[u8], payload: &[u8]);

    /// One RTCP compound packet for `to`.
    fn rtcp(&mut self, to: PeerKey, compound: &[u8]);
}
