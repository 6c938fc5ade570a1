//! Updates as they arrive: whole, in pieces of any size, cut off, damaged, from somebody else.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use plenum_appliance::unpack::{Damaged, Sink, Unpacker};
use plenum_protocol::update::{Manifest, Payload, PublicKey, Role, sign};

#[derive(Default)]
struct Staging {
    refuse: bool,
    files: Vec<Vec<u8>>,
}

impl Sink for Staging {
    fn manifest(&mut self, manifest: &Manifest) -> Result<(), String> {
        self.files = vec![Vec::new(); manifest.payloads.len()];
        if self.refuse { Err("version 2.0 is running already".to_owned()) } else { Ok(()) }
    }

    fn piece(&mut self, place: usize, bytes: &[u8]) -> Result<(), String> {
        self.files[place].extend(bytes);
        Ok(())
    }
}

fn key(seed: u8) -> (Ed25519KeyPair, PublicKey) {
    let key = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
    let public = PublicKey(key.public_key().as_ref().try_into().unwrap());
    (key, public)
}

fn bundle() -> (Vec<u8>, Vec<Vec<u8>>) {
    let files: Vec<Vec<u8>> = (0..Role::ALL.len()).map(|place| vec![place as u8; 10 + 7 * place]).collect();
    let payload = |(role, file): (&Role, &Vec<u8>)| Payload {
        role: *role,
        name: format!("{role:?}"),
        size: file.len() as u64,
        sha256: digest(&SHA256, file).as_ref().iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    let manifest = Manifest {
        product: "plenum".to_owned(),
        version: "2.0".parse().unwrap(),
        architecture: "x86-64".to_owned(),
        built: 1,
        root_hash: "0".repeat(64),
        minimum_version: "1.0".parse().unwrap(),
        payloads: Role::ALL.iter().zip(&files).map(payload).collect(),
    };
    let mut bytes = sign(&manifest, &key(1).0).unwrap();
    files.iter().for_each(|file| bytes.extend(file));
    (bytes, files)
}

fn unpack(bytes: &[u8], piece: usize, staging: &mut Staging) -> Result<Manifest, Damaged> {
    let mut unpacker = Unpacker::new(vec![key(1).1]);
    bytes.chunks(piece).try_for_each(|piece| unpacker.push(piece, staging))?;
    unpacker.finish()
}

#[test]
fn pieces_of_any_size_give_the_same_files() {
    let (bytes, files) = bundle();
    for piece in 1..=bytes.len() {
        let mut staging = Staging::default();
        unpack(&bytes, piece, &mut staging).unwrap();
        assert_eq!(staging.files, files, "{piece}");
    }
}

#[test]
fn whatever_is_damaged_is_refused() {
    let (bytes, _) = bundle();
    for place in 0..bytes.len() {
        let mut turned = bytes.clone();
        turned[place] ^= 1;
        assert!(unpack(&turned, 50, &mut Staging::default()).is_err(), "byte {place}");
        let cut = unpack(&bytes[..place], 50, &mut Staging::default()).unwrap_err();
        assert!(matches!(cut, Damaged::Truncated { .. }), "{place}: {cut}");
    }
    let long = unpack(&[&bytes[..], b"x"].concat(), 50, &mut Staging::default());
    assert_eq!(long, Err(Damaged::Trailing));
    let last = bytes.len() - 1;
    let mut turned = bytes.clone();
    turned[last] ^= 1;
    assert_eq!(unpack(&turned, 50, &mut Staging::default()), Err(Damaged::Payload("Kernel".to_owned())));
}

#[test]
fn what_the_box_does_not_want_leaves_no_byte() {
    let (bytes, _) = bundle();
    let mut staging = Staging { refuse: true, ..Staging::default() };
    assert!(matches!(unpack(&bytes, 9_999, &mut staging), Err(Damaged::Unwanted(_))));
    assert!(staging.files.iter().all(Vec::is_empty));
}
