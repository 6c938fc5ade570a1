//! Connectivity checks (RFC 8445), damaged; half of them with an integrity that matches the damage.

use crate::attacker::Attacker;
use crate::draft::{BINDING, Draft, USERNAME};
use crate::mutate;
use crate::tally::{Batch, Tally};
use crate::target::Target;
use crate::vitals::{Vitals, lost_datagrams};
use anyhow::Result;
use fastrand::Rng;
use tokio::net::UdpSocket;

const PER_CHECK: usize = 32;
/// Checks from so many new addresses: each would be a path to its peer.
const PER_ADDRESS: usize = 250;

pub(crate) async fn attack(target: &Target, batch: &Batch) -> Result<Tally> {
    let mut tally = Tally::default();
    let meeting = target.open_meeting()?;
    let mut client = Attacker::join(target, &meeting.guest_link, 3).await?;
    let mut stranger = target.udp(target.media).await?;
    let lost = lost_datagrams(target.media);
    for index in batch.range.clone() {
        let mut random = batch.random(index);
        let message = damaged(&mut random, &client);
        tally.one(if message.1 { "signed" } else { "not signed" });
        if random.bool() {
            let _ = stranger.send(&message.0).await;
        } else {
            client.send(&message.0).await;
        }
        if index % PER_CHECK == 0 {
            client.settle().await?;
            tally.add("answered", drain(&stranger));
        }
        if index % PER_ADDRESS == 0 {
            stranger = target.udp(target.media).await?;
        }
    }
    client.settle().await?;
    tally.add("lost in the kernel", lost_datagrams(target.media) - lost);
    client.leave().await?;
    Ok(tally)
}

pub(crate) fn judge(tally: &mut Tally, before: &Vitals, after: &Vitals, sent: usize) -> Result<()> {
    let grown = |series: &str| after.count("sfu", series) - before.count("sfu", series);
    tally.add("authentic", grown("checks_total"));
    tally.add("refused", grown("dropped_total{reason=\"stun\"}"));
    tally.at_least("authentic", 20, sent)?;
    tally.at_least("refused", 30, sent)?;
    tally.at_least("answered", 5, sent)
}

/// STUN answers that wait.
fn drain(socket: &UdpSocket) -> u64 {
    let mut buffer = [0; 2_048];
    std::iter::from_fn(|| socket.try_recv(&mut buffer).ok()).count() as u64
}

/// A message, and whether it is authentic as far as its user name is.
fn damaged(random: &mut Rng, client: &Attacker) -> (Vec<u8>, bool) {
    let (ufrag, password) = &client.transport.remote;
    let user = client.transport.user_name();
    let mut draft = attributes(Draft::new(BINDING, random), random);
    if random.bool() {
        let mut message =
            draft.put(USERNAME, user.as_bytes()).sign(password.as_bytes()).fingerprint().bytes();
        mutate::bytes(random, &mut message, ufrag.as_bytes());
        return (message, false);
    }
    let other = attributes(Draft::new(BINDING, random), random);
    draft.damage(random, &other);
    // In front of the damage, so that the peer is found.
    let mut signed = Draft::new(BINDING, random).put(USERNAME, user.as_bytes());
    signed.attributes.extend_from_slice(&draft.attributes);
    if random.bool() {
        signed.attributes.resize(signed.attributes.len().next_multiple_of(4), 0);
    }
    (signed.sign(password.as_bytes()).fingerprint().bytes(), true)
}

/// Those of a check, and some of others, in any order.
fn attributes(mut draft: Draft, random: &mut Rng) -> Draft {
    let mut all: Vec<(u16, &[u8])> = vec![
        (0x0024, &[0x6e, 0, 0x1e, 0xff]),
        (0x802a, &[1; 8]),
        (0x8022, b"browser"),
        (0xc057, &[0, 0, 3, 0xe7]),
    ];
    if random.bool() {
        all.push((0x0025, &[]));
    }
    if random.u8(..4) == 0 {
        all.push((random.u16(..), &[7; 12]));
        all.push((0x8029, &[1; 8]));
    }
    random.shuffle(&mut all);
    for (kind, value) in all {
        draft = draft.put(kind, value);
    }
    draft
}
