//! The addresses that answers name.

use std::net::{IpAddr, SocketAddr};

/// At most this many candidates: each costs every client a check.
const MAX_CANDIDATES: usize = 8;

/// Host candidates on `port`: the configured addresses, or else this machine's own. IPv4 and
/// IPv6 in turn.
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

/// This machine's addresses, or none, with a warning, when they cannot be read.
pub fn own_addresses() -> Vec<IpAddr> {
    plenum_daemon::addresses::own().unwrap_or_else(|error| {
        log::warn!(error:% = error; "this machine's addresses cannot be read");
        Vec::new()
    })
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
