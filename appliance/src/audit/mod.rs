//! The audit log: who did what, when, with the state before and after (LG4). Each entry carries a hash over
//! itself and the one before (LG5), so that a single one cannot be changed or left out unseen. Whoever could write the
//! whole store anew could make another chain: not the one of a saved [`file`], nor the one at a syslog server.

mod file;

pub use file::{Signer, verify as verify_file};

use plenum_daemon::secret::Digest;
use plenum_protocol::manager::AuditEvent;
use plenum_store::{Category, Field, Retention, Store, Stored, Transaction};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// LG7.
const KEPT: Duration = Duration::from_secs(400 * 86_400);
/// Bytes of `before` and of `after`: a record has 4 KB at the most.
const MAX_STATE_BYTES: usize = 800;
/// Of a single text in them: authorities must not hide what comes behind them.
const MAX_TEXT_CHARS: usize = 200;
/// What is kept of a longer one.
const BEGINNING: usize = 60;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Milliseconds since 1970.
    pub at: u64,
    /// Name of the account; `setup` for the wizard, `box` for the box itself, `unknown` for a stranger.
    pub who: String,
    pub event: Event,
    /// What it was about: an account, an area of settings, a version.
    pub subject: String,
    /// JSON without anything secret; empty where there is none.
    pub before: String,
    pub after: String,
    /// SHA-256 over the hash of the entry before and the fields above.
    pub hash: Digest,
}

/// After a rollback there may be what only a later version knows: it stays as it is, and the chain whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Event {
    Known(AuditEvent),
    Other(String),
}

impl Event {
    pub fn known(&self) -> AuditEvent {
        match self {
            Event::Known(event) => *event,
            Event::Other(_) => AuditEvent::Unknown,
        }
    }
}

impl Stored for Entry {
    /// Counts up from 1.
    type Key = u64;
    const TREE: &'static str = "audit";
    const CATEGORY: Category = Category::Audit;
    const PURPOSE: &'static str = "shows who changed what, and who tried to get in";
    const RETENTION: Retention = Retention::AfterCreation(KEPT);
    const KEY: Field = Field::new("number", "number of the entry");
    const FIELDS: &'static [Field] = &[
        Field::new("at", "when it happened"),
        Field::new("who", "account that did it"),
        Field::new("event", "what was done"),
        Field::new("subject", "what it was done to"),
        Field::new("before", "settings before"),
        Field::new("after", "settings after"),
        Field::new("hash", "SHA-256 over this entry and the one before"),
    ];
}

/// An entry with its number, as it is saved and sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbered {
    pub number: u64,
    #[serde(flatten)]
    pub entry: Entry,
}

/// Where the chain ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub number: u64,
    pub hash: Digest,
}

impl Stored for Head {
    type Key = ();
    const TREE: &'static str = "audit_head";
    const CATEGORY: Category = Category::Operation;
    const PURPOSE: &'static str = "shows that no entry at the end of the audit log is missing";
    const RETENTION: Retention = Retention::UntilRemoved("the end of the box");
    const KEY: Field = Field::new("", "there is only one");
    const FIELDS: &'static [Field] =
        &[Field::new("number", "number of the last entry"), Field::new("hash", "its hash")];
}

/// What is going to be an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub who: String,
    pub event: AuditEvent,
    pub subject: String,
    pub before: String,
    pub after: String,
}

impl Draft {
    pub fn new(who: impl Into<String>, event: AuditEvent, subject: impl Into<String>) -> Draft {
        Draft { who: who.into(), event, subject: subject.into(), before: String::new(), after: String::new() }
    }

    /// Of two objects only the fields that differ are kept.
    pub fn change(mut self, before: Option<&impl Serialize>, after: Option<&impl Serialize>) -> Draft {
        let (mut before, mut after) = (before.map(value), after.map(value));
        if let (Some(Value::Object(before)), Some(Value::Object(after))) = (&mut before, &mut after) {
            let same = |key: &String| before.get(key) == after.get(key);
            let same: Vec<String> = before.keys().filter(|key| same(key)).cloned().collect();
            for key in same {
                before.remove(&key);
                after.remove(&key);
            }
        }
        self.before = before.map(text).unwrap_or_default();
        self.after = after.map(text).unwrap_or_default();
        self
    }
}

fn value(state: &impl Serialize) -> Value {
    serde_json::to_value(state).expect("settings can be written as JSON")
}

/// Of a long text its beginning, its length and its SHA-256.
fn shorten(state: &mut Value) {
    match state {
        Value::String(text) if text.chars().count() > MAX_TEXT_CHARS => {
            let (length, hash) = (text.chars().count(), String::from(Digest::of(text.as_bytes())));
            let beginning: String = text.chars().take(BEGINNING).collect();
            *text = format!("{beginning}… ({length} characters, SHA-256 {hash})");
        }
        Value::Array(values) => values.iter_mut().for_each(shorten),
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        _ => {}
    }
}

fn text(mut state: Value) -> String {
    shorten(&mut state);
    let mut text = state.to_string();
    text.truncate(text.floor_char_boundary(MAX_STATE_BYTES));
    text
}

/// Adds an entry in the same transaction as what it is about: neither is there without the other.
pub fn add(transaction: &mut Transaction<'_, '_>, draft: Draft, now: SystemTime) -> plenum_store::Result<()> {
    let head = transaction.get::<Head>(&())?.unwrap_or(Head { number: 0, hash: Digest::of(b"") });
    let at = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    let Draft { who, event, subject, before, after } = draft;
    let event = Event::Known(event);
    let mut entry = Entry { at, who, event, subject, before, after, hash: head.hash };
    entry.hash = entry.chained(head.hash);
    let number = head.number + 1;
    transaction.put(&number, &entry)?;
    transaction.put(&(), &Head { number, hash: entry.hash })
}

/// From the oldest on, what comes behind entry `number`.
pub fn after(store: &Store, number: u64, most: usize) -> plenum_store::Result<Vec<Numbered>> {
    let entries = store.tree::<Entry>().range(number.saturating_add(1)..).take(most);
    entries.map(|found| found.map(|found| Numbered { number: found.key, entry: found.value })).collect()
}

impl Entry {
    /// Whether its hash is over itself and the one before; `None`: it is the first one of a box.
    fn follows(&self, previous: Option<Digest>) -> bool {
        self.chained(previous.unwrap_or_else(|| Digest::of(b""))) == self.hash
    }

    fn chained(&self, previous: Digest) -> Digest {
        let Entry { at, who, event, subject, before, after, hash: _ } = self;
        let text = serde_json::to_vec(&(previous, at, who, event, subject, before, after));
        Digest::of(&text.expect("text and numbers can be written as JSON"))
    }
}

/// What a look at the whole log has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// So many entries, from this one on: what is older has reached the end of its retention.
    Whole { entries: u64, from: u64 },
    /// This entry is missing, changed, or not the last one.
    Broken { at: u64 },
}

/// Follows the chain from the oldest entry to the head.
pub fn verify(store: &Store) -> plenum_store::Result<Verdict> {
    let (mut previous, mut entries, mut from): (Option<(u64, Digest)>, u64, u64) = (None, 0, 0);
    // First: what is noted from now on is no part of it.
    let head = store.tree::<Head>().get(&())?.map(|head| (head.number, head.hash));
    let end = head.map_or(u64::MAX, |(number, _)| number);
    for found in store.tree::<Entry>().range(..=end) {
        let found = found?;
        match previous {
            Some((number, _)) if found.key != number + 1 => return Ok(Verdict::Broken { at: number + 1 }),
            Some((_, hash)) if !found.value.follows(Some(hash)) => {
                return Ok(Verdict::Broken { at: found.key });
            }
            Some(_) => {}
            // Of the first one that is kept, the one before is known only if it was the very first.
            None if found.key == 1 && !found.value.follows(None) => {
                return Ok(Verdict::Broken { at: 1 });
            }
            None => from = found.key,
        }
        previous = Some((found.key, found.value.hash));
        entries += 1;
    }
    // All of them may have expired.
    match previous.is_none() || previous == head {
        true => Ok(Verdict::Whole { entries, from }),
        false => Ok(Verdict::Broken { at: head.map_or(1, |(number, _)| number) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenum_store::{Error, Options, check_fields};

    pub(super) fn store(directory: &std::path::Path) -> Store {
        Store::open(Options::new(directory, 1).tree::<Entry>().tree::<Head>()).unwrap()
    }

    pub(super) fn log(store: &Store, count: u64) {
        for number in 0..count {
            let draft = Draft::new("ada", AuditEvent::SettingsChanged, "time")
                .change(Some(&number), Some(&(number + 1)));
            let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000 + number);
            store.transaction(now, move |tx| add(tx, draft, now)).wait().unwrap();
        }
    }

    #[test]
    fn dm1_every_stored_field_is_declared() {
        let hash = Digest::of(b"x");
        let entry = Entry {
            at: 1,
            who: "ada".into(),
            event: Event::Known(AuditEvent::SignedIn),
            subject: "ada".into(),
            before: "{}".into(),
            after: "{}".into(),
            hash,
        };
        check_fields(&[entry]).unwrap();
        check_fields(&[Head { number: 1, hash }]).unwrap();
    }

    #[test]
    fn lg5_a_changed_or_missing_entry_shows() {
        let directory = tempfile::tempdir().unwrap();
        let store = store(directory.path());
        assert_eq!(verify(&store).unwrap(), Verdict::Whole { entries: 0, from: 0 });
        log(&store, 20);
        assert_eq!(verify(&store).unwrap(), Verdict::Whole { entries: 20, from: 1 });
        let now = SystemTime::now();
        let tree = store.tree::<Entry>();
        for number in [1, 7, 20] {
            let entry = tree.get(&number).unwrap().unwrap();
            let changed = Entry { who: "bob".into(), ..entry.clone() };
            tree.put(now, &number, &changed).wait().unwrap();
            assert_eq!(verify(&store).unwrap(), Verdict::Broken { at: number });
            tree.remove(now, &number).wait().unwrap();
            // Without its first entries the log is as it is after their retention.
            if number > 1 {
                assert_eq!(verify(&store).unwrap(), Verdict::Broken { at: number });
            }
            tree.put(now, &number, &entry).wait().unwrap();
        }
        assert_eq!(verify(&store).unwrap(), Verdict::Whole { entries: 20, from: 1 });
    }

    #[test]
    fn lg7_what_expires_leaves_the_rest_whole() {
        let directory = tempfile::tempdir().unwrap();
        let store = store(directory.path());
        log(&store, 10);
        let later = UNIX_EPOCH + Duration::from_secs(1_800_000_005) + KEPT;
        store.expire(later).wait().unwrap();
        assert_eq!(verify(&store).unwrap(), Verdict::Whole { entries: 4, from: 7 });
    }

    #[test]
    fn a_transaction_that_fails_leaves_no_entry() {
        let directory = tempfile::tempdir().unwrap();
        let store = store(directory.path());
        log(&store, 3);
        let now = SystemTime::now();
        let failed = store.transaction(now, move |tx| {
            add(tx, Draft::new("ada", AuditEvent::SignedIn, "ada"), now)?;
            Err::<(), Error>(Error::Closed)
        });
        assert!(failed.wait().is_err());
        assert_eq!(verify(&store).unwrap(), Verdict::Whole { entries: 3, from: 1 });
    }

    #[test]
    fn only_what_differs_is_kept() {
        let state = |name: &str| serde_json::json!({ "name": name, "imprint": "https://example.org" });
        let draft = Draft::new("ada", AuditEvent::SettingsChanged, "institution");
        let draft = draft.change(Some(&state("A")), Some(&state("B")));
        assert_eq!((draft.before.as_str(), draft.after.as_str()), (r#"{"name":"A"}"#, r#"{"name":"B"}"#));
    }

    #[test]
    fn a_long_text_hides_nothing_that_comes_behind_it() {
        let state =
            |pem: &str, source: &str| serde_json::json!({ "authorities": pem.repeat(900), "source": source });
        let draft = Draft::new("ada", AuditEvent::SettingsChanged, "update");
        let draft =
            draft.change(Some(&state("A", "https://a.example")), Some(&state("B", "https://b.example")));
        assert!(draft.after.ends_with(r#""source":"https://b.example"}"#), "{}", draft.after);
        assert!(draft.after.contains("… (900 characters, SHA-256 "), "{}", draft.after);
        assert_ne!(draft.before[..150], draft.after[..150], "that they differ shows");
    }

    #[test]
    fn what_a_later_version_noted_stays_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let store = store(directory.path());
        log(&store, 2);
        let later = Event::Other("flown_to_the_moon".into());
        let now = SystemTime::now();
        let work = later.clone();
        let noted = store.transaction(now, move |tx| {
            let head = tx.get::<Head>(&())?.unwrap();
            let (who, subject) = ("ada".to_owned(), String::new());
            let (before, after) = (String::new(), String::new());
            let mut entry = Entry { at: 1, who, event: work, subject, before, after, hash: head.hash };
            entry.hash = entry.chained(head.hash);
            tx.put(&3, &entry)?;
            tx.put(&(), &Head { number: 3, hash: entry.hash })
        });
        noted.wait().unwrap();
        log(&store, 1);
        assert_eq!(verify(&store).unwrap(), Verdict::Whole { entries: 4, from: 1 });
        let entry = store.tree::<Entry>().get(&3).unwrap().unwrap();
        assert_eq!((&entry.event, entry.event.known()), (&later, AuditEvent::Unknown));
    }

    #[test]
    fn long_states_are_cut_and_fit() {
        let directory = tempfile::tempdir().unwrap();
        let store = store(directory.path());
        let draft = Draft::new("x".repeat(256), AuditEvent::SettingsChanged, "y".repeat(64))
            .change(Some(&"ä\"".repeat(4_000)), Some(&"\"\\".repeat(4_000)));
        let now = SystemTime::now();
        store.transaction(now, move |tx| add(tx, draft, now)).wait().unwrap();
        assert_eq!(verify(&store).unwrap(), Verdict::Whole { entries: 1, from: 1 });
    }
}
