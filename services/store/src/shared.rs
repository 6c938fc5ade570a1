//! What the callers' threads and the writer thread share.

use std::{
    collections::BTreeMap,
    fs::File,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, ThreadId},
    time::Instant,
};

use crate::{
    Batch, Committed, Error, Health, Result, Ticket,
    batch::Operation,
    engine::{Engine, Fault},
    files::Files,
    health::Writes,
    layout::Layout,
    queue::{BatchCommit, Job, Queue},
    writer::Writer,
};

pub(crate) struct Shared {
    pub layout: Layout,
    pub trees: Vec<&'static str>,
    pub files: Files,
    /// `None` while it is reopened, and when that failed.
    pub engine: RwLock<Option<Engine>>,
    /// How often that was done.
    pub reopened: AtomicU64,
    pub queue: Queue,
    /// The thread that works the queue off.
    pub writer: OnceLock<ThreadId>,
    counts: Mutex<BTreeMap<String, u64>>,
    health: Mutex<Health>,
    /// When the group that is being written was begun.
    busy: Mutex<Option<Instant>>,
    /// Keeps other processes out.
    _lock: File,
}

/// After so many seconds the health says that the disk does not answer.
const WAITING_SECONDS: u64 = 5;

impl Shared {
    pub(crate) fn new(
        layout: Layout,
        trees: Vec<&'static str>,
        files: Files,
        engine: Engine,
        health: Health,
        lock: File,
    ) -> Arc<Shared> {
        Arc::new(Shared {
            layout,
            trees,
            files,
            engine: RwLock::new(Some(engine)),
            reopened: AtomicU64::new(0),
            queue: Queue::default(),
            writer: OnceLock::new(),
            counts: Mutex::default(),
            health: Mutex::new(health),
            busy: Mutex::new(None),
            _lock: lock,
        })
    }

    pub(crate) fn check_declared(&self, tree: &'static str) -> Result<()> {
        match self.trees.contains(&tree) {
            true => Ok(()),
            false => Err(Error::UndeclaredTree { tree }),
        }
    }

    pub(crate) fn read<R>(&self, read: impl Fn(&Engine) -> Result<R, Fault>) -> Result<R> {
        let seen = self.reopened.load(Ordering::Acquire);
        let mut result = self.with_engine(&read);
        if let Err(Fault::Full) = result {
            self.mend(seen);
            result = self.with_engine(&read);
        }
        result.map_err(|fault| self.reading_failed(&fault))
    }

    pub(crate) fn reading_failed(&self, fault: &Fault) -> Error {
        if *fault != Fault::Closed {
            self.with_health(|health| health.note(format!("reading failed: {fault}")));
        }
        Error::OutOfOrder { reason: fault.to_string() }
    }

    /// sled also writes on threads of its own, after a commit. If one of these has met the full disk, the
    /// engine refuses even to read until it is opened anew.
    fn mend(&self, seen: u64) {
        if self.writer.get() == Some(&thread::current().id()) {
            return;
        }
        let (promise, ticket) = Ticket::<(), Error>::pair();
        let run = move |writer: &mut Writer| {
            writer.mend(seen);
            promise.keep(Ok(()));
        };
        if self.queue.push(Job::Run(Box::new(run))).is_ok() {
            // Whether it helped is seen by reading again.
            let _ = ticket.wait();
        }
    }

    pub(crate) fn with_engine<R>(&self, work: impl FnOnce(&Engine) -> Result<R, Fault>) -> Result<R, Fault> {
        let engine = self.engine.read().unwrap_or_else(|poison| poison.into_inner());
        work(engine.as_ref().ok_or(Fault::Closed)?)
    }

    pub(crate) fn commit(&self, batch: Batch) -> Ticket<Committed> {
        for operation in &batch.operations {
            let tree = match operation {
                Operation::Put(put) => put.tree,
                Operation::Remove { tree, .. } => tree,
            };
            if let Err(error) = self.check_declared(tree) {
                return Ticket::done(Err(error));
            }
        }
        let bytes = batch.bytes;
        let (promise, ticket) = Ticket::pair();
        let commit = Box::new(BatchCommit::new(batch, promise));
        match self.queue.push(Job::Stage { bytes, commit }) {
            Ok(()) => ticket,
            Err(error) => Ticket::done(Err(error)),
        }
    }

    pub(crate) fn count(&self, tree: &str) -> u64 {
        lock(&self.counts).get(tree).copied().unwrap_or(0)
    }

    pub(crate) fn set_counts(&self, counts: BTreeMap<String, u64>) {
        *lock(&self.counts) = counts;
    }

    pub(crate) fn set_busy(&self, busy: bool) {
        *lock(&self.busy) = busy.then(Instant::now);
    }

    pub(crate) fn with_health<R>(&self, change: impl FnOnce(&mut Health) -> R) -> R {
        change(&mut lock(&self.health))
    }

    pub(crate) fn health(&self) -> Health {
        let mut health = lock(&self.health).clone();
        health.records = lock(&self.counts).values().sum();
        let busy = lock(&self.busy).map_or(0, |since| since.elapsed().as_secs());
        if busy >= WAITING_SECONDS {
            health.writes = Writes::Waiting { seconds: busy };
        }
        health
    }
}

// What these locks guard is replaced as a whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poison| poison.into_inner())
}
