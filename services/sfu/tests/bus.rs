//! The daemon itself on a message bus of its own, as `signaling` and `busctl` see it.

use futures_util::StreamExt;
use plenum_protocol::sfu::{BusLine, Sfu1Proxy};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const OFFER: &str = include_str!("offers/chromium.sdp");
const USES: [&str; 8] = ["microphone", "camera", "screen", "screen_audio", "slot", "slot", "slot", "slot"];

/// Ends with the test, however that ends.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct House {
    _bus: Process,
    sfu: Process,
    address: String,
    directory: tempfile::TempDir,
}

fn start() -> House {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = |name: &str| directory.path().join(name).display().to_string();
    let address = format!("unix:path={}", path("bus"));
    let configuration = format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><listen>{address}</listen><auth>EXTERNAL</auth><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/><allow user="*"/>
</policy></busconfig>"#
    );
    std::fs::write(path("bus.conf"), configuration).expect("written");
    let settings = format!(
        "port = 0\naddresses = [\"127.0.0.1\"]\nthreads = 2\n[common]\nbus_address = \"{address}\"\n\
         metrics_socket = \"{}\"\n",
        path("metrics")
    );
    std::fs::write(path("sfu.toml"), settings).expect("written");
    let bus = Command::new("dbus-daemon")
        .args([&format!("--config-file={}", path("bus.conf")), "--nofork", "--nopidfile"])
        .stderr(Stdio::null())
        .spawn()
        .expect("Debian's package dbus-daemon is needed");
    let bus = Process(bus);
    wait_for(Path::new(&path("bus")));
    let sfu = Command::new(env!("CARGO_BIN_EXE_plenum-sfu"))
        .args(["--config", &path("sfu.toml")])
        .stderr(Stdio::null())
        .spawn()
        .expect("the daemon starts");
    House { _bus: bus, sfu: Process(sfu), address, directory }
}

fn wait_for(path: &Path) {
    let end = std::time::Instant::now() + Duration::from_secs(20);
    while std::os::unix::net::UnixStream::connect(path).is_err() {
        assert!(std::time::Instant::now() < end, "{} did not appear", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl House {
    /// A proxy, once the daemon has its name.
    async fn proxy(&self) -> Sfu1Proxy<'static> {
        let builder = zbus::connection::Builder::address(self.address.as_str());
        let connection = builder.build().await.expect("the bus is there");
        let proxy = Sfu1Proxy::new(&connection).await.expect("a proxy");
        let mut owner = proxy.inner().receive_owner_changed().await.expect("a stream");
        while proxy.version().await.is_err() {
            let _ = tokio::time::timeout(Duration::from_secs(20), owner.next()).await.expect("it starts");
        }
        proxy
    }
}

fn lines() -> Vec<BusLine> {
    USES.iter().enumerate().map(|(mid, name)| (mid.to_string(), (*name).to_owned())).collect()
}

async fn connect(proxy: &Sfu1Proxy<'_>, room: &str, person: u32, offer: &str) -> zbus::Result<String> {
    let lines = lines();
    let lines: Vec<(&str, &str)> = lines.iter().map(|(mid, name)| (mid.as_str(), name.as_str())).collect();
    proxy.connect(room, person, 1, offer, &lines).await
}

#[tokio::test]
async fn rooms_and_peers_are_listed() {
    let house = start();
    let proxy = house.proxy().await;
    for person in 1..=3 {
        let answer = connect(&proxy, if person < 3 { "a" } else { "b" }, person, OFFER).await;
        let answer = answer.expect("answered");
        assert!(answer.contains("a=ice-lite\r\n") && answer.contains(" 127.0.0.1 "), "{answer}");
        // The second room went to the other media thread.
        let thread = if person < 3 { "00" } else { "01" };
        assert!(answer.contains(&format!("a=ice-ufrag:{thread}")));
    }
    let rooms = proxy.list_rooms().await.expect("listed");
    let rooms: Vec<_> = rooms.iter().map(|room| (room.room.as_str(), room.peers)).collect();
    assert_eq!(rooms, [("a", 2), ("b", 1)]);
    let peers = proxy.list_peers("a").await.expect("listed");
    assert_eq!(
        peers.iter().map(|peer| (peer.person, peer.state.as_str())).collect::<Vec<_>>(),
        [(1, "connecting"), (2, "connecting")]
    );
    proxy.set_allowed("a", 1, &["camera"]).await.expect("taken");
    proxy.watch("a", 1, &[(2, "camera", 640, 360)]).await.expect("taken");
    assert_eq!(proxy.slots("a", 9).await.expect("no error"), (vec![], vec![]));
    proxy.disconnect("a", 1).await.expect("taken");
    proxy.disconnect("a", 77).await.expect("an unknown peer is not an error");
    proxy.close_room("b").await.expect("taken");
    let rooms = proxy.list_rooms().await.expect("listed");
    assert_eq!(rooms.iter().map(|room| (room.room.as_str(), room.peers)).collect::<Vec<_>>(), [("a", 1)]);
    assert_eq!(proxy.instance().await.expect("a property").len(), 16);
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let house = start();
    let proxy = house.proxy().await;
    let refused = |result: zbus::Result<()>, text: &str| {
        let error = result.expect_err(text).to_string();
        assert!(error.contains("InvalidArgs") && error.contains(text), "{error}");
    };
    refused(connect(&proxy, "a", 1, "v=1").await.map(drop), "not SDP");
    refused(connect(&proxy, "", 1, OFFER).await.map(drop), "a room is named");
    refused(proxy.connect("a", 1, 1, OFFER, &[("0", "telescope")]).await.map(drop), "no line use");
    refused(proxy.set_allowed("a", 1, &["smell"]).await, "no source");
    assert!(proxy.list_rooms().await.expect("listed").is_empty(), "nothing is left of it");
}

#[tokio::test]
async fn it_ends_gracefully_and_shows_metrics() {
    let mut house = start();
    let proxy = house.proxy().await;
    connect(&proxy, "a", 1, OFFER).await.expect("answered");
    let metrics = house.directory.path().join("metrics");
    let published = async || {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::UnixStream::connect(&metrics).await.expect("metrics are served");
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .await
            .expect("asked");
        let mut text = String::new();
        stream.read_to_string(&mut text).await.expect("answered");
        text.contains("plenum_sfu_peers 1\n")
            && text.contains("plenum_sfu_dropped_total{reason=\"forged\"} 0")
    };
    // Threads publish a few times per second.
    let end = std::time::Instant::now() + Duration::from_secs(10);
    while !published().await {
        assert!(std::time::Instant::now() < end, "the peer is not counted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let pid = nix::unistd::Pid::from_raw(house.sfu.0.id() as i32);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).expect("alive");
    assert!(house.sfu.0.wait().expect("ended").success());
}
