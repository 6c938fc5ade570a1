//! RM1: every kind of message, sent by every role.

use super::*;
use plenum_protocol::client::{ClientMessageKind, Reaction};
use plenum_protocol::server::ErrorCode;

/// A valid message of each kind, about another person in the room.
fn message(kind: ClientMessageKind, person: PersonId) -> ClientMessage {
    match kind {
        ClientMessageKind::Hello => ClientMessage::Hello {
            protocol: PROTOCOL_VERSION,
            link: "x".into(),
            name: "x".into(),
            resume: None,
        },
        ClientMessageKind::Offer => {
            ClientMessage::Offer { connection: 1, sdp: "v=0".into(), lines: Vec::new() }
        }
        ClientMessageKind::Watch => ClientMessage::Watch { tiles: Vec::new() },
        ClientMessageKind::Sending => ClientMessage::Sending { sources: Vec::new() },
        ClientMessageKind::Chat => chat("hello"),
        ClientMessageKind::Hand => ClientMessage::Hand { raised: true },
        ClientMessageKind::React => ClientMessage::React { reaction: Reaction::Heart },
        ClientMessageKind::Mute => ClientMessage::Mute { person },
        ClientMessageKind::MuteAll => ClientMessage::MuteAll {},
        ClientMessageKind::LowerHand => ClientMessage::LowerHand { person },
        ClientMessageKind::Remove => ClientMessage::Remove { person },
        ClientMessageKind::EndForAll => ClientMessage::EndForAll {},
        ClientMessageKind::Leave => ClientMessage::Leave {},
        ClientMessageKind::Ping => ClientMessage::Ping {},
    }
}

fn hosts_only(kind: ClientMessageKind) -> bool {
    use ClientMessageKind::*;
    [Mute, MuteAll, LowerHand, Remove, EndForAll].contains(&kind)
}

#[test]
fn the_whole_matrix() {
    for kind in ClientMessageKind::ALL {
        for role in [Role::Host, Role::Guest] {
            let mut world = World::new();
            let links = world.create();
            world.sfu_up("one");
            let link = if role == Role::Host { &links.host } else { &links.guest };
            let other = world.join(&links.guest, "Other");
            world.say(&other, ClientMessage::Hand { raised: true });
            let actor = world.join(link, "Actor");
            world.forget_heard();
            let before = world.disk.clone();
            world.say(&actor, message(kind, other.person));

            let errors: Vec<ErrorCode> = world
                .heard(&actor)
                .into_iter()
                .filter_map(|message| match message {
                    ServerMessage::Error { code, of, .. } => {
                        assert_eq!(of.as_deref(), Some(kind.as_str()));
                        Some(code)
                    }
                    _ => None,
                })
                .collect();
            let expected: &[ErrorCode] = match kind {
                ClientMessageKind::Hello => &[ErrorCode::Malformed],
                _ if hosts_only(kind) && role == Role::Guest => &[ErrorCode::NotAllowed],
                _ => &[],
            };
            assert_eq!(errors, expected, "{} by {role:?}", kind.as_str());
            if !expected.is_empty() {
                assert!(world.heard(&other).is_empty(), "{} had an effect", kind.as_str());
                assert_eq!(world.disk.seats, before.seats);
                assert_eq!(world.closed(&other), None);
            }
        }
    }
}

#[test]
fn actions_on_nobody_are_refused() {
    for kind in [ClientMessageKind::Mute, ClientMessageKind::LowerHand, ClientMessageKind::Remove] {
        let mut world = World::new();
        let links = world.create();
        let host = world.join(&links.host, "Anna");
        world.say(&host, message(kind, 77));
        assert_eq!(world.error(&host), ErrorCode::NoSuchPerson);
    }
}
