//! Typed trees over sled that survive power cuts and declare what they keep.
//!
//! ```
//! use plenum_store::{Batch, Category, Field, Options, Retention, Store, Stored};
//! use std::time::{Duration, SystemTime};
//!
//! #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
//! struct Message { author: String, text: String }
//!
//! impl Stored for Message {
//!     type Key = (String, u64);
//!     const TREE: &'static str = "messages";
//!     const CATEGORY: Category = Category::Content;
//!     const PURPOSE: &'static str = "shows people who come later what was written";
//!     const RETENTION: Retention = Retention::AfterCreation(Duration::from_secs(86_400));
//!     const KEY: Field = Field::new("room, number", "the meeting, and the message's number in it");
//!     const FIELDS: &'static [Field] =
//!         &[Field::new("author", "display name"), Field::new("text", "what was written")];
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let directory = directory.path();
//! let store = Store::open(Options::new(directory, 1).tree::<Message>())?;
//! let now = SystemTime::now();
//!
//! // Several writes, all or nothing. In async code await the ticket instead of waiting for it.
//! let mut batch = Batch::new(now);
//! batch.put(&("r1".into(), 1), &Message { author: "Ada".into(), text: "Hello".into() })?;
//! batch.put(&("r1".into(), 2), &Message { author: "Bob".into(), text: "Hi".into() })?;
//! store.commit(batch).wait()?;
//!
//! // Reading and writing in one step.
//! let count = store.transaction(now, |tx| {
//!     let first: Option<Message> = tx.get(&("r1".into(), 1))?;
//!     tx.remove::<Message>(&("r1".into(), 2))?;
//!     Ok::<_, plenum_store::Error>(first.is_some() as u32)
//! });
//! assert_eq!(count.wait()?, 1);
//!
//! let messages = store.tree::<Message>();
//! for entry in messages.starting_with(&"r1".to_owned()) {
//!     assert_eq!(entry?.value.author, "Ada");
//! }
//! store.close()?;
//! # Ok(())
//! # }
//! ```
//!
//! # What it promises
//!
//! - **Acknowledged is durable.** A ticket is kept after sled's flush *and* syncfs, and a batch is there as a
//!   whole or not at all, over all its trees: after SIGKILL and after a power cut (`tests/crashes.rs`).
//! - **Damage is noticed.** Each record carries a checksum over its key and value and the schema of its store,
//!   each tree a count, a sequence and a digest that change in the same transaction. All of it is checked at
//!   opening, first in a child process ([`Probe`]), because sled may panic or hang on a damaged file.
//! - **Damage costs nothing, as long as it is in one place.** The last dump and the journal of what was
//!   committed since are the whole store a second time, as text. A database that fails its check is set aside
//!   for a week and built anew from them; [`Health`] says so in plain words (`tests/damage.rs`). This is also
//!   what carries the first promise where sled does not: 2 of 5,400 kills left it a page with a wrong checksum.
//!   While the store is in use the same is done when the database is found damaged after a failed write, but
//!   only if nothing is lost by it; the rest is for the next opening.
//! - **A full disk refuses writes and goes on reading.** Removing works all the same, on the ballast's space.
//!   sled writes on threads of its own as well and refuses everything once one of them has met the full disk:
//!   a read that is refused for it has the database opened anew.
//! - **What is kept is declared.** Category, purpose, retention and every field ([`Stored`], requirement DM1);
//!   [`register_markdown`] prints it. [`Store::expire`] deletes what has expired, and
//!   [`Store::compact`] and every orderly close leave nothing of it in the files.
//!
//! # What it asks for
//!
//! - A record has 4,096 bytes at the most, its header of 32 bytes included, and a key 255 with the name of its
//!   tree. What is larger is a file ([`Store::files`]).
//! - Call [`Store::expire`] at intervals and log what it returns; call [`probe_main`] first in `main` and pass
//!   [`Probe::own_program`] to [`Options::probe`].
//! - Writes never block the caller. Reads go to the page cache or the disk: a few microseconds, but some tens
//!   of milliseconds while a compaction swaps the database. Opening, [`Files`] and [`Ticket::wait`] block.
//! - Set the log target `sled` to `warn`: on its lower levels it prints what is stored.
//!
//! Values are stored as JSON, so that a type can gain optional fields (`#[serde(default)]`) without a new
//! schema; for everything else there are [`Migration`]s.
#![forbid(unsafe_code)]

mod aside;
mod batch;
mod builder;
mod declaration;
mod dump;
mod engine;
mod entry;
mod error;
mod expire;
mod fields;
mod files;
mod heal;
mod health;
mod index;
mod journal;
mod key;
mod layout;
mod lines;
mod maintenance;
mod migration;
mod open;
mod opening;
mod options;
mod probe;
mod queue;
mod record;
mod recovery;
mod register;
mod restore;
mod scan;
mod shared;
mod space;
mod staging;
mod store;
mod ticket;
mod time;
mod transaction;
mod tree;
mod writer;

pub use batch::Batch;
pub use declaration::{Category, Declaration, Field, Retention, Stored};
pub use dump::DumpInfo;
pub use error::{Error, Result};
pub use expire::Expired;
pub use fields::check_fields;
pub use files::{FileRef, Files, Hash, StoredFile};
pub use health::{Health, Lost, Opened, Writes};
pub use key::{Key, StartsWith};
pub use migration::{Migrating, Migration};
pub use options::{Options, Probe};
pub use probe::probe_main;
pub use queue::Committed;
pub use register::{register_json, register_markdown};
pub use store::Store;
pub use ticket::Ticket;
pub use transaction::Transaction;
pub use tree::{Entries, Entry, Tree};
