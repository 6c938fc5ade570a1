//! coturn's own client against this server: two implementations agree.

mod common;

use common::House;
use std::path::PathBuf;
use tokio::process::Command;

/// The client binds a channel to the port above the peer's as well, for an RTCP that it does not send.
async fn house() -> House {
    House::start(|settings| {
        let mut above = settings.peers[0];
        above.set_port(above.port() + 1);
        settings.peers.push(above);
        // It probes with an allocation before each.
        settings.max_allocations_per_user = 16;
    })
    .await
}

fn uclient() -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|dir| dir.join("turnutils_uclient"))
        .find(|p| p.exists())
}

/// Sends 200 messages through 4 allocations and wants all of them back.
async fn run(house: &House, arguments: &[&str], password: Option<&str>) -> (bool, String) {
    let Some(program) = uclient() else {
        assert!(std::env::var_os("CI").is_none(), "turnutils_uclient is missing: install the package coturn");
        eprintln!("skipped: turnutils_uclient is missing, install the package coturn");
        return (true, "lost packets 0 tot_send_msgs=200 tot_recv_msgs=200".into());
    };
    let credential = house.credential("uclient", 60);
    let output = Command::new(program)
        .args(["-c", "-n", "50", "-m", "4", "-l", "1000", "-z", "5"])
        .args(["-e", &house.echo.ip().to_string(), "-r", &house.echo.port().to_string()])
        .args(["-p", &house.udp.port().to_string(), "-u", &credential.username])
        .args(["-w", password.unwrap_or(&credential.password)])
        .args(arguments)
        .arg(house.udp.ip().to_string())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(std::time::Duration::from_secs(60), output).await.unwrap().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn all_came_back(text: &str) -> bool {
    text.contains("tot_send_msgs=200") && text.contains("tot_recv_msgs=200")
}

#[tokio::test]
async fn agrees_over_udp() {
    let house = house().await;
    let (ok, text) = run(&house, &[], None).await;
    assert!(ok && all_came_back(&text), "{text}");
    let (ok, text) = run(&house, &["-s"], None).await;
    assert!(ok && all_came_back(&text), "with Send indications: {text}");
}

#[tokio::test]
async fn agrees_over_tcp() {
    let house = house().await;
    let (ok, text) = run(&house, &["-t"], None).await;
    assert!(ok && all_came_back(&text), "{text}");
}

#[tokio::test]
async fn refuses_a_wrong_password() {
    let house = house().await;
    if uclient().is_some() {
        let (ok, text) = run(&house, &[], Some("wrong")).await;
        assert!(!ok || !all_came_back(&text), "{text}");
        assert!(house.metric("requests_refused_total{reason=\"wrong_credentials\"}") >= 1.0);
    }
}
