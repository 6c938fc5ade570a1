//! Headers that the box must not take.

use anyhow::{Context, Result};
use aws_lc_rs::signature::Ed25519KeyPair;
use plenum_image::keys::Keys;
use plenum_image::tools::Tools;
use plenum_protocol::update::{self, FIXED_BYTES, Header, MAX_MANIFEST_BYTES, PublicKey};
use std::fs::File;
use std::io::Read;
use std::path::Path;

pub(super) struct Forged {
    /// Of the real header, in bytes: what comes behind it stays as it is.
    pub(super) length: usize,
    /// The same manifest by somebody else.
    pub(super) foreign: Vec<u8>,
    /// Signed by us, of a version before the one that runs.
    pub(super) older: Vec<u8>,
}

pub(super) fn of(update: &Path) -> Result<Forged> {
    let keys = Keys::open(None, &Tools::open()?)?;
    let ours = keys.update()?;
    let trusted: Vec<PublicKey> =
        keys.trusted()?.lines().filter_map(|line| line.trim().parse().ok()).collect();
    let mut bytes = Vec::new();
    let most = (FIXED_BYTES + MAX_MANIFEST_BYTES) as u64;
    File::open(update)?.take(most).read_to_end(&mut bytes)?;
    let header = Header::read(&bytes, &trusted)?;
    let theirs = Ed25519KeyPair::generate().ok().context("no key")?;
    let foreign = update::sign(&header.manifest, &theirs)?;
    let mut manifest = header.manifest;
    manifest.version = "0.0.9".parse()?;
    Ok(Forged { length: header.bytes, foreign, older: update::sign(&manifest, &ours)? })
}
