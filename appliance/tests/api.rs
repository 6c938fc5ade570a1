//! The JSON API of set-up and administration, asked as `web` asks it: over its Unix socket.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use plenum_appliance::api::Api;
use plenum_appliance::backup::Backups;
use plenum_appliance::host::Problems;
use plenum_appliance::manager::{Manager, Now, options};
use plenum_appliance::observer::Machine;
use plenum_protocol::manager::openapi;
use plenum_protocol::settings::ApplianceSettings;
use plenum_store::Store;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use totp_rs::{Algorithm, Secret, TOTP};

const PASSWORD: &str = "correct horse battery";

/// Its head: 64 × 32 pixels.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x40\0\0\0\x20\x08\x06\0\0\0";

/// Stands in no answer.
const MAIL_PASSWORD: &str = "canary-of-the-mail-server";

struct House {
    directory: TempDir,
    manager: Arc<Manager>,
}

#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Value,
    bytes: Vec<u8>,
}

/// What a browser remembers.
#[derive(Debug, Clone, Default)]
struct Browser {
    cookie: String,
    csrf: String,
}

impl House {
    async fn start() -> House {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(options(&directory.path().join("store"))).unwrap();
        let started = Instant::now();
        let mut rng = fastrand::Rng::with_seed(5);
        let fill = Box::new(move |bytes: &mut [u8]| rng.fill(bytes));
        let now = Now { wall: SystemTime::now(), mono: started.elapsed() };
        let manager = Arc::new(Manager::new(store, &directory.path().join("code"), fill, now).unwrap());
        let listener = UnixListener::bind(socket(directory.path())).unwrap();
        let (folder, scratch) = (directory.path().join("backups"), directory.path().join("scratch"));
        let backups = Arc::new(Backups::new(Arc::clone(&manager), None, folder, scratch, "0.0.1".into()));
        let machine = no_appliance(directory.path());
        let router = Api::new(Arc::clone(&manager), machine, backups, started, "box").router();
        tokio::spawn(axum::serve(listener, router).into_future());
        House { directory, manager }
    }

    async fn call(&self, method: &str, path: &str, browser: &Browser, body: Option<&[u8]>) -> Answer {
        let mut stream = UnixStream::connect(socket(self.directory.path())).await.unwrap();
        let body = body.unwrap_or_default();
        let mut request = format!(
            "{method} /api/box/{path} HTTP/1.1\r\nhost: box\r\nconnection: close\r\nx-forwarded-for: 192.0.2.1\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n",
            body.len()
        );
        if !browser.cookie.is_empty() {
            request += &format!("cookie: other=1; {}\r\n", browser.cookie);
        }
        if let Some(token) = browser.csrf.strip_prefix("Bearer ") {
            request += &format!("authorization: bearer {token}\r\n");
        } else if !browser.csrf.is_empty() {
            request += &format!("x-csrf-token: {}\r\n", browser.csrf);
        }
        request += "\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.write_all(body).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
        let bytes = answer.split_off(end + 4);
        let head = String::from_utf8(answer).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null), bytes }
    }

    async fn post(&self, path: &str, browser: &Browser, body: Value) -> Answer {
        self.call("POST", path, browser, Some(body.to_string().as_bytes())).await
    }

    async fn setup(&self) -> Browser {
        let code = self.manager.setup_code().unwrap().unwrap();
        self.post("setup", &Browser::default(), json!({ "code": code })).await.entered()
    }

    /// Makes an account and signs in with it.
    async fn account(&self, by: &Browser, name: &str, role: &str) -> Browser {
        let typed = self.open_account(by, name, role).await;
        self.post("sign-in", &Browser::default(), typed).await.entered()
    }

    /// Makes an account; gives what signs in with it, once.
    async fn open_account(&self, by: &Browser, name: &str, role: &str) -> Value {
        let made = json!({ "name": name, "password": PASSWORD, "role": role });
        let shown = self.post("accounts", by, made).await;
        assert_eq!(shown.status, 201, "{shown:?}");
        let secret = Secret::Encoded(shown.body["secret"].as_str().unwrap().to_owned()).to_bytes().unwrap();
        let totp = TOTP::new(Algorithm::SHA1, 6, 0, 30, secret).unwrap();
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let confirmed = json!({ "name": name, "code": totp.generate(seconds) });
        assert_eq!(self.post("accounts/confirm", by, confirmed).await.status, 200);
        let code = totp.generate(seconds + 30);
        json!({ "name": name, "password": PASSWORD, "code": code })
    }

    /// An administrator and an auditor of a box that is set up.
    async fn people(&self) -> (Browser, Browser) {
        let setup = self.setup().await;
        let ada = self.account(&setup, "ada", "administrator").await;
        let bob = self.account(&setup, "bob", "auditor").await;
        assert_eq!(self.call("POST", "setup/finish", &setup, None).await.status, 200);
        assert_eq!(self.call("GET", "accounts", &setup, None).await.status, 401, "the set-up is over");
        (ada, bob)
    }

    /// What nobody who is refused may change.
    async fn state(&self, ada: &Browser) -> Vec<Value> {
        let mut accounts = self.call("GET", "accounts", ada, None).await.body;
        for account in accounts.as_array_mut().unwrap() {
            account.as_object_mut().unwrap().remove("last_sign_in");
        }
        let mut state = vec![accounts];
        for path in SETTINGS {
            state.push(self.call("GET", path, ada, None).await.body);
        }
        state
    }
}

impl Answer {
    fn entered(self) -> Browser {
        assert_eq!(self.status, 200, "{self:?}");
        let cookie = self.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
        let (cookie, attributes) = cookie.split_once(';').unwrap();
        // AU8.
        assert_eq!(attributes.trim(), "Path=/; Secure; HttpOnly; SameSite=Strict");
        assert!(cookie.starts_with("__Host-"), "{cookie}");
        let csrf = self.body["csrf_token"].as_str().unwrap().to_owned();
        Browser { cookie: cookie.to_owned(), csrf }
    }
}

/// Nothing is applied anywhere, and no pages answer.
fn no_appliance(directory: &Path) -> Machine {
    let settings = ApplianceSettings {
        machine: false,
        state_dir: directory.to_owned(),
        web_address: ([127, 0, 0, 1], 1).into(),
        ..ApplianceSettings::default()
    };
    Machine::new(&settings, watch::channel(Problems::new()).1).unwrap()
}

const SETTINGS: [&str; 12] = [
    "settings/institution",
    "settings/host_name",
    "settings/time",
    "settings/network",
    "settings/update",
    "settings/backup",
    "backup",
    "settings/acme",
    "settings/mail",
    "settings/syslog",
    "syslog",
    "certificate",
];

fn socket(directory: &Path) -> std::path::PathBuf {
    directory.join("http.sock")
}

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
        ("POST", "update", json!({ "action": "rollback", "now": true })),
        ("POST", "update/file", json!({ "first": 0, "of": 3, "part": "b25l" })),
        ("POST", "password", json!({ "old": PASSWORD, "new": "another long sentence" })),
        ("POST", "setup/step", json!({ "step": "name", "done": true })),
        ("POST", "setup/finish", json!({})),
    ]
}

fn mail() -> Value {
    json!({ "server": "127.0.0.1", "port": 1, "user": "eve", "password": MAIL_PASSWORD, "sender": "box@example.org" })
}

fn network(revision: u32) -> Value {
    let ipv4 = json!({ "mode": "static", "address": "192.0.2.7", "prefix": 24, "gateway": "192.0.2.1" });
    json!({ "revision": revision, "ports": ["eth0"], "ipv4": ipv4, "dns": ["192.0.2.53"] })
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
        // His own password is all that an auditor may change.
        if path != "password" {
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
    assert_eq!(house.call("GET", "audit", &ada, None).await.status, 403, "LG6");
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
        let (method, path, body) = changes().swap_remove(rng.usize(0..17));
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
        assert!(answer.status < 500, "round {round}: {method} {path} {sent}: {answer:?}");
        match answer.status {
            200 | 201 => taken += 1,
            _ => {
                refused += 1;
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
    let source = include_str!("../src/api/mod.rs");
    let named = source.matches("\"/api/box/").count();
    let paths: std::collections::BTreeSet<&str> = routes.iter().map(|(_, path)| *path).collect();
    assert_eq!(paths.len(), named, "a call of the router is missing in the document");
}

#[tokio::test]
async fn signing_out_ends_the_session() {
    let house = House::start().await;
    let (ada, _) = house.people().await;
    let info = house.call("GET", "session", &ada, None).await.body;
    assert_eq!(info["account"], json!({ "name": "ada", "role": "administrator" }));
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
async fn the_password_of_the_mail_server_is_never_given_back() {
    let house = House::start().await;
    let (ada, bob) = house.people().await;
    let put = |body: Value| {
        let (house, ada) = (&house, &ada);
        async move { house.call("PUT", "settings/mail", ada, Some(body.to_string().as_bytes())).await }
    };
    let nothing = house.post("mail/test", &ada, json!({ "recipient": "ada@example.org" })).await;
    assert_eq!((nothing.status, &nothing.body["field"]), (409, &json!("server")), "there is no server yet");
    let mut seen = vec![put(mail()).await];
    let stored = seen[0].body.clone();
    assert_eq!((&stored["has_password"], &stored["password"]), (&json!(true), &json!("")), "{stored}");
    // Nobody has to know the password to change the port.
    let mut wanted = stored.clone();
    wanted["port"] = json!(2);
    let kept = put(wanted).await;
    assert_eq!((kept.status, &kept.body["has_password"]), (200, &json!(true)), "{kept:?}");
    // Whoever leads the box elsewhere does.
    for (key, value) in [("server", "192.0.2.66"), ("user", "mallory")] {
        let mut wanted = kept.body.clone();
        wanted[key] = json!(value);
        let refused = put(wanted).await;
        assert_eq!((refused.status, &refused.body["field"]), (400, &json!("password")), "{refused:?}");
    }
    let test = house.post("mail/test", &ada, json!({ "recipient": "ada@example.org" })).await;
    assert_eq!((test.status, &test.body["outcome"]), (200, &json!("connection_refused")), "{test:?}");
    let bad = house.post("mail/test", &ada, json!({ "recipient": "ada\r\nBcc: eve@example.org" })).await;
    assert_eq!((bad.status, &bad.body["field"]), (400, &json!("recipient")));
    let without = json!({ "revision": 2, "server": "127.0.0.1", "sender": "box@example.org" });
    let gone = put(without).await;
    assert_eq!((gone.status, &gone.body["has_password"]), (200, &json!(false)), "{gone:?}");
    let audit = house.call("GET", "audit", &bob, None).await;
    let text = audit.body.to_string();
    assert!(text.contains("mail_tested") && text.contains("ada@example.org"), "{text}");
    seen.extend([kept, test, gone, audit, house.call("GET", "settings/mail", &ada, None).await]);
    for answer in seen {
        assert!(!answer.body.to_string().contains(MAIL_PASSWORD), "{answer:?}");
    }
}

#[tokio::test]
async fn the_logo_is_for_everyone_and_named_by_what_it_is() {
    let house = House::start().await;
    let (ada, bob) = house.people().await;
    let nobody = Browser::default();
    let get = |path: String| {
        let (house, nobody) = (&house, &nobody);
        async move { house.call("GET", &path, nobody, None).await }
    };
    let put = |revision: u32, image: &[u8]| {
        let body = json!({ "revision": revision, "logo": STANDARD.encode(image) }).to_string();
        let (house, ada) = (&house, &ada);
        async move { house.call("PUT", "institution/logo", ada, Some(body.as_bytes())).await }
    };
    assert_eq!(get("institution/logo".into()).await.status, 404);
    // Of a length that no other body has, and that fills no part evenly.
    let first: Vec<u8> = PNG.iter().copied().chain((0..200_001u32).map(|byte| byte as u8)).collect();
    let stored = put(0, &first).await;
    assert_eq!((stored.status, &stored.body["revision"]), (200, &json!(1)), "{stored:?}");
    let name = stored.body["logo"].as_str().unwrap().to_owned();
    assert_eq!(get("institution".into()).await.body["logo"], json!(name));
    let logo = get(format!("institution/logo?v={name}")).await;
    assert!(logo.status == 200 && logo.bytes == first, "{}", logo.head);
    for line in ["content-type: image/png", "x-content-type-options: nosniff", "immutable", &name] {
        assert!(logo.head.contains(line), "{line} is in {}", logo.head);
    }
    for path in ["institution/logo", "institution/logo?v=other", "institution/logo?v="] {
        let other = get(path.into()).await;
        assert!(other.bytes == first && other.head.contains("cache-control: no-cache"), "{}", other.head);
    }
    // Other settings leave it alone, whatever they say about it.
    let words = json!({ "revision": 1, "name": "Example", "colour": "#FFCC00", "logo": "x" }).to_string();
    let kept = house.call("PUT", "settings/institution", &ada, Some(words.as_bytes())).await;
    assert_eq!((kept.status, &kept.body["logo"]), (200, &json!(name)), "{kept:?}");
    assert_eq!(kept.body["colour"], "#ffcc00");
    assert_eq!(put(1, PNG).await.body["field"], "revision", "somebody has changed it meanwhile");
    for (image, what) in [(&b"<svg/>"[..], "PNG, JPEG or WebP"), (&vec![0; 300_000], "262144 at the most")] {
        let refused = put(2, image).await;
        assert_eq!((refused.status, &refused.body["field"]), (400, &json!("logo")), "{refused:?}");
        assert!(refused.body["detail"].as_str().unwrap().contains(what), "{refused:?}");
    }
    // A shorter one leaves nothing of the longer one.
    let second = put(2, PNG).await;
    assert_eq!((second.status, &second.body["name"]), (200, &json!("Example")), "{second:?}");
    assert!(get("institution/logo".into()).await.bytes == PNG);
    let gone = house.call("DELETE", "institution/logo", &ada, None).await;
    assert_eq!((gone.status, &gone.body["logo"], &gone.body["revision"]), (200, &json!(""), &json!(4)));
    assert_eq!(
        house.call("DELETE", "institution/logo", &ada, None).await.body["revision"],
        4,
        "nothing to do"
    );
    assert_eq!(get(format!("institution/logo?v={name}")).await.status, 404);
    let audit = house.call("GET", "audit", &bob, None).await.body.to_string();
    assert!(audit.contains(&name) && audit.contains("#ffcc00"), "{audit}");
}

/// A monitoring system, which has no cookie.
fn monitoring(token: &str) -> Browser {
    Browser { cookie: String::new(), csrf: format!("Bearer {token}") }
}

#[tokio::test]
async fn metrics_are_for_who_has_the_token_and_closed_at_first() {
    let house = House::start().await;
    let (ada, bob) = house.people().await;
    let nobody = Browser::default();
    let read = |browser: Browser| {
        let house = &house;
        async move { house.call("GET", "metrics", &browser, None).await }
    };
    for browser in [&nobody, &ada, &monitoring("x")] {
        assert_eq!(read(browser.clone()).await.status, 404, "they are closed");
    }
    let opened = house.call("POST", "metrics-access", &ada, None).await;
    let token = opened.body["token"].as_str().unwrap().to_owned();
    assert_eq!(house.call("GET", "metrics-access", &ada, None).await.body, json!({ "open": true }));
    assert_eq!(read(ada.clone()).await.status, 401, "a session is no token");
    let answer = read(monitoring(&token)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.head.contains("application/openmetrics-text; version=1.0.0"), "{}", answer.head);
    // Another one makes the first worthless.
    let second = house.call("POST", "metrics-access", &ada, None).await;
    assert_eq!(read(monitoring(&token)).await.status, 401);
    assert_eq!(read(monitoring(second.body["token"].as_str().unwrap())).await.status, 200);
    let mut wrong = Vec::new();
    for guess in 0..20 {
        wrong.push(read(monitoring(&format!("guess-{guess}"))).await.status);
    }
    assert!(wrong[..9].iter().all(|status| *status == 401) && wrong[19] == 429, "AU6: {wrong:?}");
    let audit = house.call("GET", "audit", &bob, None).await.body.to_string();
    assert!(audit.contains("metrics_opened") && audit.contains("metrics_refused"), "{audit}");
    assert!(!audit.contains(&token));
    let closed = house.call("DELETE", "metrics-access", &ada, None).await;
    assert_eq!(closed.body, json!({ "open": false }));
    assert_eq!(read(monitoring(&token)).await.status, 404);
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
