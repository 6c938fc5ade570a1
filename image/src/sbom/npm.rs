//! npm packages that the user interface is made of, from its lock file.

use super::library;
use crate::{digest, paths};
use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Build tools too: what a bundler leaves in the pages is not told by the lock file.
pub(super) fn components() -> Result<Vec<Value>> {
    let path = paths::repository().join("services/web/ui/package-lock.json");
    let text = std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let lock: Value = serde_json::from_slice(&text).context("package-lock.json is not JSON")?;
    let packages = lock["packages"].as_object().context("package-lock.json names no packages")?;
    Ok(packages.iter().filter_map(|(path, package)| component(path, package)).collect())
}

fn component(path: &str, package: &Value) -> Option<Value> {
    let name = path.rsplit_once("node_modules/")?.1;
    let version = package["version"].as_str()?;
    let reference = format!("pkg:npm/{}@{version}", name.replacen('@', "%40", 1));
    let hash = package["integrity"].as_str().and_then(sha512);
    let mut component = library(&reference, name, version, hash.map(|hash| ("SHA-512", hash)));
    component["scope"] = json!(if package["dev"] == true { "excluded" } else { "required" });
    if let Some(license) = package["license"].as_str() {
        component["licenses"] = json!([{ "expression": license }]);
    }
    Some(component)
}

/// From the base64 of subresource integrity to hexadecimal.
fn sha512(integrity: &str) -> Option<String> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let text = integrity.strip_prefix("sha512-")?;
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0u32, 0);
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        bits = bits << 6 | ALPHABET.iter().position(|letter| *letter == byte)? as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(digest::hex(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scoped_packages_and_integrity() {
        let package = json!({ "version": "1.2.3", "integrity": "sha512-AAEC/w==", "license": "MIT" });
        let made = component("node_modules/@sveltejs/kit", &package).unwrap();
        assert_eq!(made["purl"], "pkg:npm/%40sveltejs/kit@1.2.3");
        assert_eq!(made["hashes"][0]["content"], "000102ff");
        assert!(component("", &package).is_none(), "the root of the lock file is no package");
    }
}
