//! Two stored types and what tests do with them.
#![allow(dead_code, unused_imports, unused_macros)] // every test program uses a part

pub(crate) mod disk;
pub(crate) mod runner;
pub(crate) mod workload;

use std::{
    path::Path,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};

use plenum_store::{Category, Field, Options, Retention, Stored};
use serde::{Deserialize, Serialize};

/// Kept until it is removed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Topic {
    pub title: String,
}

impl Stored for Topic {
    type Key = String;
    const TREE: &'static str = "topics";
    const CATEGORY: Category = Category::Configuration;
    const PURPOSE: &'static str = "lets tests look at something that stays";
    const RETENTION: Retention = Retention::UntilRemoved("a test removes it");
    const KEY: Field = Field::new("topic", "name of the topic");
    const FIELDS: &'static [Field] = &[Field::new("title", "what it is about")];
}

/// Kept for an hour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub text: String,
}

impl Stored for Note {
    type Key = (String, u64);
    const TREE: &'static str = "notes";
    const CATEGORY: Category = Category::Content;
    const PURPOSE: &'static str = "lets tests look at something that goes";
    const RETENTION: Retention = Retention::AfterCreation(Duration::from_secs(3600));
    const KEY: Field = Field::new("room, number", "where the note belongs");
    const FIELDS: &'static [Field] = &[Field::new("text", "what was noted")];
}

pub(crate) fn topic(title: &str) -> Topic {
    Topic { title: title.to_owned() }
}

pub(crate) fn note(text: &str) -> Note {
    Note { text: text.to_owned() }
}

pub(crate) fn bare(directory: &Path) -> Options {
    Options::new(directory, 1).ballast_bytes(0)
}

pub(crate) fn options(directory: &Path) -> Options {
    bare(directory).tree::<Topic>().tree::<Note>()
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
