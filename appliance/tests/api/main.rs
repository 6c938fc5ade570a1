//! The JSON API of set-up and administration, asked as `web` asks it: over its Unix socket.

mod auditors;
mod house;
mod institution;
mod mail;
#[path = "../support/mail_server.rs"]
mod mail_server;
mod metrics;
mod refusals;

use house::{Browser, House, PASSWORD, mail, network, socket};
use plenum_protocol::manager::openapi;
use serde_json::{Value, json};

#[tokio::test]
async fn unknown_calls_and_bodies_are_refused_plainly() {
    let house = House::start().await;
    let nobody = Browser::default();
    assert_eq!(house.call("GET", "nonsense", &nobody, None).await.status, 404);
    assert_eq!(house.call("DELETE", "session", &nobody, None).await.status, 405);
    let large = vec![b' '; 80_000];
    assert_eq!(house.call("POST", "sign-in", &nobody, Some(&large)).await.status, 400);
    let info = house.call("GET", "session", &nobody, None).await;
    assert_eq!(
        info.body,
        json!({ "setup_open": true, "has_administrator": false, "in_setup": false, "steps_done": [] })
    );
}

#[tokio::test]
async fn a_body_that_is_not_what_the_call_takes_is_refused_by_its_field() {
    let house = House::start().await;
    let (ada, _) = house.people().await;
    let made_up = "x".repeat(41);
    for (area, body, field) in [
        ("network", json!({ "revision": 0, "dns": ["192.0.2"] }).to_string(), Some("dns")),
        ("network", json!({ "revision": 0, "ipv4": { "mode": "none" } }).to_string(), Some("ipv4.mode")),
        ("network", json!({ "revision": 0, "nonsense": 1 }).to_string(), Some("nonsense")),
        ("network", json!({ "revision": 0, made_up: 1 }).to_string(), None),
        ("mail", json!({ "revision": 0, "port": "smtp" }).to_string(), Some("port")),
        ("mail", "[".to_owned(), None),
    ] {
        let answer = house.call("PUT", &format!("settings/{area}"), &ada, Some(body.as_bytes())).await;
        assert_eq!((answer.status, answer.body.get("field").and_then(Value::as_str)), (400, field), "{body}");
    }
}

/// No call without a word about it, and no word about a call that is not there.
#[tokio::test]
async fn the_openapi_document_names_every_call() {
    let house = House::start().await;
    let routes = openapi::routes();
    for (method, path) in &routes {
        let path = path.strip_prefix("/api/box/").unwrap().replace("{before}", "7").replace("{range}", "day");
        let answer = house.call(&method.to_uppercase(), &path, &Browser::default(), None).await;
        let known = answer.status != 405 && answer.body["detail"] != "there is no such call";
        assert!(known, "{method} {path}: {answer:?}");
    }
    let source = include_str!("../../src/api/mod.rs");
    let named = source.matches("\"/api/box/").count();
    let paths: std::collections::BTreeSet<&str> = routes.iter().map(|(_, path)| *path).collect();
    assert_eq!(paths.len(), named, "a call of the router is missing in the document");
}

/// There is nothing to try where nothing has been set.
#[tokio::test]
async fn a_step_of_the_setup_is_tried_out() {
    let house = House::start().await;
    let setup = house.setup().await;
    let check = async |step: &str| house.post("setup/check", &setup, json!({ "step": step })).await;
    let skipped = |what: &str| json!({ "what": what, "outcome": "skipped", "detail": "" });
    for (step, found) in [
        ("name", json!([skipped("dns_forward"), skipped("dns_reverse")])),
        ("mail", json!([skipped("mail")])),
        ("updates", json!([skipped("update_source")])),
        ("institution", json!([])),
    ] {
        let answer = check(step).await;
        assert_eq!((answer.status, &answer.body), (200, &found), "{step}");
    }
    let stored = house.call("PUT", "settings/mail", &setup, Some(mail().to_string().as_bytes())).await;
    assert_eq!(stored.status, 200, "{stored:?}");
    let refused = check("mail").await.body;
    assert_eq!(refused[0]["outcome"], "failed", "nobody listens there: {refused}");
    assert_eq!(check("nonsense").await.status, 400);
}

#[tokio::test]
async fn signing_out_ends_the_session() {
    let house = House::start().await;
    let (ada, _) = house.people().await;
    let info = house.call("GET", "session", &ada, None).await.body;
    assert_eq!(info["account"], json!({ "name": "ada", "role": "administrator", "recovery_codes_left": 10 }));
    let answer = house.call("POST", "sign-out", &ada, None).await;
    assert!(answer.head.contains("Max-Age=0"), "{answer:?}");
    assert_eq!(house.call("GET", "accounts", &ada, None).await.status, 401);
}

#[tokio::test]
async fn a_new_address_is_confirmed_without_a_session() {
    let house = House::start().await;
    let (ada, _) = house.people().await;
    let trial = house.call("PUT", "settings/network", &ada, Some(network(0).to_string().as_bytes())).await;
    assert_eq!((trial.status, &trial.body["seconds_left"]), (200, &json!(60)), "{trial:?}");
    assert_eq!(trial.body["addresses"], json!(["192.0.2.7"]));
    let state = house.call("GET", "network", &ada, None).await.body;
    assert!(state["seconds_left"].as_u64().is_some_and(|left| left >= 50), "{state}");
    assert_eq!(house.call("GET", "settings/network", &ada, None).await.body["revision"], 0, "not kept yet");
    let nobody = Browser::default();
    let wrong = house.post("settings/network/confirm", &nobody, json!({ "token": "AAAA" })).await;
    assert_eq!((wrong.status, &wrong.body["error"]), (409, &json!("conflict")));
    let token = json!({ "token": trial.body["token"] });
    let confirmed = house.post("settings/network/confirm", &nobody, token.clone()).await;
    assert_eq!((confirmed.status, &confirmed.body["revision"]), (200, &json!(1)), "{confirmed:?}");
    assert_eq!(house.post("settings/network/confirm", &nobody, token).await.status, 409, "once");
    assert_eq!(house.call("GET", "network", &ada, None).await.body.get("seconds_left"), None);
}

#[tokio::test]
async fn the_command_line_makes_the_same_calls() {
    let house = House::start().await;
    let setup = house.setup().await;
    let typed = house.open_account(&setup, "ada", "administrator").await;
    let code = typed["code"].as_str().unwrap();
    let plenum = async |arguments: &[&str], typed: String| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_plenum"));
        command
            .args(["api", "--name", "ada", "--socket"])
            .arg(socket(house.directory.path()))
            .args(arguments);
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), typed.as_bytes()).unwrap();
        tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap()
    };
    let wrong = plenum(&["get", "accounts"], "wrong\n000000\n".to_owned()).await;
    assert!(!wrong.status.success() && wrong.stdout.is_empty());
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert!(said.contains("name, password or code are wrong"), "{said}");
    let body = r#"{"revision":0,"servers":["time.example.org"]}"#;
    let done = plenum(&["put", "settings/time", body], format!("{PASSWORD}\n{code}\n")).await;
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let kept: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(kept, json!({ "revision": 1, "servers": ["time.example.org"] }));
}

#[tokio::test]
async fn a_machine_that_is_no_appliance_says_so() {
    let house = House::start().await;
    let (ada, _) = house.people().await;
    for (path, order) in [
        ("power", json!({ "action": "restart", "now": true })),
        ("factory-reset", json!({ "host_name": "plenum", "password": PASSWORD, "code": "000000" })),
        ("update", json!({ "action": "check" })),
        ("update/file", json!({ "first": 0, "of": 3, "part": "b25l" })),
    ] {
        let answer = house.post(path, &ada, order).await;
        assert_eq!((answer.status, &answer.body["error"]), (409, &json!("conflict")), "{path}: {answer:?}");
    }
    // Nobody knows whether people meet: it is not done unless somebody wants it all the same.
    let answer = house.post("power", &ada, json!({ "action": "restart" })).await;
    assert_eq!((answer.status, &answer.body["error"]), (503, &json!("unavailable")), "{answer:?}");
    let overview = house.call("GET", "overview", &ada, None).await;
    assert_eq!(overview.body["problems"][0], json!({ "kind": "pages_silent" }), "{overview:?}");
    assert_eq!(overview.body["network"]["applies"], false);
}

#[tokio::test]
async fn rooms_are_for_administrators_and_a_silent_meeting_server_is_named() {
    let house = House::start().await;
    let setup = house.setup().await;
    let find = json!({ "text": "" });
    let refused = house.post("rooms/find", &setup, find.clone()).await;
    assert_eq!((refused.status, &refused.body["error"]), (403, &json!("not_allowed")), "nor for the set-up");
    let (ada, bob) = house.people().await;
    let number = json!({ "room": "00000000000000ab" });
    for (path, body) in [
        ("rooms/find", find),
        ("rooms", json!({ "title": "Board" })),
        ("rooms/guest-link", number.clone()),
        ("rooms/end", number.clone()),
        ("rooms/delete", number),
    ] {
        let answer = house.post(path, &ada, body).await;
        let said = (answer.status, &answer.body["error"]);
        assert_eq!(said, (503, &json!("meetings_unavailable")), "{path}: {answer:?}");
        assert!(answer.head.contains("retry-after"), "{}", answer.head);
    }
    for (path, body, field) in [
        ("rooms/end", json!({ "room": "../1" }), "room"),
        ("rooms/find", json!({ "text": "x".repeat(121) }), "text"),
        ("rooms/find", json!({ "after": { "created": 1, "room": "1" } }), "after"),
    ] {
        let answer = house.post(path, &ada, body).await;
        assert_eq!((answer.status, &answer.body["field"]), (400, &json!(field)), "{path}: {answer:?}");
    }
    // What did not happen is not in the log.
    let audit = house.call("GET", "audit", &bob, None).await.body.to_string();
    assert!(!audit.contains("room_"), "{audit}");
}
