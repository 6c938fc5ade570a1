//! `plenum.toml` as a system credential of a firmware or hypervisor: an OEM string of the SMBIOS (DSP0134 section 7.12) in
//! the form of systemd(1), `io.systemd.credential[.binary]:NAME=VALUE`. Read here: the image as shipped lets systemd
//! import none, because a credential may also set a password of root.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// All structures, as the kernel shows them.
pub const TABLE: &str = "/sys/firmware/dmi/tables/DMI";
const OEM_STRINGS: u8 = 11;
const END_OF_TABLE: u8 = 127;
const HEADER: usize = 4;
const TEXT: &str = "io.systemd.credential:";
const BINARY: &str = "io.systemd.credential.binary:";

/// `None` where there is none of this name, and where it is no text or no base64.
pub fn find(table: &[u8], name: &str) -> Option<String> {
    strings(table).into_iter().find_map(|string| {
        let string = std::str::from_utf8(string).ok()?;
        let value = |kind: &str| string.strip_prefix(kind)?.strip_prefix(name)?.strip_prefix('=');
        match value(BINARY) {
            Some(encoded) => String::from_utf8(STANDARD.decode(encoded).ok()?).ok(),
            None => value(TEXT).map(str::to_owned),
        }
    })
}

/// Of all structures of OEM strings. What is cut off ends it.
fn strings(mut table: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    // Section 6.1: type, length of the formatted part, handle; then strings that end with a zero each, and one zero more.
    while let [kind, length, ..] = *table
        && usize::from(length) >= HEADER
        && kind != END_OF_TABLE
        && let Some(mut rest) = table.get(usize::from(length)..)
    {
        loop {
            let Some(end) = rest.iter().position(|byte| *byte == 0) else { return found };
            let (string, behind) = (&rest[..end], &rest[end + 1..]);
            rest = behind;
            if string.is_empty() {
                break;
            }
            if kind == OEM_STRINGS {
                found.push(string);
            }
        }
        // Without any string there are two zeros all the same.
        table = if table[usize::from(length)..].starts_with(&[0, 0]) { &rest[1..] } else { rest };
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn structure(kind: u8, formatted: &[u8], strings: &[&str]) -> Vec<u8> {
        let mut bytes = vec![kind, (HEADER + formatted.len()) as u8, 0, 0];
        bytes.extend(formatted);
        for string in strings {
            bytes.extend(string.bytes().chain([0]));
        }
        bytes.extend(if strings.is_empty() { vec![0, 0] } else { vec![0] });
        bytes
    }

    fn table() -> Vec<u8> {
        let binary = format!("{BINARY}plenum.toml={}", STANDARD.encode("version = 1\n"));
        [
            structure(0, &[1, 2, 3], &["QEMU", "1.0"]),
            structure(32, &[0; 7], &[]),
            structure(11, &[3], &["another", &format!("{TEXT}plenum.toml.sig=AAAA="), &binary]),
            structure(127, &[], &[]),
        ]
        .concat()
    }

    #[test]
    fn a_credential_is_found_by_its_name() {
        let table = table();
        assert_eq!(find(&table, "plenum.toml").as_deref(), Some("version = 1\n"));
        assert_eq!(find(&table, "plenum.toml.sig").as_deref(), Some("AAAA="));
        assert_eq!(find(&table, "plenum"), None);
        assert_eq!(find(&[], "plenum.toml"), None);
    }

    #[test]
    fn a_table_that_is_cut_off_or_spoiled_is_none() {
        let table = table();
        for end in 0..table.len() {
            let _ = find(&table[..end], "plenum.toml");
        }
        let mut rng = fastrand::Rng::with_seed(5);
        for _ in 0..20_000 {
            let mut bytes = table.clone();
            for _ in 0..rng.usize(1..5) {
                let at = rng.usize(0..bytes.len());
                bytes[at] = rng.u8(..);
            }
            let _ = find(&bytes, "plenum.toml");
        }
        let spoiled = structure(11, &[1], &[&format!("{BINARY}plenum.toml=%%")]);
        assert_eq!(find(&spoiled, "plenum.toml"), None);
    }
}
