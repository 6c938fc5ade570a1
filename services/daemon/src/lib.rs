//! What every daemon does the same way: command line, settings, journal, readiness, watchdog, metrics,
//! sockets, graceful stop. A daemon's `main.rs` is one call of [`run`]:
//!
//! ```no_run
//! # use plenum_protocol::settings::WebSettings;
//! # use std::process::ExitCode;
//! fn main() -> ExitCode {
//!     plenum_daemon::run("web", |context: plenum_daemon::Context<WebSettings>| async move {
//!         let listeners = context.sockets.tcp("https", &context.settings.listen)?;
//!         context.ready();
//!         context.shutdown.wait().await;
//!         drop(listeners);
//!         Ok(())
//!     })
//! }
//! ```
//!
//! Only this crate reads the environment (`NOTIFY_SOCKET`, `WATCHDOG_USEC`, `LISTEN_FDS`,
//! `JOURNAL_STREAM`) and the command line.

#![deny(unsafe_code)]

pub mod addresses;
pub mod bucket;
mod cli;
pub mod configuration;
mod context;
mod descriptors;
pub mod durable;
pub mod logging;
pub mod metrics;
mod readiness;
mod run;
pub mod secret;
pub mod secret_file;
pub mod settings;
pub mod sockets;
pub mod steady;
mod stop;
pub mod throttle;

pub use configuration::{ConfigurationError, Invalid, Settings};
pub use context::Context;
pub use readiness::{Heartbeat, Readiness};
pub use run::run;
pub use sockets::Activated;
pub use stop::{Reload, Shutdown, Trigger};
