//! Whether a client is on one of this box's own networks.

use nix::ifaddrs::getifaddrs;
use std::net::IpAddr;

/// Asked anew each time: networks change while the daemon runs.
pub fn is_local(address: IpAddr) -> bool {
    let address = address.to_canonical();
    if address.is_loopback() {
        return true;
    }
    let interfaces = match getifaddrs() {
        Ok(interfaces) => interfaces,
        Err(error) => {
            log::error!(error:%; "the network interfaces cannot be listed, nobody counts as local");
            return false;
        }
    };
    interfaces
        .filter_map(|interface| Some((ip(interface.address?)?, ip(interface.netmask?)?)))
        .any(|(own, mask)| same_subnet(address, own, mask))
}

fn ip(address: nix::sys::socket::SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
}

/// A netmask of zero is a default route rather than a network of the house.
fn same_subnet(address: IpAddr, own: IpAddr, mask: IpAddr) -> bool {
    match (address, own, mask) {
        (IpAddr::V4(address), IpAddr::V4(own), IpAddr::V4(mask)) => {
            let mask = mask.to_bits();
            mask != 0 && address.to_bits() & mask == own.to_bits() & mask
        }
        (IpAddr::V6(address), IpAddr::V6(own), IpAddr::V6(mask)) => {
            let mask = mask.to_bits();
            mask != 0 && address.to_bits() & mask == own.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(address: &str, own: &str, mask: &str) -> bool {
        same_subnet(address.parse().unwrap(), own.parse().unwrap(), mask.parse().unwrap())
    }

    #[test]
    fn subnets() {
        assert!(same("192.168.1.200", "192.168.1.1", "255.255.255.0"));
        assert!(!same("192.168.2.200", "192.168.1.1", "255.255.255.0"));
        assert!(same("2001:db8::5", "2001:db8::1", "ffff:ffff:ffff:ffff::"));
        assert!(!same("2001:db8:0:1::5", "2001:db8::1", "ffff:ffff:ffff:ffff::"));
        assert!(!same("203.0.113.1", "10.0.0.1", "0.0.0.0"));
        assert!(!same("203.0.113.1", "::1", "ffff::"));
    }

    #[test]
    fn loopback_is_local_and_a_documentation_address_is_not() {
        assert!(is_local("127.0.0.1".parse().unwrap()));
        assert!(is_local("::ffff:127.0.0.1".parse().unwrap()));
        assert!(!is_local("198.51.100.7".parse().unwrap()));
    }
}
