//! Whom the relay may reach: the SFU's own addresses and nothing else (HD8).

use plenum_daemon::addresses;
use plenum_protocol::settings::TurnSettings;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

/// The addresses of the SFU, compared exactly: an IPv4 address in the clothes of IPv6 is another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peers {
    addresses: Vec<SocketAddr>,
    relay_v4: Option<IpAddr>,
    relay_v6: Option<IpAddr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
}

impl Family {
    pub fn of(ip: IpAddr) -> Family {
        if ip.is_ipv4() { Family::V4 } else { Family::V6 }
    }
}

impl Peers {
    /// The configured peers, or this machine's own addresses with the SFU's port.
    pub fn from_settings(settings: &TurnSettings) -> io::Result<Peers> {
        let addresses = if settings.peers.is_empty() {
            addresses::own()?.into_iter().map(|ip| SocketAddr::new(ip, settings.sfu_port)).collect()
        } else {
            settings.peers.iter().map(|peer| SocketAddr::new(peer.ip().to_canonical(), peer.port())).collect()
        };
        Ok(Peers::new(addresses, settings.relay_address))
    }

    /// `relay_address`: unspecified for the address from which this machine reaches the first peer.
    pub fn new(addresses: Vec<SocketAddr>, relay_address: IpAddr) -> Peers {
        let relay = |family: Family| {
            let first = addresses.iter().find(|peer| Family::of(peer.ip()) == family)?;
            if !relay_address.is_unspecified() && Family::of(relay_address) == family {
                return Some(relay_address);
            }
            source_towards(*first).ok()
        };
        let (relay_v4, relay_v6) = (relay(Family::V4), relay(Family::V6));
        Peers { addresses, relay_v4, relay_v6 }
    }

    pub fn allows(&self, peer: SocketAddr) -> bool {
        self.addresses.contains(&peer)
    }

    /// For permissions, whose port a client may leave open (RFC 8656, section 9.1). What is sent is
    /// still checked with [`Peers::allows`].
    pub fn allows_permission(&self, peer: SocketAddr) -> bool {
        self.allows(peer) || (peer.port() == 0 && self.addresses.iter().any(|own| own.ip() == peer.ip()))
    }

    /// The address from which packets to peers of a family are sent; None: that family is not relayed.
    pub fn relay_address(&self, family: Family) -> Option<IpAddr> {
        match family {
            Family::V4 => self.relay_v4,
            Family::V6 => self.relay_v6,
        }
    }

    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

/// This machine's source address towards a peer. Nothing is sent.
fn source_towards(peer: SocketAddr) -> io::Result<IpAddr> {
    let any: SocketAddr = if peer.is_ipv4() { ([0; 4], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = UdpSocket::bind(any)?;
    socket.connect(peer)?;
    Ok(socket.local_addr()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers(addresses: &[&str]) -> Peers {
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        Peers::new(addresses, IpAddr::from([0; 4]))
    }

    #[test]
    fn allows_the_sfu_and_nothing_else() {
        let peers = peers(&["192.0.2.5:10000", "[2001:db8::5]:10000"]);
        assert!(peers.allows("192.0.2.5:10000".parse().unwrap()));
        assert!(peers.allows("[2001:db8::5]:10000".parse().unwrap()));
        for other in [
            "192.0.2.5:10001",
            "192.0.2.5:22",
            "192.0.2.6:10000",
            "127.0.0.1:10000",
            "10.0.0.1:10000",
            "169.254.169.254:80",
            "255.255.255.255:10000",
            "0.0.0.0:10000",
            "[::1]:10000",
            "[::ffff:192.0.2.5]:10000",
            "[::ffff:127.0.0.1]:10000",
            "[fe80::1]:10000",
        ] {
            let other = other.parse().unwrap();
            assert!(!peers.allows(other) && !peers.allows_permission(other), "{other}");
        }
        assert!(peers.allows_permission("192.0.2.5:0".parse().unwrap()));
        assert!(!peers.allows("192.0.2.5:0".parse().unwrap()));
        assert!(!peers.allows_permission("192.0.2.6:0".parse().unwrap()));
    }

    #[test]
    fn configured_peers_alone() {
        let configured = vec!["127.0.0.1:10000".parse().unwrap()];
        let settings = TurnSettings { peers: configured, ..TurnSettings::default() };
        let peers = Peers::from_settings(&settings).unwrap();
        assert_eq!(peers.addresses(), settings.peers);
        assert_eq!(peers.relay_address(Family::V4), Some(IpAddr::from([127, 0, 0, 1])));
        assert_eq!(peers.relay_address(Family::V6), None);
    }
}
