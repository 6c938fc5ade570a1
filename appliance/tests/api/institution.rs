//! The logo, for everyone.

use crate::house::{Browser, House, PNG};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

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
