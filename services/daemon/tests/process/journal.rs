//! With stderr connected to the journal, records arrive there as fields. A journal is played on its real
//! path, in a mount namespace of the test's own.

use super::child::{executable, settings};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

const JOURNAL: &str = "/run/systemd/journal/socket";
const ENTER: &str = "mount -t tmpfs journal /run && mkdir -p /run/systemd/journal && exec \"$@\"";

pub(crate) fn fields_reach_the_journal() {
    let namespace = ["--user", "--map-root-user", "--mount"];
    let allowed = Command::new("unshare").args(namespace).arg("true").status();
    if !allowed.is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("CI").is_none(), "no namespaces here: the journal was not tested");
        eprintln!("skipped: this machine does not allow user namespaces");
        return;
    }
    let mut inside = Command::new("unshare");
    inside.args(namespace).args(["sh", "-ec", ENTER, "sh"]).arg(executable()).arg("--collect-journal");
    let output = inside.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    let starting = text.split("\n\n").find(|entry| entry.contains("MESSAGE=starting")).expect("the record");
    for field in
        ["PRIORITY=5", "SYSLOG_IDENTIFIER=plenum-probe", "VERSION=0.1.0", "TARGET=plenum_daemon::run"]
    {
        assert!(starting.lines().any(|line| line == field), "{field} in {starting}");
    }
}

/// Inside the namespace: be the journal, start the daemon, print what it logged.
pub(crate) fn collect() -> ExitCode {
    let journal = UnixDatagram::bind(JOURNAL).unwrap();
    journal.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let (stderr, _kept) = UnixStream::pair().unwrap();
    let stderr = std::fs::File::from(OwnedFd::from(stderr));
    let metadata = stderr.metadata().unwrap();
    // No such address: the daemon logs its start and its failure, and ends.
    let (_dir, file) = settings("listen = [\"192.0.2.1:1\"]\n");
    let status = Command::new(executable())
        .arg("--config")
        .arg(file)
        .env("JOURNAL_STREAM", format!("{}:{}", metadata.dev(), metadata.ino()))
        .stderr(Stdio::from(OwnedFd::from(stderr)))
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
    let mut buffer = [0u8; 65_536];
    loop {
        let length = journal.recv(&mut buffer).unwrap();
        let entry = readable(&buffer[..length]);
        eprintln!("{entry}");
        if entry.contains("ended with an error") {
            return ExitCode::SUCCESS;
        }
    }
}

/// The native protocol: `NAME=value\n`, or `NAME\n`, the length as 64 bit little endian, value, `\n`.
fn readable(mut entry: &[u8]) -> String {
    let mut text = String::new();
    while let Some(end) = entry.iter().position(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(&entry[..end]).into_owned();
        entry = &entry[end + 1..];
        if line.contains('=') {
            text += &format!("{line}\n");
            continue;
        }
        let (length, rest) = entry.split_at(8);
        let length = usize::try_from(u64::from_le_bytes(length.try_into().unwrap())).unwrap();
        text += &format!("{line}={}\n", String::from_utf8_lossy(&rest[..length]));
        entry = &rest[length + 1..];
    }
    text
}
