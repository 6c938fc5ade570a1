//! Writes of which it can be told afterwards whether they are all there: commit number i adds set i, removes
//! set i - 50 and moves the counter from i - 1 to i, so that the whole content follows from the counter.

use std::{
    collections::VecDeque,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, SystemTime},
};

use plenum_store::{
    Batch, Category, Committed, Error, Field, FileRef, Opened, Options, Probe, Retention, Store, Stored,
    Ticket,
};
use serde::{Deserialize, Serialize};

/// Sets that are kept.
const WINDOW: u64 = 50;
/// Commits that wait for the disk at the same time.
const IN_FLIGHT: usize = 4;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Item {
    data: String,
}

impl Stored for Item {
    type Key = (u64, u32);
    const TREE: &'static str = "items";
    const CATEGORY: Category = Category::Operation;
    const PURPOSE: &'static str = "shows what a crash has left";
    const RETENTION: Retention = Retention::UntilRemoved("the set is 50 commits old");
    const KEY: Field = Field::new("set, number", "commit and item");
    const FIELDS: &'static [Field] = &[Field::new("data", "follows from the key")];
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Counter {
    last: u64,
}

impl Stored for Counter {
    type Key = ();
    const TREE: &'static str = "counter";
    const CATEGORY: Category = Category::Operation;
    const PURPOSE: &'static str = "shows what a crash has left";
    const RETENTION: Retention = Retention::UntilRemoved("the test ends");
    const KEY: Field = Field::new("", "there is one");
    const FIELDS: &'static [Field] = &[Field::new("last", "number of the last commit")];
}

/// Every 16th set has a file as well.
#[derive(Debug, Serialize, Deserialize)]
struct Attachment {
    file: FileRef,
}

impl Stored for Attachment {
    type Key = u64;
    const TREE: &'static str = "attachments";
    const CATEGORY: Category = Category::Operation;
    const PURPOSE: &'static str = "shows what a crash has left";
    const RETENTION: Retention = Retention::UntilRemoved("the set is 50 commits old");
    const KEY: Field = Field::new("set", "commit");
    const FIELDS: &'static [Field] = &[Field::new("file", "its content follows from the key")];

    fn files(&self) -> Vec<FileRef> {
        vec![self.file]
    }
}

fn attachment(set: u64) -> Option<Vec<u8>> {
    let mut random = fastrand::Rng::with_seed(set);
    (set % 16 == 3).then(|| (0..random.usize(5_000..60_000)).map(|_| random.u8(..)).collect())
}

fn items(set: u64) -> Vec<Item> {
    let mut random = fastrand::Rng::with_seed(set);
    // Some sets are larger than sled's buffer of 512 KiB, so that a part of them is written before the rest.
    let large = set % 32 == 7;
    let count = if large { random.usize(140..180) } else { random.usize(1..=6) };
    let item = |_| {
        // Up to the limit: header, JSON and checksum take 43 bytes.
        let length = if large || random.u8(0..8) == 0 { 4_050 } else { random.usize(0..600) };
        let letter = random.alphanumeric();
        Item { data: (0..length).map(|at| if at < 40 { random.alphanumeric() } else { letter }).collect() }
    };
    (0..count).map(item).collect()
}

pub(crate) fn options(directory: &Path) -> Options {
    let probe = Probe::own_program().expect("/proc is mounted");
    // Small, so that dumps and compactions fall into many crashes.
    Options::new(directory, 1)
        .tree::<Item>()
        .tree::<Counter>()
        .tree::<Attachment>()
        .probe(probe)
        .journal_bytes(256 << 10)
}

/// The number of the last commit, if the content is exactly what that commit left.
pub(crate) fn verify(store: &Store) -> Result<u64, String> {
    let last = store.tree::<Counter>().get(&()).map_err(|error| error.to_string())?;
    let last = last.map_or(0, |counter| counter.last);
    let expected = (last.saturating_sub(WINDOW - 1).max(1)..=last)
        .flat_map(|set| (0..).zip(items(set)).map(move |(number, item)| ((set, number), item)));
    let mut found = store.tree::<Item>().iter();
    for (key, item) in expected {
        match found.next() {
            Some(Ok(entry)) if entry.key == key && entry.value == item => {}
            Some(Ok(entry)) => {
                return Err(format!("after commit {last}: {:?} instead of {key:?}", entry.key));
            }
            Some(Err(error)) => return Err(error.to_string()),
            None => return Err(format!("after commit {last}: {key:?} is missing")),
        }
    }
    if found.next().is_some() {
        return Err(format!("after commit {last}: there is too much"));
    }
    verify_files(store, last).map(|()| last)
}

fn verify_files(store: &Store, last: u64) -> Result<(), String> {
    let mut found = store.tree::<Attachment>().iter();
    for set in last.saturating_sub(WINDOW - 1).max(1)..=last {
        let Some(content) = attachment(set) else { continue };
        match found.next() {
            Some(Ok(entry)) if entry.key == set => {
                let read = store.files().read(&entry.value.file).map_err(|error| error.to_string())?;
                if read != content {
                    return Err(format!("after commit {last}: the file of {set} has another content"));
                }
            }
            other => return Err(format!("after commit {last}: {other:?} instead of the file of {set}")),
        }
    }
    match found.next() {
        None => Ok(()),
        Some(_) => Err(format!("after commit {last}: there are too many files")),
    }
}

pub(crate) fn commit(store: &Store, number: u64) -> Result<Committed, Error> {
    let mut batch = Batch::new(SystemTime::now());
    let fill = |batch: &mut Batch| {
        for (index, item) in (0..).zip(items(number)) {
            batch.put(&(number, index), &item)?;
        }
        if let Some(old) = number.checked_sub(WINDOW).filter(|old| *old > 0) {
            (0..).zip(items(old)).try_for_each(|(index, _)| batch.remove::<Item>(&(old, index)))?;
            batch.remove::<Attachment>(&old)?;
        }
        if let Some(content) = attachment(number) {
            let file = store.files().put(&content[..])?;
            batch.put(&number, &Attachment { file: file.reference() })?;
            batch.hold(file);
        }
        batch.put(&(), &Counter { last: number })
    };
    fill(&mut batch)?;
    store.commit(batch).wait()
}

/// The same by a transaction, which checks the counter itself.
fn transact(store: &Store, number: u64) -> Ticket<u64> {
    store.transaction(SystemTime::now(), move |tx| {
        let last = tx.get::<Counter>(&())?.map_or(0, |counter| counter.last);
        if last + 1 != number {
            return Err(Error::Damaged { what: "the counter".into(), reason: format!("{last}") });
        }
        for (index, item) in (0..).zip(items(number)) {
            tx.put(&(number, index), &item)?;
        }
        if let Some(old) = number.checked_sub(WINDOW).filter(|old| *old > 0) {
            (0..).zip(items(old)).try_for_each(|(index, _)| tx.remove::<Item>(&(old, index)))?;
            tx.remove::<Attachment>(&old)?;
        }
        tx.put(&(), &Counter { last: number })?;
        Ok(last + 1)
    })
}

/// The child: opens, verifies and writes until it is killed. Says so line by line on stdout.
pub(crate) fn writer(directory: &Path) -> Result<(), String> {
    let say = |line: String| {
        let mut out = std::io::stdout().lock();
        out.write_all(line.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush())
    };
    let store = Store::open(options(directory)).map_err(|error| error.to_string())?;
    let opened = store.health().opened;
    let mut last = verify(&store)?;
    let (redone, restored) = match &opened {
        Opened::AfterCrash { groups_redone } => (*groups_redone, None),
        Opened::Restored { reason, .. } => (0, Some(reason.as_str())),
        _ => (0, None),
    };
    say(format!("open {last} {redone} {}", restored.unwrap_or_default()))
        .map_err(|error| error.to_string())?;
    let mut waiting: VecDeque<(u64, Ticket<u64>)> = VecDeque::new();
    loop {
        last += 1;
        if last % 2 == 0 {
            waiting.push_back((last, transact(&store, last)));
        } else {
            commit(&store, last).map_err(|error| error.to_string())?;
            say(format!("ack {last}")).map_err(|error| error.to_string())?;
        }
        if waiting.len() >= IN_FLIGHT {
            for (number, ticket) in waiting.drain(..) {
                ticket.wait().map_err(|error| error.to_string())?;
                say(format!("ack {number}")).map_err(|error| error.to_string())?;
            }
        }
    }
}

/// A running [`writer`].
pub(crate) struct Writer {
    child: Child,
    lines: Receiver<String>,
}

/// What a writer said before it died.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// Last commit that it found at opening, and groups taken from the journal.
    pub opened: Option<(u64, u64)>,
    /// Why it had to restore the database.
    pub restored: Option<String>,
    pub acknowledged: u64,
    pub acknowledgements: u64,
    /// What it complained of.
    pub error: Option<String>,
}

impl Writer {
    pub(crate) fn start(directory: &Path) -> std::io::Result<Writer> {
        let mut child = Command::new("/proc/self/exe")
            .arg("writer")
            .arg(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let out = child.stdout.take().expect("piped above");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Writer { child, lines })
    }

    /// Waits until it has opened the store, or ended.
    pub(crate) fn wait_until_open(&self, said: &mut Said) {
        while said.opened.is_none() && said.error.is_none() {
            match self.lines.recv_timeout(Duration::from_secs(60)) {
                Ok(line) => said.hear(&line),
                Err(_) => return,
            }
        }
    }

    /// SIGKILL; returns when it is gone and everything that it said has been heard.
    pub(crate) fn kill(mut self, said: &mut Said) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(10)) {
            said.hear(&line);
        }
    }
}

impl Said {
    fn hear(&mut self, line: &str) {
        let mut words = line.splitn(4, ' ');
        let word = words.next();
        let mut number = || words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        match word {
            Some("open") => {
                self.opened = Some((number(), number()));
                self.restored = words.next().filter(|reason| !reason.is_empty()).map(str::to_owned);
            }
            Some("ack") => {
                self.acknowledged = number();
                self.acknowledgements += 1;
            }
            _ => self.error = Some(line.to_owned()),
        }
    }
}
