//! The handle that callers hold.

use std::{
    io::{Read, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::SystemTime,
};

use crate::{
    Batch, Committed, DumpInfo, Error, Expired, Files, Health, Options, Result, Stored, Ticket, Transaction,
    Tree,
    health::Writes,
    open,
    queue::{ClosureCommit, Job},
    shared::Shared,
    time,
    writer::Writer,
};

/// A database of typed trees. Clones are handles of the same store; the last one that is dropped closes it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Store {
    /// Opens the store, or makes it. Blocks for as long as it takes to read all records twice (once in the
    /// probe), some milliseconds for some thousands.
    pub fn open(options: Options) -> Result<Store> {
        let (shared, writer) = open::open(options)?;
        let thread = thread::Builder::new().name("store-writer".into()).spawn(move || run(writer));
        let thread = thread.map_err(|error| Error::OutOfOrder { reason: error.to_string() })?;
        Ok(Store { inner: Arc::new(Inner { shared, writer: Mutex::new(Some(thread)) }) })
    }

    /// Replaces what is in the directory by a dump, its files included, and opens it. What was there is set
    /// aside. Records that have expired by `options.now` are deleted at once (requirement DM6).
    pub fn restore(options: Options, dump: impl Read) -> Result<Store> {
        let now = options.now;
        open::restore(&options, dump)?;
        let store = Store::open(options)?;
        store.expire(now).wait()?;
        Ok(store)
    }

    /// A view of the records of one type.
    pub fn tree<T: Stored>(&self) -> Tree<T> {
        Tree::new(self.inner.shared.clone())
    }

    /// Larger data.
    pub fn files(&self) -> &Files {
        &self.inner.shared.files
    }

    /// Hands a batch to the writer. All of it is durable when the ticket says so, or none of it.
    pub fn commit(&self, batch: Batch) -> Ticket<Committed> {
        self.inner.shared.commit(batch)
    }

    /// Runs `work` on the writer thread, where nothing else writes meanwhile. What it wrote is durable when
    /// the ticket says so; nothing is written if it returns an error. It must be quick, as all writes wait.
    pub fn transaction<R, E, F>(&self, now: SystemTime, work: F) -> Ticket<R, E>
    where
        F: FnOnce(&mut Transaction<'_, '_>) -> Result<R, E> + Send + 'static,
        R: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (promise, ticket) = Ticket::pair();
        let commit = Box::new(ClosureCommit::new(time::millis(now), work, promise));
        match self.inner.shared.queue.push(Job::Stage { bytes: 0, commit }) {
            Ok(()) => ticket,
            Err(error) => Ticket::done(Err(error.into())),
        }
    }

    /// Deletes every record that has expired at `now`. Call it at intervals, and log what it returns.
    pub fn expire(&self, now: SystemTime) -> Ticket<Expired> {
        self.run(move |writer| writer.expire(now))
    }

    /// Writes the last-good dump anew, from which a damaged database is restored. It happens by itself when
    /// the store is closed and when the journal has grown long.
    pub fn save_dump(&self, now: SystemTime) -> Ticket<DumpInfo> {
        self.run(move |writer| {
            writer.now = writer.now.max(now);
            writer.save_dump()
        })
    }

    /// Streams a dump, for a backup. Files are left out or included. Writes wait meanwhile: let `out` be
    /// something quick.
    pub fn dump(
        &self,
        now: SystemTime,
        mut out: impl Write + Send + 'static,
        with_files: bool,
    ) -> Ticket<DumpInfo> {
        self.run(move |writer| {
            writer.now = writer.now.max(now);
            writer.dump(&mut out, None, with_files)
        })
    }

    /// A dump of these trees alone, in memory: what a backup of settings takes. Files are left out.
    pub fn dump_trees(&self, now: SystemTime, trees: &'static [&'static str]) -> Ticket<Vec<u8>> {
        self.run(move |writer| {
            writer.now = writer.now.max(now);
            let mut out = Vec::new();
            writer.dump(&mut out, Some(trees), false)?;
            Ok(out)
        })
    }

    /// Rewrites the database and the last-good dump, so that nothing that was removed remains in their files
    /// (requirement DM4) and its space is free. It happens by itself when the store is closed.
    pub fn compact(&self) -> Ticket<()> {
        self.run(Writer::compact)
    }

    /// Deletes the directories of older schema versions, once it is certain that nobody goes back to them.
    /// Returns which.
    pub fn forget_older(&self) -> Ticket<Vec<u16>> {
        self.run(|writer| open::forget_older(&writer.root, writer.schema))
    }

    /// What happened to the store, for the health page.
    pub fn health(&self) -> Health {
        self.inner.shared.health()
    }

    /// Writes what waits and closes. Dropping the last handle does the same, but cannot tell what failed.
    pub fn close(self) -> Result<()> {
        self.inner.close()
    }

    /// Between two groups.
    fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> Result<R> + Send + 'static,
    ) -> Ticket<R> {
        let (promise, ticket) = Ticket::pair();
        let run = Box::new(move |writer: &mut Writer| promise.keep(work(writer)));
        match self.inner.shared.queue.push(Job::Run(run)) {
            Ok(()) => ticket,
            Err(error) => Ticket::done(Err(error)),
        }
    }
}

impl Inner {
    fn close(&self) -> Result<()> {
        let (promise, ticket) = Ticket::pair();
        self.shared.queue.push(Job::Close(promise))?;
        let thread = self.writer.lock().unwrap_or_else(|poison| poison.into_inner()).take();
        // The last handle may be dropped by a ticket's callback, on the writer thread itself.
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != thread::current().id()) {
            let _ = thread.join();
            return ticket.wait();
        }
        Ok(())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        match self.close() {
            // It was closed before.
            Ok(()) | Err(Error::Closed) => {}
            Err(error) => log::error!(error:%; "the store could not be closed in order"),
        }
    }
}

/// The writer thread. Should it panic, nobody waits for it in vain.
fn run(writer: Writer) {
    let shared = writer.shared.clone();
    let _ = shared.writer.set(thread::current().id());
    if catch_unwind(AssertUnwindSafe(|| writer.run())).is_err() {
        shared.with_health(|health| {
            health.writes = Writes::Failing { reason: "the writer has panicked; restart the daemon".into() };
        });
        shared.queue.clear();
    }
}
