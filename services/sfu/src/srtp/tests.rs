//! Interoperation with another implementation, both ways, and what must be refused.

use super::sources::MAX_SOURCES;
use super::*;
use rtc_srtp::context::Context;
use rtc_srtp::crypto::providers::AwsLcRsCrypto;
use rtc_srtp::protection_profile::ProtectionProfile;

const PROFILES: [Profile; 3] = [Profile::AeadAes128Gcm, Profile::AeadAes256Gcm, Profile::Aes128CmSha1_80];

fn keys(profile: Profile, random: &mut fastrand::Rng) -> MasterKeys {
    let mut material = vec![0; 2 * (profile.key_len() + profile.salt_len())];
    random.fill(&mut material);
    MasterKeys::from_exported(profile, &material).expect("exactly as long as the profile needs")
}

fn foreign(profile: Profile, master: &Master) -> Context {
    let profile = match profile {
        Profile::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        Profile::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
        Profile::Aes128CmSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
    };
    Context::new(&master.key, &master.salt, profile, None, None, &AwsLcRsCrypto).expect("matching lengths")
}

/// A packet with CSRCs, a header extension and a payload of random length.
fn rtp(random: &mut fastrand::Rng, ssrc: u32, sequence: u16) -> (Vec<u8>, Vec<u8>) {
    let mut header = vec![0x80 | 0x10 | 2, 96];
    header.extend_from_slice(&sequence.to_be_bytes());
    header.extend_from_slice(&random.u32(..).to_be_bytes());
    header.extend_from_slice(&ssrc.to_be_bytes());
    header.extend_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8]);
    header.extend_from_slice(&[0xbe, 0xde, 0, 1, 0x10, 0x55, 0, 0]);
    let payload = (0..random.usize(0..1_200)).map(|_| random.u8(..)).collect();
    (header, payload)
}

fn rtcp(random: &mut fastrand::Rng, ssrc: u32) -> Vec<u8> {
    let words = random.u16(1..40);
    let mut compound = vec![0x80, 201];
    compound.extend_from_slice(&words.to_be_bytes());
    compound.extend_from_slice(&ssrc.to_be_bytes());
    compound.extend((1..words).flat_map(|_| random.u32(..).to_be_bytes()));
    compound
}

#[test]
fn another_implementation_opens_what_we_seal() {
    let mut random = fastrand::Rng::with_seed(3);
    for profile in PROFILES {
        let keys = keys(profile, &mut random);
        let (_, mut sender) = keys.server_side().expect("valid keys");
        let mut other = foreign(profile, &keys.server);
        let mut out = [0; 2_000];
        // Past two roll-overs of the sequence number.
        for index in (30_000u32..150_000).step_by(7) {
            let (header, payload) = rtp(&mut random, 77, index as u16);
            let (prefix, rest) = payload.split_at(payload.len().min(2));
            let len = sender.rtp(&header, prefix, rest, &mut out).expect("sealed");
            let opened = other.decrypt_rtp(&out[..len]).expect("opened by the other implementation");
            assert_eq!(opened[..], [header, payload].concat());
        }
        for _ in 0..100 {
            let compound = rtcp(&mut random, 78);
            let len = sender.rtcp(&compound, &mut out).expect("sealed");
            assert_eq!(other.decrypt_rtcp(&out[..len]).expect("opened")[..], compound);
        }
    }
}

#[test]
fn we_open_what_another_implementation_seals() {
    let mut random = fastrand::Rng::with_seed(4);
    for profile in PROFILES {
        let keys = keys(profile, &mut random);
        let (mut receiver, _) = keys.server_side().expect("valid keys");
        let mut other = foreign(profile, &keys.client);
        for index in (30_000u32..150_000).step_by(7) {
            let (header, payload) = rtp(&mut random, 77, index as u16);
            let plain = [header, payload].concat();
            let mut packet = other.encrypt_rtp(&plain).expect("sealed").to_vec();
            let len = receiver.rtp(&mut packet).expect("opened");
            assert_eq!(packet[..len], plain);
        }
        for _ in 0..100 {
            let compound = rtcp(&mut random, 78);
            let mut packet = other.encrypt_rtcp(&compound).expect("sealed").to_vec();
            let len = receiver.rtcp(&mut packet).expect("opened");
            assert_eq!(packet[..len], compound);
        }
    }
}

#[test]
fn a_replayed_or_altered_packet_is_refused() {
    let mut random = fastrand::Rng::with_seed(5);
    let keys = keys(Profile::AeadAes128Gcm, &mut random);
    let (_, mut sender) = keys.client_side().expect("valid keys");
    let (mut receiver, _) = keys.server_side().expect("valid keys");
    let mut out = [0; 2_000];
    for sequence in 0..500 {
        let (header, payload) = rtp(&mut random, 1, sequence);
        let len = sender.rtp(&header, &[], &payload, &mut out).expect("sealed");
        for _ in 0..4 {
            let mut altered = out[..len].to_vec();
            altered[random.usize(12..len)] ^= 1 << random.u8(0..8);
            assert!(receiver.rtp(&mut altered).is_err());
        }
        assert!(receiver.rtp(&mut out[..len].to_vec()).is_ok());
        assert_eq!(receiver.rtp(&mut out[..len].to_vec()), Err(Refusal::Replayed));

        let compound = rtcp(&mut random, 1);
        let len = sender.rtcp(&compound, &mut out).expect("sealed");
        let mut altered = out[..len].to_vec();
        altered[random.usize(8..len)] ^= 1 << random.u8(0..8);
        assert!(receiver.rtcp(&mut altered).is_err());
        assert!(receiver.rtcp(&mut out[..len].to_vec()).is_ok());
        assert_eq!(receiver.rtcp(&mut out[..len].to_vec()), Err(Refusal::Replayed));
    }
}

#[test]
fn one_index_is_sealed_once() {
    let mut random = fastrand::Rng::with_seed(6);
    let (_, mut sender) = keys(Profile::AeadAes256Gcm, &mut random).server_side().expect("valid keys");
    let (header, payload) = rtp(&mut random, 1, 9);
    let mut out = [0; 2_000];
    assert!(sender.rtp(&header, &[], &payload, &mut out).is_ok());
    assert_eq!(sender.rtp(&header, &[], &payload, &mut out), Err(Refusal::Replayed));
}

#[test]
fn sources_are_bounded() {
    let mut random = fastrand::Rng::with_seed(7);
    let keys = keys(Profile::AeadAes128Gcm, &mut random);
    let (_, mut sender) = keys.client_side().expect("valid keys");
    let master = &keys.client;
    let mut receiver = AeadReceiver::new(Profile::AeadAes128Gcm, master).expect("valid keys");
    let mut out = [0; 2_000];
    for ssrc in 0..10_000 {
        let (header, payload) = rtp(&mut random, ssrc, 1);
        let len = sender.rtp(&header, &[], &payload, &mut out).expect("sealed");
        assert!(receiver.rtp(&mut out[..len]).is_ok());
        assert!(receiver.sources() <= MAX_SOURCES);
    }
}

/// Whatever arrives, nothing panics, and nothing unauthentic gets through.
#[test]
fn arbitrary_packets_are_refused() {
    let mut random = fastrand::Rng::with_seed(8);
    for profile in PROFILES {
        let (mut receiver, _) = keys(profile, &mut random).server_side().expect("valid keys");
        for _ in 0..10_000 {
            let mut packet: Vec<u8> = (0..random.usize(0..80)).map(|_| random.u8(..)).collect();
            if let Some(first) = packet.first_mut() {
                *first = 0x80 | *first & 0x3f;
            }
            assert!(receiver.rtp(&mut packet.clone()).is_err());
            assert!(receiver.rtcp(&mut packet).is_err());
        }
    }
}
