//! Dumps: what they contain, and what is restored from them.

mod common;

use std::{
    fs,
    io::Write,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use common::{Note, Topic, note, options, topic};
use plenum_store::{Category, DumpInfo, Error, Field, FileRef, Opened, Retention, Store, Stored};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct Slide {
    file: FileRef,
}

impl Stored for Slide {
    type Key = u32;
    const TREE: &'static str = "slides";
    const CATEGORY: Category = Category::Content;
    const PURPOSE: &'static str = "lets tests look at something with a file";
    const RETENTION: Retention = Retention::UntilRemoved("a test removes it");
    const KEY: Field = Field::new("number", "running number");
    const FIELDS: &'static [Field] = &[Field::new("file", "the slide")];

    fn files(&self) -> Vec<FileRef> {
        vec![self.file]
    }
}

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// Where a dump goes.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A dump of a topic, a note and a slide of 200 KB.
fn dump(with_files: bool) -> (Vec<u8>, DumpInfo) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path()).tree::<Slide>()).unwrap();
    store.tree::<Topic>().put(start(), &"t".into(), &topic("Grüße, \"quoted\"\n")).wait().unwrap();
    store.tree::<Note>().put(start(), &("r".into(), 1), &note("goes")).wait().unwrap();
    let file = store.files().put(&vec![7; 200_000][..]).unwrap();
    store.tree::<Slide>().put(start(), &1, &Slide { file: file.reference() }).wait().unwrap();
    let sink = Sink::default();
    let info = store.dump(start(), sink.clone(), with_files).wait().unwrap();
    let bytes = sink.0.lock().unwrap().clone();
    (bytes, info)
}

#[test]
fn a_restored_dump_is_the_same_again() {
    let (bytes, info) = dump(true);
    assert_eq!(info, DumpInfo { schema: 1, sequence: 3, records: 3, files: 1 });
    let directory = tempfile::tempdir().unwrap();
    let options = || options(directory.path()).tree::<Slide>().now(start());
    let store = Store::open(options()).unwrap();
    store.tree::<Topic>().put(start(), &"other".into(), &topic("is replaced")).wait().unwrap();
    drop(store);

    let store = Store::restore(options(), &bytes[..]).unwrap();
    assert_eq!(store.tree::<Topic>().len(), 1);
    let entry = store.tree::<Topic>().entry(&"t".into()).unwrap().unwrap();
    assert_eq!((entry.value.title.as_str(), entry.created), ("Grüße, \"quoted\"\n", start()));
    let slide = store.tree::<Slide>().get(&1).unwrap().unwrap();
    assert_eq!(store.files().read(&slide.file).unwrap(), vec![7; 200_000]);
    // And goes on from there.
    store.tree::<Topic>().put(start(), &"u".into(), &topic("new")).wait().unwrap();
    drop(store);
    let store = Store::open(options()).unwrap();
    assert_eq!((store.health().opened, store.tree::<Topic>().len()), (Opened::Clean, 2));
    let sink = Sink::default();
    store.tree::<Topic>().remove(start(), &"u".into()).wait().unwrap();
    store.dump(start(), sink.clone(), true).wait().unwrap();
    let again = sink.0.lock().unwrap().clone();
    let body = |bytes: &[u8]| {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(body(&again), body(&bytes));
}

#[test]
fn a_dump_of_some_trees_has_nothing_of_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    store.tree::<Topic>().put(start(), &"t".into(), &topic("kept")).wait().unwrap();
    store.tree::<Note>().put(start(), &("r".into(), 1), &note("left out")).wait().unwrap();
    let bytes = store.dump_trees(start(), &[Topic::TREE]).wait().unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("left out"));
    let elsewhere = tempfile::tempdir().unwrap();
    let restored = Store::restore(options(elsewhere.path()).now(start()), &bytes[..]).unwrap();
    assert_eq!((restored.tree::<Topic>().len(), restored.tree::<Note>().len()), (1, 0));
    assert_eq!(restored.tree::<Topic>().get(&"t".into()).unwrap().unwrap().title, "kept");
}

/// DM6
#[test]
fn what_has_expired_meanwhile_does_not_come_back() {
    let (bytes, _) = dump(true);
    let directory = tempfile::tempdir().unwrap();
    let later = start() + Duration::from_secs(3_600);
    let options = options(directory.path()).tree::<Slide>().now(later);
    let store = Store::restore(options, &bytes[..]).unwrap();
    assert_eq!((store.tree::<Note>().len(), store.tree::<Topic>().len()), (0, 1));
}

#[test]
fn without_files_the_health_says_what_is_missing() {
    let (bytes, info) = dump(false);
    assert_eq!(info.files, 0);
    let directory = tempfile::tempdir().unwrap();
    let store = Store::restore(options(directory.path()).tree::<Slide>(), &bytes[..]).unwrap();
    assert!(store.health().to_string().contains("1 files that records reference are missing"));
    let slide = store.tree::<Slide>().get(&1).unwrap().unwrap();
    assert!(matches!(store.files().read(&slide.file), Err(Error::NoFile { .. })));
}

#[test]
fn a_dump_that_is_not_whole_changes_nothing() {
    let (bytes, _) = dump(true);
    let directory = tempfile::tempdir().unwrap();
    let options = || options(directory.path()).tree::<Slide>();
    let store = Store::open(options()).unwrap();
    store.tree::<Topic>().put(start(), &"t".into(), &topic("stays")).wait().unwrap();
    drop(store);
    let mut random = fastrand::Rng::with_seed(3);
    for round in 0..40 {
        let mut damaged = bytes.clone();
        let at = random.usize(0..damaged.len());
        match round % 2 {
            0 => damaged[at] ^= 1 << random.u8(0..8),
            _ => damaged.truncate(at),
        }
        let error = Store::restore(options(), &damaged[..]).err();
        assert!(
            matches!(error, Some(Error::Dump { .. } | Error::Newer { .. } | Error::Io { .. })),
            "{at}: {error:?}"
        );
    }
    let store = Store::open(options()).unwrap();
    assert_eq!(store.tree::<Topic>().get(&"t".into()).unwrap().unwrap().title, "stays");
    let names = |path| -> Vec<String> {
        let entries = fs::read_dir(path).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert!(names(directory.path()).iter().all(|name| ["v1", "lock"].contains(&name.as_str())));
}

#[test]
fn a_newer_dump_is_refused() {
    let (bytes, _) = dump(false);
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.lines().next().unwrap().contains("\"schema\":1"));
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(plenum_store::Options::new(directory.path(), 7).ballast_bytes(0)).unwrap();
    let sink = Sink::default();
    store.dump(start(), sink.clone(), false).wait().unwrap();
    drop(store);
    let newer = sink.0.lock().unwrap().clone();
    let error = Store::restore(options(directory.path()), &newer[..]).err().unwrap();
    assert!(matches!(error, Error::Newer { found: 7, known: 1, .. }), "{error}");
}
