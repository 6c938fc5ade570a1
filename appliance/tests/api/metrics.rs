//! Metrics, for a monitoring system.

use crate::house::{Browser, House};
use serde_json::json;

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
