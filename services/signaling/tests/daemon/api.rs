//! The JSON API.

use crate::client::Client;
use crate::house::House;
use plenum_protocol::limits::MAX_TITLE_CHARS;
use serde_json::{Value, json};

fn code(answer: &Value) -> &str {
    answer["error"].as_str().unwrap_or("none")
}

#[tokio::test]
async fn what_the_api_answers() {
    let house = House::start().await;
    let (status, head, body) = house.request("GET /api/about", "", "").await;
    assert_eq!(status, 200);
    assert!(head.contains("cache-control: no-store"));
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["host_key_needed"], json!(true));

    let (status, answer) = house.post("/api/meetings", &json!({ "title": "Board" })).await;
    assert_eq!((status, code(&answer)), (403, "host_key_needed"));
    let long = "x".repeat(MAX_TITLE_CHARS + 1);
    let (status, answer) =
        house.post("/api/meetings", &json!({ "title": long, "host_key": house.host_key() })).await;
    assert_eq!((status, code(&answer)), (400, "malformed"));
    let meeting = house.create("Board").await;
    let (status, answer) = house.post("/api/link", &json!({ "link": meeting.guest_link })).await;
    assert_eq!((status, answer), (200, json!({ "title": "Board", "role": "guest", "people": 0 })));
    let (status, answer) = house.post("/api/link", &json!({ "link": "x" })).await;
    assert_eq!((status, code(&answer)), (404, "unknown_link"));

    for (line, headers, body, expected) in [
        ("POST /api/link", "content-type: application/json\r\n", "{", 400),
        ("POST /api/link", "content-type: application/json\r\n", "{\"link\":1}", 422),
        ("POST /api/link", "content-type: text/plain\r\n", "{\"link\":\"x\"}", 415),
        ("POST /api/link", "content-type: application/json\r\n", &"x".repeat(20_000), 413),
        ("GET /api/link", "", "", 405),
        ("GET /api/nothing", "", "", 404),
        ("GET /ws", "", "", 400),
    ] {
        let (status, _, answer) = house.request(line, headers, body).await;
        assert_eq!(status, expected, "{line}: {answer}");
    }
}

#[tokio::test]
async fn pages_of_other_sites_are_refused() {
    let house = House::with("open_meetings = \"network\"").await;
    let json = "content-type: application/json\r\nx-forwarded-for: 127.0.0.1\r\n";
    let body = r#"{"title":"Board"}"#;
    for (origin, expected) in [
        ("", 201),
        ("origin: https://meet.example:8443\r\n", 201),
        ("origin: https://evil.example\r\n", 403),
        ("origin: null\r\n", 403),
    ] {
        let (status, _, answer) = house.request("POST /api/meetings", &format!("{json}{origin}"), body).await;
        assert_eq!(status, expected, "{origin}: {answer}");
    }
    let upgrade =
        "upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    let headers = format!("{upgrade}origin: https://evil.example\r\n");
    assert_eq!(house.request("GET /ws", &headers, "").await.0, 403);
}

#[tokio::test]
async fn who_is_on_the_network_opens_meetings() {
    let house = House::with("open_meetings = \"network\"").await;
    let body = r#"{"title":"Board"}"#;
    for (address, expected) in [("127.0.0.1", 201), ("::1", 201), ("198.51.100.7", 403), ("nonsense", 403)] {
        let headers = format!("content-type: application/json\r\nx-forwarded-for: {address}\r\n");
        let (status, _, answer) = house.request("POST /api/meetings", &headers, body).await;
        assert_eq!(status, expected, "{address}: {answer}");
    }
    let (status, _, _) =
        house.request("POST /api/meetings", "content-type: application/json\r\n", body).await;
    assert_eq!(status, 403, "without an address nobody is local");
}

#[tokio::test]
async fn au6_a_thousand_wrong_links() {
    let house = House::start().await;
    let meeting = house.create("Board").await;
    let (mut unknown, mut blocked) = (0, 0);
    for number in 0..500 {
        let headers = "content-type: application/json\r\nx-forwarded-for: 203.0.113.9\r\n";
        let body = json!({ "link": format!("guess {number}") }).to_string();
        match house.request("POST /api/link", headers, &body).await {
            (404, _, _) => unknown += 1,
            (429, head, _) => {
                assert!(head.contains("retry-after: "));
                blocked += 1;
            }
            other => panic!("{other:?}"),
        }
        let mut client = Client::connect(&house, "203.0.113.9").await;
        match client.hello(&format!("another {number}"), "Mallory", None).await {
            Err(plenum_protocol::server::RefusalReason::UnknownLink) => unknown += 1,
            Err(plenum_protocol::server::RefusalReason::TooManyAttempts) => blocked += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!((20..=30).contains(&unknown), "{unknown} guesses were looked at");
    assert_eq!(unknown + blocked, 1_000);
    Client::join(&house, &meeting.host_link, "Anna").await;
}
