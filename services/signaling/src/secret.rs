//! The secrets that open meetings: links and the host key.

pub use plenum_daemon::secret::{Digest, Secret};

/// The link for guests of the room whose host link is `host`. Derived, so that neither has to be stored: a
/// host's client brings the host link along. Another `generation` gives an unrelated link.
pub fn guest_link(host: &Secret, generation: u32) -> Secret {
    let mut message = b"plenum guest link ".to_vec();
    message.extend(generation.to_be_bytes());
    host.derive(&message)
}

/// The right to open meetings.
#[derive(Clone)]
pub struct HostKey(Digest);

impl HostKey {
    pub fn new(text: &str) -> HostKey {
        HostKey(Digest::of(text.trim().as_bytes()))
    }

    /// Takes the same time for every claim of the same length.
    pub fn matches(&self, claim: &str) -> bool {
        self.0.matches(claim.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guest_links_follow_from_the_host_link_and_its_generation() {
        let host = Secret::claimed("a host link");
        assert_eq!(guest_link(&host, 0), guest_link(&host, 0));
        assert_ne!(guest_link(&host, 0), guest_link(&host, 1));
        assert_ne!(guest_link(&host, 0), guest_link(&Secret::claimed("another"), 0));
        assert_eq!(guest_link(&host, 0).expose().len(), 32);
    }

    #[test]
    fn host_key_matches_only_itself() {
        let key = HostKey::new("0123456789abcdef\n");
        assert!(key.matches("0123456789abcdef"));
        assert!(!key.matches("0123456789abcdee"));
        assert!(!key.matches(""));
    }
}
