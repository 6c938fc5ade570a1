//! File descriptors passed by the service manager (sd_listen_fds(3)).

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};

/// Name and descriptor of everything passed. Takes ownership: the second call in a process finds nothing.
#[allow(unsafe_code)] // An owned descriptor can only be made of a number by from_raw_fd.
pub(crate) fn take() -> io::Result<Vec<(String, OwnedFd)>> {
    use std::os::fd::FromRawFd;
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if TAKEN.swap(true, Ordering::SeqCst) {
        return Ok(Vec::new());
    }
    let passed = sd_notify::listen_fds_with_names()?;
    // SAFETY: LISTEN_PID says that the service manager passed these descriptors to this very process,
    // fcntl has just found them open, and TAKEN guarantees that nobody else has been given them.
    Ok(passed.map(|(fd, name)| (name, unsafe { OwnedFd::from_raw_fd(fd) })).collect())
}
