//! A message bus and the daemon, with throw-away state.

use plenum_protocol::http::{CreateMeeting, Meeting};
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixDatagram, UnixStream};
use tokio::time::timeout;

pub(crate) const LIMIT: Duration = Duration::from_secs(20);
pub(crate) const HOST: &str = "meet.example:8443";

impl Drop for House {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the daemon's log:\n{}", self.log());
        }
    }
}

/// Ends its process when it goes.
pub(crate) struct Process(pub(crate) Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Already ended is fine.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) struct House {
    pub(crate) dir: TempDir,
    pub(crate) bus_address: String,
    pub(crate) daemon: Option<Process>,
    settings: String,
    _bus: Process,
}

impl House {
    pub(crate) async fn start() -> House {
        House::with("").await
    }

    /// `extra` stands before the tables of the settings file.
    pub(crate) async fn with(extra: &str) -> House {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (bus, bus_address) = start_bus(dir.path());
        let at = |name: &str| dir.path().join(name).display().to_string();
        let settings = format!(
            "{extra}\nhttp_socket = {:?}\nstate_dir = {:?}\nruntime_dir = {:?}\nhost_key_file = {:?}\n\
             [common]\nbus_address = {bus_address:?}\nmetrics_socket = {:?}\nlog_level = \"debug\"\n\
             [relay]\nsecret_file = {:?}\n",
            at("http.sock"),
            at("state"),
            at("runtime"),
            at("host.key"),
            at("metrics.sock"),
            at("turn.secret"),
        );
        let mut house = House { dir, bus_address, daemon: None, settings, _bus: bus };
        house.start_daemon().await;
        house
    }

    /// Until it says that it serves.
    pub(crate) async fn start_daemon(&mut self) {
        let config = self.path("signaling.toml");
        std::fs::write(&config, &self.settings).expect("the settings are written");
        let notify = self.path("notify.sock");
        let _ = std::fs::remove_file(&notify);
        let ready = UnixDatagram::bind(&notify).expect("the notification socket");
        let log = File::options().create(true).append(true).open(self.path("log")).expect("the log");
        let daemon = Command::new(env!("CARGO_BIN_EXE_plenum-signaling"))
            .arg("--config")
            .arg(&config)
            .env("NOTIFY_SOCKET", &notify)
            .stdout(log.try_clone().expect("the log"))
            .stderr(log)
            .spawn()
            .expect("the daemon starts");
        self.daemon = Some(Process(daemon));
        let wait = async {
            let mut buffer = [0u8; 1_024];
            loop {
                let length = ready.recv(&mut buffer).await.expect("a notification");
                if String::from_utf8_lossy(&buffer[..length]).contains("READY=1") {
                    return;
                }
            }
        };
        if timeout(LIMIT, wait).await.is_err() {
            panic!("the daemon did not become ready:\n{}", self.log());
        }
    }

    /// SIGKILL.
    pub(crate) fn kill_daemon(&mut self) {
        self.daemon = None;
    }

    pub(crate) fn pid(&self) -> u32 {
        self.daemon.as_ref().expect("the daemon runs").0.id()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).expect("the log")
    }

    pub(crate) fn host_key(&self) -> String {
        std::fs::read_to_string(self.path("host.key")).expect("the host key was made")
    }

    pub(crate) async fn create(&self, title: &str) -> Meeting {
        let body = CreateMeeting { title: title.to_owned(), host_key: Some(self.host_key()) };
        let (status, answer) = self.post("/api/meetings", &serde_json::to_value(body).unwrap()).await;
        assert_eq!(status, 201, "{answer}");
        serde_json::from_value(answer).expect("a meeting")
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let (status, _, body) = self
            .request(&format!("POST {path}"), "content-type: application/json\r\n", &body.to_string())
            .await;
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    /// Status, head and body of an answer. `line` is method and path.
    pub(crate) async fn request(&self, line: &str, headers: &str, body: &str) -> (u16, String, String) {
        let text = format!(
            "{line} HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = exchange(&self.path("http.sock"), &text).await;
        let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, head.to_ascii_lowercase(), body.to_owned())
    }

    pub(crate) async fn metrics(&self) -> String {
        let request = "GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        exchange(&self.path("metrics.sock"), request).await
    }

    /// The value of a metric, by its whole name with labels.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let metrics = self.metrics().await;
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {metrics}"))
    }

    pub(crate) fn resident_kilobytes(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("the daemon runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }
}

async fn exchange(socket: &Path, request: &str) -> String {
    let exchange = async {
        let mut stream = UnixStream::connect(socket).await.expect("the socket");
        stream.write_all(request.as_bytes()).await.expect("written");
        let mut answer = Vec::new();
        // A server that refuses a body closes before it has read it.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).expect("text")
    };
    timeout(LIMIT, exchange).await.expect("an answer in time")
}

fn start_bus(dir: &Path) -> (Process, String) {
    let config = dir.join("bus.conf");
    let socket = dir.join("bus.sock");
    let text = format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow eavesdrop="false"/><allow own="*"/></policy>
</busconfig>"#,
        socket.display()
    );
    std::fs::write(&config, text).expect("the bus's configuration");
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755)).expect("permissions");
    let mut bus = Command::new("dbus-daemon")
        .arg(format!("--config-file={}", config.display()))
        .args(["--nofork", "--print-address"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("dbus-daemon (package dbus) starts");
    let mut address = String::new();
    let stdout: Box<dyn Read> = Box::new(bus.stdout.take().expect("piped"));
    BufReader::new(stdout).read_line(&mut address).expect("the bus's address");
    (Process(bus), address.trim().to_owned())
}
