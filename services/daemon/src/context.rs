use crate::metrics::SharedRegistry;
use crate::readiness::{Heartbeat, Readiness};
use crate::sockets::Activated;
use crate::stop::{Reload, Shutdown};
use std::time::Duration;

/// What a daemon's main function is given.
pub struct Context<S> {
    pub settings: S,
    pub registry: SharedRegistry,
    pub shutdown: Shutdown,
    pub sockets: Activated,
    pub readiness: Readiness,
    pub(crate) reload: Reload,
}

impl<S> Context<S> {
    /// Says READY=1 to the service manager and starts the watchdog's ticks. Call it when the daemon
    /// serves: sockets bound, state loaded.
    pub fn ready(&self) {
        self.readiness.ready();
    }

    /// One line for `systemctl status`.
    pub fn status(&self, text: &str) {
        self.readiness.status(text);
    }

    /// SIGHUP, each time.
    pub fn reload(&self) -> Reload {
        self.reload.clone()
    }

    /// For a thread outside the runtime: the watchdog is only fed while it beats at least every `within`.
    pub fn heartbeat(&self, name: &'static str, within: Duration) -> Heartbeat {
        self.readiness.heartbeat(name, within)
    }
}
