use super::house::{House, header, status};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};

const HEADERS: [&str; 8] = [
    "content-security-policy",
    "strict-transport-security",
    "x-content-type-options",
    "referrer-policy",
    "permissions-policy",
    "cross-origin-opener-policy",
    "cross-origin-embedder-policy",
    "cross-origin-resource-policy",
];

#[tokio::test]
async fn hd7_every_answer_has_the_security_headers() {
    let house =
        House::start_with(|settings| settings.security_contact = "mailto:a@example.org".to_owned(), |_| {});
    let house = house.await;
    for path in ["/", "/join", "/nothing", "/api/about", "/ws", "/healthz", "/.well-known/security.txt"] {
        let answer = house.get(path).await;
        for name in HEADERS {
            assert!(header(&answer, name).is_some(), "{path}: {name}");
        }
        let policy = header(&answer, "content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; "), "{policy}");
        assert_eq!(header(&answer, "server"), None, "who asks does not learn what runs here");
    }
    let posted =
        house.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    assert_eq!((status(&posted), header(&posted, "allow")), ("405", Some("GET,HEAD")));
    assert!(header(&posted, "content-security-policy").is_some());
}

#[tokio::test]
async fn the_page_and_everything_it_names() {
    let house = House::start().await;
    let page = house.get("/join").await;
    let body = |answer: &str| answer.split_once("\r\n\r\n").unwrap().1.to_owned();
    for path in ["/setup", "/admin", "/help", "/help/network"] {
        assert_eq!(body(&house.get(path).await), body(&page), "{path}");
    }
    if status(&page) == "503" {
        assert!(page.contains("cargo xtask build"), "{page}");
        return;
    }
    assert_eq!(status(&page), "200");
    assert_eq!(
        page.split_once("\r\n\r\n"),
        house
            .get("/")
            .await
            .split_once("\r\n\r\n")
            .map(|(_, body)| (page.split_once("\r\n\r\n").unwrap().0, body))
    );
    assert_eq!(header(&page, "cache-control"), Some("no-cache"));
    let assets: Vec<&str> = page.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert!(!assets.is_empty(), "{page}");
    for asset in assets {
        let answer = house.get(asset).await;
        assert_eq!(status(&answer), "200", "{asset}");
        assert_eq!(header(&answer, "cache-control"), Some("public, max-age=31536000, immutable"));
        let compressed = house
            .ask(&format!(
                "GET {asset} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip, br\r\nConnection: close\r\n\r\n"
            ))
            .await;
        assert_eq!(header(&compressed, "content-encoding"), Some("br"), "{asset}");
        let length = |answer: &str| header(answer, "content-length").unwrap().parse::<usize>().unwrap();
        assert!(length(&compressed) < length(&answer));
        let etag = header(&compressed, "etag").unwrap();
        let again = house
            .ask(&format!(
                "GET {asset} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: br\r\nIf-None-Match: {etag}\r\n\
                 Connection: close\r\n\r\n"
            ))
            .await;
        assert_eq!(status(&again), "304");
    }
}

#[tokio::test]
async fn other_addresses_have_nothing() {
    let house = House::start().await;
    for path in [
        "/index.html",
        "/join/",
        "/Join",
        "/assets/",
        "/assets/../index.html",
        "//",
        "/api",
        "/%2e%2e/etc/passwd",
        "/.well-known/security.txt",
        "/metrics",
        "/favicon.ico%00",
    ] {
        assert_eq!(status(&house.get(path).await), "404", "{path}");
    }
}

#[tokio::test]
async fn security_txt_names_the_contact() {
    let contact = "mailto:security@example.org";
    let house = House::start_with(|settings| settings.security_contact = contact.to_owned(), |_| {}).await;
    let answer = house.get("/.well-known/security.txt").await;
    assert_eq!(status(&answer), "200");
    assert!(answer.contains("Contact: mailto:security@example.org\nExpires: 20"), "{answer}");
}

#[tokio::test]
async fn http_2_serves_the_same() {
    let house = House::start().await;
    let mut config = house.client_config();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TokioIo::new(house.connect_with(config).await.unwrap());
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let asking: Vec<_> = ["/", "/join", "/nothing", "/api/about"]
        .map(|path| {
            let request = hyper::Request::get(format!("https://localhost{path}"));
            sender.send_request(request.body(Empty::<Bytes>::new()).unwrap())
        })
        .into_iter()
        .collect();
    let mut statuses = Vec::new();
    for answer in asking {
        let answer = answer.await.unwrap();
        assert!(answer.headers().contains_key("content-security-policy"));
        statuses.push(answer.status().as_u16());
        answer.into_body().collect().await.unwrap();
    }
    assert!(statuses == [200, 200, 404, 503] || statuses == [503, 503, 404, 503], "{statuses:?}");
}
