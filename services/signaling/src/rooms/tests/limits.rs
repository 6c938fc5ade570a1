use super::*;
use plenum_protocol::limits;
use plenum_protocol::server::{ErrorCode, LeaveReason};

#[test]
fn more_than_the_rate_is_refused_and_far_more_ends_the_connection() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    let ben = world.join(&links.guest, "Ben");
    let burst = limits::of(chat("x").kind()).burst as usize;
    for _ in 0..burst + 3 {
        world.say(&ben, chat("again"));
    }
    let heard = world.heard(&ben);
    let too_often = |message: &&ServerMessage| matches!(message, ServerMessage::Error { code: ErrorCode::TooOften, of, .. } if of.as_deref() == Some("chat"));
    assert_eq!(heard.iter().filter(too_often).count(), 3);
    assert_eq!(heard.len(), burst + 3);
    world.wait(1);
    world.say(&ben, chat("one more"));
    assert!(matches!(world.heard(&ben)[..], [ServerMessage::Chat { .. }]));

    world.forget_heard();
    for _ in 0..100 {
        world.say(&ben, chat("flood"));
    }
    assert_eq!(world.closed(&ben), Some(CloseCode::PolicyViolation));
    let goodbye = ServerMessage::Goodbye { reason: LeaveReason::ProtocolError };
    assert_eq!(world.heard(&ben).last(), Some(&goodbye));
    let left = ServerMessage::PersonLeft { person: 2, reason: LeaveReason::ProtocolError };
    assert_eq!(world.heard(&anna).last(), Some(&left));
}

#[test]
fn coming_back_does_not_refill_the_buckets() {
    let mut world = World::new();
    let links = world.create();
    let mut ben = world.join(&links.guest, "Ben");
    let mut written = 0;
    for _ in 0..5 {
        for _ in 0..11 {
            world.say(&ben, chat("x"));
        }
        written += world.heard(&ben).iter().filter(|m| matches!(m, ServerMessage::Chat { .. })).count();
        world.drop_connection(&ben);
        ben = world.resume(&ben).0;
    }
    assert_eq!(written, 10);
}

#[test]
fn coming_and_going_is_limited() {
    let mut world = World::new();
    let links = world.create();
    world.join(&links.host, "Anna");
    let joined = (0..200)
        .take_while(|_| {
            let id = world.hello(&links.guest, "Mallory", None);
            let Some(ServerMessage::Welcome(_)) = world.next(id) else { return false };
            world.say_raw(id, r#"{"type":"leave"}"#);
            true
        })
        .count();
    assert_eq!(joined, 58);
    world.wait(1);
    world.join(&links.guest, "Ben");
}

#[test]
fn messages_that_cannot_be_read() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    for (text, of) in [
        ("", None),
        ("nonsense", None),
        ("[1,2]", None),
        (r#"{"type":"canary text of a client"}"#, None),
        (r#"{"type":"chat"}"#, Some("chat")),
        (r#"{"type":"chat","text":"x","more":1}"#, Some("chat")),
        (r#"{"type":"mute","person":-1}"#, Some("mute")),
        (r#"{"type":"sending","sources":["ears"]}"#, Some("sending")),
        (r#"{"type":"leave","why":1}"#, Some("leave")),
    ] {
        world.say_raw(anna.id, text);
        let [ServerMessage::Error { of: heard, code: ErrorCode::Malformed, .. }] = &world.heard(&anna)[..]
        else {
            panic!("{text}")
        };
        assert_eq!(heard.as_deref(), of, "{text}");
    }
    assert_eq!(world.closed(&anna), None);
}

#[test]
fn messages_that_are_too_long() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    world.say_raw(anna.id, &format!(r#"{{"type":"hand","raised":true{}}}"#, " ".repeat(300)));
    assert_eq!(world.error(&anna), ErrorCode::TooLarge);
    let tile = plenum_protocol::media::Tile {
        person: 1,
        source: plenum_protocol::media::Source::Camera,
        width: 1,
        height: 1,
    };
    world.say(&anna, ClientMessage::Watch { tiles: vec![tile; limits::MAX_TILES + 1] });
    assert_eq!(world.error(&anna), ErrorCode::TooLarge);
    assert!(world.disk.seats.values().all(|seat| seat.hand.is_none()));
}

/// The same messages cut, spliced and with bytes changed, 10,000 times: nothing panics, and the room works.
#[test]
fn mutated_messages() {
    let mut rng = fastrand::Rng::with_seed(11);
    let mut world = World::new();
    world.sfu_up("one");
    let links = world.create();
    let host = world.join(&links.host, "Anna");
    let mut mallory = world.join(&links.guest, "Mallory");
    let samples = [
        r#"{"type":"offer","connection":1,"sdp":"v=0\r\na=fingerprint:sha-256 AA","lines":[{"mid":"0","use":"slot"}]}"#,
        r#"{"type":"watch","tiles":[{"person":1,"source":"camera","width":640,"height":360}]}"#,
        r#"{"type":"sending","sources":["microphone","camera"]}"#,
        r#"{"type":"chat","text":"hello"}"#,
        r#"{"type":"hand","raised":true}"#,
        r#"{"type":"react","reaction":"heart"}"#,
        r#"{"type":"remove","person":1}"#,
        r#"{"type":"ping"}"#,
    ];
    for _ in 0..10_000 {
        let mut bytes = samples[rng.usize(..samples.len())].as_bytes().to_vec();
        for _ in 0..rng.usize(0..4) {
            let at = rng.usize(..bytes.len().max(1)).min(bytes.len());
            match rng.u8(0..4) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, rng.u8(..)),
                2 if at < bytes.len() => bytes[at] = rng.u8(..),
                _ => bytes.extend_from_slice(samples[rng.usize(..samples.len())].as_bytes()),
            }
        }
        world.say_raw(mallory.id, &String::from_utf8_lossy(&bytes));
        world.sfu.clear();
        if world.closed(&mallory).is_some() {
            mallory = world.join(&links.guest, "Mallory");
        }
        if rng.u8(..) < 10 {
            world.wait(1);
        }
        world.forget_heard();
    }
    world.say(&host, chat("still here"));
    assert!(matches!(world.heard(&host)[..], [ServerMessage::Chat { .. }]));
}
