//! The ordinary life of a store: what is put is there, in order, after reopening, until it expires.

mod common;

use std::time::{Duration, SystemTime};

use common::{Note, Topic, note, options, topic};
use plenum_store::{Batch, Error, Opened, Store, check_fields};

const HOUR: Duration = Duration::from_secs(3600);

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

#[test]
fn declared_fields_are_the_stored_ones() {
    check_fields(&[topic("a")]).unwrap();
    check_fields(&[note("a")]).unwrap();
}

#[test]
fn records_are_read_in_order_by_key_range_and_prefix() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    let mut batch = Batch::new(start());
    for room in ["a", "b", "c"] {
        for number in (0..300).rev() {
            batch.put(&(room.to_owned(), number), &note(&format!("{room}{number}"))).unwrap();
        }
    }
    batch.put(&"t".to_owned(), &topic("other tree")).unwrap();
    store.commit(batch).wait().unwrap();

    let notes = store.tree::<Note>();
    assert_eq!(notes.len(), 900);
    let of_b: Vec<_> = notes.starting_with(&"b".to_owned()).map(|entry| entry.unwrap()).collect();
    assert_eq!(of_b.len(), 300);
    assert!(of_b.iter().zip(0..).all(|(entry, number)| entry.key == ("b".to_owned(), number)));
    let range = ("a".to_owned(), 298)..("b".to_owned(), 2);
    let keys: Vec<_> = notes.range(range).map(|entry| entry.unwrap().key.1).collect();
    assert_eq!(keys, [298, 299, 0, 1]);
    assert_eq!(notes.iter().count(), 900);
    assert_eq!(store.tree::<Topic>().iter().count(), 1);
    assert_eq!(notes.get(&("c".into(), 7)).unwrap().unwrap().text, "c7");
    assert_eq!(notes.get(&("d".into(), 7)).unwrap(), None);
}

#[test]
fn everything_is_there_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    assert_eq!(store.health().opened, Opened::Created);
    store.tree::<Topic>().put(start(), &"t".into(), &topic("kept")).wait().unwrap();
    store.tree::<Topic>().put(start(), &"u".into(), &topic("removed")).wait().unwrap();
    store.tree::<Topic>().remove(start(), &"u".into()).wait().unwrap();
    store.close().unwrap();

    let store = Store::open(options(directory.path())).unwrap();
    assert_eq!(store.health().opened, Opened::Clean);
    assert_eq!(store.tree::<Topic>().get(&"t".into()).unwrap().unwrap().title, "kept");
    assert_eq!(store.tree::<Topic>().len(), 1);
}

#[test]
fn a_transaction_sees_what_came_before_and_an_error_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    let mut tickets = Vec::new();
    for _ in 0..50 {
        tickets.push(store.transaction(start(), |tx| {
            let length = tx.get::<Topic>(&"t".into())?.map_or(0, |topic| topic.title.len());
            tx.put(&"t".into(), &topic(&"x".repeat(length + 1)))?;
            Ok::<_, Error>(length)
        }));
    }
    let lengths: Vec<usize> = tickets.into_iter().map(|ticket| ticket.wait().unwrap()).collect();
    assert_eq!(lengths, (0..50).collect::<Vec<_>>());

    let refused = store.transaction(start(), |tx| {
        tx.put(&"half".into(), &topic("half"))?;
        Err::<(), _>(Error::Closed)
    });
    assert_eq!(refused.wait(), Err(Error::Closed));
    let panicked = store.transaction::<(), Error, _>(start(), |tx| {
        tx.put(&"half".into(), &topic("half"))?;
        panic!("a mistake of the caller")
    });
    assert!(panicked.wait().is_err());
    assert_eq!(store.tree::<Topic>().get(&"half".into()).unwrap(), None);
    assert_eq!(store.tree::<Topic>().get(&"t".into()).unwrap().unwrap().title.len(), 50);
}

#[test]
fn what_breaks_a_rule_is_refused_with_the_rule() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(common::bare(directory.path()).tree::<Topic>()).unwrap();
    let mut batch = Batch::new(start());
    let error = batch.put(&"t".into(), &topic(&"x".repeat(4096))).unwrap_err();
    assert!(matches!(error, Error::TooLarge { tree: "topics", limit: 4096, .. }), "{error}");
    let error = batch.put(&"k".repeat(300), &topic("x")).unwrap_err();
    assert!(matches!(error, Error::KeyTooLong { .. }), "{error}");
    batch.put(&("a".into(), 1), &note("x")).unwrap();
    assert_eq!(store.commit(batch).wait(), Err(Error::UndeclaredTree { tree: "notes" }));
    let mut batch = Batch::new(start());
    batch.put_until(&("a".into(), 1), &note("x"), start() + 2 * HOUR).unwrap();
    drop(store);
    let store = Store::open(options(directory.path())).unwrap();
    assert_eq!(store.commit(batch).wait(), Err(Error::ExpiryTooLate { tree: "notes".into() }));
}

/// DM2 and DM5, by the clock that the caller hands in.
#[test]
fn expired_records_go_and_are_counted() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    let notes = store.tree::<Note>();
    for number in 0..2_500 {
        let mut batch = Batch::new(start());
        batch.put(&("a".into(), number), &note("x")).unwrap();
        drop(store.commit(batch));
    }
    // Changing a record does not prolong its life: its retention counts from its creation.
    notes.put(start() + HOUR / 2, &("a".into(), 0), &note("changed")).wait().unwrap();
    notes.put(start() + HOUR / 2, &("b".into(), 0), &note("later")).wait().unwrap();
    store.tree::<Topic>().put(start(), &"t".into(), &topic("stays")).wait().unwrap();

    assert_eq!(store.expire(start() + HOUR - Duration::from_millis(1)).wait().unwrap().total(), 0);
    // The index of expiries is built anew at opening.
    drop((notes, store));
    let store = Store::open(options(directory.path())).unwrap();
    let expired = store.expire(start() + HOUR).wait().unwrap();
    assert_eq!(expired.records.into_iter().collect::<Vec<_>>(), [("notes".to_owned(), 2_500)]);
    let left: Vec<_> = store.tree::<Note>().iter().map(|entry| entry.unwrap()).collect();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].value.text, "later");
    assert_eq!(left[0].expires, Some(start() + HOUR / 2 + HOUR));
    assert_eq!(store.tree::<Topic>().len(), 1);
}

#[test]
fn tickets_can_be_awaited() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    let ticket = store.tree::<Topic>().put(start(), &"t".into(), &topic("awaited"));
    assert!(common::block_on(ticket).unwrap().sequence > 0);
}
