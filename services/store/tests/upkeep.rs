//! What the store does by itself: short journals, small databases, nothing left of what was removed.

mod common;

use std::{
    fs, io,
    path::Path,
    thread,
    time::{Duration, SystemTime},
};

use common::{Note, Topic, note, options, topic};
use plenum_store::{Batch, Error, Opened, Store};

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// Calls `visit` with every file and its content. What tidying up removes meanwhile is not there.
fn each_file(directory: &Path, visit: &mut impl FnMut(&Path, &[u8])) {
    let Some(entries) = unless_gone(fs::read_dir(directory)) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            each_file(&path, visit);
        } else if let Some(content) = unless_gone(fs::read(&path)) {
            visit(&path, &content);
        }
    }
}

fn unless_gone<T>(result: io::Result<T>) -> Option<T> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        result => Some(result.unwrap()),
    }
}

fn size(directory: &Path) -> usize {
    let mut size = 0;
    each_file(directory, &mut |_, content| size += content.len());
    size
}

/// Files in which `canary` can be found.
fn found(directory: &Path, canary: &str) -> Vec<String> {
    let mut found = Vec::new();
    each_file(directory, &mut |path, content| {
        if content.windows(canary.len()).any(|window| window == canary.as_bytes()) {
            found.push(path.display().to_string());
        }
    });
    found
}

/// DM4
#[test]
fn nothing_of_a_removed_record_remains() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    let notes = store.tree::<Note>();
    for (number, text) in [(1, "canary-expired"), (2, "canary-removed"), (3, "canary-replaced")] {
        notes.put(start(), &("r".into(), number), &note(text)).wait().unwrap();
        assert!(!found(directory.path(), text).is_empty());
    }
    store.save_dump(start()).wait().unwrap();
    notes.remove(start(), &("r".into(), 2)).wait().unwrap();
    notes.put(start() + Duration::from_secs(60), &("r".into(), 3), &note("new")).wait().unwrap();
    notes.put(start() + Duration::from_secs(60), &("r".into(), 4), &note("stays")).wait().unwrap();
    store.expire(start() + Duration::from_secs(3_600)).wait().unwrap();
    store.compact().wait().unwrap();
    assert_eq!(found(directory.path(), "canary-"), [""; 0]);
    assert_eq!(notes.len(), 1);
    // Closing does it too.
    notes.remove(start(), &("r".into(), 4)).wait().unwrap();
    drop((notes, store));
    assert_eq!(found(directory.path(), "stays"), [""; 0]);
}

#[test]
fn space_comes_back_when_records_expire() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    let text = "x".repeat(3_500);
    for round in 0..20 {
        let mut batch = Batch::new(start());
        (0..500).for_each(|number| batch.put(&("r".into(), round * 500 + number), &note(&text)).unwrap());
        store.commit(batch).wait().unwrap();
    }
    let full = size(directory.path());
    assert!(full > 35 << 20, "{full}");
    assert_eq!(store.expire(start() + Duration::from_secs(3_600)).wait().unwrap().total(), 10_000);
    // Tidying up comes after the answer; the next answer comes after tidying up.
    store.tree::<Topic>().put(start(), &"t".into(), &topic("x")).wait().unwrap();
    let empty = size(directory.path());
    assert!(empty < 12 << 20, "{empty} of {full} bytes are left");
    drop(store);
    let closed = size(directory.path());
    assert!(closed < 2 << 20, "{closed} bytes are left after closing");
}

#[test]
fn changes_without_end_do_not_fill_the_disk() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path()).journal_bytes(256 << 10)).unwrap();
    let mut largest = 0;
    for round in 0..400u64 {
        let mut batch = Batch::new(start());
        for number in 0..50 {
            let text = format!("{round}{}", "x".repeat(2_000));
            batch.put(&("r".into(), number), &note(&text)).unwrap();
        }
        store.commit(batch).wait().unwrap();
        if round % 20 == 0 {
            largest = largest.max(size(directory.path()));
        }
    }
    assert!(largest < 20 << 20, "{largest} bytes for 100 KB of records");
    assert_eq!(store.health().notes, [""; 0]);
    let opened = || Store::open(options(directory.path())).unwrap();
    drop(store);
    let store = opened();
    assert_eq!((store.health().opened, store.tree::<Note>().len()), (Opened::Clean, 50));
    assert!(store.tree::<Note>().get(&("r".into(), 7)).unwrap().unwrap().text.starts_with("399x"));
}

/// sled never syncs the blob files into which it puts large nodes. The limits on keys and records keep nodes
/// below that size.
#[test]
fn the_largest_records_and_keys_never_become_blobs() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    let largest = topic(&"x".repeat(4_052));
    let blobs = directory.path().join("v1/db/blobs");
    for round in 0..12u64 {
        let mut batch = Batch::new(start());
        for number in 0..250u64 {
            let key = format!("{:0>240}", (number * 7919 + round * 104_729) % 3_000);
            batch.put(&key, &largest).unwrap();
        }
        let mut small = Batch::new(start());
        for number in 0..250u64 {
            small.remove::<Topic>(&format!("{:0>240}", (number * 6151 + round) % 3_000)).unwrap();
        }
        store.commit(batch).wait().unwrap();
        store.commit(small).wait().unwrap();
        assert_eq!(fs::read_dir(&blobs).unwrap().count(), 0, "round {round}");
    }
    let mut batch = Batch::new(start());
    let error = batch.put(&"k".into(), &topic(&"x".repeat(4_053))).unwrap_err();
    assert!(matches!(error, Error::TooLarge { bytes: 4_097, .. }), "{error}");
}

#[test]
fn many_threads_write_and_read_at_the_same_time() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    let threads: Vec<_> = (0..4u64)
        .map(|thread| {
            let store = store.clone();
            thread::spawn(move || {
                for number in 0..200u64 {
                    let key = (format!("room {thread}"), number);
                    store.tree::<Note>().put(start(), &key, &note("x")).wait().unwrap();
                    assert!(store.tree::<Note>().get(&key).unwrap().is_some());
                    let increment = store.transaction(start(), |tx| {
                        let length = tx.get::<Topic>(&"count".into())?.map_or(0, |topic| topic.title.len());
                        tx.put(&"count".into(), &topic(&"x".repeat(length + 1)))
                    });
                    increment.wait().unwrap();
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(store.tree::<Topic>().get(&"count".into()).unwrap().unwrap().title.len(), 800);
    assert_eq!(store.tree::<Note>().iter().count(), 800);
}

#[test]
fn a_store_that_is_open_is_not_opened_twice() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    assert!(matches!(Store::open(options(directory.path())).err(), Some(Error::Locked { .. })));
    let other = store.clone();
    store.close().unwrap();
    let ticket = other.tree::<Topic>().put(start(), &"t".into(), &topic("late"));
    assert_eq!(ticket.wait(), Err(Error::Closed));
}

#[test]
fn who_writes_faster_than_the_disk_is_told_so() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    let (release, wait) = std::sync::mpsc::channel::<()>();
    // Holds up the writer.
    let held = store.transaction::<(), Error, _>(start(), move |_| {
        let _ = wait.recv();
        Ok(())
    });
    let text = "x".repeat(4_000);
    let mut tickets = Vec::new();
    let busy = loop {
        let mut batch = Batch::new(start());
        (0..1_000).for_each(|number| batch.put(&("r".into(), number), &note(&text)).unwrap());
        let ticket = store.commit(batch);
        tickets.push(ticket);
        if tickets.len() == 20 {
            break tickets.pop().unwrap();
        }
    };
    assert!(matches!(busy.wait(), Err(Error::Busy { .. })));
    release.send(()).unwrap();
    held.wait().unwrap();
    let accepted = tickets.into_iter().filter_map(|ticket| ticket.wait().ok()).count();
    assert!((10..20).contains(&accepted), "{accepted}");
}
