//! How many connections there may be: in all, and from one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Debug, Clone)]
pub struct Admission(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    max: u32,
    max_per_address: u32,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    all: u32,
    by_address: HashMap<IpAddr, u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    Full,
    Address,
}

/// A place; dropping it gives it back.
#[derive(Debug)]
pub struct Place {
    admission: Arc<Inner>,
    address: IpAddr,
}

impl Admission {
    pub fn new(max: u32, max_per_address: u32) -> Self {
        Admission(Arc::new(Inner { max, max_per_address, counts: Mutex::default() }))
    }

    pub fn admit(&self, address: IpAddr) -> Result<Place, Refused> {
        let address = holder(address);
        let mut counts = self.0.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.all >= self.0.max {
            return Err(Refused::Full);
        }
        let of_address = counts.by_address.entry(address).or_default();
        if *of_address >= self.0.max_per_address {
            return Err(Refused::Address);
        }
        *of_address += 1;
        counts.all += 1;
        Ok(Place { admission: Arc::clone(&self.0), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.admission.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all -= 1;
        if let Some(of_address) = counts.by_address.get_mut(&self.address) {
            *of_address -= 1;
            if *of_address == 0 {
                counts.by_address.remove(&self.address);
            }
        }
    }
}

/// One holder of a line has one IPv4 address, or a /64 of IPv6.
fn holder(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn places_are_limited_by_address_and_given_back() {
        let admission = Admission::new(10, 2);
        let first = admission.admit(address("192.0.2.1")).unwrap();
        // The same address, as a dual-stack socket reports it.
        let _second = admission.admit(address("::ffff:192.0.2.1")).unwrap();
        assert_eq!(admission.admit(address("192.0.2.1")).unwrap_err(), Refused::Address);
        let _other = admission.admit(address("192.0.2.2")).unwrap();
        drop(first);
        admission.admit(address("192.0.2.1")).unwrap();
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        let admission = Admission::new(10, 1);
        let _first = admission.admit(address("2001:db8::1")).unwrap();
        assert_eq!(admission.admit(address("2001:db8::2")).unwrap_err(), Refused::Address);
        let _other = admission.admit(address("2001:db8:0:1::1")).unwrap();
    }

    #[test]
    fn the_sum_is_limited_and_nothing_is_left_behind() {
        let admission = Admission::new(3, 3);
        let places: Vec<_> = (1..=3).map(|n| admission.admit(IpAddr::from([10, 0, 0, n])).unwrap()).collect();
        assert_eq!(admission.admit(address("10.0.0.9")).unwrap_err(), Refused::Full);
        drop(places);
        let counts = admission.0.counts.lock().unwrap();
        assert_eq!((counts.all, counts.by_address.len()), (0, 0));
    }
}
