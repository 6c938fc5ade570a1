//! Debian packages: what the lock files name, without what left the root again.

use super::library;
use crate::lock::{Lock, Package};
use crate::{paths, strip};
use anyhow::Result;
use serde_json::{Value, json};

pub(super) fn components(debug: bool) -> Result<Vec<Value>> {
    let folder = paths::definitions().join("packages");
    let leaving = strip::leaving(debug)?;
    let mut components = Vec::new();
    for name in ["root", "kernel", "firmware"] {
        let lock = Lock::read(&folder.join(format!("{name}.lock")))?;
        let stay = lock.packages.iter().filter(|package| !leaving.contains(&package.name));
        components.extend(stay.map(component));
    }
    Ok(components)
}

fn component(package: &Package) -> Value {
    let version = package.version.replace(':', "%3A").replace('+', "%2B");
    let name = package.name.replace('+', "%2B");
    let reference = format!("pkg:deb/debian/{name}@{version}?arch={}&distro=trixie", package.architecture);
    let hash = ("SHA-256", package.sha256.clone());
    let mut component = library(&reference, &package.name, &package.version, Some(hash));
    let source = package.source.as_deref().unwrap_or(&package.name);
    component["properties"] = json!([{ "name": "debian:source", "value": source }]);
    component
}
