//! The SFU: offers, slots, restarts.

use super::*;
use plenum_protocol::media::{Grade, Line, LineUse, QualityReason, SlotContent, Source, Tile};
use plenum_protocol::server::{ErrorCode, Speaker};

fn offer(connection: u32, fingerprint: &str) -> ClientMessage {
    ClientMessage::Offer {
        connection,
        sdp: format!("v=0\r\na=fingerprint:sha-256 {fingerprint}\r\n"),
        lines: vec![Line { mid: "0".into(), r#use: LineUse::Slot }],
    }
}

fn number(command: &SfuCommand) -> u32 {
    let SfuCommand::Connect { number, .. } = command else { panic!("{command:?}") };
    *number
}

fn answer() -> SfuOutcome {
    SfuOutcome::Answer("answer".to_owned())
}

fn camera_of(person: PersonId) -> Slots {
    let content = SlotContent { person, source: Source::Camera };
    Slots { audio: vec![None], video: vec![Some(content)] }
}

fn tile(person: PersonId) -> Tile {
    Tile { person, source: Source::Camera, width: 320, height: 180 }
}

/// A host and a guest with a running SFU; the guest has a media connection.
fn call() -> (World, Client, Client) {
    let mut world = World::new();
    world.sfu_up("one");
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    let ben = world.join(&links.guest, "Ben");
    world.say(&ben, offer(1, "B1"));
    world.sfu_does(answer());
    world.forget_heard();
    (world, anna, ben)
}

#[test]
fn an_offer_is_answered() {
    let mut world = World::new();
    world.sfu_up("one");
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    world.say(&anna, offer(1, "A1"));
    let (peer, command) = world.sfu[0].clone();
    assert_eq!(peer, (world.meeting_id(), 1));
    let SfuCommand::Connect { number: 1, sdp, lines } = command else { panic!() };
    assert!(sdp.contains("A1") && lines.len() == 1);
    assert!(world.heard(&anna).is_empty());
    world.sfu_does(answer());
    let expected = ServerMessage::Answer { connection: 1, sdp: "answer".to_owned() };
    assert_eq!(world.heard(&anna), [expected]);
}

#[test]
fn refusals_and_silence_of_the_sfu() {
    let (mut world, _, ben) = call();
    world.say(&ben, offer(2, "B2"));
    world.sfu_does(SfuOutcome::Refused("no codec".to_owned()));
    assert_eq!(world.error(&ben), ErrorCode::OfferRefused);
    world.say(&ben, offer(3, "B3"));
    world.sfu_does(SfuOutcome::Unavailable);
    assert_eq!(world.error(&ben), ErrorCode::MediaUnavailable);
    world.wait(3);
    assert_eq!(world.heard(&ben), [ServerMessage::MediaRestart {}], "it is asked to try again");
}

#[test]
fn offers_that_are_too_large() {
    let (mut world, _, ben) = call();
    let line = Line { mid: "0".into(), r#use: LineUse::Slot };
    let many = ClientMessage::Offer { connection: 2, sdp: "v=0".into(), lines: vec![line; 81] };
    world.say(&ben, many);
    assert_eq!(world.error(&ben), ErrorCode::TooLarge);
    let line = Line { mid: "x".repeat(17), r#use: LineUse::Slot };
    world.say(&ben, ClientMessage::Offer { connection: 2, sdp: "v=0".into(), lines: vec![line] });
    assert_eq!(world.error(&ben), ErrorCode::Malformed);
    assert!(world.sfu.is_empty());
}

/// D-Bus has no NUL in strings: the daemon that sends one is cut off from the bus, with everyone's media.
#[test]
fn an_offer_with_nul_stays_off_the_bus() {
    let (mut world, _, ben) = call();
    let line = |mid: &str| vec![Line { mid: mid.into(), r#use: LineUse::Slot }];
    for (sdp, lines) in [("v=0\r\ns=\0\r\n", line("0")), ("v=0\r\n", line("0\0"))] {
        world.say(&ben, ClientMessage::Offer { connection: 2, sdp: sdp.into(), lines });
        assert_eq!(world.error(&ben), ErrorCode::Malformed);
    }
    assert!(world.sfu.is_empty());
}

#[test]
fn one_command_at_a_time_and_nobody_waits_for_others() {
    let (mut world, anna, ben) = call();
    world.say(&ben, ClientMessage::Watch { tiles: vec![tile(1)] });
    for width in 1..20 {
        world.say(&ben, ClientMessage::Watch { tiles: vec![Tile { width, ..tile(1) }] });
    }
    world.say(&anna, ClientMessage::Mute { person: 2 });
    world.say(&anna, offer(1, "A1"));
    assert_eq!(world.sfu.len(), 2, "one for each of them");
    assert_eq!(world.sfu_does(SfuOutcome::Done), SfuCommand::Watch(vec![tile(1)]));
    assert_eq!(number(&world.sfu_does(answer())), 1);
    assert_eq!(
        world.sfu_does(SfuOutcome::Done),
        SfuCommand::Watch(vec![Tile { width: 19, ..tile(1) }]),
        "of the lists that waited only the last matters"
    );
    let allowed = vec![Source::Camera, Source::Screen, Source::ScreenAudio];
    assert_eq!(world.sfu_does(SfuOutcome::Done), SfuCommand::SetAllowed(allowed));
    assert!(world.sfu.is_empty());
}

#[test]
fn renegotiation_keeps_the_connection_and_a_reload_makes_a_new_one() {
    let (mut world, _, ben) = call();
    world.say(&ben, ClientMessage::Watch { tiles: vec![tile(1)] });
    world.sfu_does(SfuOutcome::Done);
    world.say(&ben, offer(1, "B1"));
    assert_eq!(number(&world.sfu_does(answer())), 1, "more slots");
    assert!(world.sfu.is_empty(), "what holds for the connection still does");
    world.say(&ben, offer(2, "B2"));
    assert_eq!(number(&world.sfu_does(answer())), 2);
    world.sfu_does(SfuOutcome::Done);
    // Loaded again and again, the page counts from 1 each time.
    world.drop_connection(&ben);
    let (ben, _) = world.resume(&ben);
    world.sfu_does(SfuOutcome::Unavailable);
    world.say(&ben, offer(1, "B3"));
    assert_eq!(number(&world.sfu_does(answer())), 3);
    world.sfu_does(SfuOutcome::Done);
    world.say(&ben, offer(1, "B4"));
    assert_eq!(number(&world.sfu_does(answer())), 4);
    let heard = world.heard(&ben);
    assert!(matches!(heard.last(), Some(ServerMessage::Answer { connection: 1, .. })), "{heard:?}");
}

#[test]
fn a_new_connection_is_told_what_holds_for_its_person() {
    let (mut world, anna, ben) = call();
    world.say(&anna, ClientMessage::Mute { person: 2 });
    world.sfu_does(SfuOutcome::Done);
    world.say(&ben, ClientMessage::Watch { tiles: vec![tile(1)] });
    world.sfu_does(SfuOutcome::Done);
    world.say(&ben, offer(2, "B2"));
    assert_eq!(number(&world.sfu_does(answer())), 2);
    let SfuCommand::SetAllowed(allowed) = world.sfu_does(SfuOutcome::Done) else { panic!() };
    assert!(!allowed.contains(&Source::Microphone), "a mute survives a new connection");
    assert_eq!(world.sfu_does(SfuOutcome::Done), SfuCommand::Watch(vec![tile(1)]));
}

#[test]
fn unmuting_opens_the_microphone_again() {
    let (mut world, anna, ben) = call();
    world.say(&anna, ClientMessage::Mute { person: 2 });
    world.sfu_does(SfuOutcome::Done);
    world.say(&ben, ClientMessage::Sending { sources: vec![Source::Microphone] });
    assert_eq!(world.sfu_does(SfuOutcome::Done), SfuCommand::SetAllowed(Source::ALL.to_vec()));
}

#[test]
fn slots_go_to_their_person_and_speakers_and_quality_to_all() {
    let (mut world, anna, ben) = call();
    let meeting = world.meeting_id();
    world.sfu_event(SfuEvent::Slots { peer: (meeting, 2), slots: camera_of(1) });
    assert!(matches!(world.heard(&ben)[..], [ServerMessage::Slots { .. }]));
    assert!(world.heard(&anna).is_empty());
    let speakers = vec![Speaker { person: 2, level: 30 }];
    world.sfu_event(SfuEvent::Speakers { meeting, speakers: speakers.clone() });
    assert_eq!(world.heard(&anna), [ServerMessage::Speakers { speakers }]);
    let bad = (Grade::Poor, QualityReason::UplinkLoss);
    for _ in 0..2 {
        world.sfu_event(SfuEvent::Quality { peer: (meeting, 2), grade: bad.0, reason: bad.1 });
    }
    let expected = ServerMessage::Quality { person: 2, grade: bad.0, reason: bad.1 };
    assert_eq!(world.heard(&anna), std::slice::from_ref(&expected));
    // Who comes back hears what was missed.
    world.drop_connection(&ben);
    world.sfu_event(SfuEvent::Slots { peer: (meeting, 2), slots: camera_of(7) });
    let (ben, _) = world.resume(&ben);
    let heard = world.heard(&ben);
    assert!(heard.contains(&expected), "{heard:?}");
    let slots = camera_of(7);
    assert!(heard.contains(&ServerMessage::Slots { audio: slots.audio, video: slots.video }), "{heard:?}");
}

#[test]
fn without_an_sfu_offers_wait_for_it() {
    let mut world = World::new();
    let links = world.create();
    let anna = world.join(&links.host, "Anna");
    world.say(&anna, offer(1, "A1"));
    assert_eq!(world.error(&anna), ErrorCode::MediaUnavailable);
    world.sfu_up("one");
    assert_eq!(world.heard(&anna), [ServerMessage::MediaRestart {}]);
    world.say(&anna, offer(2, "A2"));
    world.sfu_does(answer());
    assert!(matches!(world.heard(&anna)[..], [ServerMessage::Answer { connection: 2, .. }]));
}

#[test]
fn a_restarted_sfu_restarts_everyone_who_had_media() {
    let (mut world, anna, ben) = call();
    world.sfu_event(SfuEvent::Down);
    assert!(world.heard(&ben).is_empty(), "an offer would be in vain now");
    world.sfu_up("one");
    assert_eq!(world.sfu_does(SfuOutcome::Slots(camera_of(1))), SfuCommand::Slots);
    let heard = world.heard(&ben);
    assert!(matches!(heard[..], [ServerMessage::Slots { .. }]), "the same run: only the bus was away");
    world.sfu_event(SfuEvent::Down);
    world.sfu_up("two");
    assert_eq!(world.heard(&ben), [ServerMessage::MediaRestart {}]);
    assert!(world.heard(&anna).is_empty(), "she had no media connection");
    world.say(&ben, offer(2, "B2"));
    world.sfu_does(answer());
    assert!(matches!(world.heard(&ben)[..], [ServerMessage::Answer { .. }]));
}

#[test]
fn an_offer_that_waits_when_the_sfu_dies_is_answered() {
    let (mut world, _, ben) = call();
    world.say(&ben, ClientMessage::Watch { tiles: vec![] });
    world.say(&ben, offer(2, "B2"));
    world.sfu_event(SfuEvent::Down);
    assert_eq!(world.error(&ben), ErrorCode::MediaUnavailable);
    world.sfu_does(SfuOutcome::Unavailable);
    world.sfu_up("two");
    assert_eq!(world.heard(&ben), [ServerMessage::MediaRestart {}]);
}

#[test]
fn a_lost_connection_is_made_anew_unless_it_is_an_old_one() {
    let (mut world, _, ben) = call();
    let peer = (world.meeting_id(), 2);
    world.say(&ben, offer(2, "B2"));
    world.sfu_does(answer());
    world.forget_heard();
    world.sfu_event(SfuEvent::Gone { peer, number: 1 });
    assert!(world.heard(&ben).is_empty());
    world.sfu_event(SfuEvent::Gone { peer, number: 2 });
    assert_eq!(world.heard(&ben), [ServerMessage::MediaRestart {}]);
}

#[test]
fn a_connection_lost_during_a_break_is_told_afterwards() {
    let (mut world, _, ben) = call();
    let peer = (world.meeting_id(), 2);
    world.drop_connection(&ben);
    world.sfu_event(SfuEvent::Gone { peer, number: 1 });
    let (ben, _) = world.resume(&ben);
    assert_eq!(world.heard(&ben), [ServerMessage::MediaRestart {}]);
}

#[test]
fn leaving_disconnects_even_while_an_offer_is_being_answered() {
    let (mut world, anna, ben) = call();
    world.say(&ben, ClientMessage::Leave {});
    assert_eq!(world.sfu_does(SfuOutcome::Done), SfuCommand::Disconnect);
    world.say(&anna, offer(1, "A1"));
    world.say(&anna, ClientMessage::Watch { tiles: vec![] });
    world.say(&anna, ClientMessage::Leave {});
    world.sfu_does(answer());
    assert_eq!(world.sfu_does(SfuOutcome::Done), SfuCommand::Disconnect, "nothing else first");
    assert!(world.sfu.is_empty());
    assert_eq!(world.closed_rooms.len(), 1);
}

#[test]
fn ending_closes_the_room_at_the_sfu() {
    let (mut world, anna, ben) = call();
    let meeting = world.meeting_id();
    world.say(&ben, offer(2, "B2"));
    world.say(&anna, ClientMessage::EndForAll {});
    assert_eq!(world.closed_rooms, [meeting]);
    world.sfu_does(answer());
    assert_eq!(world.sfu_does(SfuOutcome::Done), SfuCommand::Disconnect);
}

#[test]
fn after_a_restart_media_goes_on() {
    let (mut world, _, ben) = call();
    world.restart();
    let (ben, _) = world.resume(&ben);
    assert!(world.heard(&ben).is_empty(), "the SFU is not known yet");
    world.sfu_up("one");
    world.sfu_event(SfuEvent::Survey(vec![(world.meeting_id(), vec![2])]));
    assert!(world.heard(&ben).is_empty(), "no new media connection is needed");
    // The slots may have changed while the daemon was away.
    assert_eq!(world.sfu_does(SfuOutcome::Slots(camera_of(1))), SfuCommand::Slots);
    assert!(matches!(world.heard(&ben)[..], [ServerMessage::Slots { .. }]));
    world.drop_connection(&ben);
    let (ben, _) = world.resume(&ben);
    assert!(matches!(world.heard(&ben)[..], [ServerMessage::Slots { .. }]), "now they are known");
    // Both restarted: everything is new.
    world.restart();
    let (ben, _) = world.resume(&ben);
    world.sfu_up("two");
    assert_eq!(world.heard(&ben), [ServerMessage::MediaRestart {}]);
}

#[test]
fn slots_that_change_while_they_are_asked_for() {
    let (mut world, _, ben) = call();
    world.restart();
    world.sfu_up("one");
    let (ben, _) = world.resume(&ben);
    world.sfu_event(SfuEvent::Slots { peer: (world.meeting_id(), 2), slots: camera_of(9) });
    world.forget_heard();
    world.sfu_does(SfuOutcome::Slots(camera_of(1)));
    assert!(world.heard(&ben).is_empty(), "the signal is newer than the answer");
}

#[test]
fn rm6_surveys_compare_the_sfu_with_the_roster() {
    let (mut world, _, ben) = call();
    let meeting = world.meeting_id();
    world.wait(1);
    world.wait(70);
    assert!(world.surveys >= 2);
    let stranger = MeetingId(99);
    world.sfu_event(SfuEvent::Survey(vec![(meeting, vec![2, 5]), (stranger, vec![1])]));
    assert_eq!(world.sfu_does(SfuOutcome::Done), SfuCommand::Disconnect);
    assert_eq!(world.closed_rooms, [stranger]);
    assert!(world.heard(&ben).is_empty());
    world.sfu_event(SfuEvent::Survey(vec![]));
    assert_eq!(world.heard(&ben), [ServerMessage::MediaRestart {}], "the SFU does not have him");
}

#[test]
fn strangers_get_the_time_of_a_seat_to_come_back() {
    let (mut world, _, _) = call();
    world.restart();
    world.sfu_up("one");
    let meeting = world.meeting_id();
    world.sfu_event(SfuEvent::Survey(vec![(meeting, vec![1, 2, 5])]));
    assert!(world.sfu.is_empty());
    world.wait(61);
    world.sfu_event(SfuEvent::Survey(vec![(MeetingId(7), vec![1])]));
    assert_eq!(world.closed_rooms.last(), Some(&MeetingId(7)));
}
