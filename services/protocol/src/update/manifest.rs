//! What an update says about itself.

use super::{MAX_PAYLOAD_BYTES, Version};
use serde::{Deserialize, Serialize};

/// Fields that a later format adds are ignored, so that an older box can still say whose update it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Always `plenum`.
    pub product: String,
    pub version: Version,
    /// As in `ConditionArchitecture=` of systemd: `x86-64`, `arm64`.
    pub architecture: String,
    /// Seconds since 1970: the commit's time.
    pub built: u64,
    /// dm-verity's root hash, 64 hexadecimal digits. Its halves are the UUIDs of the slot's two partitions.
    pub root_hash: String,
    /// The oldest version that can take this one.
    pub minimum_version: Version,
    pub payloads: Vec<Payload>,
}

/// A file for systemd-sysupdate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    pub role: Role,
    /// A plain file name.
    pub name: String,
    pub size: u64,
    /// 64 hexadecimal digits.
    pub sha256: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// `SHA256SUMS`, as systemd-sysupdate reads it.
    Sums,
    /// `SHA256SUMS.gpg`
    SumsSignature,
    Root,
    Verity,
    /// The unified kernel image.
    Kernel,
}

impl Role {
    pub const ALL: [Role; 5] = [Role::Sums, Role::SumsSignature, Role::Root, Role::Verity, Role::Kernel];

    /// What the image reserves for it.
    pub const fn max_bytes(self) -> u64 {
        match self {
            Role::Sums | Role::SumsSignature => 64 << 10,
            Role::Root => 2 << 30,
            Role::Verity => 32 << 20,
            Role::Kernel => 256 << 20,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    #[error("it is for {0:?}, not for plenum")]
    Product(String),
    #[error("its root hash is not made of 64 hexadecimal digits")]
    RootHash,
    #[error("it must hold each of root, verity, kernel, sums and their signature exactly once")]
    Roles,
    #[error("{0:?} is no plain file name")]
    Name(String),
    #[error("{name} has no SHA-256 of 64 hexadecimal digits")]
    Digest { name: String },
    #[error("{name} is oversized: {size} bytes, {max} is the most")]
    Oversized { name: String, size: u64, max: u64 },
    #[error("{0} is empty")]
    Empty(String),
}

impl Manifest {
    pub fn payload(&self, role: Role) -> Option<&Payload> {
        self.payloads.iter().find(|payload| payload.role == role)
    }

    /// Of all payloads.
    pub fn payload_bytes(&self) -> u64 {
        self.payloads.iter().map(|payload| payload.size).sum()
    }

    /// UUIDs of the root and the verity partition. `None` for a manifest that is not valid.
    pub fn partition_uuids(&self) -> Option<[String; 2]> {
        let half = |from: usize| {
            let part = |from, to| self.root_hash.get(from..to);
            let parts = [
                part(from, from + 8)?,
                part(from + 8, from + 12)?,
                part(from + 12, from + 16)?,
                part(from + 16, from + 20)?,
                part(from + 20, from + 32)?,
            ];
            Some(parts.join("-"))
        };
        Some([half(0)?, half(32)?])
    }

    /// Everything but the question whether this box wants it.
    pub fn validate(&self) -> Result<(), ManifestError> {
        if self.product != "plenum" {
            return Err(ManifestError::Product(self.product.chars().take(40).collect()));
        }
        if !is_digest(&self.root_hash) {
            return Err(ManifestError::RootHash);
        }
        let mut roles: Vec<Role> = self.payloads.iter().map(|payload| payload.role).collect();
        roles.sort();
        if roles != Role::ALL {
            return Err(ManifestError::Roles);
        }
        self.payloads.iter().try_for_each(Payload::validate)?;
        // Held by the roles' own bounds; said once more where memory and disk are reserved by it.
        debug_assert!(self.payload_bytes() <= MAX_PAYLOAD_BYTES);
        Ok(())
    }
}

impl Payload {
    fn validate(&self) -> Result<(), ManifestError> {
        if !is_plain(&self.name) {
            return Err(ManifestError::Name(self.name.chars().take(40).collect()));
        }
        let name = || self.name.clone();
        if !is_digest(&self.sha256) {
            return Err(ManifestError::Digest { name: name() });
        }
        let max = self.role.max_bytes();
        match self.size {
            0 => Err(ManifestError::Empty(name())),
            size if size > max => Err(ManifestError::Oversized { name: name(), size, max }),
            _ => Ok(()),
        }
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'+');
    (1..=128).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(plain)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn manifest() -> Manifest {
        let payload =
            |role, name: &str| Payload { role, name: name.to_owned(), size: 10, sha256: "0".repeat(64) };
        Manifest {
            product: "plenum".to_owned(),
            version: "0.2.0".parse().unwrap(),
            architecture: "x86-64".to_owned(),
            built: 1_700_000_000,
            root_hash: "0123456789abcdef".repeat(4),
            minimum_version: "0.1.0".parse().unwrap(),
            payloads: vec![
                payload(Role::SumsSignature, "SHA256SUMS.gpg"),
                payload(Role::Sums, "SHA256SUMS"),
                payload(Role::Root, "plenum_0.2.0_x.root.raw"),
                payload(Role::Verity, "plenum_0.2.0_x.verity.raw"),
                payload(Role::Kernel, "plenum_0.2.0.efi"),
            ],
        }
    }

    #[test]
    fn the_halves_of_the_root_hash_are_the_partitions() {
        let [root, verity] = manifest().partition_uuids().unwrap();
        assert_eq!(root, "01234567-89ab-cdef-0123-456789abcdef");
        assert_eq!(verity, root);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let refuse = |change: fn(&mut Manifest)| {
            let mut manifest = manifest();
            change(&mut manifest);
            manifest.validate().expect_err("it is wrong").to_string()
        };
        assert_eq!(manifest().validate(), Ok(()));
        assert!(refuse(|it| it.product = "other".to_owned()).contains("not for plenum"));
        assert!(refuse(|it| it.root_hash.make_ascii_uppercase()).contains("root hash"));
        assert!(refuse(|it| drop(it.payloads.pop())).contains("exactly once"));
        assert!(refuse(|it| it.payloads[0].role = Role::Root).contains("exactly once"));
        assert!(refuse(|it| it.payloads[2].name = "../root".to_owned()).contains("plain file name"));
        assert!(refuse(|it| it.payloads[2].name = ".x".to_owned()).contains("plain file name"));
        assert!(refuse(|it| it.payloads[2].sha256.clear()).contains("SHA-256"));
        assert!(refuse(|it| it.payloads[3].size = (32 << 20) + 1).contains("oversized"));
        assert!(refuse(|it| it.payloads[4].size = 0).contains("empty"));
    }

    #[test]
    fn the_bounds_of_the_roles_fit_the_whole() {
        assert!(Role::ALL.iter().map(|role| role.max_bytes()).sum::<u64>() <= MAX_PAYLOAD_BYTES);
    }
}
