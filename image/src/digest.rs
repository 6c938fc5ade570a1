//! SHA-256 and SHA-512 of files.

use anyhow::{Context as _, Result};
use aws_lc_rs::digest::{Algorithm, Context, SHA256, SHA512};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::Path;

pub fn sha256(path: &Path) -> Result<String> {
    file(path, &SHA256)
}

pub fn sha512(path: &Path) -> Result<String> {
    file(path, &SHA512)
}

/// Of bytes in memory.
pub fn sha256_of(bytes: &[u8]) -> String {
    hex(aws_lc_rs::digest::digest(&SHA256, bytes).as_ref())
}

fn file(path: &Path, algorithm: &'static Algorithm) -> Result<String> {
    let mut file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut context = Context::new(algorithm);
    let mut buffer = vec![0; 1 << 20];
    loop {
        let length = file.read(&mut buffer).with_context(|| format!("{} cannot be read", path.display()))?;
        if length == 0 {
            return Ok(hex(context.finish().as_ref()));
        }
        context.update(&buffer[..length]);
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
