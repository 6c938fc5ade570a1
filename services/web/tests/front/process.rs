//! The daemon as a process, with curl as the client.

use super::house::PATIENCE;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use plenum_protocol::settings::WebSettings;
use std::path::Path;
use std::process::Stdio;
use tempfile::TempDir;
use tokio::net::UnixDatagram;
use tokio::process::{Child, Command};

struct Daemon {
    dir: TempDir,
    child: Child,
    notifications: UnixDatagram,
    port: u16,
}

impl Daemon {
    async fn start() -> Daemon {
        let dir = tempfile::tempdir().unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut settings = WebSettings {
            listen: vec![([127, 0, 0, 1], port).into()],
            names: vec!["localhost".to_owned()],
            state_dir: dir.path().join("state"),
            ..WebSettings::default()
        };
        settings.common.metrics_socket = dir.path().join("metrics.sock");
        let file = dir.path().join("web.toml");
        std::fs::write(&file, text(&settings)).unwrap();
        let notifications = UnixDatagram::bind(dir.path().join("notify.sock")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_plenum-web"))
            .arg("--config")
            .arg(&file)
            .env("NOTIFY_SOCKET", dir.path().join("notify.sock"))
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let daemon = Daemon { dir, child, notifications, port };
        assert_eq!(daemon.notification().await, "READY=1");
        daemon
    }

    async fn notification(&self) -> String {
        let mut buffer = [0u8; 1_024];
        let receiving = tokio::time::timeout(PATIENCE, self.notifications.recv(&mut buffer));
        let length = receiving.await.expect("a notification in time").unwrap();
        String::from_utf8_lossy(&buffer[..length]).trim().to_owned()
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id().expect("it runs")).unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
    }

    async fn curl(&self, arguments: &[&str], path: &str) -> String {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--max-time", "10", "--cacert"]);
        command.arg(self.dir.path().join("state/ca.pem")).args(arguments);
        command.arg(format!("https://localhost:{}{path}", self.port));
        let output = command.output().await.expect("curl is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

fn text(settings: &WebSettings) -> String {
    let quoted = |path: &Path| format!("{:?}", path.display().to_string());
    format!(
        "listen = [\"{}\"]\nnames = [\"localhost\"]\nstate_dir = {}\n[common]\nmetrics_socket = {}\n",
        settings.listen[0],
        quoted(&settings.state_dir),
        quoted(&settings.common.metrics_socket)
    )
}

#[tokio::test]
async fn a_certificate_of_its_own_convinces_curl_over_both_versions_of_http() {
    let daemon = Daemon::start().await;
    for (version, expected) in [("--http1.1", "1.1 404"), ("--http2", "2 404")] {
        let format = "%{http_version} %{http_code}";
        let answer =
            daemon.curl(&[version, "--output", "/dev/null", "--write-out", format], "/nothing").await;
        assert_eq!(answer, expected);
    }
    let metrics = daemon.dir.path().join("metrics.sock");
    let mut command = Command::new("curl");
    command.args(["--silent", "--unix-socket"]).arg(&metrics).arg("http://localhost/metrics");
    let output = command.output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("plenum_web_requests_total{route=\"Other\",status=\"404\"} 2\n"), "{text}");
    assert!(text.contains("\nprocess_panics_total 0\n"), "{text}");
}

#[tokio::test]
async fn it_reloads_and_stops_when_asked_to() {
    let mut daemon = Daemon::start().await;
    daemon.signal(Signal::SIGHUP);
    assert!(daemon.notification().await.starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert_eq!(daemon.notification().await, "READY=1");
    daemon.curl(&[], "/nothing").await;
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.notification().await, "STOPPING=1");
    let status = tokio::time::timeout(PATIENCE, daemon.child.wait()).await.unwrap().unwrap();
    assert!(status.success(), "{status}");
}
