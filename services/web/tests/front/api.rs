use super::house::{House, header, neighbour, neighbour_that_waits, status};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixListener;

const ABOUT: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\
    Server: signaling\r\nKeep-Alive: timeout=5\r\n\r\n{\"protocol\": 1}";

#[tokio::test]
async fn calls_reach_signaling_with_the_clients_true_address() {
    let house = House::start().await;
    let mut requests = neighbour(&house.settings.signaling_socket, ABOUT);
    let answer = house
        .ask(
            "POST /api/link?x=1 HTTP/1.1\r\nHost: box.example\r\nOrigin: https://box.example\r\n\
             X-Forwarded-For: 203.0.113.9\r\nX-Real-IP: 203.0.113.9\r\nContent-Type: application/json\r\n\
             Transfer-Encoding: chunked\r\nConnection: close, X-Secret\r\n\r\n6\r\n{\"a\":1\r\n1\r\n}\r\n0\r\n\r\n",
        )
        .await;
    assert_eq!(status(&answer), "200");
    assert!(answer.ends_with("\r\n\r\n{\"protocol\": 1}"), "{answer}");
    assert_eq!(header(&answer, "content-type"), Some("application/json"));
    assert_eq!(header(&answer, "cache-control"), Some("no-store"));
    assert_eq!(header(&answer, "keep-alive"), None);
    let seen = requests.recv().await.unwrap();
    assert!(seen.starts_with("POST /api/link?x=1 HTTP/1.1\r\n"), "{seen}");
    assert!(seen.ends_with("\r\n\r\n{\"a\":1}"), "{seen}");
    assert_eq!(header(&seen, "x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(header(&seen, "x-real-ip"), None);
    assert_eq!(header(&seen, "host"), Some("box.example"));
    assert_eq!(header(&seen, "content-length"), Some("7"));
    assert_eq!(header(&seen, "transfer-encoding"), None);
}

#[tokio::test]
async fn calls_about_the_box_go_to_the_appliance() {
    let house = House::start().await;
    let mut requests = neighbour(&house.settings.appliance_socket, ABOUT);
    assert_eq!(status(&house.get("/api/box/session").await), "200");
    let seen = requests.recv().await.unwrap();
    assert!(seen.starts_with("GET /api/box/session HTTP/1.1\r\n"), "{seen}");
}

#[tokio::test]
async fn without_signaling_an_error_comes_at_once() {
    let house = House::start().await;
    let started = Instant::now();
    let answer = house.get("/api/about").await;
    assert_eq!(status(&answer), "503");
    assert_eq!(header(&answer, "retry-after"), Some("2"));
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(
        body,
        "{\"error\":\"unavailable\",\"detail\":\"this part of the box is not available at the moment\",\"retry_after\":2}"
    );
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_signaling_that_hangs_is_not_waited_for() {
    let limit = Duration::from_millis(300);
    let house = House::start_with(|_| {}, |limits| limits.answer = limit).await;
    let _hanging = UnixListener::bind(&house.settings.signaling_socket).unwrap();
    let started = Instant::now();
    assert_eq!(status(&house.get("/api/about").await), "503");
    assert!(started.elapsed() >= limit);
}

/// They ask servers of others, and say that those are silent.
#[tokio::test]
async fn checks_may_take_longer_than_other_calls() {
    let house = House::start_with(|_| {}, |limits| limits.answer = Duration::from_secs(2)).await;
    let (finish, finished) = tokio::sync::watch::channel(false);
    neighbour_that_waits(&house.settings.appliance_socket, ABOUT, finished);
    let check = async |path: &str| {
        let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        house.ask(&format!("{head}Content-Length: 0\r\n\r\n")).await
    };
    let (mail, self_test) = (check("/api/box/mail/test"), check("/api/box/self-test"));
    let step = check("/api/box/setup/check");
    let other = async {
        assert_eq!(status(&house.get("/api/box/session").await), "503");
        finish.send(true).unwrap();
    };
    let (mail, self_test, step, ()) = tokio::join!(mail, self_test, step, other);
    assert_eq!([status(&mail), status(&self_test), status(&step)], ["200", "200", "200"]);
}

#[tokio::test]
async fn an_answer_that_is_broken_off_is_an_error() {
    let house = House::start().await;
    let _requests =
        neighbour(&house.settings.signaling_socket, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort");
    assert_eq!(status(&house.get("/api/about").await), "503");
}

#[tokio::test]
async fn bodies_have_a_limit() {
    let house = House::start_with(|_| {}, |limits| limits.body = Duration::from_millis(300)).await;
    let mut requests = neighbour(&house.settings.signaling_socket, ABOUT);
    let head = "POST /api/link HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    let announced = house.ask(&format!("{head}Content-Length: 65537\r\n\r\n")).await;
    assert_eq!(status(&announced), "413");
    let chunk = format!("10001\r\n{}\r\n0\r\n\r\n", "x".repeat(0x10001));
    let chunked = house.ask(&format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunk}")).await;
    assert_eq!(status(&chunked), "413");
    let slow = house.ask(&format!("{head}Content-Length: 10\r\n\r\nfive.")).await;
    assert_eq!(status(&slow), "408");
    assert!(requests.try_recv().is_err(), "signaling was not troubled");
    let largest = house.ask(&format!("{head}Content-Length: 65536\r\n\r\n{}", "x".repeat(65_536))).await;
    assert_eq!(status(&largest), "200");
}

const SIGNED_IN: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{\"in_setup\":true}";

/// What comes after the question who it is.
async fn after_session(requests: &mut tokio::sync::mpsc::UnboundedReceiver<String>) -> String {
    let asked = requests.recv().await.unwrap();
    assert!(asked.starts_with("GET /api/box/session HTTP/1.1\r\n"), "{asked}");
    assert_eq!(header(&asked, "cookie"), Some("session=ada"));
    requests.recv().await.unwrap()
}

/// Or whoever has no session could keep others from it.
#[tokio::test]
async fn files_of_strangers_take_no_place() {
    let house = House::start().await;
    let mut requests = neighbour(&house.settings.appliance_socket, ABOUT);
    let head = "POST /api/box/update/file HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    // More of the body never comes: the manager says who may send it, without.
    let answer = house.ask(&format!("{head}Content-Length: 65537\r\n\r\nsome")).await;
    assert_eq!(status(&answer), "200");
    assert!(requests.recv().await.unwrap().starts_with("GET /api/box/session HTTP/1.1\r\n"));
    let seen = requests.recv().await.unwrap();
    assert!(
        seen.starts_with("POST /api/box/update/file HTTP/1.1\r\n") && seen.ends_with("\r\n\r\n"),
        "{seen}"
    );
}

#[tokio::test]
async fn a_logo_is_longer_than_other_bodies() {
    let house = House::start().await;
    let mut requests = neighbour(&house.settings.appliance_socket, SIGNED_IN);
    let send = |method: &str, bytes: usize| {
        let path = "/api/box/institution/logo";
        let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nCookie: session=ada\r\n");
        format!("{head}Connection: close\r\nContent-Length: {bytes}\r\n\r\n{}", "x".repeat(bytes))
    };
    assert_eq!(status(&house.ask(&send("PUT", 512 << 10)).await), "200");
    assert!(after_session(&mut requests).await.starts_with("PUT /api/box/institution/logo HTTP/1.1\r\n"));
    assert_eq!(status(&house.ask(&send("PUT", (512 << 10) + 1)).await), "413");
    assert!(requests.recv().await.unwrap().starts_with("GET /api/box/session"));
    assert_eq!(status(&house.ask(&send("DELETE", 65_537)).await), "413");
    assert!(requests.try_recv().is_err());
    assert_eq!(status(&house.get("/api/box/institution/logo").await), "200");
}

#[tokio::test]
async fn au8_a_page_of_another_origin_can_change_nothing() {
    let house = House::start().await;
    let mut requests = neighbour(&house.settings.signaling_socket, ABOUT);
    let answer = house
        .ask(
            "POST /api/meetings HTTP/1.1\r\nHost: box.example\r\nOrigin: https://evil.example\r\n\
             Content-Length: 2\r\nConnection: close\r\n\r\n{}",
        )
        .await;
    assert_eq!(status(&answer), "403");
    assert!(requests.try_recv().is_err());
}

#[tokio::test]
async fn health_is_signalings() {
    let house = House::start().await;
    assert_eq!(status(&house.get("/healthz").await), "503");
    let house = House::start().await;
    let mut requests = neighbour(&house.settings.signaling_socket, ABOUT);
    for _ in 0..5 {
        assert_eq!(status(&house.get("/healthz").await), "200");
    }
    assert!(requests.recv().await.unwrap().starts_with("GET /api/about "));
    assert!(requests.try_recv().is_err(), "five questions within a second ask signaling once");
}

#[tokio::test]
async fn requests_that_smuggle_are_refused() {
    let house = House::start().await;
    let mut requests = neighbour(&house.settings.signaling_socket, ABOUT);
    for head in [
        "POST /api/link HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
        "POST /api/link HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, x\r\n\r\n{}",
        "POST /api/link HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
        "POST /api/link HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
        "POST /api/link HTTP/1.1\r\nHost : a\r\nContent-Length: 2\r\n\r\n{}",
        "GET /api/about\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let answer = house.ask(head).await;
        assert!(answer.is_empty() || status(&answer) == "400", "{head}: {answer}");
    }
    assert!(requests.try_recv().is_err());
}

#[tokio::test]
async fn a_request_under_way_ends_before_the_daemon_does() {
    let house = House::start().await;
    let signaling = UnixListener::bind(&house.settings.signaling_socket).unwrap();
    let mut client = house.connect().await;
    client.write_all(b"GET /api/about HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let (mut stream, _) = signaling.accept().await.unwrap();
    house.stop();
    stream.write_all(ABOUT.as_bytes()).await.unwrap();
    let answer = super::house::read_to_end(&mut client).await;
    assert_eq!(status(&answer), "200");
    let ended = tokio::time::timeout(super::house::PATIENCE, house.running).await;
    ended.unwrap().unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(house.address).await.is_err());
}
