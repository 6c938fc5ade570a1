//! A new schema gets its own directory; the old one stays until it is forgotten, so that a rollback finds it.

mod common;

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use common::{Note, Topic, note, topic};
use plenum_store::{
    Category, Error, Field, FileRef, Lost, Migrating, Migration, Opened, Options, Retention, Store, Stored,
};
use serde::{Deserialize, Serialize};

/// [`Topic`] in schema 2.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct TopicV2 {
    title: String,
    length: usize,
}

impl Stored for TopicV2 {
    type Key = String;
    const TREE: &'static str = "topics";
    const CATEGORY: Category = Category::Configuration;
    const PURPOSE: &'static str = "lets tests look at something that stays";
    const RETENTION: Retention = Retention::AfterCreation(Duration::from_secs(86_400));
    const KEY: Field = Field::new("topic", "name of the topic");
    const FIELDS: &'static [Field] =
        &[Field::new("title", "what it is about"), Field::new("length", "of the title, in bytes")];
}

/// A picture in both schemas.
#[derive(Debug, Serialize, Deserialize)]
struct Picture {
    file: FileRef,
}

impl Stored for Picture {
    type Key = u32;
    const TREE: &'static str = "pictures";
    const CATEGORY: Category = Category::Content;
    const PURPOSE: &'static str = "lets tests look at something with a file";
    const RETENTION: Retention = Retention::UntilRemoved("a test removes it");
    const KEY: Field = Field::new("number", "running number");
    const FIELDS: &'static [Field] = &[Field::new("file", "the picture")];

    fn files(&self) -> Vec<FileRef> {
        vec![self.file]
    }
}

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn old(directory: &Path) -> Options {
    common::options(directory).tree::<Picture>()
}

fn new(directory: &Path) -> Options {
    Options::new(directory, 2)
        .ballast_bytes(0)
        .tree::<TopicV2>()
        .tree::<Note>()
        .tree::<Picture>()
        .migration(Migration { from: 1, apply: to_2 })
}

/// Topics get a length and lose those without a title; notes and pictures stay.
fn to_2(step: &mut Migrating<'_>) -> Result<(), Error> {
    step.convert::<Topic, TopicV2>(|key, Topic { title }| {
        (!title.is_empty()).then_some((key, TopicV2 { length: title.len(), title }))
    })?;
    step.put(&"new".to_owned(), &TopicV2 { title: "made by the step".into(), length: 16 })?;
    step.copy("notes")?;
    step.copy("pictures")
}

fn fill(directory: &Path) -> FileRef {
    let store = Store::open(old(directory)).unwrap();
    let file = store.files().put(&b"pixels"[..]).unwrap();
    let topics = store.tree::<Topic>();
    topics.put(start(), &"a".into(), &topic("Agenda")).wait().unwrap();
    topics.put(start(), &"b".into(), &topic("")).wait().unwrap();
    store.tree::<Note>().put(start(), &("a".into(), 1), &note("kept")).wait().unwrap();
    let picture = Picture { file: file.reference() };
    store.tree::<Picture>().put(start(), &1, &picture).wait().unwrap();
    picture.file
}

#[test]
fn a_step_copies_converts_and_makes_records() {
    let directory = tempfile::tempdir().unwrap();
    let file = fill(directory.path());
    let store = Store::open(new(directory.path())).unwrap();
    assert_eq!(store.health().opened, Opened::Migrated { from: 1, records: 4 });
    let topics: Vec<_> = store.tree::<TopicV2>().iter().map(|entry| entry.unwrap()).collect();
    assert_eq!(topics.len(), 2);
    assert_eq!(topics[0].value, TopicV2 { title: "Agenda".into(), length: 6 });
    assert_eq!(topics[0].created, start());
    // The new type has a shorter retention than the old one.
    assert_eq!(topics[0].expires, Some(start() + Duration::from_secs(86_400)));
    let note = store.tree::<Note>().entry(&("a".into(), 1)).unwrap().unwrap();
    assert_eq!((note.created, note.value.text.as_str()), (start(), "kept"));
    assert_eq!(store.files().read(&file).unwrap(), b"pixels");
    store.close().unwrap();
    let store = Store::open(new(directory.path())).unwrap();
    assert_eq!(store.health().opened, Opened::Clean);
    assert_eq!(store.tree::<TopicV2>().len(), 2);
}

#[test]
fn a_rollback_finds_the_old_data_and_the_next_update_takes_it_along() {
    let directory = tempfile::tempdir().unwrap();
    let file = fill(directory.path());
    let store = Store::open(new(directory.path())).unwrap();
    store.tree::<Picture>().remove(start(), &1).wait().unwrap();
    store.close().unwrap();

    let store = Store::open(old(directory.path())).unwrap();
    assert_eq!(store.tree::<Topic>().len(), 2);
    assert_eq!(store.files().read(&file).unwrap(), b"pixels");
    assert!(store.health().to_string().contains("schema 2 was left by a newer release"));
    store.tree::<Topic>().put(start(), &"c".into(), &topic("after the rollback")).wait().unwrap();
    store.close().unwrap();

    let store = Store::open(new(directory.path())).unwrap();
    assert_eq!(store.tree::<TopicV2>().get(&"c".into()).unwrap().unwrap().length, 18);
}

#[test]
fn the_old_directory_stays_until_it_is_forgotten() {
    let directory = tempfile::tempdir().unwrap();
    let file = fill(directory.path());
    let store = Store::open(new(directory.path())).unwrap();
    assert!(directory.path().join("v1").is_dir());
    assert_eq!(store.forget_older().wait(), Ok(vec![1]));
    assert!(!directory.path().join("v1").exists());
    // The file was not shared with what is gone.
    assert_eq!(store.files().read(&file).unwrap(), b"pixels");
    drop(store);
    let error = Store::open(old(directory.path())).err().unwrap();
    assert!(matches!(error, Error::Newer { found: 2, known: 1, .. }), "{error}");
}

#[test]
fn a_missing_or_failing_step_leaves_the_old_data_alone() {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path());
    let error = Store::open(Options::new(directory.path(), 3).tree::<Note>()).err().unwrap();
    assert_eq!(error, Error::NoMigration { from: 1 });
    let failing = Migration { from: 1, apply: |_| Err(Error::Closed) };
    let error = Store::open(Options::new(directory.path(), 2).migration(failing)).err().unwrap();
    assert!(matches!(error, Error::Migration { from: 1, to: 2, .. }), "{error}");
    assert!(!directory.path().join("v2").exists());
    let store = Store::open(old(directory.path())).unwrap();
    assert_eq!(store.tree::<Topic>().len(), 2);
}

#[test]
fn two_steps_in_one_go() {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path());
    let step = Migration { from: 2, apply: |step| step.copy("topics") };
    let options = Options::new(directory.path(), 3).tree::<TopicV2>();
    let options = options.migration(step).migration(Migration { from: 1, apply: to_2 });
    let store = Store::open(options).unwrap();
    assert_eq!(store.health().opened, Opened::Migrated { from: 1, records: 2 });
    assert_eq!(store.tree::<TopicV2>().len(), 2);
    // Trees that a step does not name stay behind, and their files with them.
    assert_eq!(fs::read_dir(directory.path().join("v3/files")).unwrap().count(), 0);
}

#[test]
fn a_damaged_old_database_is_restored_before_it_is_migrated() {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path());
    fs::write(directory.path().join("v1/db/db"), b"rubbish").unwrap();
    let store = Store::open(new(directory.path())).unwrap();
    assert_eq!(store.tree::<TopicV2>().len(), 2);
    let health = store.health();
    assert_eq!(health.opened, Opened::Migrated { from: 1, records: 4 });
    assert!(health.notes[0].contains(&Lost::Nothing.to_string()), "{health}");
}
