//! What waits for the writer thread.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Condvar, Mutex, MutexGuard},
};

use crate::{
    Batch, Error, Result, batch::MAX_BATCH, files::StoredFile, staging::Staging, ticket::Promise,
    transaction::Transaction, writer::Writer,
};

/// Writes that may wait; more than this means that the disk does not keep up.
const MAX_WAITING: usize = 20_000;
/// Bytes that may wait.
const MAX_WAITING_BYTES: usize = 64 << 20;
/// Commits that are flushed together.
const MAX_GROUP: usize = 1_000;

pub(crate) enum Job {
    /// Joins a group.
    Stage {
        bytes: usize,
        commit: Box<dyn Commit>,
    },
    /// Runs alone, between groups.
    Run(Box<dyn FnOnce(&mut Writer) + Send>),
    Close(Promise<()>),
}

/// One commit of a group.
pub(crate) trait Commit: Send {
    /// The caller's clock.
    fn now(&self) -> u64;

    /// `false`: it has refused itself, and nothing of it is to be written.
    fn stage(&mut self, staging: &mut Staging<'_>) -> bool;

    /// The sequence of the group that is durable now, or why it is not.
    fn finish(self: Box<Self>, result: Result<u64>);
}

#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    bytes: usize,
    closed: bool,
}

/// What the writer does next.
pub(crate) enum Work {
    Group(Vec<Box<dyn Commit>>),
    Run(Box<dyn FnOnce(&mut Writer) + Send>),
    Close(Promise<()>),
}

impl Queue {
    // Every statement leaves the queue whole.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(|poison| poison.into_inner())
    }

    pub(crate) fn push(&self, job: Job) -> Result<()> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(Error::Closed);
        }
        match &job {
            Job::Stage { bytes, .. } => {
                if waiting.jobs.len() >= MAX_WAITING || waiting.bytes + bytes > MAX_WAITING_BYTES {
                    return Err(Error::Busy { waiting: waiting.jobs.len() });
                }
                waiting.bytes += bytes;
            }
            Job::Run(_) => {}
            Job::Close(_) => waiting.closed = true,
        }
        waiting.jobs.push_back(job);
        drop(waiting);
        self.changed.notify_one();
        Ok(())
    }

    /// Blocks until there is something to do; takes as many commits as fit into one group.
    pub(crate) fn take(&self) -> Work {
        let mut waiting = self.lock();
        loop {
            match waiting.jobs.pop_front() {
                None => waiting = self.changed.wait(waiting).unwrap_or_else(|poison| poison.into_inner()),
                Some(Job::Run(run)) => return Work::Run(run),
                Some(Job::Close(promise)) => return Work::Close(promise),
                Some(Job::Stage { bytes, commit }) => return Work::Group(waiting.group(bytes, commit)),
            }
        }
    }

    /// After the writer has ended: whoever still waits is told so.
    pub(crate) fn clear(&self) {
        let mut waiting = self.lock();
        waiting.closed = true;
        let jobs = std::mem::take(&mut waiting.jobs);
        drop(waiting);
        drop(jobs);
    }
}

impl Waiting {
    fn group(&mut self, bytes: usize, commit: Box<dyn Commit>) -> Vec<Box<dyn Commit>> {
        let mut group = vec![commit];
        let mut size = bytes;
        self.bytes -= bytes;
        while group.len() < MAX_GROUP {
            match self.jobs.pop_front() {
                Some(Job::Stage { bytes, commit }) if size + bytes <= MAX_BATCH => {
                    size += bytes;
                    self.bytes -= bytes;
                    group.push(commit);
                }
                Some(job) => {
                    self.jobs.push_front(job);
                    break;
                }
                None => break,
            }
        }
        group
    }
}

/// A durable commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Committed {
    /// Number of the group it was flushed with; rises with every group.
    pub sequence: u64,
}

/// [`Batch`] as a commit.
pub(crate) struct BatchCommit {
    now: u64,
    operations: Vec<crate::batch::Operation>,
    refused: Option<Error>,
    promise: Promise<Committed>,
    _files: Vec<StoredFile>,
}

impl BatchCommit {
    pub(crate) fn new(batch: Batch, promise: Promise<Committed>) -> BatchCommit {
        let Batch { now, operations, files, .. } = batch;
        BatchCommit { now, operations, refused: None, promise, _files: files }
    }
}

impl Commit for BatchCommit {
    fn now(&self) -> u64 {
        self.now
    }

    fn stage(&mut self, staging: &mut Staging<'_>) -> bool {
        let operations = std::mem::take(&mut self.operations);
        let result = operations.into_iter().try_for_each(|operation| staging.stage(self.now, operation));
        self.refused = result.err();
        self.refused.is_none()
    }

    fn finish(self: Box<Self>, result: Result<u64>) {
        let result = match self.refused {
            Some(error) => Err(error),
            None => result.map(|sequence| Committed { sequence }),
        };
        self.promise.keep(result);
    }
}

/// A closure as a commit.
pub(crate) struct ClosureCommit<F, R, E: From<Error>> {
    now: u64,
    work: Option<F>,
    result: Option<Result<R, E>>,
    promise: Promise<R, E>,
}

impl<F, R, E: From<Error>> ClosureCommit<F, R, E> {
    pub(crate) fn new(now: u64, work: F, promise: Promise<R, E>) -> Self {
        ClosureCommit { now, work: Some(work), result: None, promise }
    }
}

impl<F, R, E> Commit for ClosureCommit<F, R, E>
where
    F: FnOnce(&mut Transaction<'_, '_>) -> Result<R, E> + Send,
    R: Send,
    E: From<Error> + Send,
{
    fn now(&self) -> u64 {
        self.now
    }

    fn stage(&mut self, staging: &mut Staging<'_>) -> bool {
        let Some(work) = self.work.take() else { return false };
        // The writer thread must survive a caller's panic; what it staged is discarded.
        let work = || work(&mut Transaction::new(self.now, staging));
        let panicked = |_| Err(Error::OutOfOrder { reason: "a transaction panicked".into() }.into());
        let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(panicked);
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn finish(self: Box<Self>, result: Result<u64>) {
        let answer = match (self.result, result) {
            (Some(Err(refused)), _) => Err(refused),
            (_, Err(error)) => Err(error.into()),
            (Some(answer), Ok(_)) => answer,
            (None, Ok(_)) => Err(Error::Closed.into()),
        };
        self.promise.keep(answer);
    }
}
