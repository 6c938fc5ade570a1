//! Every message of the protocol, damaged in its JSON or in its frame (RFC 6455).

use crate::client::{Client, PATIENCE};
use crate::mutate;
use crate::sdp::{OFFERS, lines};
use crate::tally::{Batch, Tally};
use crate::target::Target;
use crate::vitals::Vitals;
use anyhow::Result;
use futures_util::{StreamExt, TryStreamExt, stream};
use plenum_protocol::PROTOCOL_VERSION;
use plenum_protocol::client::{ClientMessage, ClientMessageKind, Reaction};
use plenum_protocol::limits::MAX_MESSAGE_BYTES;
use plenum_protocol::media::{Source, Tile};
use std::ops::Range;
use std::time::Duration;

const PER_PART: usize = 200;
const AT_ONCE: usize = 6;
/// The patience of signaling is 60 refused messages.
const PER_CONNECTION: u32 = 50;
/// How often it is asked whether the connection still stands.
const ASK_EVERY: usize = 4;
/// A frame that claims to be longer takes the question for its rest, and signaling waits for more.
const FRAME_ANSWER: Duration = Duration::from_millis(60);

pub(crate) async fn attack(target: &Target, batch: &Batch) -> Result<Tally> {
    let parts = stream::iter(batch.parts(PER_PART).map(|part| worker(target, batch, part)));
    let tallies = parts.buffer_unordered(AT_ONCE);
    tallies
        .try_fold(Tally::default(), async |mut all, one| {
            all.take_in(one);
            Ok(all)
        })
        .await
}

pub(crate) fn judge(tally: &mut Tally, before: &Vitals, after: &Vitals, sent: usize) -> Result<()> {
    let grown = |series: &str| after.count("signaling", series) - before.count("signaling", series);
    let malformed = grown("errors_total{reason=\"malformed\"}");
    tally.add("parsed", grown("messages_total"));
    tally.add("malformed", malformed);
    tally.add("read", grown("messages_total") + malformed);
    tally.at_least("read", 75, sent)?;
    tally.at_least("malformed", 15, sent)?;
    tally.at_least("parsed", 15, sent)
}

/// A connection, and how many messages it has taken.
type Current = Option<(Client, u32)>;

async fn worker(target: &Target, batch: &Batch, part: Range<usize>) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut current: Current = None;
    for index in part {
        let mut random = batch.random(index);
        let (mut client, used) = match current.take() {
            Some(current) => current,
            None => (come(target, &mut random, &mut tally).await?, 0),
        };
        let sample = sample(&mut random);
        let open = if random.u8(..10) == 0 {
            tally.one("frames");
            let sent = client.say_raw(&damaged_frame(&mut random, sample)).await?;
            sent && client.is_open(FRAME_ANSWER).await.unwrap_or(false)
        } else {
            let sent = client.say_bytes(damaged(&mut random, sample)).await?;
            sent && (!index.is_multiple_of(ASK_EVERY) || client.is_open(PATIENCE).await?)
        };
        if !open {
            tally.one("connections ended by the house");
        } else if used >= PER_CONNECTION {
            client.leave().await?;
        } else {
            current = Some((client, used + 1));
        }
    }
    if let Some((client, _)) = current {
        client.leave().await?;
    }
    Ok(tally)
}

/// Most come in with a hello; for the others the damaged message is the first.
async fn come(target: &Target, random: &mut fastrand::Rng, tally: &mut Tally) -> Result<Client> {
    tally.one("connections");
    if random.u8(..10) == 0 {
        return Client::connect(target).await;
    }
    let meeting = target.meeting()?;
    let link = if random.bool() { &meeting.host_link } else { &meeting.guest_link };
    match Client::join(target, link).await {
        Ok((client, _)) => Ok(client),
        // Ended for all, or with another link for guests: by what was sent before.
        Err(_) => {
            target.forget_meeting();
            Ok(Client::join(target, &target.meeting()?.host_link).await?.0)
        }
    }
}

fn damaged(random: &mut fastrand::Rng, mut message: Vec<u8>) -> Vec<u8> {
    let other = sample(random);
    match random.u8(..50) {
        0 => message = vec![b'['; 100_000],
        1 => message.resize(MAX_MESSAGE_BYTES - 1, b' '),
        2 => {}
        _ => mutate::text(random, &mut message, &other),
    }
    message
}

/// A masked text frame (section 5.2) with damage in header, mask and payload.
fn damaged_frame(random: &mut fastrand::Rng, payload: Vec<u8>) -> Vec<u8> {
    let mut frame = vec![0x81];
    match payload.len() {
        short @ 0..=125 => frame.push(0x80 | short as u8),
        middle @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(middle as u16).to_be_bytes());
        }
        long => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    let mask: [u8; 4] = random.u32(..).to_be_bytes();
    frame.extend_from_slice(&mask);
    let header = frame.len();
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    match random.u8(..4) {
        // Reserved bits, unknown kinds, continuations of nothing, control frames.
        0 => frame[0] = random.u8(..),
        1 => frame[1] = random.u8(..),
        2 => frame[random.usize(..header)] ^= 1 << random.u8(..8),
        _ => mutate::bytes(random, &mut frame, &payload),
    }
    frame
}

fn sample(random: &mut fastrand::Rng) -> Vec<u8> {
    let person = random.u32(..4);
    let kind = random.choice(ClientMessageKind::ALL).expect("not empty");
    let message = match kind {
        ClientMessageKind::Hello => ClientMessage::Hello {
            protocol: PROTOCOL_VERSION,
            link: "0".repeat(43),
            name: "Mallory".to_owned(),
            resume: Some("0".repeat(43)),
        },
        ClientMessageKind::Offer => {
            let sdp = *random.choice(&OFFERS).expect("not empty");
            ClientMessage::Offer { connection: 1, sdp: sdp.to_owned(), lines: lines(sdp) }
        }
        ClientMessageKind::Watch => {
            let tile = |source| Tile { person, source, width: 640, height: 360 };
            ClientMessage::Watch { tiles: vec![tile(Source::Camera), tile(Source::Screen)] }
        }
        ClientMessageKind::Sending => ClientMessage::Sending { sources: Source::ALL.to_vec() },
        ClientMessageKind::Chat => ClientMessage::Chat { text: "Grüß Gott, \u{1f44b}".to_owned() },
        ClientMessageKind::Hand => ClientMessage::Hand { raised: random.bool() },
        ClientMessageKind::React => ClientMessage::React { reaction: Reaction::Heart },
        ClientMessageKind::Mute => ClientMessage::Mute { person },
        ClientMessageKind::MuteAll => ClientMessage::MuteAll {},
        ClientMessageKind::LowerHand => ClientMessage::LowerHand { person },
        ClientMessageKind::Remove => ClientMessage::Remove { person },
        ClientMessageKind::EndForAll => ClientMessage::EndForAll {},
        ClientMessageKind::Leave => ClientMessage::Leave {},
        ClientMessageKind::Ping => ClientMessage::Ping {},
    };
    serde_json::to_vec(&message).expect("messages are JSON")
}
