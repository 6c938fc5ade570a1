//! Lock files: `packages/NAME.lock` is a Debian `Packages` index of exactly the packages to install, so that
//! apt itself can read it. `plenum-image lock` writes it from the lists beside it.

use crate::digest;
use anyhow::{Context, Result, bail};
use std::path::Path;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    pub text: String,
    pub packages: Vec<Package>,
}

/// One stanza.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    pub name: String,
    pub version: String,
    pub architecture: String,
    /// The source package, where it has another name.
    pub source: Option<String>,
    /// Below the archive's root: `pool/…`.
    pub filename: String,
    pub sha256: String,
}

impl Lock {
    pub fn read(path: &Path) -> Result<Lock> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("{} cannot be read; `plenum-image lock` makes it", path.display()))?;
        Lock::parse(&text).with_context(|| format!("{} is not a lock file", path.display()))
    }

    pub fn parse(text: &str) -> Result<Lock> {
        let stanzas = text.split("\n\n").map(str::trim).filter(|stanza| !stanza.is_empty());
        let packages = stanzas.map(Package::parse).collect::<Result<Vec<_>>>()?;
        if packages.is_empty() {
            bail!("it names no package");
        }
        Ok(Lock { text: text.to_owned(), packages })
    }

    /// Changes with every package and version.
    pub fn id(&self) -> String {
        digest::sha256_of(self.text.as_bytes())[..12].to_owned()
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.packages.iter().map(|package| package.name.as_str())
    }
}

impl Package {
    pub fn parse(stanza: &str) -> Result<Package> {
        let need = |name: &str| {
            field(stanza, name).map(str::to_owned).with_context(|| {
                format!("a stanza lacks `{name}`: {}", stanza.lines().next().unwrap_or_default())
            })
        };
        Ok(Package {
            name: need("Package")?,
            version: need("Version")?,
            architecture: need("Architecture")?,
            source: field(stanza, "Source").map(str::to_owned),
            filename: need("Filename")?,
            sha256: need("SHA256")?,
        })
    }
}

/// A field of one line.
pub fn field<'a>(stanza: &'a str, name: &str) -> Option<&'a str> {
    stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "Package: bash\nVersion: 5.2-1\nArchitecture: amd64\nFilename: pool/b/bash.deb\nSHA256: 00\n\
                       \nPackage: dash\nSource: dash (0.5)\nVersion: 0.5-2\nArchitecture: amd64\n\
                       Filename: pool/d/dash.deb\nSHA256: 11\n";

    #[test]
    fn a_lock_is_a_packages_index() {
        let lock = Lock::parse(TWO).unwrap();
        assert_eq!(lock.names().collect::<Vec<_>>(), ["bash", "dash"]);
        assert_eq!(lock.packages[1].source.as_deref(), Some("dash (0.5)"));
    }

    #[test]
    fn a_stanza_without_a_digest_is_refused() {
        let error = Lock::parse(&TWO.replace("SHA256: 11", "")).unwrap_err().to_string();
        assert!(error.contains("lacks `SHA256`: Package: dash"), "{error}");
    }
}
