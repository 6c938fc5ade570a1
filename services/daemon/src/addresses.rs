//! The addresses under which others reach this machine.

use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nix::net::if_::InterfaceFlags;
use std::io;
use std::net::IpAddr;

/// Every address of an interface that is up, without loopback, link-local and multicast; IPv4 first, each once.
///
/// A machine that is on no network still serves itself: then, and only then, its loopback addresses.
pub fn own() -> io::Result<Vec<IpAddr>> {
    let addresses: Vec<IpAddr> = getifaddrs()?.filter_map(address_of).collect();
    Ok(reachable(addresses))
}

fn address_of(interface: InterfaceAddress) -> Option<IpAddr> {
    let address = interface.address.filter(|_| interface.flags.contains(InterfaceFlags::IFF_UP))?;
    let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
}

fn reachable(mut addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    addresses.sort();
    addresses.dedup();
    let on_a_network = addresses.iter().any(|ip| is_routable(*ip));
    addresses.retain(|ip| if on_a_network { is_routable(*ip) } else { ip.is_loopback() });
    addresses
}

fn is_routable(ip: IpAddr) -> bool {
    let link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local() || ip.to_ipv4_mapped().is_some(),
    };
    !link_local && !ip.is_loopback() && !ip.is_unspecified() && !ip.is_multicast()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().expect("an address")).collect()
    }

    #[test]
    fn only_what_others_reach_and_ipv4_first() {
        let all = [
            "2001:db8::1",
            "127.0.0.1",
            "169.254.1.1",
            "0.0.0.0",
            "::1",
            "fe80::1",
            "::ffff:10.0.0.1",
            "224.0.0.1",
            "192.168.1.2",
            "192.168.1.2",
        ];
        assert_eq!(reachable(addresses(&all)), addresses(&["192.168.1.2", "2001:db8::1"]));
    }

    #[test]
    fn loopback_on_no_network_alone() {
        let alone = ["127.0.0.1", "::1", "169.254.1.1", "fe80::1"];
        assert_eq!(reachable(addresses(&alone)), addresses(&["127.0.0.1", "::1"]));
    }

    #[test]
    fn this_machine_has_an_address() {
        assert!(!own().expect("the interfaces").is_empty());
    }
}
