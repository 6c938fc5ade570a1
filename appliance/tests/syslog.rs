//! The logs at a real syslog server: rsyslog with TLS, on loopback.

use plenum_appliance::audit::{self, Numbered};
use plenum_appliance::journal::Entry;
use plenum_appliance::manager::Desired;
use plenum_appliance::syslog::Syslog;
use plenum_daemon::secret::Digest;
use plenum_protocol::manager::{AuditEvent, LogLine, LogPriority, SyslogSettings, SyslogState};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

const LIMIT: Duration = Duration::from_secs(20);

/// Ends with the test.
struct Rsyslog(Child);

impl Drop for Rsyslog {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Rsyslog {
    fn start(folder: &Path, port: u16) -> Rsyslog {
        let path = |name: &str| folder.join(name).display().to_string();
        let configuration = format!(
            "global(workDirectory=\"{}\" defaultNetstreamDriver=\"gtls\" defaultNetstreamDriverCAFile=\"{}\"\n\
             defaultNetstreamDriverCertFile=\"{}\" defaultNetstreamDriverKeyFile=\"{}\")\n\
             module(load=\"imtcp\" streamDriver.name=\"gtls\" streamDriver.mode=\"1\" streamDriver.authMode=\"anon\")\n\
             input(type=\"imtcp\" port=\"{port}\" address=\"127.0.0.1\")\n\
             template(name=\"all\" type=\"string\"\n\
             string=\"%syslogfacility-text%.%syslogseverity-text% %timereported:::date-rfc3339% %hostname% %app-name% %msg%\\n\")\n\
             *.* action(type=\"omfile\" file=\"{}\" template=\"all\")\n",
            folder.display(),
            path("ca.pem"),
            path("server.pem"),
            path("server.key"),
            path("received"),
        );
        fs::write(folder.join("rsyslog.conf"), configuration).unwrap();
        let mut command = Command::new("/usr/sbin/rsyslogd");
        command.args(["-n", "-iNONE", "-f", &path("rsyslog.conf")]);
        let log = fs::File::create(folder.join("rsyslog.log")).unwrap();
        Rsyslog(command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap())
    }
}

/// Gives the authority of the server's certificate.
fn certificates(folder: &Path) -> String {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let root = authority.self_signed(&authority_key).unwrap().pem();
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let server =
        CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    fs::write(folder.join("ca.pem"), &root).unwrap();
    fs::write(folder.join("server.pem"), server.pem()).unwrap();
    fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
    root
}

fn entry(number: u32, text: &str) -> Entry {
    let line = LogLine {
        at: 1_795_745_400_042,
        unit: "plenum-sfu.service".into(),
        priority: LogPriority::Warning,
        text: text.into(),
    };
    Entry { place: format!("place-{number}"), line: Some(line) }
}

fn audited(number: u64, who: &str) -> Numbered {
    let hash = Digest::of(who.as_bytes());
    let (at, subject) = (1_795_745_400_042, who.to_owned());
    let event = audit::Event::Known(AuditEvent::SignedIn);
    let (before, after) = (String::new(), String::new());
    Numbered { number, entry: audit::Entry { at, who: who.to_owned(), event, subject, before, after, hash } }
}

/// What the file has, once it has this.
async fn received(folder: &Path, text: &str) -> String {
    let mut found = String::new();
    let waited = tokio::time::timeout(LIMIT, async {
        while !found.contains(text) {
            tokio::time::sleep(Duration::from_millis(50)).await;
            found = fs::read_to_string(folder.join("received")).unwrap_or_default();
        }
    });
    if waited.await.is_err() {
        let log = fs::read_to_string(folder.join("rsyslog.log")).unwrap_or_default();
        panic!("`{text}` has not come; there is `{found}`, and rsyslog says: {log}");
    }
    found
}

async fn until(
    state: &mut watch::Receiver<SyslogState>,
    is: impl FnMut(&SyslogState) -> bool,
) -> SyslogState {
    tokio::time::timeout(LIMIT, state.wait_for(is)).await.expect("in time").unwrap().clone()
}

#[tokio::test]
async fn lg5_logs_reach_a_syslog_server_and_go_on_where_they_ended() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let root = certificates(folder);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (line, begun): (Arc<Mutex<Option<mpsc::Sender<Entry>>>>, _) = (Arc::default(), Arc::default());
    let (journal, places): (_, Arc<Mutex<Vec<Option<String>>>>) = (Arc::clone(&line), Arc::clone(&begun));
    let follow = move |after: Option<&str>| {
        let (sender, entries) = mpsc::channel(8);
        *journal.lock().unwrap() = Some(sender);
        places.lock().unwrap().push(after.map(str::to_owned));
        Ok(entries)
    };
    let (syslog, mut state) = Syslog::of(folder, follow);
    let (wanted, desired) =
        watch::channel(Desired { host_name: "konferenz.example.org".into(), ..Desired::default() });
    let log = Arc::new(Mutex::new(vec![audited(1, "ada")]));
    let entries = Arc::clone(&log);
    let trail =
        move |after, _| Ok(entries.lock().unwrap().iter().filter(|it| it.number > after).cloned().collect());
    let keeping = tokio::spawn(syslog.keep(desired, Box::new(trail)));
    let settings = |authorities: &str| SyslogSettings {
        server: "127.0.0.1".into(),
        port,
        authorities: authorities.into(),
        ..SyslogSettings::default()
    };
    let say = |number, text: &'static str| {
        let sender = line.lock().unwrap().clone().expect("the journal is followed");
        async move { sender.send(entry(number, text)).await.unwrap() }
    };

    wanted.send_modify(|desired| desired.syslog = settings(&root));
    let said = until(&mut state, |state| !state.problem.is_empty()).await.problem;
    assert!(said.contains(&format!("127.0.0.1 port {port}")), "{said}");

    let server = Rsyslog::start(folder, port);
    let listening = async {
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, listening).await.expect("rsyslog listens");
    // Other settings are tried at once.
    wanted.send_modify(|desired| desired.syslog = settings(""));
    let said = until(&mut state, |state| state.problem.contains("prove who it is")).await.problem;
    assert!(said.contains("127.0.0.1"), "{said}");
    wanted.send_modify(|desired| desired.syslog = settings(&root));
    until(&mut state, |state| state.connected && state.problem.is_empty()).await;
    say(1, "zu spät room=7").await;
    let found = received(folder, "room=7").await;
    let expected =
        "daemon.warning 2026-11-27T02:10:00.042Z konferenz.example.org plenum-sfu zu spät room=7\n";
    assert_eq!(found, expected, "nothing of the audit log yet");

    wanted.send_modify(|desired| desired.forward_audit = true);
    let found = received(folder, "ada").await;
    let entry = found.lines().last().unwrap();
    assert!(
        entry.starts_with("audit.notice 2026-11-27T02:10:00.042Z konferenz.example.org plenum-audit {"),
        "{entry}"
    );
    assert!(entry.contains(r#""event":"signed_in""#) && entry.contains(r#""hash":""#), "{entry}");
    log.lock().unwrap().push(audited(2, "bob"));
    assert_eq!(received(folder, "bob").await.matches("ada").count(), 2, "who and subject, once");

    drop(server);
    let said = until(&mut state, |state| !state.connected && !state.problem.is_empty()).await.problem;
    assert!(said.contains("closed") || said.contains("broke"), "{said}");
    let _server = Rsyslog::start(folder, port);
    tokio::time::timeout(LIMIT, async {
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("rsyslog listens again");
    log.lock().unwrap().push(audited(3, "eve"));
    wanted.send_modify(|desired| desired.host_name = "other.example.org".into());
    until(&mut state, |state| state.connected).await;
    assert_eq!(begun.lock().unwrap().last().unwrap().as_deref(), Some("place-1"));
    say(2, "again").await;
    assert!(received(folder, "again").await.contains("other.example.org plenum-sfu again"));
    assert_eq!(received(folder, "eve").await.matches("bob").count(), 2, "it goes on behind the last entry");

    wanted.send_modify(|desired| desired.forward_audit = false);
    wanted.send_modify(|desired| desired.syslog = SyslogSettings::default());
    until(&mut state, |state| !state.connected && state.problem.is_empty()).await;
    assert!(!folder.join("syslog.place").exists() && !folder.join("audit.place").exists());
    keeping.abort();
}
