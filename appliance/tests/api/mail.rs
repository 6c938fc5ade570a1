//! The mail server, its password, and what it gets by itself.

use crate::house::{House, MAIL_PASSWORD, mail};
use crate::mail_server::Server;
use plenum_appliance::monitor::Monitor;
use plenum_protocol::manager::MailEncryption;
use serde_json::{Value, json};
use std::time::Duration;

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
async fn a_problem_is_mailed_once_also_by_a_box_that_starts_again() {
    let house = House::start().await;
    let (ada, _) = house.people().await;
    let server = Server::start(MailEncryption::Tls, &[]).await;
    let mut settings = mail();
    settings["server"] = json!("localhost");
    settings["port"] = json!(server.port);
    settings["authorities"] = json!(server.authority);
    settings["recipients"] = json!(["it@example.org", "night@example.org"]);
    let kept = house.call("PUT", "settings/mail", &ada, Some(settings.to_string().as_bytes())).await;
    assert_eq!(kept.status, 200, "{kept:?}");
    let mails = || server.heard().matches("DATA\r\n").count();
    let mut monitor = Monitor::start(house.api.clone()).await;
    let after = async |monitor: &mut Monitor, minutes: std::ops::Range<u64>| {
        for minute in minutes {
            monitor.minute(Duration::from_secs(60 * minute)).await;
        }
    };
    after(&mut monitor, 1..4).await;
    assert_eq!(mails(), 0, "a daemon that starts again is no news");
    after(&mut monitor, 4..5).await;
    let heard = server.heard();
    assert_eq!(mails(), 1, "{heard}");
    // The box of this suite has no pages.
    for words in ["To: it@example.org, night@example.org", "pages do not answer"] {
        assert!(heard.contains(words), "{words}: {heard}");
    }
    after(&mut monitor, 5..20).await;
    let mut monitor = Monitor::start(house.api.clone()).await;
    after(&mut monitor, 20..40).await;
    assert_eq!(mails(), 1, "{}", server.heard());
}
