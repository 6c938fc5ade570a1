//! What may be stored: only types that say of what category they are, for what purpose they are kept and for
//! how long (requirement DM1, Art. 30 GDPR).

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};

use crate::{files::FileRef, key::Key};

/// A type that can be stored, in a tree of its own. A missing constant does not compile:
///
/// ```compile_fail,E0046
/// use plenum_store::{Category, Field, Stored};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Room { title: String }
///
/// impl Stored for Room { // no RETENTION
///     type Key = String;
///     const TREE: &'static str = "rooms";
///     const CATEGORY: Category = Category::Participation;
///     const PURPOSE: &'static str = "lets people meet again under the same link";
///     const KEY: Field = Field::new("room", "random name of the room");
///     const FIELDS: &'static [Field] = &[Field::new("title", "title as its owner typed it")];
/// }
/// ```
///
/// With it, it does:
///
/// ```
/// use plenum_store::{Category, Field, Retention, Stored};
/// use std::time::Duration;
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Room { title: String }
///
/// impl Stored for Room {
///     type Key = String;
///     const TREE: &'static str = "rooms";
///     const CATEGORY: Category = Category::Participation;
///     const PURPOSE: &'static str = "lets people meet again under the same link";
///     const RETENTION: Retention = Retention::AfterChange(Duration::from_secs(90 * 86_400));
///     const KEY: Field = Field::new("room", "random name of the room");
///     const FIELDS: &'static [Field] = &[Field::new("title", "title as its owner typed it")];
/// }
/// ```
pub trait Stored: Serialize + DeserializeOwned + Send + 'static {
    type Key: Key;

    /// Name of the tree: lower-case letters, digits and `_`, 32 bytes at the most.
    const TREE: &'static str;
    const CATEGORY: Category;
    /// Why it is kept, as half a sentence: "lets people meet again under the same link".
    const PURPOSE: &'static str;
    const RETENTION: Retention;
    /// What the key says: it is stored too.
    const KEY: Field;
    /// Every field as it is serialised. Fields of nested objects are written `seat.name`, keys of maps `*`,
    /// and what is not an object is called `value`. Debug builds refuse a field that is missing here.
    const FIELDS: &'static [Field];

    /// Files that live as long as this record.
    fn files(&self) -> Vec<FileRef> {
        Vec::new()
    }
}

/// Category of the data, as in a record of processing activities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Settings of the box and of its rooms; not about people.
    Configuration,
    /// Counters, sequence numbers and the like; not about people.
    Operation,
    /// Keys, tokens, hashes of passwords.
    Credential,
    /// Registered users: name, address, role.
    Account,
    /// Who takes part in a meeting, under which name, doing what: roster, raised hands, rooms.
    Participation,
    /// What people say and show: chat, files, whiteboards, polls, captions.
    Content,
    /// Sound and picture that was recorded with consent.
    Recording,
    /// Addresses and quality of connections.
    Connection,
    /// Who did what for security's sake: sign-ins, changes, deletions, consents.
    Audit,
}

impl Category {
    /// Whether such data can be about a person.
    pub const fn is_personal(self) -> bool {
        !matches!(self, Category::Configuration | Category::Operation)
    }

    pub const fn name(self) -> &'static str {
        match self {
            Category::Configuration => "configuration",
            Category::Operation => "operation",
            Category::Credential => "credential",
            Category::Account => "account",
            Category::Participation => "participation",
            Category::Content => "content",
            Category::Recording => "recording",
            Category::Connection => "connection",
            Category::Audit => "audit",
        }
    }
}

/// How long a record stays. Expired ones are deleted by [`Store::expire`](crate::Store::expire).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// Until the program removes it; the text says what makes it do so.
    UntilRemoved(&'static str),
    /// So long after its first writing, however often it is changed.
    AfterCreation(Duration),
    /// So long after its last writing.
    AfterChange(Duration),
    /// Each record says until when ([`Batch::put_until`](crate::Batch::put_until)) by the rule in the text,
    /// but never longer than this after its first writing (requirement DM2: every category has a ceiling).
    PerRecord { at_most: Duration, rule: &'static str },
}

/// One stored field, and what it is in plain words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    pub what: &'static str,
    /// If it differs from the category of the whole record.
    pub category: Option<Category>,
}

impl Field {
    pub const fn new(name: &'static str, what: &'static str) -> Field {
        Field { name, what, category: None }
    }

    pub const fn category(mut self, category: Category) -> Field {
        self.category = Some(category);
        self
    }
}

/// The constants of a [`Stored`] type as a value, so that they can be collected into the register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Declaration {
    pub tree: &'static str,
    pub category: Category,
    pub purpose: &'static str,
    pub retention: Retention,
    pub key: Field,
    pub fields: &'static [Field],
}

impl Declaration {
    /// Name, purpose and descriptions are checked when it is used in a constant, thus by the compiler.
    pub const fn of<T: Stored>() -> Declaration {
        assert!(is_tree_name(T::TREE), "TREE: lower-case letters, digits and _, 1 to 32 bytes");
        assert!(!T::PURPOSE.is_empty(), "PURPOSE is empty");
        assert!(!T::KEY.what.is_empty(), "KEY does not say what it is");
        let mut index = 0;
        while index < T::FIELDS.len() {
            assert!(!T::FIELDS[index].what.is_empty(), "a field does not say what it is");
            index += 1;
        }
        Declaration {
            tree: T::TREE,
            category: T::CATEGORY,
            purpose: T::PURPOSE,
            retention: T::RETENTION,
            key: T::KEY,
            fields: T::FIELDS,
        }
    }
}

const fn is_tree_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let mut index = 0;
    while index < bytes.len() {
        if !matches!(bytes[index], b'a'..=b'z' | b'0'..=b'9' | b'_') {
            return false;
        }
        index += 1;
    }
    !bytes.is_empty() && bytes.len() <= 32
}
