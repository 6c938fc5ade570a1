//! Slows down the guessing of links, keys, codes and passwords (AU6), per address and over all addresses.
//!
//! Wrong guesses are counted, right ones are free: a school behind one address may join with hundreds of
//! people. While an address is blocked its right links are refused as well, otherwise guessing would go on
//! unhindered. Addresses live in memory only, as an HMAC under a key that dies with the process (LG3).

use crate::bucket::Bucket;
use aws_lc_rs::hmac;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// How many wrong guesses are looked at.
#[derive(Debug, Clone, Copy)]
pub struct Guesses {
    /// Of one IPv4 address or IPv6 /64: at once, and steadily.
    pub burst: u32,
    pub per_minute: u32,
    /// Of everybody together, against guessing from many addresses.
    pub everybody_burst: u32,
    pub everybody_per_minute: u32,
}

/// For how long an address that knew a secret passes while everybody together is blocked, so that such an
/// attack does not keep out those who use the house anyway.
const STANDING: Duration = Duration::from_secs(24 * 3600);
/// Addresses remembered at the most, some 5 MB.
const MAX_ADDRESSES: usize = 65_536;

/// A client's network, unreadable without the key of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AddressKey([u8; 16]);

/// Makes [`AddressKey`]s.
pub struct AddressKeys(hmac::Key);

impl AddressKeys {
    pub fn new(fill: &mut dyn FnMut(&mut [u8])) -> AddressKeys {
        let mut key = [0u8; 32];
        fill(&mut key);
        AddressKeys(hmac::Key::new(hmac::HMAC_SHA256, &key))
    }

    /// Of somebody who has signed in: their name, whatever address they come from.
    pub fn named(&self, name: &str) -> AddressKey {
        self.signed(&[b"name:", name.as_bytes()].concat())
    }

    /// Clients whose address is not known share one key.
    pub fn key(&self, address: Option<IpAddr>) -> AddressKey {
        let network = match address.map(|address| address.to_canonical()) {
            None => Vec::new(),
            Some(IpAddr::V4(address)) => address.octets().to_vec(),
            Some(IpAddr::V6(address)) => network64(address).to_vec(),
        };
        self.signed(&network)
    }

    fn signed(&self, who: &[u8]) -> AddressKey {
        let mut out = [0u8; 16];
        out.copy_from_slice(&hmac::sign(&self.0, who).as_ref()[..16]);
        AddressKey(out)
    }
}

/// A household or a phone has a whole /64 to choose addresses from.
fn network64(address: Ipv6Addr) -> [u8; 8] {
    let octets = address.octets();
    let mut network = [0u8; 8];
    network.copy_from_slice(&octets[..8]);
    network
}

#[derive(Debug, Default)]
struct Entry {
    wrong: Bucket,
    standing_until: Duration,
}

#[derive(Debug)]
pub struct Throttle {
    guesses: Guesses,
    addresses: HashMap<AddressKey, Entry>,
    everybody: Bucket,
}

impl Throttle {
    pub fn new(guesses: Guesses) -> Throttle {
        Throttle { guesses, addresses: HashMap::new(), everybody: Bucket::default() }
    }

    /// Whether this address may try a secret now; otherwise the time to wait.
    pub fn check(&self, address: AddressKey, now: Duration) -> Result<(), Duration> {
        let guesses = self.guesses;
        let entry = self.addresses.get(&address);
        let own =
            entry.map_or(Duration::ZERO, |entry| entry.wrong.wait(guesses.burst, guesses.per_minute, now));
        let stands = entry.is_some_and(|entry| entry.standing_until > now);
        let common = match stands {
            true => Duration::ZERO,
            false => self.everybody.wait(guesses.everybody_burst, guesses.everybody_per_minute, now),
        };
        match own.max(common) {
            Duration::ZERO => Ok(()),
            wait => Err(wait),
        }
    }

    pub fn wrong(&mut self, address: AddressKey, now: Duration) {
        let guesses = self.guesses;
        // A full bucket stays full: who is blocked does not get here.
        let _ = self.everybody.take(guesses.everybody_burst, guesses.everybody_per_minute, now);
        if let Some(entry) = self.entry(address, now) {
            let _ = entry.wrong.take(guesses.burst, guesses.per_minute, now);
        }
    }

    pub fn right(&mut self, address: AddressKey, now: Duration) {
        if let Some(entry) = self.entry(address, now) {
            entry.standing_until = now + STANDING;
        }
    }

    /// `None` when so many addresses are remembered that only the common limit holds for new ones.
    fn entry(&mut self, address: AddressKey, now: Duration) -> Option<&mut Entry> {
        if self.addresses.len() >= MAX_ADDRESSES && !self.addresses.contains_key(&address) {
            self.forget(now);
            if self.addresses.len() >= MAX_ADDRESSES {
                return None;
            }
        }
        Some(self.addresses.entry(address).or_default())
    }

    /// Forgets addresses about which there is nothing to know any more.
    pub fn forget(&mut self, now: Duration) {
        self.addresses.retain(|_, entry| entry.standing_until > now || !entry.wrong.is_full(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle() -> Throttle {
        let guesses = Guesses { burst: 20, per_minute: 6, everybody_burst: 500, everybody_per_minute: 300 };
        Throttle::new(guesses)
    }

    fn keys() -> AddressKeys {
        let mut rng = fastrand::Rng::with_seed(7);
        AddressKeys::new(&mut |bytes: &mut [u8]| rng.fill(bytes))
    }

    fn key(text: &str) -> AddressKey {
        keys().key(Some(text.parse().unwrap()))
    }

    /// Tries `times` wrong secrets within `seconds`; how many were looked at.
    fn guess(throttle: &mut Throttle, address: AddressKey, from: u64, seconds: u64, times: u64) -> usize {
        (0..times)
            .filter(|try_| {
                let now =
                    Duration::from_secs(from) + Duration::from_secs(seconds) * *try_ as u32 / times as u32;
                let admitted = throttle.check(address, now).is_ok();
                if admitted {
                    throttle.wrong(address, now);
                }
                admitted
            })
            .count()
    }

    #[test]
    fn au6_a_thousand_tries_of_one_address() {
        let mut throttle = throttle();
        let admitted = guess(&mut throttle, key("192.0.2.1"), 1_000, 60, 1_000);
        assert!((20..=26).contains(&admitted), "{admitted}");
        assert!(throttle.check(key("192.0.2.2"), Duration::from_secs(1_060)).is_ok());
        assert!(throttle.check(key("192.0.2.1"), Duration::from_secs(1_060 + 15)).is_ok());
    }

    #[test]
    fn au6_a_thousand_tries_from_a_thousand_addresses() {
        let mut throttle = throttle();
        let known = key("2001:db8::1");
        throttle.right(known, Duration::from_secs(990));
        let admitted: usize = (0..1_000)
            .map(|n| guess(&mut throttle, key(&format!("198.51.{}.{}", n / 250, n % 250)), 1_000, 1, 1))
            .sum();
        assert_eq!(admitted, 500);
        let now = Duration::from_secs(1_000);
        assert!(throttle.check(key("203.0.113.1"), now).is_err());
        assert!(throttle.check(known, now).is_ok(), "people of the house are not kept out");
    }

    #[test]
    fn ipv6_addresses_of_one_network_count_as_one() {
        assert_eq!(key("2001:db8:1:2::3"), key("2001:db8:1:2:ffff::1"));
        assert_ne!(key("2001:db8:1:2::3"), key("2001:db8:1:3::3"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
    }

    #[test]
    fn right_secrets_are_free() {
        let mut throttle = throttle();
        let address = key("192.0.2.1");
        for _ in 0..10_000 {
            assert!(throttle.check(address, Duration::from_secs(1)).is_ok());
            throttle.right(address, Duration::from_secs(1));
        }
    }

    #[test]
    fn memory_is_bounded() {
        let mut throttle = throttle();
        for n in 0..(MAX_ADDRESSES as u32 + 5_000) {
            throttle.wrong(key(&std::net::Ipv4Addr::from(n).to_string()), Duration::from_secs(5));
        }
        assert_eq!(throttle.addresses.len(), MAX_ADDRESSES);
        throttle.forget(Duration::from_secs(3_600));
        assert!(throttle.addresses.is_empty());
    }
}
