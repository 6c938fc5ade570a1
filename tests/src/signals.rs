//! Signals that end a program of the harness.

use anyhow::Result;
use nix::sys::signal::{SigSet, Signal};
use std::sync::mpsc;

/// Ctrl-C and SIGTERM arrive on a channel. Blocked before any thread starts, so that no thread dies of
/// them; [`crate::process`] unblocks them again in the processes it starts.
pub fn stop_signals() -> Result<mpsc::Receiver<Signal>> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGINT);
    signals.add(Signal::SIGTERM);
    signals.thread_block()?;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        if let Ok(signal) = signals.wait() {
            let _ = sender.send(signal);
        }
    });
    Ok(receiver)
}
