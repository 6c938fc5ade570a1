//! Nonces without state (RFC 8489, section 9.2): the time of issue and a MAC over it and the client's
//! transport address. Asking for nonces costs the server no memory.

use aws_lc_rs::{constant_time, hmac, rand};
use std::net::{IpAddr, SocketAddr};

/// RFC 8656, section 5: nonces should change at least hourly.
const LIFETIME_SECONDS: u64 = 3_600;
const MAC_BYTES: usize = 12;

pub struct Nonces {
    key: hmac::Key,
}

impl Nonces {
    pub fn new() -> Nonces {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &rand::SystemRandom::new())
            .expect("the kernel's random numbers do not fail after boot");
        Nonces { key }
    }

    /// `now`: seconds since the Unix epoch.
    pub fn issue(&self, client: SocketAddr, now: u64) -> String {
        let mut text = format!("{now:010x}");
        for byte in self.mac(client, now) {
            text.push_str(&format!("{byte:02x}"));
        }
        text
    }

    /// Whether this server issued the nonce to this client, not longer than an hour ago.
    pub fn fresh(&self, nonce: &str, client: SocketAddr, now: u64) -> bool {
        let Some(issued) = nonce.get(..10).and_then(|hex| u64::from_str_radix(hex, 16).ok()) else {
            return false;
        };
        issued <= now
            && now - issued < LIFETIME_SECONDS
            && constant_time::verify_slices_are_equal(self.issue(client, issued).as_bytes(), nonce.as_bytes())
                .is_ok()
    }

    fn mac(&self, client: SocketAddr, issued: u64) -> [u8; MAC_BYTES] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&issued.to_be_bytes());
        context.update(&client.port().to_be_bytes());
        match client.ip() {
            IpAddr::V4(ip) => context.update(&ip.octets()),
            IpAddr::V6(ip) => context.update(&ip.octets()),
        }
        let mut mac = [0; MAC_BYTES];
        mac.copy_from_slice(&context.sign().as_ref()[..MAC_BYTES]);
        mac
    }
}

impl Default for Nonces {
    fn default() -> Self {
        Nonces::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_bound_to_client_time_and_server() {
        let nonces = Nonces::new();
        let client: SocketAddr = "192.0.2.1:5000".parse().unwrap();
        let nonce = nonces.issue(client, 1_000);
        assert!(nonces.fresh(&nonce, client, 1_000));
        assert!(nonces.fresh(&nonce, client, 4_599));
        assert!(!nonces.fresh(&nonce, client, 4_600));
        assert!(!nonces.fresh(&nonce, client, 999));
        assert!(!nonces.fresh(&nonce, "192.0.2.1:5001".parse().unwrap(), 1_000));
        assert!(!Nonces::new().fresh(&nonce, client, 1_000));
        assert!(!nonces.fresh("", client, 1_000));
        assert!(!nonces.fresh(&nonce.replace(&nonce[10..12], "zz"), client, 1_000));
    }
}
