//! Media of a connected client, damaged before it is sealed with that client's own keys.

use crate::attacker::Attacker;
use crate::mutate;
use crate::samples::{Publisher, Rtp, header_len};
use crate::tally::{Batch, Tally};
use crate::target::Target;
use crate::vitals::{Vitals, lost_datagrams};
use anyhow::Result;

/// Datagrams between two answered checks: far less than a socket's buffer holds.
const PER_CHECK: usize = 32;

/// Somebody who sends, and somebody in the same meeting who looks at them.
pub(crate) async fn pair(target: &Target) -> Result<(Attacker, Attacker)> {
    let meeting = target.open_meeting()?;
    let sender = Attacker::join(target, &meeting.host_link, 1).await?;
    let mut viewer = Attacker::join(target, &meeting.guest_link, 2).await?;
    viewer.watch(sender.person).await?;
    Ok((sender, viewer))
}

pub(crate) async fn attack(target: &Target, batch: &Batch) -> Result<Tally> {
    let mut tally = Tally::default();
    let (mut sender, mut viewer) = pair(target).await?;
    let mut publisher = Publisher::default();
    let lost = lost_datagrams(target.media);
    for index in batch.range.clone() {
        let mut random = batch.random(index);
        // In between, whole media: otherwise nothing would be forwarded.
        let whole = publisher.packet(&mut random);
        if let Some(datagram) = seal(&mut sender, &mut publisher, whole) {
            sender.send(&datagram).await;
        }
        let damaged = damaged(&mut random, &mut publisher);
        match seal(&mut sender, &mut publisher, damaged) {
            Some(datagram) => {
                sender.send(&datagram).await;
                tally.one("sealed");
            }
            None => tally.one("not to be sealed"),
        }
        if index % PER_CHECK == 0 {
            sender.settle().await?;
            viewer.settle().await?;
        }
    }
    sender.settle().await?;
    tally.add("forwarded to a viewer", viewer.received as u64);
    tally.add("lost in the kernel", lost_datagrams(target.media) - lost);
    sender.leave().await?;
    viewer.leave().await?;
    Ok(tally)
}

pub(crate) fn judge(tally: &mut Tally, before: &Vitals, after: &Vitals, sent: usize) -> Result<()> {
    opened(tally, before, after);
    let refusals = ["malformed", "unknown", "duplicates", "padding", "refused"];
    for (name, series) in refusals.iter().map(|name| (*name, format!("media_{name}_total"))) {
        tally.add(name, after.count("sfu", &series) - before.count("sfu", &series));
    }
    tally.at_least("opened", 75, sent)?;
    tally.at_least("malformed", 2, sent)?;
    tally.at_least("unknown", 1, sent)?;
    tally.at_least("forwarded to a viewer", 20, sent)
}

/// How many of the sealed packets the SFU could open.
pub(crate) fn opened(tally: &mut Tally, before: &Vitals, after: &Vitals) {
    let closed: u64 = ["forged", "malformed", "replayed", "old", "unknown", "stranger"]
        .map(|reason| format!("dropped_total{{reason=\"{reason}\"}}"))
        .map(|series| after.count("sfu", &series) - before.count("sfu", &series))
        .iter()
        .sum();
    tally.add("not opened", closed);
    tally.add("opened", tally.of("sealed").saturating_sub(closed + tally.of("lost in the kernel")));
}

fn damaged(random: &mut fastrand::Rng, publisher: &mut Publisher) -> Rtp {
    let other = publisher.packet(random);
    let mut packet = publisher.packet(random);
    if random.u8(..4) == 0 {
        mutate::bytes(random, &mut packet.bytes, &other.bytes);
    } else {
        // The fixed header stays, so that the damage arrives at extensions, codecs and rings.
        let mut rest = packet.bytes.split_off(12);
        match random.bool() {
            // Extensions and the codec's own header, not the picture behind them.
            true => mutate::in_place(random, rest.get_mut(..64).unwrap_or_default()),
            false => mutate::bytes(random, &mut rest, &other.bytes[12..]),
        }
        packet.bytes.extend_from_slice(&rest);
        if random.u8(..8) == 0 {
            // Padding, of a length that does not fit.
            packet.bytes[0] |= 0x20;
            let last = packet.bytes.len() - 1;
            packet.bytes[last] = *random.choice(&[0, 1, 200, 255]).expect("not empty");
        }
    }
    packet
}

/// None: no receiver could tell header and payload apart.
fn seal(sender: &mut Attacker, publisher: &mut Publisher, mut packet: Rtp) -> Option<Vec<u8>> {
    let header = header_len(&packet.bytes)?;
    let sealed =
        |sender: &mut Attacker, bytes: &[u8]| sender.transport.seal(&bytes[..header], &bytes[header..]).ok();
    let datagram = sealed(sender, &packet.bytes).or_else(|| {
        publisher.renumber(&mut packet);
        sealed(sender, &packet.bytes)
    })?;
    publisher.follow(&packet.bytes);
    Some(datagram)
}
