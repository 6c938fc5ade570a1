//! Reports and feedback of connected clients, damaged before they are sealed.

use crate::mutate;
use crate::rtp::{opened, pair};
use crate::samples::{Publisher, header_len, report};
use crate::tally::{Batch, Tally};
use crate::target::Target;
use crate::vitals::{Vitals, lost_datagrams};
use anyhow::Result;

const PER_CHECK: usize = 32;

pub(crate) async fn attack(target: &Target, batch: &Batch) -> Result<Tally> {
    let mut tally = Tally::default();
    let (mut sender, mut viewer) = pair(target).await?;
    let mut publisher = Publisher::default();
    let lost = lost_datagrams(target.media);
    for index in batch.range.clone() {
        let mut random = batch.random(index);
        // Media, so that there is something to report on and to repeat.
        let packet = publisher.packet(&mut random).bytes;
        if let Some(header) = header_len(&packet)
            && let Ok(datagram) = sender.transport.seal(&packet[..header], &packet[header..])
        {
            sender.send(&datagram).await;
        }
        let reporter = if random.u8(..3) == 0 { &mut sender } else { &mut viewer };
        let compound = damaged(&mut random, &reporter.slots);
        match reporter.transport.seal_reports(&compound) {
            Ok(datagram) => {
                reporter.send(&datagram).await;
                tally.one("sealed");
            }
            Err(_) => tally.one("not to be sealed"),
        }
        if index % PER_CHECK == 0 {
            sender.settle().await?;
            viewer.settle().await?;
        }
    }
    sender.settle().await?;
    viewer.settle().await?;
    tally.add("lost in the kernel", lost_datagrams(target.media) - lost);
    sender.leave().await?;
    viewer.leave().await?;
    Ok(tally)
}

pub(crate) fn judge(tally: &mut Tally, before: &Vitals, after: &Vitals, sent: usize) -> Result<()> {
    opened(tally, before, after);
    for (name, series) in [
        ("malformed", "media_malformed_total"),
        ("packets asked for again", "nacked_total"),
        ("key frames asked for", "key_frame_requests_total"),
    ] {
        tally.add(name, after.count("sfu", series) - before.count("sfu", series));
    }
    tally.at_least("opened", 75, sent)?;
    tally.at_least("malformed", 10, sent)?;
    tally.at_least("packets asked for again", 5, sent)
}

/// A compound of one to three packets in any order; its first eight bytes mostly stay, so that it is taken
/// for RTCP.
fn damaged(random: &mut fastrand::Rng, slots: &[u32]) -> Vec<u8> {
    let count = random.usize(1..4);
    let mut compound: Vec<u8> = (0..count).flat_map(|_| report(random, slots)).collect();
    let other = report(random, slots);
    if random.u8(..4) == 0 {
        mutate::bytes(random, &mut compound, &other);
        return compound;
    }
    let mut rest = compound.split_off(8);
    if random.bool() {
        mutate::in_place(random, &mut rest);
        compound.extend_from_slice(&rest);
        return compound;
    }
    mutate::bytes(random, &mut rest, &other);
    // Count, padding and length.
    match random.u8(..6) {
        0 => compound[0] = 0x80 | random.u8(..0x40),
        1 => compound[2..4].copy_from_slice(&random.u16(..).to_be_bytes()),
        _ => {}
    }
    compound.extend_from_slice(&rest);
    compound
}
