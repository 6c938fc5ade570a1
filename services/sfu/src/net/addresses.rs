//! The addresses that answers name.

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use std::net::{IpAddr, SocketAddr};

/// At most this many candidates: each costs every client a check.
const MAX_CANDIDATES: usize = 8;

/// Host candidates on `port`: the configured addresses, or else every address of this machine that is
/// neither loopback nor link-local. IPv4 and IPv6 in turn.
pub fn candidates(configured: &[IpAddr], port: u16) -> Vec<SocketAddr> {
    let addresses = if configured.is_empty() { own_addresses() } else { configured.to_vec() };
    let (v4, v6): (Vec<IpAddr>, Vec<IpAddr>) = addresses.into_iter().partition(IpAddr::is_ipv4);
    let mut ordered = Vec::new();
    for index in 0..v4.len().max(v6.len()) {
        ordered.extend([v4.get(index), v6.get(index)].into_iter().flatten().copied());
    }
    ordered.truncate(MAX_CANDIDATES);
    ordered.into_iter().map(|ip| SocketAddr::new(ip, port)).collect()
}

/// Every address of this machine that is neither loopback nor link-local. A machine that is on no network still serves itself.
pub fn own_addresses() -> Vec<IpAddr> {
    let (mut addresses, mut loopback) = (Vec::new(), Vec::new());
    for interface in getifaddrs().into_iter().flatten() {
        let Some(storage) = interface.address.filter(|_| interface.flags.contains(InterfaceFlags::IFF_UP))
        else {
            continue;
        };
        let ip = match (storage.as_sockaddr_in(), storage.as_sockaddr_in6()) {
            (Some(v4), _) => IpAddr::V4(v4.ip()),
            (_, Some(v6)) => IpAddr::V6(v6.ip()),
            _ => continue,
        };
        if ip.is_loopback() {
            loopback.push(ip);
        } else if !is_link_local(&ip) {
            addresses.push(ip);
        }
    }
    if addresses.is_empty() { loopback } else { addresses }
}

fn is_link_local(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        let named = candidates(&[ip("192.0.2.1"), ip("192.0.2.2"), ip("2001:db8::1")], 5);
        let ips: Vec<IpAddr> = named.iter().map(SocketAddr::ip).collect();
        assert_eq!(ips, [ip("192.0.2.1"), ip("2001:db8::1"), ip("192.0.2.2")]);
    }

    #[test]
    fn this_machine_has_an_address() {
        assert!(!candidates(&[], 5).is_empty());
    }
}
