//! The addresses that answers name.

use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

/// At most this many candidates: each costs every client a check.
const MAX_CANDIDATES: usize = 8;

/// Host candidates on `port`: the configured addresses, or else this machine's own; IPv4 and IPv6 in turn. Behind
/// them the `public` ones, which a router translates: whoever is near takes the shorter way.
pub fn candidates(configured: &[IpAddr], public: &[IpAddr], port: u16) -> Vec<SocketAddr> {
    let addresses = if configured.is_empty() { own_addresses() } else { configured.to_vec() };
    let (v4, v6): (Vec<IpAddr>, Vec<IpAddr>) = addresses.into_iter().partition(IpAddr::is_ipv4);
    let mut ordered = Vec::new();
    for index in 0..v4.len().max(v6.len()) {
        ordered.extend([v4.get(index), v6.get(index)].into_iter().flatten().copied());
    }
    ordered.truncate(MAX_CANDIDATES.saturating_sub(public.len()));
    ordered.extend(public.iter().take(MAX_CANDIDATES));
    ordered.into_iter().map(|ip| SocketAddr::new(ip, port)).collect()
}

/// Those that the box's manager has written down, one per line.
pub fn public(file: &Path) -> Vec<IpAddr> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            log::warn!(error:% = error; "{} cannot be read", file.display());
            return Vec::new();
        }
    };
    text.lines().filter_map(|line| line.trim().parse().ok()).collect()
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
        let named = candidates(&[ip("192.0.2.1"), ip("192.0.2.2"), ip("2001:db8::1")], &[], 5);
        let ips: Vec<IpAddr> = named.iter().map(SocketAddr::ip).collect();
        assert_eq!(ips, [ip("192.0.2.1"), ip("2001:db8::1"), ip("192.0.2.2")]);
    }

    #[test]
    fn public_addresses_are_named_last_and_never_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("public");
        assert_eq!(public(&file), [] as [IpAddr; 0]);
        fs::write(&file, "203.0.113.10\nnonsense\n2001:db8::9\n").unwrap();
        let public = public(&file);
        let own: Vec<IpAddr> = (1..=9u8).map(|last| IpAddr::from([192, 0, 2, last])).collect();
        let ips: Vec<IpAddr> = candidates(&own, &public, 5).iter().map(SocketAddr::ip).collect();
        assert_eq!(ips[..6], own[..6]);
        assert_eq!(ips[6..], public);
    }

    #[test]
    fn this_machine_has_an_address() {
        assert!(!candidates(&[], &[], 5).is_empty());
    }
}
