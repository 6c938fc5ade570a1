//! The JSON API of set-up and administration, asked as `web` asks it: over its Unix socket.

use plenum_appliance::api::Api;
use plenum_appliance::manager::{Manager, Now, options};
use plenum_store::Store;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use totp_rs::{Algorithm, Secret, TOTP};

const PASSWORD: &str = "correct horse battery";

struct House {
    directory: TempDir,
    manager: Arc<Manager>,
}

#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Value,
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
        let router = Api::new(Arc::clone(&manager), started, "box").router();
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
        if !browser.csrf.is_empty() {
            request += &format!("x-csrf-token: {}\r\n", browser.csrf);
        }
        request += "\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.write_all(body).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: serde_json::from_str(body).unwrap_or(Value::Null) }
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
        let made = json!({ "name": name, "password": PASSWORD, "role": role });
        let shown = self.post("accounts", by, made).await;
        assert_eq!(shown.status, 201, "{shown:?}");
        let secret = Secret::Encoded(shown.body["secret"].as_str().unwrap().to_owned()).to_bytes().unwrap();
        let totp = TOTP::new(Algorithm::SHA1, 6, 0, 30, secret).unwrap();
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let confirmed = json!({ "name": name, "code": totp.generate(seconds) });
        assert_eq!(self.post("accounts/confirm", by, confirmed).await.status, 200);
        let code = totp.generate(seconds + 30);
        let typed = json!({ "name": name, "password": PASSWORD, "code": code });
        self.post("sign-in", &Browser::default(), typed).await.entered()
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
    async fn state(&self, ada: &Browser) -> [Value; 2] {
        let mut accounts = self.call("GET", "accounts", ada, None).await.body;
        for account in accounts.as_array_mut().unwrap() {
            account.as_object_mut().unwrap().remove("last_sign_in");
        }
        [accounts, self.call("GET", "settings/institution", ada, None).await.body]
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
        ("POST", "password", json!({ "old": PASSWORD, "new": "another long sentence" })),
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
    for path in ["accounts", "settings/institution"] {
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
        let (method, path, body) = changes().swap_remove(rng.usize(0..4));
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
    let large = vec![b' '; 20_000];
    assert_eq!(house.call("POST", "sign-in", &nobody, Some(&large)).await.status, 400);
    let info = house.call("GET", "session", &nobody, None).await;
    assert_eq!(info.body, json!({ "setup_open": true, "has_administrator": false, "in_setup": false }));
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
