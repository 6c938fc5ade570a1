//! AU1: no image holds a credential that would be the same on every box. The builder refuses to make one.

use anyhow::{Context, Result, bail};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Text beyond this is no key file.
const LOOK_AT: u64 = 1 << 20;

/// Names under which programs keep what lets somebody in.
const NAMES: &[&str] =
    &["authorized_keys", "authorized_keys2", ".netrc", ".pgpass", "host.key", "random-seed"];
const ENDINGS: &[&str] = &["keytab", "p12", "pfx", "jks"];

/// Words in the names of settings whose value would be a credential, unless it is a path.
const WORDS: &[&str] = &["secret", "token", "password", "passphrase", "host_key", "private"];

/// Folders whose files systemd hands to services as credentials.
const STORES: &[&str] = &["credstore", "credstore.encrypted"];

/// Looks at a finished root and names everything that it finds.
pub fn check(root: &Path) -> Result<()> {
    let mut found = Vec::new();
    accounts(root, &mut found)?;
    settings(root, &mut found)?;
    let machine = fs::read_to_string(root.join("etc/machine-id")).unwrap_or_default();
    if !matches!(machine.trim(), "" | "uninitialized") {
        found.push(format!("etc/machine-id is `{}`: every box would be the same machine", machine.trim()));
    }
    walk(root, root, &mut found)?;
    if !found.is_empty() {
        bail!("the image would hold credentials (AU1); take them out:\n{}", found.join("\n"));
    }
    Ok(())
}

/// Every password has to be one that cannot be: locked, and neither empty nor a hash.
fn accounts(root: &Path, found: &mut Vec<String>) -> Result<()> {
    for (name, elsewhere) in [("passwd", true), ("group", true), ("shadow", false), ("gshadow", false)] {
        let path = root.join("etc").join(name);
        if !path.exists() {
            continue;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        for line in text.lines().filter(|line| !line.is_empty()) {
            let mut fields = line.split(':');
            let (user, password) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
            let locked = password.starts_with(['!', '*']) || (elsewhere && password == "x");
            if !locked {
                found.push(format!("etc/{name}: `{user}` has a password, or needs none"));
            }
        }
    }
    Ok(())
}

/// The settings that daemons start with before anybody has changed one.
fn settings(root: &Path, found: &mut Vec<String>) -> Result<()> {
    let folder = root.join("etc/plenum");
    let Ok(entries) = fs::read_dir(&folder) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
            let Some((name, value)) = line.split_once('=') else { continue };
            let (name, value) = (name.trim().to_lowercase(), value.trim().trim_matches('"'));
            let telling = WORDS.iter().any(|word| name.contains(word));
            if telling && !value.is_empty() && !value.starts_with('/') {
                found.push(format!("{}: `{name}` is set", shown(root, &path)));
            }
        }
    }
    Ok(())
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            walk(root, &path, found)?;
        } else if kind.is_file()
            && let Some(what) = file(&path)?
        {
            found.push(format!("{}: {what}", shown(root, &path)));
        }
    }
    Ok(())
}

fn file(path: &Path) -> Result<Option<&'static str>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    let host_key = name.starts_with("ssh_host_") && !name.ends_with(".pub");
    if NAMES.contains(&name.as_str()) || ENDINGS.contains(&ending.as_ref()) || host_key {
        return Ok(Some("its name is that of a credential"));
    }
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    if STORES.contains(&folder.as_ref()) {
        return Ok(Some("it would be handed to a service as a credential"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(LOOK_AT).read_to_end(&mut bytes)?;
    // Programs and libraries that read keys contain the words.
    if bytes.starts_with(b"\x7fELF") {
        return Ok(None);
    }
    if secret_key_ring(&name, &bytes) {
        return Ok(Some("it is a key ring with a secret key"));
    }
    let private = bytes
        .windows(11)
        .enumerate()
        .filter(|(_, window)| window == b"-----BEGIN ")
        .any(|(at, _)| contains(&bytes[at..bytes.len().min(at + 60)], b"PRIVATE KEY"));
    if private {
        return Ok(Some("it is a private key"));
    }
    Ok((ending == "service" && contains(&bytes, b"autologin"))
        .then_some("it logs somebody in without asking"))
}

/// The first packet of a key ring is a secret key (RFC 9580, sections 4.2 and 5).
fn secret_key_ring(name: &str, bytes: &[u8]) -> bool {
    let tag = match bytes.first() {
        Some(first) if first & 0xc0 == 0xc0 => first & 0x3f,
        Some(first) if first & 0x80 != 0 => (first >> 2) & 0x0f,
        _ => return false,
    };
    (name.ends_with(".gpg") || name.ends_with(".pgp")) && matches!(tag, 5 | 7)
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).map(PathBuf::from).unwrap_or_default().display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `check` says of a root with these files beside those of an innocent one.
    fn verdict(files: &[(&str, &[u8])]) -> String {
        let root = tempfile::tempdir().unwrap();
        let innocent: &[(&str, &[u8])] = &[
            ("etc/machine-id", b"uninitialized\n"),
            ("etc/passwd", b"root:x:0:0::/root:/bin/false\n"),
            ("etc/shadow", b"root:*:20000::::::\nplenum-sfu:!*:20000::::::\n"),
            ("etc/plenum/signaling.toml", b"[relay]\nsecret_file = \"/run/secret\"\n"),
            ("usr/lib/libcrypto.so", b"\x7fELF -----BEGIN PRIVATE KEY-----"),
            ("etc/ssl/a.pem", b"-----BEGIN CERTIFICATE-----\n"),
        ];
        for (name, bytes) in innocent.iter().chain(files) {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        check(root.path()).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn an_innocent_root_is_let_through() {
        assert_eq!(verdict(&[]), "");
    }

    #[test]
    fn each_kind_of_credential_is_found() {
        let kinds: &[(&str, &[u8])] = &[
            ("etc/shadow", b"root:$y$j9T$salt$hash:20000::::::\n"),
            ("etc/shadow", b"root::20000::::::\n"),
            ("etc/passwd", b"root::0:0::/root:/bin/sh\n"),
            ("etc/machine-id", b"0123456789abcdef0123456789abcdef\n"),
            ("etc/plenum/web.toml", b"admin_password = \"plenum\"\n"),
            ("etc/plenum/signaling.toml", b"host_key = \"0123\"\n"),
            ("etc/keys/pcr.key", b"x\n-----BEGIN RSA PRIVATE KEY-----\n"),
            ("root/.ssh/authorized_keys", b"ssh-ed25519 AAAA"),
            ("etc/ssh/ssh_host_ed25519_key", b"x"),
            ("etc/credstore/wireguard", b"x"),
            ("etc/systemd/import-pubring.gpg", b"\x95\x03\x58"),
            ("etc/systemd/system/getty.service", b"ExecStart=agetty --autologin root"),
        ];
        for (name, bytes) in kinds {
            let said = verdict(&[(name, bytes)]);
            assert!(said.contains(name), "{name} was let through: {said}");
        }
    }
}
