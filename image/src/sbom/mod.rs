//! The bill of materials in CycloneDX 1.6 (UP5): Debian packages, crates and npm packages of the image.

mod crates;
mod debian;
mod npm;

pub use crates::crate_sources;

use crate::build::Build;
use crate::{digest, files};
use anyhow::Result;
use serde_json::{Value, json};

/// Writes `NAME.cdx.json`. The same commit gives the same file.
pub fn write(build: &Build) -> Result<()> {
    let mut components = debian::components(build.debug)?;
    components.extend(crates::components()?);
    components.extend(npm::components()?);
    components.sort_by_key(|component| component["bom-ref"].as_str().unwrap_or_default().to_owned());
    components.dedup_by_key(|component| component["bom-ref"].as_str().unwrap_or_default().to_owned());
    let disk = build.out.join(format!("{}.raw.zst", build.name()));
    let serial = uuid(&digest::sha256_of(serde_json::to_string(&components)?.as_bytes()));
    let document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": format!("urn:uuid:{serial}"),
        "version": 1,
        "metadata": {
            "timestamp": timestamp(build.epoch),
            "component": {
                "type": "operating-system",
                "bom-ref": "plenum",
                "name": "plenum",
                "version": build.version,
                "licenses": [{ "license": { "id": "Apache-2.0" } }],
                "hashes": [{ "alg": "SHA-512", "content": digest::sha512(&disk)? }],
            },
        },
        "components": components,
    });
    let text = serde_json::to_string_pretty(&document)? + "\n";
    files::write(&build.out.join(format!("{}.cdx.json", build.name())), text, 0o644)
}

fn library(reference: &str, name: &str, version: &str, hash: Option<(&str, String)>) -> Value {
    let mut component = json!({
        "type": "library", "bom-ref": reference, "name": name, "version": version, "purl": reference,
    });
    if let Some((algorithm, content)) = hash {
        component["hashes"] = json!([{ "alg": algorithm, "content": content }]);
    }
    component
}

/// Version 4 in form, so that validators take it; its bits come from the content.
fn uuid(hex: &str) -> String {
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}

/// `2026-11-24T00:00:00Z`, from seconds since 1970 (the algorithm of Howard Hinnant's "chrono-compatible
/// low-level date algorithms").
fn timestamp(epoch: u64) -> String {
    let (days, seconds) = (epoch / 86_400, epoch % 86_400);
    let z = days + 719_468;
    let (era, day_of_era) = (z / 146_097, z % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_in_rfc_3339() {
        assert_eq!(timestamp(0), "1970-01-01T00:00:00Z");
        assert_eq!(timestamp(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(timestamp(1_795_476_908), "2026-11-23T23:35:08Z");
    }

    #[test]
    fn the_serial_number_has_the_form_of_a_uuid() {
        let serial = uuid(&"0123456789abcdef".repeat(4));
        assert_eq!(serial, "01234567-89ab-4def-8123-456789abcdef");
    }
}
