//! A meeting from its opening to its end, with sound and picture commanded at the SFU.

use crate::client::Client;
use crate::house::House;
use crate::sfu::{Sfu, Told, UNACCEPTABLE, UNANSWERABLE};
use plenum_protocol::client::ClientMessage;
use plenum_protocol::media::{Grade, Line, LineUse, QualityReason, SlotContent, Source, Tile};
use plenum_protocol::server::{ErrorCode, LeaveReason, RefusalReason, ServerMessage, Speaker};
use std::time::Instant;

pub(crate) fn offer(connection: u32, sdp: &str) -> ClientMessage {
    let line = Line { mid: "0".to_owned(), r#use: LineUse::Microphone };
    ClientMessage::Offer { connection, sdp: sdp.to_owned(), lines: vec![line] }
}

pub(crate) fn sending(sources: &[Source]) -> ClientMessage {
    ClientMessage::Sending { sources: sources.to_vec() }
}

/// A client's first offer, answered; the SFU's name of the meeting.
pub(crate) async fn connect_media(client: &mut Client, sfu: &mut Sfu) -> String {
    client.say(&offer(1, "v=0\r\na=fingerprint:sha-256 AA\r\n")).await;
    let Told::Connect { room, person, connection, lines } = sfu.told().await else { panic!("no Connect") };
    assert_eq!((person, connection), (client.person(), 1));
    assert_eq!(lines, [("0".to_owned(), "microphone".to_owned())]);
    let answer = client
        .hear_until(|message| match message {
            ServerMessage::Answer { connection, sdp } => Some((connection, sdp)),
            _ => None,
        })
        .await;
    assert_eq!(answer, (1, "answer to 31".to_owned()));
    room
}

pub(crate) fn is_media_restart(message: ServerMessage) -> Option<()> {
    matches!(message, ServerMessage::MediaRestart {}).then_some(())
}

fn error(message: ServerMessage) -> Option<ErrorCode> {
    match message {
        ServerMessage::Error { code, .. } => Some(code),
        _ => None,
    }
}

#[tokio::test]
async fn from_the_opening_to_the_end() {
    let house = House::start().await;
    let mut sfu = Sfu::start(&house.bus_address, "one").await;
    sfu.seen().await;
    let meeting = house.create("Board").await;
    let mut anna = Client::join(&house, &meeting.host_link, "Anna").await;
    let mut ben = Client::join(&house, &meeting.guest_link, "Ben").await;
    assert_eq!(ben.welcome().people.len(), 2);
    assert_eq!(ben.welcome().ice_servers[0].urls.len(), 3);

    ben.chat("hello").await;
    assert_eq!((anna.hear_chat().await, ben.hear_chat().await), ("hello".to_owned(), "hello".to_owned()));
    ben.say(&ClientMessage::Hand { raised: true }).await;
    let hands = anna.hear_until(|message| match message {
        ServerMessage::Hands { queue } => Some(queue),
        _ => None,
    });
    assert_eq!(hands.await, [2]);

    let room = connect_media(&mut ben, &mut sfu).await;
    let tile = Tile { person: 1, source: Source::Camera, width: 640, height: 360 };
    ben.say(&ClientMessage::Watch { tiles: vec![tile] }).await;
    assert_eq!(sfu.told().await, Told::Watch { person: 2, tiles: vec![(1, "camera".to_owned(), 640, 360)] });

    ben.say(&sending(&[Source::Microphone])).await;
    anna.say(&ClientMessage::Mute { person: 2 }).await;
    let silent = ["camera", "screen", "screen_audio"].map(str::to_owned).to_vec();
    assert_eq!(sfu.told().await, Told::SetAllowed { person: 2, sources: silent });
    let by = ben.hear_until(|message| match message {
        ServerMessage::Muted { by } => Some(by),
        _ => None,
    });
    assert_eq!(by.await, 1);
    ben.say(&sending(&[])).await;
    ben.say(&sending(&[Source::Microphone])).await;
    let everything = ["microphone", "camera", "screen", "screen_audio"].map(str::to_owned).to_vec();
    assert_eq!(sfu.told().await, Told::SetAllowed { person: 2, sources: everything });

    sfu.slots(&room, 2, vec![(1, "camera".to_owned()), (0, String::new())]).await;
    let video = ben.hear_until(|message| match message {
        ServerMessage::Slots { video, .. } => Some(video),
        _ => None,
    });
    assert_eq!(video.await, [Some(SlotContent { person: 1, source: Source::Camera }), None]);
    sfu.speakers(&room, vec![(2, 31)]).await;
    let speakers = anna.hear_until(|message| match message {
        ServerMessage::Speakers { speakers } => Some(speakers),
        _ => None,
    });
    assert_eq!(speakers.await, [Speaker { person: 2, level: 31 }]);
    sfu.quality(&room, 2, "poor", "uplink_loss").await;
    let quality = anna.hear_until(|message| match message {
        ServerMessage::Quality { person, grade, reason } => Some((person, grade, reason)),
        _ => None,
    });
    assert_eq!(quality.await, (2, Grade::Poor, QualityReason::UplinkLoss));
    sfu.state(&room, 2, 1, "gone").await;
    ben.hear_until(is_media_restart).await;

    ben.say(&ClientMessage::Leave {}).await;
    assert_eq!(ben.close_code().await, Some(1000));
    assert_eq!(sfu.told().await, Told::Disconnect { room: room.clone(), person: 2 });
    anna.say(&ClientMessage::EndForAll {}).await;
    let reason = anna.hear_until(|message| match message {
        ServerMessage::Goodbye { reason } => Some(reason),
        _ => None,
    });
    assert_eq!(reason.await, LeaveReason::Ended);
    assert_eq!(anna.close_code().await, Some(1000));
    assert_eq!(sfu.told().await, Told::CloseRoom { room });
    let again = Client::come(&house, &meeting.guest_link, "Ben", None).await;
    assert_eq!(again.err(), Some(RefusalReason::Ended));
    assert_eq!(house.metric("plenum_signaling_meetings").await, 0.0);
    assert_eq!(house.metric("plenum_signaling_joined_total").await, 2.0);
    assert_eq!(house.metric("plenum_signaling_messages_total{kind=\"chat\"}").await, 1.0);
    assert_eq!(house.metric("plenum_signaling_refused_total{reason=\"ended\"}").await, 1.0);
}

#[tokio::test]
async fn an_sfu_that_refuses_and_one_that_is_silent() {
    let house = House::start().await;
    let mut sfu = Sfu::start(&house.bus_address, "one").await;
    sfu.seen().await;
    let meeting = house.create("Board").await;
    let mut anna = Client::join(&house, &meeting.host_link, "Anna").await;
    let mut ben = Client::join(&house, &meeting.guest_link, "Ben").await;
    connect_media(&mut anna, &mut sfu).await;

    ben.say(&offer(1, UNACCEPTABLE)).await;
    assert_eq!(ben.hear_until(error).await, ErrorCode::OfferRefused);
    ben.say(&offer(2, UNANSWERABLE)).await;
    // Nobody else waits meanwhile.
    anna.say(&ClientMessage::Watch { tiles: Vec::new() }).await;
    assert_eq!(sfu.told().await, Told::Watch { person: 1, tiles: Vec::new() });
    assert_eq!(ben.hear_until(error).await, ErrorCode::MediaUnavailable);
    ben.hear_until(is_media_restart).await;
    connect_media_again(&mut ben, &mut sfu).await;
}

async fn connect_media_again(client: &mut Client, sfu: &mut Sfu) {
    client.say(&offer(3, "v=0\r\na=fingerprint:sha-256 BB\r\n")).await;
    assert!(matches!(sfu.told().await, Told::Connect { person: 2, .. }));
    client.hear_until(|message| matches!(message, ServerMessage::Answer { .. }).then_some(())).await;
}

#[tokio::test]
async fn removed_people_stay_out_and_their_link_is_dead() {
    let house = House::start().await;
    let meeting = house.create("Board").await;
    let mut anna = Client::join(&house, &meeting.host_link, "Anna").await;
    let mut ben = Client::join(&house, &meeting.guest_link, "Ben").await;
    anna.say(&ClientMessage::Remove { person: 2 }).await;
    let fresh = anna
        .hear_until(|message| match message {
            ServerMessage::Room { room } => room.guest_link,
            _ => None,
        })
        .await;
    assert_eq!(ben.close_code().await, Some(1000));
    let resume = Some(ben.welcome().resume.clone());
    let again = Client::come(&house, &fresh, "Ben", resume).await;
    assert_eq!(again.err(), Some(RefusalReason::Removed));
    let again = Client::come(&house, &meeting.guest_link, "Ben", None).await;
    assert_eq!(again.err(), Some(RefusalReason::UnknownLink));
    Client::join(&house, &fresh, "Cem").await;
}

/// A full room: everyone sees everyone come in, and hears everyone.
#[tokio::test]
async fn two_hundred_people() {
    let house = House::start().await;
    let meeting = house.create("Assembly").await;
    let mut anna = Client::join(&house, &meeting.host_link, "Anna").await;
    let started = Instant::now();
    let mut listeners = Vec::new();
    for number in 0..199 {
        let mut client = Client::join(&house, &meeting.guest_link, &format!("Guest {number}")).await;
        listeners.push(tokio::spawn(async move {
            while client.hear_chat().await != "order" {}
            client
        }));
    }
    let joined = started.elapsed();
    let asked = Instant::now();
    anna.chat("order").await;
    for listener in listeners {
        let client = listener.await.expect("it hears the chat");
        assert!(!client.welcome().people.is_empty());
    }
    eprintln!(
        "200 people: joined in {joined:?}, a chat message reached all in {:?}, {} kB resident",
        asked.elapsed(),
        house.resident_kilobytes()
    );
    assert_eq!(house.metric("plenum_signaling_joined_total").await, 200.0);
    assert_eq!(house.metric("plenum_signaling_slow_connections_total").await, 0.0);
}
