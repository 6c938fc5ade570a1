//! Offers of browsers, damaged: valid JSON around SDP that is none.

use crate::client::Client;
use crate::mutate;
use crate::tally::{Batch, Tally};
use crate::target::Target;
use crate::vitals::Vitals;
use anyhow::{Context, Result, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use plenum_protocol::client::ClientMessage;
use plenum_protocol::media::{Line, LineUse};
use plenum_protocol::server::{ErrorCode, ServerMessage};
use std::collections::BTreeSet;
use std::ops::Range;

pub(crate) const OFFERS: [&str; 2] = [
    include_str!("../../../../services/sfu/tests/offers/chromium.sdp"),
    include_str!("../../../../services/sfu/tests/offers/firefox.sdp"),
];

/// One connection may offer ten times at once.
const PER_CONNECTION: usize = 9;
const AT_ONCE: usize = 6;

pub(crate) async fn attack(target: &Target, batch: &Batch) -> Result<Tally> {
    let parts = stream::iter(batch.parts(PER_CONNECTION).map(|part| visit(target, batch, part)));
    let tallies = parts.buffer_unordered(AT_ONCE);
    tallies
        .try_fold(Tally::default(), async |mut all, one| {
            all.take_in(one);
            Ok(all)
        })
        .await
}

pub(crate) fn judge(tally: &mut Tally, before: &Vitals, after: &Vitals, sent: usize) -> Result<()> {
    let calls = "sfu_calls_total{method=\"connect\"";
    tally.add("at the SFU", after.count("signaling", calls) - before.count("signaling", calls));
    tally.at_least("at the SFU", 90, sent)?;
    tally.at_least("answered", 15, sent)?;
    tally.at_least("refused", 15, sent)
}

/// One connection with a few offers, each after the answer to the one before: an offer that is overtaken
/// gets none.
async fn visit(target: &Target, batch: &Batch, part: Range<usize>) -> Result<Tally> {
    let (mut client, _) = Client::join(target, &target.meeting()?.guest_link).await?;
    let mut tally = Tally::default();
    for index in part.clone() {
        client.say(&offer(batch, index, index - part.start)).await?;
        tally.one(outcome(&mut client).await.with_context(|| format!("offer number {index}"))?);
    }
    client.leave().await?;
    Ok(tally)
}

async fn outcome(client: &mut Client) -> Result<&'static str> {
    loop {
        return Ok(match client.hear().await?.context("closed instead of an answer")? {
            ServerMessage::Answer { .. } => "answered",
            ServerMessage::Error { code: ErrorCode::OfferRefused, .. } => "refused",
            ServerMessage::Error { code: ErrorCode::MediaUnavailable, .. } => {
                bail!("the media server is away")
            }
            ServerMessage::Error { .. } => "refused before",
            _ => continue,
        });
    }
}

fn offer(batch: &Batch, index: usize, place: usize) -> ClientMessage {
    let mut random = batch.random(index);
    let which = random.usize(..OFFERS.len());
    let (original, other) = (OFFERS[which], OFFERS[1 - which]);
    // Of the same SSRCs and ufrag, but each a connection of its own where the number says so.
    let mut sdp = original.as_bytes().to_vec();
    mutate::text(&mut random, &mut sdp, other.as_bytes());
    let mut lines = lines(original);
    if random.u8(..8) == 0 {
        let at = random.usize(..lines.len());
        lines[at].r#use = LineUse::Slot;
    }
    if random.u8(..100) == 0 {
        let filler = "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n";
        sdp.extend_from_slice(filler.repeat(4_000).as_bytes());
    }
    // What is longer than a message may be would not get as far as the SFU.
    sdp.truncate(200_000);
    // Pairs of offers are the first one and its renegotiation.
    let connection = 1 + place as u32 / 2;
    ClientMessage::Offer { connection, sdp: String::from_utf8_lossy(&sdp).into_owned(), lines }
}

/// What the user interface would say of the m-lines: the first senders of a kind, then slots.
pub(crate) fn lines(offer: &str) -> Vec<Line> {
    let mut used = BTreeSet::new();
    let sections = offer.split("\r\nm=").skip(1);
    sections
        .map(|section| {
            let mid = section.lines().find_map(|line| line.strip_prefix("a=mid:")).unwrap_or_default();
            let wanted = match (section.starts_with("audio"), section.contains("a=recvonly")) {
                (_, true) => [LineUse::Slot; 2],
                (true, false) => [LineUse::Microphone, LineUse::ScreenAudio],
                (false, false) => [LineUse::Camera, LineUse::Screen],
            };
            let first = used.insert(wanted[0].as_str());
            Line { mid: mid.to_owned(), r#use: if first { wanted[0] } else { wanted[1] } }
        })
        .collect()
}
