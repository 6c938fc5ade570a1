//! Larger data as files, named by their SHA-256. A file lives as long as a record references it.

use std::{
    collections::HashMap,
    fmt,
    fs::{self, File},
    io::{self, Read, Write as _},
    path::{Path, PathBuf},
    str::FromStr,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use aws_lc_rs::digest;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Error, Result, error::Context as _, layout};

/// SHA-256 of a file's content.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub(crate) [u8; 32]);

/// What a record keeps of a file: `HASH-LENGTH`, one field in the register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileRef {
    pub hash: Hash,
    pub len: u64,
}

/// A file that was just written. It is deleted with its last `StoredFile`, unless a record that references it
/// was committed before: hand it to [`Batch::hold`](crate::Batch::hold).
#[derive(Debug)]
pub struct StoredFile {
    reference: FileRef,
    files: Arc<Inner>,
}

impl StoredFile {
    pub fn reference(&self) -> FileRef {
        self.reference
    }
}

impl StoredFile {
    /// Leaves the file although no record references it yet; the next opening decides.
    pub(crate) fn keep(self) -> FileRef {
        let reference = self.reference;
        std::mem::forget(self);
        reference
    }
}

impl Drop for StoredFile {
    fn drop(&mut self) {
        self.files.release(self.reference.hash, |uses| uses.pins -= 1);
    }
}

/// The store's files. All of it blocks; use a blocking thread in async programs.
#[derive(Debug, Clone)]
pub struct Files {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    directory: PathBuf,
    uses: Mutex<HashMap<Hash, Uses>>,
    temporary: AtomicU64,
}

#[derive(Debug, Default, Clone, Copy)]
struct Uses {
    records: u64,
    pins: u64,
}

impl Files {
    /// Takes over a directory: files that no record references are leftovers of a crash and go. Returns how
    /// many referenced ones are missing.
    pub(crate) fn open(directory: PathBuf, references: impl Iterator<Item = Hash>) -> Result<(Files, u64)> {
        let mut uses: HashMap<Hash, Uses> = HashMap::new();
        for hash in references {
            uses.entry(hash).or_default().records += 1;
        }
        let mut missing = uses.len() as u64;
        if directory.is_dir() {
            for entry in fs::read_dir(&directory).context("reading", &directory)? {
                let entry = entry.context("reading", &directory)?;
                let hash = entry.file_name().to_str().and_then(|name| name.parse().ok());
                match hash.is_some_and(|hash| uses.contains_key(&hash)) {
                    true => missing -= 1,
                    false => layout::remove(&entry.path())?,
                }
            }
        }
        let inner = Inner { directory, uses: Mutex::new(uses), temporary: AtomicU64::new(0) };
        Ok((Files { inner: Arc::new(inner) }, missing))
    }

    /// Writes a file durably and gives it its name.
    pub fn put(&self, content: impl Read) -> Result<StoredFile> {
        let inner = &self.inner;
        layout::create_directory(&inner.directory)?;
        let number = inner.temporary.fetch_add(1, Ordering::Relaxed);
        let temporary = inner.directory.join(format!("new-{number}"));
        let written = write(&temporary, content).and_then(|reference| self.adopt(&temporary, reference));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    fn adopt(&self, temporary: &Path, reference: FileRef) -> Result<StoredFile> {
        let inner = &self.inner;
        let path = inner.path(reference.hash);
        let mut uses = inner.lock();
        match uses.contains_key(&reference.hash) && path.exists() {
            true => layout::remove(temporary)?,
            false => layout::rename(temporary, &path)?,
        }
        uses.entry(reference.hash).or_default().pins += 1;
        Ok(StoredFile { reference, files: inner.clone() })
    }

    /// Opens a file for streaming, without checking its content.
    pub fn open_file(&self, reference: &FileRef) -> Result<File> {
        File::open(self.inner.path(reference.hash))
            .map_err(|_| Error::NoFile { hash: reference.hash.to_string() })
    }

    /// Reads a file as a whole and checks it against its name.
    pub fn read(&self, reference: &FileRef) -> Result<Vec<u8>> {
        let mut content = Vec::new();
        let path = self.inner.path(reference.hash);
        self.open_file(reference)?.read_to_end(&mut content).context("reading", &path)?;
        match digest::digest(&digest::SHA256, &content).as_ref() == reference.hash.0 {
            true => Ok(content),
            false => Err(Error::NoFile { hash: reference.hash.to_string() }),
        }
    }

    pub(crate) fn contains(&self, hash: Hash) -> bool {
        self.inner.lock().contains_key(&hash)
    }

    pub(crate) fn path(&self, hash: Hash) -> PathBuf {
        self.inner.path(hash)
    }

    pub(crate) fn reference(&self, hash: Hash) {
        self.inner.lock().entry(hash).or_default().records += 1;
    }

    /// Returns the bytes that were freed.
    pub(crate) fn unreference(&self, hash: Hash) -> u64 {
        self.inner.release(hash, |uses| uses.records -= 1)
    }
}

impl Inner {
    fn path(&self, hash: Hash) -> PathBuf {
        self.directory.join(hash.to_string())
    }

    // The map is whole between any two statements under the lock.
    fn lock(&self) -> MutexGuard<'_, HashMap<Hash, Uses>> {
        self.uses.lock().unwrap_or_else(|poison| poison.into_inner())
    }

    fn release(&self, hash: Hash, change: impl FnOnce(&mut Uses)) -> u64 {
        let mut uses = self.lock();
        let Some(entry) = uses.get_mut(&hash) else { return 0 };
        change(entry);
        if entry.records + entry.pins > 0 {
            return 0;
        }
        uses.remove(&hash);
        let path = self.path(hash);
        let bytes = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        match fs::remove_file(&path) {
            Ok(()) => bytes,
            Err(error) => {
                // It is an orphan then, and goes when the store is opened next.
                log::warn!(reason:% = error; "a file that nothing references could not be removed");
                0
            }
        }
    }
}

fn write(path: &Path, mut content: impl Read) -> Result<FileRef> {
    let mut file = File::create(path).context("creating", path)?;
    let mut hasher = digest::Context::new(&digest::SHA256);
    let mut buffer = vec![0; 64 << 10];
    let mut len = 0;
    loop {
        let read = match content.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Error::io("reading what was to become", path, &error)),
        };
        hasher.update(&buffer[..read]);
        file.write_all(&buffer[..read]).context("writing", path)?;
        len += read as u64;
    }
    file.sync_all().context("syncing", path)?;
    let mut hash = [0; 32];
    // SHA-256 has 32 bytes.
    hash.copy_from_slice(hasher.finish().as_ref());
    Ok(FileRef { hash: Hash(hash), len })
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = NotAReference;

    fn from_str(text: &str) -> Result<Self, NotAReference> {
        let mut hash = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err(NotAReference);
        }
        for (index, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).map_err(|_| NotAReference)?;
        }
        Ok(Hash(hash))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a file reference (64 hexadecimal digits, a hyphen, the length)")]
pub struct NotAReference;

impl fmt::Display for FileRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.hash, self.len)
    }
}

impl FromStr for FileRef {
    type Err = NotAReference;

    fn from_str(text: &str) -> Result<Self, NotAReference> {
        let (hash, len) = text.split_once('-').ok_or(NotAReference)?;
        Ok(FileRef { hash: hash.parse()?, len: len.parse().map_err(|_| NotAReference)? })
    }
}

impl Serialize for FileRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FileRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
