//! How many people this machine carries: from how fast it encrypts and how fast its network is.
//!
//! One packet to one of its receivers costs the SFU some 1.3 µs on a processor that encrypts 1,200 bytes in 0.25 µs
//! (`cargo xtask bench`); with what arrives, the kernel, a NIC and everything else on the machine it is counted
//! three times. A person in a meeting of ten with nine pictures of 640 × 360 and three voices takes some 900 packets and
//! 4 Mbit a second.

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use plenum_protocol::manager::{Capacity, Limit, Port};
use std::thread;
use std::time::{Duration, Instant};

const PACKET_BYTES: usize = 1_200;
/// Long enough to be measured, short enough not to be noticed in a meeting.
const MEASURE: Duration = Duration::from_millis(50);
/// Nanoseconds to encrypt and to forward, where both were measured.
const REFERENCE_SEAL: f64 = 250.0;
const REFERENCE_FORWARD: f64 = 3_900.0;
const PACKETS_PER_PERSON: f64 = 900.0;
const MEGABITS_PER_PERSON: f64 = 4.0;
/// The rest is for peaks, and for everything else on the machine.
const SHARE: f64 = 0.6;

/// Nanoseconds to encrypt one packet. Blocks for some tens of milliseconds.
pub(crate) fn measure() -> u32 {
    let key = UnboundKey::new(&AES_128_GCM, &[7; 16]).map(LessSafeKey::new).expect("a key of 16 bytes");
    let mut packet = [0u8; PACKET_BYTES];
    let (started, mut count) = (Instant::now(), 0u64);
    while started.elapsed() < MEASURE {
        for _ in 0..64 {
            count += 1;
            let mut nonce = [0; 12];
            nonce[..8].copy_from_slice(&count.to_le_bytes());
            let nonce = Nonce::assume_unique_for_key(nonce);
            let _ = std::hint::black_box(key.seal_in_place_separate_tag(nonce, Aad::empty(), &mut packet));
        }
    }
    u32::try_from(started.elapsed().as_nanos() / u128::from(count.max(1))).unwrap_or(u32::MAX)
}

/// `packet`: as measured.
pub(crate) fn of_this_machine(packet: u32, ports: &[Port]) -> Capacity {
    let processors = thread::available_parallelism().map_or(1, |count| count.get() as u32);
    capacity(packet, processors, ports)
}

fn capacity(packet: u32, processors: u32, ports: &[Port]) -> Capacity {
    let network = ports.iter().filter(|port| port.carrier).filter_map(|port| port.speed).max().unwrap_or(0);
    let forward = REFERENCE_FORWARD * f64::from(packet.max(1)) / REFERENCE_SEAL;
    let by_processors = f64::from(processors) * SHARE * 1e9 / forward / PACKETS_PER_PERSON;
    let by_network = match network {
        0 => f64::INFINITY,
        megabits => f64::from(megabits) * SHARE / MEGABITS_PER_PERSON,
    };
    let limit = if by_network < by_processors { Limit::Network } else { Limit::Processors };
    // In steps of five: nobody should take it for exact.
    let people = (by_processors.min(by_network) / 5.0).floor() as u32 * 5;
    Capacity { processors, network, packet, people: people.max(5), limit }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(carrier: bool, speed: u32) -> Port {
        Port { name: "eth0".into(), mac: String::new(), carrier, speed: Some(speed) }
    }

    #[test]
    fn the_narrower_one_counts() {
        let gigabit = [port(true, 1_000), port(false, 10_000)];
        let small = capacity(250, 1, &gigabit);
        assert_eq!((small.network, small.people, small.limit), (1_000, 150, Limit::Network));
        let slow = capacity(2_500, 2, &gigabit);
        assert_eq!((slow.people, slow.limit), (30, Limit::Processors));
        assert_eq!(capacity(250, 2, &[]).limit, Limit::Processors);
        assert_eq!(capacity(u32::MAX, 1, &[]).people, 5);
    }

    #[test]
    fn something_is_measured() {
        assert!((10..1_000_000).contains(&measure()));
    }
}
