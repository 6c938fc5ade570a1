//! Whether this box wants an update whose signature is good.

use plenum_protocol::update::{Manifest, Version};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unwanted {
    #[error("it is for {theirs}, and this machine is {ours}: take the update for {ours}")]
    Architecture { theirs: String, ours: String },
    #[error("version {0} is running already")]
    Same(Version),
    #[error("version {theirs} is older than the running {ours}: use the rollback to go back")]
    Older { theirs: Version, ours: Version },
    #[error("version {version} was rejected before ({reason}): install a newer one")]
    Rejected { version: Version, reason: String },
    #[error("version {version} is older than {rejected}, which was rejected before: install a newer one")]
    OlderThanRejected { version: Version, rejected: Version },
    #[error("it needs version {0} or newer to be running: install an update in between")]
    TooFar(Version),
}

/// `rejected`: versions that failed here, each with its reason.
pub fn admit(
    manifest: &Manifest,
    architecture: &str,
    running: &Version,
    rejected: &[(Version, String)],
) -> Result<(), Unwanted> {
    let version = manifest.version.clone();
    if manifest.architecture != architecture {
        let theirs = manifest.architecture.chars().take(40).collect();
        return Err(Unwanted::Architecture { theirs, ours: architecture.to_owned() });
    }
    if version == *running {
        return Err(Unwanted::Same(version));
    }
    if version < *running {
        return Err(Unwanted::Older { theirs: version, ours: running.clone() });
    }
    if let Some((_, reason)) = rejected.iter().find(|(other, _)| *other == version) {
        return Err(Unwanted::Rejected { version, reason: reason.clone() });
    }
    if let Some((newest, _)) = rejected.iter().max_by_key(|(other, _)| other).filter(|it| it.0 > version) {
        return Err(Unwanted::OlderThanRejected { version, rejected: newest.clone() });
    }
    if *running < manifest.minimum_version {
        return Err(Unwanted::TooFar(manifest.minimum_version.clone()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    fn asked(theirs: &str, minimum: &str, rejected: &[&str]) -> Result<(), String> {
        let manifest = Manifest {
            product: "plenum".to_owned(),
            version: version(theirs),
            architecture: "x86-64".to_owned(),
            built: 0,
            root_hash: String::new(),
            minimum_version: version(minimum),
            payloads: Vec::new(),
        };
        let rejected: Vec<_> = rejected.iter().map(|it| (version(it), "no media".to_owned())).collect();
        admit(&manifest, "x86-64", &version("1.4.0"), &rejected).map_err(|error| error.to_string())
    }

    #[test]
    fn only_newer_than_everything_known() {
        assert_eq!(asked("1.5.0", "1.0.0", &[]), Ok(()));
        assert_eq!(asked("1.6.0", "1.0.0", &["1.5.0"]), Ok(()));
        assert!(asked("1.4.0", "1.0.0", &[]).unwrap_err().contains("running already"));
        assert!(asked("1.3.9", "1.0.0", &[]).unwrap_err().contains("older than the running 1.4.0"));
        assert!(asked("1.5.0", "1.0.0", &["1.5.0"]).unwrap_err().contains("rejected before (no media)"));
        assert!(asked("1.5.0", "1.0.0", &["1.5.1"]).unwrap_err().contains("older than 1.5.1"));
        assert!(asked("1.5.0", "1.4.1", &[]).unwrap_err().contains("update in between"));
    }
}
