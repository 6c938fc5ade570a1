//! Where an update comes from. Whatever the way, the same bytes go through the same [`Staging`].

pub mod https;
mod proxy;

pub use proxy::Proxy;

use crate::staging::Staging;
use anyhow::{Context, Result};
use std::fs::File;
use std::io::Read as _;

pub enum Source {
    /// An upload, or the file on a USB stick.
    File(File),
    Url(String),
}

/// Reads a file to its end; runs on a thread that may block.
pub fn file(mut file: File, mut staging: Staging, mut progress: impl FnMut((u64, u64))) -> Result<Staging> {
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).context("the update cannot be read")? {
            0 => return Ok(staging),
            length => staging.push(&buffer[..length])?,
        }
        progress(staging.progress());
    }
}
