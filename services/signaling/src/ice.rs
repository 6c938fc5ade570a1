//! What clients are told about the TURN server: addresses and time-limited credentials
//! (draft-uberti-behave-turn-rest-00).

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use plenum_protocol::server::IceServer;

pub struct Relay {
    /// 0: no TURN over UDP and TCP.
    pub port: u16,
    /// TURN over TLS on the page's own port.
    pub tls: bool,
    pub credential_seconds: u32,
    key: hmac::Key,
}

impl Relay {
    pub fn new(secret: &str, port: u16, tls: bool, credential_seconds: u32) -> Relay {
        // HMAC-SHA1 is what the draft and every TURN server use; HMAC does not need collision resistance.
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.trim().as_bytes());
        Relay { port, tls, credential_seconds, key }
    }

    /// `host` is the Host header of the client's request; `pseudonym` names the client to nobody but
    /// this daemon.
    pub fn servers(&self, host: &str, pseudonym: &str, unix_seconds: u64) -> Vec<IceServer> {
        let Some((name, page_port)) = split_host(host) else {
            return Vec::new();
        };
        let mut urls = Vec::new();
        if self.port != 0 {
            urls.push(format!("turn:{name}:{}?transport=udp", self.port));
            urls.push(format!("turn:{name}:{}?transport=tcp", self.port));
        }
        if self.tls {
            urls.push(format!("turns:{name}:{page_port}?transport=tcp"));
        }
        if urls.is_empty() {
            return Vec::new();
        }
        let username = format!("{}:{pseudonym}", unix_seconds + u64::from(self.credential_seconds));
        let credential = STANDARD.encode(hmac::sign(&self.key, username.as_bytes()).as_ref());
        vec![IceServer { urls, username, credential }]
    }
}

/// Host (RFC 9110, section 7.2) as name or address literal, and port; 443 is the one of https.
fn split_host(host: &str) -> Option<(&str, u16)> {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()?),
        _ => (host, 443),
    };
    let literal = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let valid = match literal {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !name.is_empty()
                && name.len() <= 253
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
        }
    };
    valid.then_some((name, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_from_the_host_header() {
        let relay = Relay::new("secret", 3478, true, 3600);
        let servers = relay.servers("meet.example:8443", "a-1", 1_000);
        assert_eq!(
            servers[0].urls,
            [
                "turn:meet.example:3478?transport=udp",
                "turn:meet.example:3478?transport=tcp",
                "turns:meet.example:8443?transport=tcp"
            ]
        );
        assert_eq!(servers[0].username, "4600:a-1");
        let v6 = relay.servers("[2001:db8::1]", "a-1", 0);
        assert_eq!(v6[0].urls[2], "turns:[2001:db8::1]:443?transport=tcp");
        for bad in ["", "a b", "x:y", "[::1", "a/b", "[x]:1", "ho\"st"] {
            assert!(relay.servers(bad, "a-1", 0).is_empty(), "{bad}");
        }
    }

    #[test]
    fn the_credential_is_the_drafts() {
        // printf '%s' 4600:a-1 | openssl dgst -sha1 -hmac secret -binary | base64
        let servers = Relay::new("secret\n", 3478, true, 3600).servers("h", "a-1", 1_000);
        assert_eq!(servers[0].credential, "Mlpg4SeWWO4S/2iDLYJ1+BeZ/GI=");
    }

    #[test]
    fn nothing_is_offered_that_is_switched_off() {
        assert!(Relay::new("s", 0, false, 1).servers("h", "a-1", 0).is_empty());
        assert_eq!(Relay::new("s", 0, true, 1).servers("h", "a-1", 0)[0].urls.len(), 1);
    }
}
