//! The answer to a commit, for callers that may block and for those that may not.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Condvar, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
};

use crate::Error;

/// A promise of the writer thread. Await it, [`wait`](Ticket::wait) for it, or hand a callback to
/// [`on_done`](Ticket::on_done). Dropping it does not take back what was committed.
#[must_use = "nothing is acknowledged until the ticket says so"]
#[derive(Debug)]
pub struct Ticket<T, E = Error> {
    slot: Arc<Slot<T, E>>,
}

#[derive(Debug)]
struct Slot<T, E> {
    state: Mutex<State<T, E>>,
    changed: Condvar,
}

enum State<T, E> {
    Waiting(Option<Waker>),
    Callback(Callback<T, E>),
    Done(Result<T, E>),
    Taken,
}

type Callback<T, E> = Box<dyn FnOnce(Result<T, E>) + Send>;

impl<T, E> std::fmt::Debug for State<T, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            State::Waiting(_) | State::Callback(_) => "waiting",
            State::Done(_) => "done",
            State::Taken => "taken",
        })
    }
}

impl<T, E> Slot<T, E> {
    // A panic while the lock is held leaves a whole state: it is only ever replaced.
    fn lock(&self) -> MutexGuard<'_, State<T, E>> {
        self.state.lock().unwrap_or_else(|poison| poison.into_inner())
    }
}

impl<T, E> Ticket<T, E> {
    /// Blocks until the answer is there. Not for async tasks: await the ticket there.
    pub fn wait(self) -> Result<T, E> {
        let mut state = self.slot.lock();
        loop {
            match std::mem::replace(&mut *state, State::Taken) {
                State::Done(result) => return result,
                waiting => *state = waiting,
            }
            state = self.slot.changed.wait(state).unwrap_or_else(|poison| poison.into_inner());
        }
    }

    /// Calls `callback` on the writer thread, or at once if the answer is there already. It must be quick and
    /// must not wait for another ticket.
    pub fn on_done(self, callback: impl FnOnce(Result<T, E>) + Send + 'static) {
        let mut state = self.slot.lock();
        match std::mem::replace(&mut *state, State::Taken) {
            State::Done(result) => {
                drop(state);
                callback(result);
            }
            _ => *state = State::Callback(Box::new(callback)),
        }
    }

    pub(crate) fn pair() -> (Promise<T, E>, Ticket<T, E>)
    where
        E: From<Error>,
    {
        let slot = Arc::new(Slot { state: Mutex::new(State::Waiting(None)), changed: Condvar::new() });
        (Promise { slot: Some(slot.clone()) }, Ticket { slot })
    }

    pub(crate) fn done(result: Result<T, E>) -> Ticket<T, E> {
        Ticket { slot: Arc::new(Slot { state: Mutex::new(State::Done(result)), changed: Condvar::new() }) }
    }
}

impl<T, E> Future for Ticket<T, E> {
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.slot.lock();
        match std::mem::replace(&mut *state, State::Taken) {
            State::Done(result) => Poll::Ready(result),
            _ => {
                *state = State::Waiting(Some(context.waker().clone()));
                Poll::Pending
            }
        }
    }
}

/// The writer's end of a ticket. One that is dropped unkept answers [`Error::Closed`].
pub(crate) struct Promise<T, E: From<Error> = Error> {
    slot: Option<Arc<Slot<T, E>>>,
}

impl<T, E: From<Error>> Promise<T, E> {
    pub(crate) fn keep(mut self, result: Result<T, E>) {
        self.fill(result);
    }

    fn fill(&mut self, result: Result<T, E>) {
        let Some(slot) = self.slot.take() else { return };
        let mut state = slot.lock();
        match std::mem::replace(&mut *state, State::Taken) {
            State::Callback(callback) => {
                drop(state);
                callback(result);
            }
            State::Waiting(waker) => {
                *state = State::Done(result);
                drop(state);
                slot.changed.notify_all();
                if let Some(waker) = waker {
                    waker.wake();
                }
            }
            State::Done(_) | State::Taken => {}
        }
    }
}

impl<T, E: From<Error>> Drop for Promise<T, E> {
    fn drop(&mut self) {
        // The caller's error may be logged where it is made.
        if self.slot.is_some() {
            self.fill(Err(Error::Closed.into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, task::Wake, thread};

    use super::*;

    struct Flag(Mutex<bool>);

    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            *self.0.lock().unwrap() = true;
        }
    }

    #[test]
    fn a_future_is_woken() {
        let (promise, mut ticket) = Ticket::<u8>::pair();
        let flag = Arc::new(Flag(Mutex::new(false)));
        let waker = Waker::from(flag.clone());
        let mut context = Context::from_waker(&waker);
        assert!(Pin::new(&mut ticket).poll(&mut context).is_pending());
        promise.keep(Ok(7));
        assert!(*flag.0.lock().unwrap());
        assert_eq!(Pin::new(&mut ticket).poll(&mut context), Poll::Ready(Ok(7)));
    }

    #[test]
    fn a_waiter_on_another_thread_gets_the_answer() {
        let (promise, ticket) = Ticket::<u8>::pair();
        let waiter = thread::spawn(move || ticket.wait());
        promise.keep(Ok(7));
        assert_eq!(waiter.join().unwrap(), Ok(7));
    }

    #[test]
    fn a_callback_is_called_before_and_after_the_answer() {
        let (sender, answers) = mpsc::channel();
        let (promise, ticket) = Ticket::<u8>::pair();
        let other = sender.clone();
        ticket.on_done(move |result| other.send(result).unwrap());
        promise.keep(Ok(1));
        Ticket::<u8>::done(Ok(2)).on_done(move |result| sender.send(result).unwrap());
        assert_eq!(answers.iter().collect::<Vec<_>>(), [Ok(1), Ok(2)]);
    }

    #[test]
    fn an_unkept_promise_says_so() {
        let (promise, ticket) = Ticket::<u8>::pair();
        drop(promise);
        assert_eq!(ticket.wait(), Err(Error::Closed));
    }
}
