//! Payload types, extension ids and codecs differ from client to client.

use crate::offer::{H264, Offer, VP8, VP9};
use crate::world::{ROOM, World};
use plenum_protocol::media::Source;
use plenum_sfu::description::Codec;

const BOTH: [Source; 2] = [Source::Microphone, Source::Camera];

#[test]
fn every_subscriber_gets_its_own_numbers() {
    let mut world = World::new(91);
    world.join(1, Offer::default(), &BOTH);
    world.join(2, Offer { other_numbers: true, ..Default::default() }, &BOTH);
    for client in 0..2 {
        world.watch_cameras(client, &[1, 2], (640, 360));
        world.clients[client].down.loss = 3.0;
    }
    world.run(5_000);
    assert!(world.layer(0, 2).is_some() && world.layer(1, 1).is_some());
    assert!(world.hears(0, 2).is_some() && world.hears(1, 1).is_some());
    assert!(world.clients.iter().all(|client| client.video.iter().any(|slot| slot.repaired > 0)));
}

#[test]
fn one_slot_carries_one_codec_after_the_other() {
    let all = Offer { video_codecs: vec![VP8, VP9, H264], video_slots: 1, ..Default::default() };
    let mut world = World::new(92);
    world.join(1, all.clone(), &[]);
    for (person, codec) in [(2, Codec::Vp8), (3, Codec::Vp9), (4, Codec::H264)] {
        world.join_room(ROOM, person, all.clone(), codec, &[Source::Camera]);
    }
    for turn in 0..12 {
        let person = 2 + turn % 3;
        world.watch_cameras(0, &[person], (640, 360));
        world.rewind();
        world.run(1_000);
        assert!(world.layer(0, person).is_some(), "{person}");
        assert!(world.clients[0].video[0].longest_pause(world.now) <= 110);
    }
    assert_eq!(world.slots().map(|slot| slot.gaps).sum::<u32>(), 0);
}

#[test]
fn what_a_subscriber_cannot_decode_is_not_sent() {
    let mut world = World::new(93);
    world.join(1, Offer::default(), &[]);
    let both = Offer { video_codecs: vec![VP8, VP9], ..Default::default() };
    world.join_room(ROOM, 2, both.clone(), Codec::Vp9, &[Source::Camera]);
    world.join_room(ROOM, 3, both, Codec::Vp8, &[Source::Camera]);
    world.watch_cameras(0, &[2, 3], (640, 360));
    world.run(3_000);
    assert_eq!(world.shows(0, 2), None);
    assert!(world.layer(0, 3).is_some());
}
