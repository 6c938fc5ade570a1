//! The audit log, for auditors alone.

use crate::house::House;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use plenum_appliance::audit;
use serde_json::{Value, json};

const SERVER: &str = "logs.example.org";

fn syslog(revision: u32, server: &str) -> Value {
    json!({ "revision": revision, "server": server, "port": 6514, "authorities": "" })
}

#[tokio::test]
async fn lg5_an_auditor_saves_a_log_that_proves_where_it_comes_from() {
    let house = House::start().await;
    let (ada, bob) = house.people().await;
    assert_eq!(house.post("audit/file", &ada, json!({})).await.status, 403, "LG6");
    let shown = house.call("GET", "audit/forwarding", &bob, None).await.body;
    let saved = house.post("audit/file", &bob, json!({})).await;
    assert_eq!(saved.status, 200, "{saved:?}");
    assert!(saved.body["name"].as_str().unwrap().starts_with("plenum-audit-"), "{saved:?}");
    let text = String::from_utf8(STANDARD.decode(saved.body["content"].as_str().unwrap()).unwrap()).unwrap();
    let found = audit::verify_file(&text).unwrap();
    assert_eq!(json!(found.key), shown["key"], "the page names the key");
    assert!(
        text.contains(r#""event":"setup_finished""#) && text.contains(r#""event":"audit_saved""#),
        "{text}"
    );
    let again = house.post("audit/file", &bob, json!({})).await;
    assert_eq!(again.status, 200);
    let file = house.directory.path().join("saved.jsonl");
    std::fs::write(&file, &text).unwrap();
    let verify = |key: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_plenum"));
        command.args(["audit", "verify", "--key", key]).arg(&file).output().unwrap()
    };
    let good = verify(&found.key);
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stderr));
    assert!(String::from_utf8_lossy(&good.stdout).contains("none was changed or left out"));
    assert!(!verify(&"0".repeat(64)).status.success(), "another box's key");
    std::fs::write(&file, text.replace("setup_finished", "setup_opened")).unwrap();
    let changed = verify(&found.key);
    assert!(String::from_utf8_lossy(&changed.stderr).contains("the signature does not fit"));
}

#[tokio::test]
async fn lg6_an_administrator_cannot_lead_the_audit_log_elsewhere() {
    let house = House::start().await;
    let (ada, bob) = house.people().await;
    let set = async |revision, server| {
        let body = syslog(revision, server).to_string();
        assert_eq!(house.call("PUT", "settings/syslog", &ada, Some(body.as_bytes())).await.status, 200);
    };
    let forward = async |browser, forwarding: bool, server: &str| {
        let body = json!({ "forwarding": forwarding, "server": server, "port": 6514 }).to_string();
        house.call("PUT", "audit/forwarding", browser, Some(body.as_bytes())).await
    };
    let state = async || house.call("GET", "audit/forwarding", &bob, None).await.body;
    assert_eq!(forward(&bob, true, "").await.status, 409, "there is no server");
    set(0, SERVER).await;
    assert_eq!(forward(&ada, true, SERVER).await.status, 403);
    assert_eq!(forward(&bob, true, "logs.eve.example").await.status, 409, "not what was shown");
    let agreed = forward(&bob, true, SERVER).await;
    assert_eq!((agreed.status, &agreed.body["forwarding"]), (200, &json!(true)), "{agreed:?}");
    set(1, "logs.eve.example").await;
    let stopped = state().await;
    assert_eq!((&stopped["forwarding"], &stopped["stopped"]), (&json!(false), &json!(true)), "{stopped}");
    set(2, SERVER).await;
    assert_eq!(state().await["forwarding"], true, "the one that he has agreed to");
    let ended = forward(&bob, false, SERVER).await.body;
    assert_eq!((&ended["forwarding"], &ended["stopped"]), (&json!(false), &json!(false)), "{ended}");
    let log = house.call("GET", "audit", &bob, None).await.body.to_string();
    assert_eq!(log.matches("audit_forwarded").count(), 2, "{log}");
}
