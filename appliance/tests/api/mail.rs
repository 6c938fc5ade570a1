//! The mail server, and its password.

use crate::house::{House, MAIL_PASSWORD, mail};
use serde_json::{Value, json};

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
