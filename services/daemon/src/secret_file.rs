//! Secrets shared between daemons in a file: whoever comes first makes it.

use crate::durable;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

const BYTES: usize = 32;

/// The trimmed text of the file; if there is none, one with 32 random bytes in hexadecimal is made
/// (mode 0600, never overwriting what another daemon made in the same moment).
pub fn read_or_create(path: &Path) -> io::Result<String> {
    if let Some(parent) = path.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    if path.exists() {
        return read(path);
    }
    let secret = random()?;
    match durable::create_new(path, secret.as_bytes(), 0o600) {
        Ok(()) => Ok(secret),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => read(path),
        Err(error) => Err(error),
    }
}

fn random() -> io::Result<String> {
    let mut random = [0u8; BYTES];
    File::open("/dev/urandom")?.read_exact(&mut random)?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn read(path: &Path) -> io::Result<String> {
    let text = std::fs::read_to_string(path)?;
    let secret = text.trim();
    check(secret)?;
    Ok(secret.to_owned())
}

/// Refuses what is too short to be a secret.
pub fn check(secret: &str) -> io::Result<()> {
    if secret.len() < BYTES {
        let why = format!(
            "the secret is shorter than {BYTES} characters; delete the file, and a new secret is made"
        );
        return Err(io::Error::new(ErrorKind::InvalidData, why));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn made_once_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("turn/secret");
        let secrets: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| read_or_create(&path).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(secrets.iter().all(|secret| *secret == secrets[0]));
        assert_eq!(secrets[0].len(), 64);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_secret_of_the_operator_is_trimmed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        std::fs::write(&path, "0123456789abcdef0123456789abcdef0123456789\n").unwrap();
        assert_eq!(read_or_create(&path).unwrap(), "0123456789abcdef0123456789abcdef0123456789");
    }

    #[test]
    fn a_short_secret_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        std::fs::write(&path, "hunter2\n").unwrap();
        let error = read_or_create(&path).unwrap_err().to_string();
        assert!(error.contains("delete the file"), "{error}");
    }
}
