//! SHA-256 of what is read, in hexadecimal digits.

use anyhow::Result;
use aws_lc_rs::digest::{Context, SHA256};
use std::io::Read;

/// `each` gets every piece on the way.
pub(super) fn sha256(source: &mut impl Read, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<String> {
    let mut digest = Context::new(&SHA256);
    let mut buffer = vec![0; 1 << 20];
    loop {
        match source.read(&mut buffer)? {
            0 => return Ok(hex(digest.finish().as_ref())),
            length => {
                digest.update(&buffer[..length]);
                each(&buffer[..length])?;
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
