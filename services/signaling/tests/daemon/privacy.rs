//! LG2, AV2 and the promise that nothing said in a meeting reaches the disk.

use crate::client::Client;
use crate::house::House;
use crate::meeting::offer;
use crate::sfu::Sfu;
use plenum_protocol::client::ClientMessage;
use plenum_protocol::server::ServerMessage;
use std::path::Path;

const CANARIES: [&str; 6] =
    ["CanaryTitle", "CanaryHost", "CanaryGuest", "CanaryChat", "CanarySdp", "CanaryNonsense"];

fn scan(dir: &Path, needle: &str) -> bool {
    let entries = std::fs::read_dir(dir).expect("a directory");
    entries.map(|entry| entry.expect("an entry").path()).any(|path| {
        if path.is_dir() {
            return scan(&path, needle);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
    })
}

#[tokio::test]
async fn lg2_no_names_titles_chat_or_secrets_in_logs_and_metrics() {
    let mut house = House::start().await;
    let sfu = Sfu::start(&house.bus_address, "one").await;
    sfu.seen().await;
    let meeting = house.create("CanaryTitle").await;
    let mut anna = Client::join(&house, &meeting.host_link, "CanaryHost").await;
    let mut ben = Client::join(&house, &meeting.guest_link, "CanaryGuest").await;
    ben.chat("CanaryChat").await;
    anna.hear_chat().await;
    ben.say(&offer(1, "CanarySdp")).await;
    ben.hear_until(|message| matches!(message, ServerMessage::Answer { .. }).then_some(())).await;
    ben.say_raw(r#"{"type":"CanaryNonsense"}"#.to_owned()).await;
    ben.hear_until(|message| matches!(message, ServerMessage::Error { .. }).then_some(())).await;
    house.post("/api/link", &serde_json::json!({ "link": "CanaryNonsense" })).await;
    house.post("/api/link", &serde_json::json!({ "CanaryNonsense": 1 })).await;
    let secrets = [
        meeting.host_link.clone(),
        meeting.guest_link.clone(),
        anna.welcome().resume.clone(),
        ben.welcome().resume.clone(),
        house.host_key(),
        anna.welcome().ice_servers[0].credential.clone(),
    ];
    let metrics = house.metrics().await;
    // The store has them, where they are meant to be: the search below can find something.
    assert!(scan(&house.path("runtime"), "CanaryChat"));
    assert!(scan(&house.path("state"), "CanaryTitle"));
    for canary in ["CanaryHost", "CanaryGuest", "CanaryChat", "CanarySdp"] {
        assert!(!scan(&house.path("state"), canary), "{canary} is on the disk");
    }
    for secret in &secrets {
        assert!(!scan(&house.path("state"), secret) && !scan(&house.path("runtime"), secret));
    }
    anna.say(&ClientMessage::Remove { person: 2 }).await;
    ben.close_code().await;
    house.kill_daemon();
    house.start_daemon().await;
    let mut anna = Client::resume(&house, &meeting.host_link, &anna).await;
    anna.say(&ClientMessage::EndForAll {}).await;
    anna.close_code().await;
    drop(sfu);
    let log = house.log();
    assert!(log.contains("meeting started") && log.contains("meeting ended"), "the log is captured");
    for text in CANARIES.iter().copied().chain(secrets.iter().map(String::as_str)).chain(["192.0.2.7"]) {
        assert!(!log.contains(text), "{text} in the log");
        assert!(!metrics.contains(text), "{text} in the metrics");
    }
}
