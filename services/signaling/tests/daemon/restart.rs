//! The daemon or the SFU is killed in a meeting.

use crate::client::Client;
use crate::house::House;
use crate::meeting::{connect_media, is_media_restart, offer};
use crate::sfu::{Sfu, Told};
use plenum_protocol::client::ClientMessage;
use plenum_protocol::server::{ErrorCode, ServerMessage};
use std::time::{Duration, Instant};

#[tokio::test]
async fn sigkill_in_a_meeting() {
    let mut house = House::start().await;
    let mut sfu = Sfu::start(&house.bus_address, "one").await;
    sfu.seen().await;
    let meeting = house.create("Board").await;
    let mut anna = Client::join(&house, &meeting.host_link, "Anna").await;
    let mut ben = Client::join(&house, &meeting.guest_link, "Ben").await;
    let room = connect_media(&mut ben, &mut sfu).await;
    ben.say(&ClientMessage::Hand { raised: true }).await;
    let long = "ö\"\n".repeat(1_300);
    ben.chat(&long).await;
    let last = "the last words";
    anna.chat(last).await;
    while anna.hear_chat().await != last {}

    // What has been shown is kept: killed right afterwards.
    house.kill_daemon();
    let killed = Instant::now();
    assert_eq!(ben.close_code().await, None, "broken off");
    house.start_daemon().await;
    let anna = Client::resume(&house, &meeting.host_link, &anna).await;
    let mut ben = Client::resume(&house, &meeting.guest_link, &ben).await;
    let took = killed.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?}");
    eprintln!("SIGKILL to both resumed: {took:?}");

    let welcome = ben.welcome();
    let texts: Vec<&str> = welcome.chat.iter().map(|message| message.text.as_str()).collect();
    assert_eq!(texts, [long.trim_end(), last]);
    assert_eq!(welcome.hands, [2]);
    assert_eq!(welcome.people.iter().map(|person| person.present).collect::<Vec<_>>(), [true, true]);
    assert_eq!(anna.welcome().room.guest_link.as_ref(), Some(&meeting.guest_link));
    // Media goes on: no new connection, only a look at what the slots carry now.
    ben.hear_until(|message| matches!(message, ServerMessage::Slots { .. }).then_some(())).await;
    assert_eq!(sfu.told().await, Told::Slots { person: 2 });
    assert!(sfu.told_nothing());
    ben.say(&ClientMessage::Leave {}).await;
    assert_eq!(sfu.told().await, Told::Disconnect { room, person: 2 });
}

#[tokio::test]
async fn sigterm_sends_clients_away_to_come_back() {
    let mut house = House::start().await;
    let meeting = house.create("Board").await;
    let mut anna = Client::join(&house, &meeting.host_link, "Anna").await;
    let daemon = house.daemon.as_mut().expect("the daemon runs");
    let pid = nix::unistd::Pid::from_raw(daemon.0.id() as i32);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).expect("signalled");
    assert_eq!(anna.close_code().await, Some(1001));
    assert!(daemon.0.wait().expect("it ends").success());
    house.start_daemon().await;
    Client::resume(&house, &meeting.host_link, &anna).await;
}

#[tokio::test]
async fn the_sfu_is_killed_and_comes_back() {
    let house = House::start().await;
    let mut sfu = Sfu::start(&house.bus_address, "one").await;
    sfu.seen().await;
    let meeting = house.create("Board").await;
    let mut anna = Client::join(&house, &meeting.host_link, "Anna").await;
    let mut ben = Client::join(&house, &meeting.guest_link, "Ben").await;
    connect_media(&mut anna, &mut sfu).await;
    connect_media(&mut ben, &mut sfu).await;
    sfu.die().await;
    // Its name goes a moment before or after this offer; either way it is not answered by an SDP.
    anna.say(&offer(2, "v=0\r\na=fingerprint:sha-256 CC\r\n")).await;
    let code = anna.hear_until(|message| match message {
        ServerMessage::Error { code, .. } => Some(code),
        _ => None,
    });
    assert_eq!(code.await, ErrorCode::MediaUnavailable);
    let back = Instant::now();
    let mut sfu = Sfu::start(&house.bus_address, "two").await;
    anna.hear_until(is_media_restart).await;
    ben.hear_until(is_media_restart).await;
    eprintln!("SFU back to media_restart: {:?}", back.elapsed());
    assert!(back.elapsed() < Duration::from_secs(1));
    ben.say(&offer(2, "v=0\r\na=fingerprint:sha-256 DD\r\n")).await;
    assert!(matches!(sfu.told().await, Told::Connect { person: 2, connection: 2, .. }));
    ben.hear_until(|message| matches!(message, ServerMessage::Answer { connection: 2, .. }).then_some(()))
        .await;
}

#[tokio::test]
async fn both_restart() {
    let mut house = House::start().await;
    let mut sfu = Sfu::start(&house.bus_address, "one").await;
    sfu.seen().await;
    let meeting = house.create("Board").await;
    let mut anna = Client::join(&house, &meeting.host_link, "Anna").await;
    connect_media(&mut anna, &mut sfu).await;
    house.kill_daemon();
    sfu.die().await;
    let _sfu = Sfu::start(&house.bus_address, "two").await;
    house.start_daemon().await;
    let mut anna = Client::resume(&house, &meeting.host_link, &anna).await;
    anna.hear_until(is_media_restart).await;
}
