//! A box without a machine, and browsers that ask it over its Unix socket, as `web` does.

use plenum_appliance::api::Api;
use plenum_appliance::backup::Backups;
use plenum_appliance::host::Problems;
use plenum_appliance::machine::Machine;
use plenum_appliance::manager::{Manager, Now, options};
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

pub(crate) const PASSWORD: &str = "correct horse battery";

/// Its head: 64 × 32 pixels.
pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x40\0\0\0\x20\x08\x06\0\0\0";

/// Stands in no answer.
pub(crate) const MAIL_PASSWORD: &str = "canary-of-the-mail-server";

pub(crate) struct House {
    pub(crate) directory: TempDir,
    pub(crate) api: Api,
    manager: Arc<Manager>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Value,
    pub(crate) bytes: Vec<u8>,
}

/// What a browser remembers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Browser {
    pub(crate) cookie: String,
    pub(crate) csrf: String,
}

impl House {
    pub(crate) async fn start() -> House {
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
        let api = Api::new(Arc::clone(&manager), machine, backups, started, "box");
        tokio::spawn(axum::serve(listener, api.clone().router()).into_future());
        House { directory, api, manager }
    }

    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        browser: &Browser,
        body: Option<&[u8]>,
    ) -> Answer {
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

    pub(crate) async fn post(&self, path: &str, browser: &Browser, body: Value) -> Answer {
        self.call("POST", path, browser, Some(body.to_string().as_bytes())).await
    }

    pub(crate) async fn setup(&self) -> Browser {
        let code = self.manager.setup_code().unwrap().unwrap();
        self.post("setup", &Browser::default(), json!({ "code": code })).await.entered()
    }

    /// Makes an account and signs in with it.
    pub(crate) async fn account(&self, by: &Browser, name: &str, role: &str) -> Browser {
        let typed = self.open_account(by, name, role).await;
        self.post("sign-in", &Browser::default(), typed).await.entered()
    }

    /// Makes an account; gives what signs in with it, once.
    pub(crate) async fn open_account(&self, by: &Browser, name: &str, role: &str) -> Value {
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
    pub(crate) async fn people(&self) -> (Browser, Browser) {
        let setup = self.setup().await;
        let ada = self.account(&setup, "ada", "administrator").await;
        let bob = self.account(&setup, "bob", "auditor").await;
        assert_eq!(self.call("POST", "setup/finish", &setup, None).await.status, 200);
        assert_eq!(self.call("GET", "accounts", &setup, None).await.status, 401, "the set-up is over");
        (ada, bob)
    }

    /// The area of the settings that a call is about, if it is about one.
    pub(crate) async fn kept(&self, path: &str, ada: &Browser) -> Option<Value> {
        let area = path.starts_with("settings/");
        if area { Some(self.call("GET", path, ada, None).await.body) } else { None }
    }

    /// What nobody who is refused may change.
    pub(crate) async fn state(&self, ada: &Browser) -> Vec<Value> {
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
    pub(crate) fn entered(self) -> Browser {
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
pub(crate) fn no_appliance(directory: &Path) -> Machine {
    let settings = ApplianceSettings {
        machine: false,
        state_dir: directory.to_owned(),
        web_address: ([127, 0, 0, 1], 1).into(),
        ..ApplianceSettings::default()
    };
    Machine::new(&settings, watch::channel(Problems::new()).1).unwrap()
}

pub(crate) const SETTINGS: [&str; 12] = [
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

pub(crate) fn socket(directory: &Path) -> std::path::PathBuf {
    directory.join("http.sock")
}

pub(crate) fn mail() -> Value {
    json!({ "server": "127.0.0.1", "port": 1, "user": "eve", "password": MAIL_PASSWORD, "sender": "box@example.org" })
}

pub(crate) fn network(revision: u32) -> Value {
    let ipv4 = json!({ "mode": "static", "address": "192.0.2.7", "prefix": 24, "gateway": "192.0.2.1" });
    json!({ "revision": revision, "ports": ["eth0"], "ipv4": ipv4, "dns": ["192.0.2.53"] })
}
