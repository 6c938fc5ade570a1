//! Licence texts in the image: most licences ask that their text goes along with the program.
//!
//! Debian's lie in `/usr/share/doc/PACKAGE/copyright`, those of crates beside them in `plenum/CRATE-VERSION/`;
//! what the pages are made of stands in the web front's `/licenses.txt`.

use crate::{files, sbom};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// How the names of licence files begin, in lower case.
const NAMES: [&str; 6] = ["license", "licence", "copying", "copyright", "notice", "unlicense"];

/// Of documentation, only the licences stay.
pub fn keep_alone(documentation: &Path) -> Result<()> {
    for package in fs::read_dir(documentation).with_context(|| format!("{}", documentation.display()))? {
        let package = package?;
        if !package.file_type()?.is_dir() {
            fs::remove_file(package.path())?;
            continue;
        }
        for entry in fs::read_dir(package.path())? {
            let entry = entry?;
            if entry.file_name() != "copyright" || !entry.file_type()?.is_file() {
                files::remove(&entry.path())?;
            }
        }
        // It refuses a folder with something in it.
        let _ = fs::remove_dir(package.path());
    }
    Ok(())
}

/// What the daemons are made of.
pub fn of_crates(documentation: &Path) -> Result<()> {
    for (name, source) in sbom::crate_sources()? {
        let target = documentation.join("plenum").join(name);
        for entry in fs::read_dir(&source).with_context(|| format!("{}", source.display()))? {
            let entry = entry?;
            if entry.file_type()?.is_file() && is_licence(&entry.file_name().to_string_lossy()) {
                files::write(&target.join(entry.file_name()), fs::read(entry.path())?, 0o644)?;
            }
        }
    }
    Ok(())
}

fn is_licence(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    NAMES.iter().any(|known| name.starts_with(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documentation_leaves_and_licences_stay() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str| folder.path().join(name);
        for name in ["tool/copyright", "tool/README", "other/changelog.gz", "third/examples/copyright"] {
            files::write(&file(name), "text", 0o644).expect("a file");
        }
        std::os::unix::fs::symlink("tool", file("alias")).expect("a link");
        keep_alone(folder.path()).expect("no error");
        assert!(file("tool/copyright").is_file());
        for gone in ["tool/README", "other", "third", "alias"] {
            assert!(fs::symlink_metadata(file(gone)).is_err(), "{gone}");
        }
    }

    #[test]
    fn licence_files_are_known_by_name() {
        for name in ["LICENSE-MIT", "COPYING", "NOTICE.txt", "LICENCE", "UNLICENSE"] {
            assert!(is_licence(name), "{name}");
        }
        assert!(!is_licence("README.md") && !is_licence("lib.rs"));
    }
}
