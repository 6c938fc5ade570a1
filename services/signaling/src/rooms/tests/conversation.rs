//! Chat, hands, reactions.

use super::*;
use plenum_protocol::client::Reaction;
use plenum_protocol::media::Source;
use plenum_protocol::server::ErrorCode;

fn raise(raised: bool) -> ClientMessage {
    ClientMessage::Hand { raised }
}

#[test]
fn chat_reaches_everyone_and_those_who_come_later() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    let ben = world.join(&links.guest, "Ben");
    world.forget_heard();
    world.say(&ben, chat("  Hello\r\nall \n"));
    let expected = ChatMessage {
        id: 1,
        person: 2,
        name: "Ben".into(),
        text: "  Hello\nall".into(),
        sent: world.now.unix_ms,
    };
    assert_eq!(world.heard(&anna), [ServerMessage::Chat { message: expected.clone() }]);
    assert_eq!(world.heard(&ben), [ServerMessage::Chat { message: expected.clone() }]);
    world.say(&ben, ClientMessage::Leave {});
    let (_, welcome) = world.come(&links.guest, "Cem", None);
    assert_eq!(welcome.chat, [expected], "the name stays when its person has left");
}

#[test]
fn chat_that_is_none_is_refused() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    for text in ["", " \n", "a\u{0}", &"x".repeat(4_001)] {
        world.say(&anna, chat(text));
        assert_eq!(world.error(&anna), ErrorCode::InvalidText);
    }
}

#[test]
fn only_the_last_500_messages_are_kept() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    for number in 1..=510 {
        world.wait(1);
        world.say(&anna, chat(&format!("message {number}")));
    }
    let (_, welcome) = world.come(&links.guest, "Ben", None);
    assert_eq!(welcome.chat.len(), 500);
    assert_eq!((welcome.chat[0].id, welcome.chat[0].text.as_str()), (11, "message 11"));
    assert_eq!(world.disk.chat.len(), 500);
}

#[test]
fn long_chats_do_not_fill_the_memory() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    for _ in 0..100 {
        world.wait(1);
        world.say(&anna, chat(&"😀".repeat(4_000)));
    }
    let (_, welcome) = world.come(&links.guest, "Ben", None);
    let bytes: usize = welcome.chat.iter().map(|message| message.text.len()).sum();
    assert!(bytes <= 1 << 20, "{bytes}");
    assert_eq!(welcome.chat.last().map(|message| message.id), Some(100));
}

#[test]
fn hands_are_a_queue() {
    let mut world = World::new();
    let links = world.create();
    let people: Vec<Client> = ["Anna", "Ben", "Cem"].map(|name| world.join(&links.host, name)).to_vec();
    for index in [2, 0, 1, 2] {
        world.say(&people[index], raise(true));
    }
    let (dora, welcome) = world.come(&links.guest, "Dora", None);
    assert_eq!(welcome.hands, [3, 1, 2], "raising a hand twice keeps its place");
    world.say(&people[2], raise(false));
    world.say(&people[2], raise(true));
    assert_eq!(world.heard(&dora).last(), Some(&ServerMessage::Hands { queue: vec![1, 2, 3] }));
    world.say(&people[1], ClientMessage::LowerHand { person: 1 });
    assert_eq!(world.heard(&dora).last(), Some(&ServerMessage::Hands { queue: vec![2, 3] }));
    world.say(&people[1], ClientMessage::Leave {});
    assert_eq!(world.heard(&dora).last(), Some(&ServerMessage::Hands { queue: vec![3] }));
    world.say(&people[2], ClientMessage::LowerHand { person: 1 });
    assert!(world.heard(&dora).is_empty(), "lowering a hand that is not up changes nothing");
}

#[test]
fn reactions_and_pings() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    let ben = world.join(&links.guest, "Ben");
    world.forget_heard();
    world.say(&ben, ClientMessage::React { reaction: Reaction::Applause });
    let expected = ServerMessage::Reaction { person: 2, reaction: Reaction::Applause };
    assert_eq!(world.heard(&anna), [expected]);
    world.forget_heard();
    world.say(&ben, ClientMessage::Ping {});
    assert_eq!(world.heard(&ben), [ServerMessage::Pong {}]);
    assert!(world.heard(&anna).is_empty());
}

#[test]
fn everyone_sees_who_sends_what() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    let ben = world.join(&links.guest, "Ben");
    world.forget_heard();
    let sources = vec![Source::Screen, Source::Microphone, Source::Screen];
    world.say(&ben, ClientMessage::Sending { sources: sources.clone() });
    let [ServerMessage::PersonChanged { person }] = &world.heard(&anna)[..] else { panic!() };
    assert_eq!(person.sources, [Source::Microphone, Source::Screen]);
    world.say(&ben, ClientMessage::Sending { sources });
    assert!(world.heard(&anna).is_empty(), "no change, no message");
}
