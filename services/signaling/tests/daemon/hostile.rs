//! Clients that send rubbish, and clients that do not read.

use crate::client::Client;
use crate::house::House;
use crate::meeting::{connect_media, offer};
use crate::sfu::Sfu;
use futures_util::SinkExt;
use plenum_protocol::limits::MAX_MESSAGE_BYTES;
use plenum_protocol::server::ServerMessage;
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;

/// Seeded mutations of every message: cut, doubled, bytes and tokens changed.
fn mutate(rng: &mut fastrand::Rng, samples: &[String]) -> Vec<u8> {
    let mut bytes = samples[rng.usize(..samples.len())].clone().into_bytes();
    for _ in 0..rng.usize(0..5) {
        let at = rng.usize(..=bytes.len());
        match rng.u8(0..7) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, rng.u8(..)),
            2 if at < bytes.len() => bytes[at] = rng.u8(..),
            3 if at < bytes.len() => bytes[at] ^= 1 << rng.u8(0..8),
            4 => {
                let token =
                    ["\u{202e}", "null", "-1", "1e999", "[[[[", "\"\\u0000\"", "{\"type\":", "\\ud800"];
                bytes.splice(at..at, token[rng.usize(..token.len())].bytes());
            }
            5 => bytes.extend_from_within(..at),
            _ => bytes.extend_from_slice(samples[rng.usize(..samples.len())].as_bytes()),
        }
    }
    bytes.truncate(64 * 1024);
    bytes
}

fn samples(link: &str) -> Vec<String> {
    let mut samples: Vec<String> = [
        r#"{"type":"watch","tiles":[{"person":1,"source":"camera","width":640,"height":360}]}"#,
        r#"{"type":"sending","sources":["microphone","camera","screen","screen_audio"]}"#,
        r#"{"type":"chat","text":"hello, world"}"#,
        r#"{"type":"hand","raised":true}"#,
        r#"{"type":"react","reaction":"heart"}"#,
        r#"{"type":"mute","person":1}"#,
        r#"{"type":"mute_all"}"#,
        r#"{"type":"lower_hand","person":1}"#,
        r#"{"type":"remove","person":1}"#,
        r#"{"type":"end_for_all"}"#,
        r#"{"type":"leave"}"#,
        r#"{"type":"ping"}"#,
    ]
    .map(str::to_owned)
    .to_vec();
    samples.push(serde_json::to_string(&offer(1, "v=0\r\na=fingerprint:sha-256 AA\r\n")).unwrap());
    samples.push(format!(r#"{{"type":"hello","protocol":1,"link":"{link}","name":"M","resume":"x"}}"#));
    samples
}

#[tokio::test]
async fn ten_thousand_mutated_messages() {
    let house = House::start().await;
    let _sfu = Sfu::start(&house.bus_address, "one").await;
    let meeting = house.create("Board").await;
    // She does not read all that Mallory does, is cut off, and comes back.
    let anna = Client::join(&house, &meeting.host_link, "Anna").await;
    let samples = samples(&meeting.guest_link);
    let mut rng = fastrand::Rng::with_seed(2026);
    let before = house.resident_kilobytes();
    let mut mallory: Option<Client> = None;
    let mut connections = 0;
    for number in 0..10_000 {
        // Every tenth connection says the mutated message instead of a hello.
        let mut client = match mallory.take() {
            Some(client) => client,
            None => {
                connections += 1;
                let address = format!("198.51.100.{}", connections % 250);
                let mut client = Client::connect(&house, &address).await;
                if connections % 10 != 0 {
                    // Refused only when the guessed secrets of the mutations have blocked the address.
                    let _ = client.hello(&meeting.guest_link, "Mallory", None).await;
                }
                client
            }
        };
        let sent = client.raw_frame(mutate(&mut rng, &samples)).await;
        // Reading keeps the queue short, as a browser would.
        let open = sent && (number % 16 != 0 || still_open(&mut client).await);
        mallory = open.then_some(client);
    }
    drop(mallory);
    let after = house.resident_kilobytes();
    eprintln!("{connections} connections, resident memory {before} kB before, {after} kB after");
    assert!(after < before + 60_000, "{before} kB before, {after} kB after");
    let mut fresh = Client::join(&house, &meeting.guest_link, "Ben").await;
    let mut anna = Client::resume(&house, &meeting.host_link, &anna).await;
    fresh.chat("still here").await;
    while anna.hear_chat().await != "still here" {}
    assert!(!house.log().contains("panicked"));
}

/// Asks for a pong; a client that is shown out hears a goodbye or a close instead.
async fn still_open(client: &mut Client) -> bool {
    if !client.raw_frame(br#"{"type":"ping"}"#.to_vec()).await {
        return false;
    }
    loop {
        match client.next().await {
            Ok(ServerMessage::Pong {}) => return true,
            // Pings are limited too.
            Ok(ServerMessage::Error { of: Some(of), .. }) if of == "ping" => return true,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
}

#[tokio::test]
async fn frames_against_the_rules_end_their_connection_only() {
    let house = House::start().await;
    let meeting = house.create("Board").await;
    let mut anna = Client::join(&house, &meeting.host_link, "Anna").await;
    let mut large = Client::join(&house, &meeting.guest_link, "Ben").await;
    // The server may close before all of it is written.
    let _ = large.socket.send(Message::text("x".repeat(MAX_MESSAGE_BYTES + 1))).await;
    large.close_code().await;
    let mut broken = Client::join(&house, &meeting.guest_link, "Cem").await;
    broken.socket.get_mut().write_all(&[0xff; 64]).await.expect("written");
    broken.close_code().await;
    anna.chat("still here").await;
    while anna.hear_chat().await != "still here" {}
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off_and_others_do_not_notice() {
    let house = House::start().await;
    let mut sfu = Sfu::start(&house.bus_address, "one").await;
    sfu.seen().await;
    let meeting = house.create("Board").await;
    let mut anna = Client::join(&house, &meeting.host_link, "Anna").await;
    let ben = Client::join(&house, &meeting.guest_link, "Ben").await;
    let room = connect_media(&mut anna, &mut sfu).await;
    let before = house.resident_kilobytes();
    // 12 MB towards each of them: far more than a socket's buffer.
    let speakers: Vec<(u32, u8)> = (0..200).map(|person| (person, 30)).collect();
    for _ in 0..40 {
        for _ in 0..50 {
            sfu.speakers(&room, speakers.clone()).await;
        }
        for _ in 0..50 {
            anna.hear_until(|message| matches!(message, ServerMessage::Speakers { .. }).then_some(())).await;
        }
    }
    assert_eq!(house.metric("plenum_signaling_slow_connections_total").await, 1.0);
    assert_eq!(house.metric("plenum_signaling_people_away").await, 1.0);
    let after = house.resident_kilobytes();
    assert!(after < before + 20_000, "{before} kB before, {after} kB after");
    Client::resume(&house, &meeting.guest_link, &ben).await;
}
