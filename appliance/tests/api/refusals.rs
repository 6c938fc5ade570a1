//! Whoever may not, and whatever is no body of a call.

use crate::house::{Browser, House, PASSWORD, PNG, SETTINGS, mail, network};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// They read logs, speak to others or hash passwords: without a body of their own there is nothing to mutate.
const SLOW: [&str; 10] = [
    "logs",
    "support",
    "self-test",
    "setup/check",
    "backup",
    "backup/deletions",
    "power",
    "certificate/acme",
    "mail/test",
    "certificate/request",
];

/// What concerns one's own account alone, whatever its role.
const OWN: [&str; 3] = ["password", "second-factor", "second-factor/confirm"];

/// Every call that changes something, with a body that it takes.
fn changes() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("POST", "accounts", json!({ "name": "eve", "password": PASSWORD, "role": "administrator" })),
        ("POST", "accounts/confirm", json!({ "name": "eve", "code": "123456" })),
        ("POST", "accounts/remove", json!({ "name": "carl" })),
        ("PUT", "settings/institution", json!({ "revision": 0, "name": "Eve's" })),
        ("PUT", "institution/logo", json!({ "revision": 0, "logo": STANDARD.encode(PNG) })),
        ("DELETE", "institution/logo", json!({})),
        ("PUT", "settings/host_name", json!({ "revision": 0, "host_name": "eve.example" })),
        ("PUT", "settings/time", json!({ "revision": 0, "servers": ["time.example"] })),
        ("PUT", "settings/network", network(0)),
        ("PUT", "settings/update", json!({ "revision": 0, "source": "https://eve.example" })),
        ("PUT", "settings/acme", json!({ "revision": 0, "directory": "https://eve.example" })),
        ("POST", "certificate/acme", json!({})),
        ("POST", "certificate/request", json!({ "names": ["eve.example"] })),
        ("PUT", "certificate", json!({ "chain": "-----BEGIN", "key": "-----BEGIN" })),
        ("DELETE", "certificate", json!({})),
        ("POST", "logs", json!({ "priority": "info" })),
        ("POST", "support", json!({})),
        ("POST", "self-test", json!({})),
        ("PUT", "settings/backup", json!({ "revision": 0, "daily_at": "", "keep": 1 })),
        ("POST", "backup", json!({})),
        ("PUT", "backup/key", json!({})),
        ("POST", "backup/key", json!({ "last_part": "ABCD" })),
        ("POST", "backup/file", json!({ "name": "box-20261127T020000Z.backup" })),
        ("POST", "backup/deletions", json!({})),
        ("POST", "backup/test", json!({ "name": "box-20261127T020000Z.backup" })),
        ("POST", "backup/restore", json!({ "backup": "AAAA", "key": "A".repeat(32) })),
        ("POST", "rooms/find", json!({ "text": "Eve" })),
        ("POST", "rooms", json!({ "title": "Eve's" })),
        ("POST", "rooms/guest-link", json!({ "room": "00000000000000ab" })),
        ("POST", "rooms/end", json!({ "room": "00000000000000ab" })),
        ("POST", "rooms/delete", json!({ "room": "00000000000000ab" })),
        ("PUT", "settings/mail", mail()),
        ("PUT", "settings/syslog", json!({ "revision": 0, "server": "logs.eve.example" })),
        ("POST", "mail/test", json!({ "recipient": "eve@example.org" })),
        ("POST", "metrics-access", json!({})),
        ("DELETE", "metrics-access", json!({})),
        ("POST", "recovery-key", json!({ "last_part": "abcd" })),
        ("POST", "power", json!({ "action": "switch_off", "now": true })),
        ("POST", "factory-reset", json!({ "host_name": "plenum", "password": PASSWORD, "code": "123456" })),
        ("POST", "update", json!({ "action": "rollback", "now": true })),
        ("POST", "update/file", json!({ "first": 0, "of": 3, "part": "b25l" })),
        ("POST", "password", json!({ "old": PASSWORD, "new": "another long sentence" })),
        ("POST", "second-factor", json!({ "password": PASSWORD, "code": "123456" })),
        ("POST", "second-factor/confirm", json!({ "code": "123456" })),
        ("POST", "setup/step", json!({ "step": "name", "done": true })),
        ("POST", "setup/check", json!({ "step": "mail" })),
        ("POST", "setup/finish", json!({})),
    ]
}

#[tokio::test]
async fn au8_without_session_role_or_token_nothing_changes() {
    let house = House::start().await;
    let (ada, bob) = house.people().await;
    let before = house.state(&ada).await;
    let forged = Browser { csrf: bob.csrf.clone(), ..ada.clone() };
    let without = Browser { csrf: String::new(), ..ada.clone() };
    let stranger = Browser { cookie: "__Host-plenum-box=AAAA".into(), csrf: "AAAA".into() };
    for (method, path, body) in changes() {
        let body = body.to_string();
        for (browser, status, error) in [
            (&Browser::default(), 401, "not_signed_in"),
            (&stranger, 401, "not_signed_in"),
            (&without, 403, "forged"),
            (&forged, 403, "forged"),
        ] {
            let answer = house.call(method, path, browser, Some(body.as_bytes())).await;
            assert_eq!(
                (answer.status, answer.body["error"].as_str()),
                (status, Some(error)),
                "{method} {path}"
            );
        }
        if !OWN.contains(&path) {
            let answer = house.call(method, path, &bob, Some(body.as_bytes())).await;
            assert_eq!(
                (answer.status, &answer.body["error"]),
                (403, &json!("not_allowed")),
                "{method} {path}"
            );
        }
    }
    for path in SETTINGS.into_iter().chain([
        "accounts",
        "network",
        "overview",
        "recovery-key",
        "host-key",
        "history/day",
        "metrics-access",
    ]) {
        assert_eq!(house.call("GET", path, &bob, None).await.status, 403, "{path}");
        assert_eq!(house.call("GET", path, &Browser::default(), None).await.status, 401, "{path}");
    }
    for path in ["audit", "audit/forwarding"] {
        assert_eq!(house.call("GET", path, &ada, None).await.status, 403, "LG6: {path}");
    }
    assert_eq!(house.state(&ada).await, before);
}

#[tokio::test]
async fn two_thousand_mutated_bodies_change_nothing() {
    let house = House::start().await;
    let (ada, _) = house.people().await;
    let before = house.state(&ada).await;
    let mut rng = fastrand::Rng::with_seed(11);
    let (mut refused, mut taken) = (0, 0);
    for round in 0..2_000 {
        let mut calls = changes();
        calls.retain(|(_, path, _)| !SLOW.contains(path) && !["password", "second-factor"].contains(path));
        let (method, path, body) = calls.swap_remove(rng.usize(0..calls.len()));
        let kept = house.kept(path, &ada).await;
        let mut bytes = body.to_string().into_bytes();
        for _ in 0..rng.usize(1..6) {
            let at = rng.usize(0..bytes.len());
            match rng.u8(0..4) {
                0 => bytes[at] = rng.u8(..),
                1 if bytes.len() > 1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, rng.u8(..)),
                _ => bytes.truncate(at + 1),
            }
        }
        let answer = house.call(method, path, &ada, Some(&bytes)).await;
        let sent = String::from_utf8_lossy(&bytes);
        // There is no bus.
        let silent = answer.status == 503 && answer.body["error"] == "meetings_unavailable";
        assert!(answer.status < 500 || silent, "round {round}: {method} {path} {sent}: {answer:?}");
        match answer.status {
            200 | 201 => taken += 1,
            _ => {
                refused += 1;
                assert_eq!(house.kept(path, &ada).await, kept, "{method} {path} {sent} was refused");
                assert!(answer.body["error"].is_string(), "{sent}: {answer:?}");
            }
        }
    }
    assert!(refused > 1_000, "{refused} refused, {taken} taken");
    // What was still good JSON of the right shape was taken; nobody lost an account by the rest.
    let accounts = house.state(&ada).await[0].as_array().unwrap().clone();
    for account in before[0].as_array().unwrap() {
        assert!(accounts.contains(account), "{account} is in {accounts:?}");
    }
}
