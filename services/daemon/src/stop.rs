//! Signals: SIGTERM and SIGINT end the daemon gracefully, SIGHUP asks it to take up replaced files.

use std::io;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Resolves once the daemon is to end. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<bool>);

/// Ends what waits on the [`Shutdown`] made with it.
#[derive(Debug)]
pub struct Trigger(watch::Sender<bool>);

impl Shutdown {
    pub fn new() -> (Trigger, Shutdown) {
        let (sender, receiver) = watch::channel(false);
        (Trigger(sender), Shutdown(receiver))
    }

    pub async fn wait(&self) {
        // An error means that the trigger is gone, and with it everything that would want us to go on.
        let _ = self.0.clone().wait_for(|stop| *stop).await;
    }

    pub fn is_stopping(&self) -> bool {
        *self.0.borrow()
    }
}

impl Trigger {
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

/// Resolves at each SIGHUP. Several that come while nobody waits count as one.
#[derive(Clone, Debug)]
pub struct Reload(watch::Receiver<u64>);

impl Reload {
    pub fn new() -> (watch::Sender<u64>, Reload) {
        let (sender, receiver) = watch::channel(0);
        (sender, Reload(receiver))
    }

    pub async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            // No signal can come any more.
            std::future::pending::<()>().await;
        }
    }
}

/// Listens to the process's signals until it ends.
pub(crate) struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

impl Signals {
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Resolves at SIGTERM or SIGINT; `on_hangup` is called at each SIGHUP before.
    pub(crate) async fn stop(&mut self, mut on_hangup: impl FnMut()) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => on_hangup(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn shutdown_reaches_every_clone_also_late_ones() {
        let (trigger, shutdown) = Shutdown::new();
        let early = shutdown.clone();
        let waiting = tokio::spawn(async move { early.wait().await });
        assert!(!shutdown.is_stopping());
        trigger.stop();
        waiting.await.unwrap();
        shutdown.clone().wait().await;
        assert!(shutdown.is_stopping());
    }

    #[tokio::test]
    async fn reloads_are_seen_by_each_clone() {
        let (sender, mut first) = Reload::new();
        let mut second = first.clone();
        sender.send_modify(|count| *count += 1);
        first.next().await;
        second.next().await;
    }
}
