//! The update, `plenum-VERSION.update`: one signed file for HTTPS, upload and USB stick alike
//! (`docs/update-bundle.md`).
//!
//! ```text
//! 16 bytes  "PLENUM-UPDATE" CR LF SUB     \
//!  4 bytes  format, 1, little endian       | signed
//!  4 bytes  length of the manifest         |
//! 32 bytes  Ed25519 public key            /
//! 64 bytes  Ed25519 signature over what is marked
//!           manifest, JSON                  signed too
//!           payloads, one after the other, in the manifest's order
//! ```

mod header;
mod index;
mod manifest;
mod version;

pub use header::{Header, HeaderError, PublicKey, head, sign};
pub use index::{INDEX_NAME, Index, IndexError, SignedIndex};
pub use manifest::{Manifest, ManifestError, Payload, Role};
pub use version::{Version, VersionError};

pub const MAGIC: &[u8; 16] = b"PLENUM-UPDATE\r\n\x1a";
/// The one format there is.
pub const FORMAT: u32 = 1;
/// Bytes before the manifest.
pub const FIXED_BYTES: usize = 120;
pub const MAX_MANIFEST_BYTES: usize = 64 * 1024;
/// Of all payloads together: both partitions of a slot and a kernel.
pub const MAX_PAYLOAD_BYTES: u64 = 3 << 30;

/// The processor that this program was built for, as systemd calls it (`ConditionArchitecture=`).
pub const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86-64" };
