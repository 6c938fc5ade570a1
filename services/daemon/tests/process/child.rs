//! Starting the daemon under test, and what the service manager would hear of it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Probe {
    _dir: TempDir,
    child: Child,
    notifications: UnixDatagram,
}

/// A settings file in a directory of its own.
pub(crate) fn settings(text: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("probe.toml");
    std::fs::write(&file, text).unwrap();
    (dir, file)
}

pub(crate) fn executable() -> PathBuf {
    std::env::current_exe().unwrap()
}

/// Runs to its end: exit code, standard output, standard error.
pub(crate) fn finished(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(executable()).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

impl Probe {
    pub(crate) fn start(text: &str, configure: impl FnOnce(&mut Command)) -> Probe {
        Self::start_with(text, Command::new(executable()), configure)
    }

    /// `command` must in the end execute the daemon with the arguments that are appended.
    pub(crate) fn start_with(
        text: &str,
        mut command: Command,
        configure: impl FnOnce(&mut Command),
    ) -> Probe {
        let (dir, file) = settings(text);
        let path = dir.path().join("notify.sock");
        let notifications = UnixDatagram::bind(&path).unwrap();
        notifications.set_read_timeout(Some(PATIENCE)).unwrap();
        command.arg("--config").arg(&file).env("NOTIFY_SOCKET", &path);
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        configure(&mut command);
        Probe { _dir: dir, child: command.spawn().unwrap(), notifications }
    }

    /// The next datagram, or None if none comes within `limit`.
    pub(crate) fn notification_within(&self, limit: Duration) -> Option<String> {
        self.notifications.set_read_timeout(Some(limit)).unwrap();
        let mut buffer = [0u8; 4096];
        let length = self.notifications.recv(&mut buffer).ok()?;
        Some(String::from_utf8(buffer[..length].to_vec()).unwrap())
    }

    pub(crate) fn notification(&self) -> String {
        self.notification_within(PATIENCE).expect("a notification in time")
    }

    /// The address it announces in its status, once it is ready.
    pub(crate) fn address(&self) -> SocketAddr {
        let status = self.notification();
        let address = status.trim().strip_prefix("STATUS=listening on ").expect("the status");
        assert_eq!(self.notification().trim(), "READY=1");
        address.parse().unwrap()
    }

    pub(crate) fn connect(&self, address: SocketAddr) -> TcpStream {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        nix::sys::signal::kill(pid, signal).unwrap();
    }

    /// Waits for the end: status and everything written to stderr.
    pub(crate) fn ended(mut self) -> (ExitStatus, String) {
        let mut text = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut text).unwrap();
        }
        (self.child.wait().unwrap(), text)
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        // Already ended: nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn exchange(stream: &mut TcpStream, line: &str) -> String {
    writeln!(stream, "{line}").unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    answer.trim().to_owned()
}

pub(crate) fn http_get(socket: &Path, path: &str) -> String {
    let mut stream = std::os::unix::net::UnixStream::connect(socket).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: probe\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
