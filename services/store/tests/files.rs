//! Files live as long as a record references them.

mod common;

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use plenum_store::{Batch, Category, Error, Field, FileRef, Options, Retention, Store, Stored};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Upload {
    files: Vec<FileRef>,
}

impl Stored for Upload {
    type Key = u32;
    const TREE: &'static str = "uploads";
    const CATEGORY: Category = Category::Content;
    const PURPOSE: &'static str = "lets tests look at something with files";
    const RETENTION: Retention = Retention::AfterChange(Duration::from_secs(60));
    const KEY: Field = Field::new("number", "running number");
    const FIELDS: &'static [Field] = &[Field::new("files", "what was uploaded")];

    fn files(&self) -> Vec<FileRef> {
        self.files.clone()
    }
}

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn options(directory: &Path) -> Options {
    common::bare(directory).tree::<Upload>()
}

fn count(directory: &Path) -> usize {
    fs::read_dir(directory.join("v1/files")).map_or(0, Iterator::count)
}

#[test]
fn a_file_goes_with_its_last_record() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    let content: Vec<u8> = (0..200_000u32).map(|number| number as u8).collect();
    let file = store.files().put(&content[..]).unwrap();
    let reference = file.reference();
    assert_eq!(reference.len, 200_000);
    assert_eq!(reference.to_string().parse(), Ok(reference));
    let upload = Upload { files: vec![reference] };
    let mut batch = Batch::new(start());
    batch.put(&1, &upload).unwrap();
    batch.put(&2, &upload).unwrap();
    batch.hold(file);
    store.commit(batch).wait().unwrap();
    assert_eq!(store.files().read(&reference).unwrap(), content);

    // The same content again is the same file.
    let again = store.files().put(&content[..]).unwrap();
    assert_eq!((again.reference(), count(directory.path())), (reference, 1));
    drop(again);
    store.tree::<Upload>().remove(start(), &1).wait().unwrap();
    assert_eq!(store.files().read(&reference).unwrap(), content);
    // Counted anew after reopening.
    drop(store);
    let store = Store::open(options(directory.path())).unwrap();
    let expired = store.expire(start() + Duration::from_secs(60)).wait().unwrap();
    assert_eq!((expired.total(), expired.file_bytes), (1, 200_000));
    assert_eq!(count(directory.path()), 0);
    assert!(matches!(store.files().read(&reference), Err(Error::NoFile { .. })));
}

#[test]
fn a_file_without_a_record_goes_when_it_is_let_go_or_at_the_next_opening() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    drop(store.files().put(&b"let go"[..]).unwrap());
    assert_eq!(count(directory.path()), 0);
    let kept = store.files().put(&b"held in a crash"[..]).unwrap();
    fs::write(directory.path().join("v1/files/new-0"), b"half written").unwrap();
    std::mem::forget(kept);
    assert_eq!(count(directory.path()), 2);
    drop(store);
    drop(Store::open(options(directory.path())).unwrap());
    assert_eq!(count(directory.path()), 0);
}

#[test]
fn a_record_cannot_reference_what_is_not_there() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    let file = store.files().put(&b"gone"[..]).unwrap();
    let upload = Upload { files: vec![file.reference()] };
    drop(file);
    let error = store.tree::<Upload>().put(start(), &1, &upload).wait().unwrap_err();
    assert!(matches!(error, Error::NoFile { .. }), "{error}");
}

#[test]
fn a_changed_file_is_not_handed_out() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    let file = store.files().put(&b"what was written"[..]).unwrap();
    let reference = file.reference();
    fs::write(directory.path().join("v1/files").join(reference.hash.to_string()), b"what was changed")
        .unwrap();
    assert!(matches!(store.files().read(&reference), Err(Error::NoFile { .. })));
}

#[test]
fn replacing_a_record_replaces_its_files() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    let uploads = store.tree::<Upload>();
    let files: Vec<_> = (0..3u8).map(|number| store.files().put(&[number; 100][..]).unwrap()).collect();
    let references: Vec<FileRef> = files.iter().map(|file| file.reference()).collect();
    uploads.put(start(), &1, &Upload { files: references.clone() }).wait().unwrap();
    drop(files);
    assert_eq!(count(directory.path()), 3);
    uploads.put(start(), &1, &Upload { files: references[1..2].to_vec() }).wait().unwrap();
    assert_eq!(count(directory.path()), 1);
    assert_eq!(store.files().read(&references[1]).unwrap(), [1; 100]);
}
