//! Requests to the relay over UDP, TCP and TLS, damaged; most of them signed with the credential that
//! signaling gave out, and with an allocation behind them.

use crate::client::{Client, PATIENCE};
use crate::draft::{BINDING, Draft, NONCE, REALM, USERNAME};
use crate::mutate;
use crate::relay_wire::Wire;
use crate::tally::{Batch, Tally};
use crate::target::Target;
use crate::vitals::{Vitals, lost_datagrams};
use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use futures_util::{StreamExt, TryStreamExt, stream};
use plenum_protocol::server::IceServer;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::time::Duration;

const PER_PART: usize = 125;
const AT_ONCE: usize = 8;
/// Over UDP nothing tells that a message was dropped: it is asked for an answer after so many.
const PER_ANSWER: usize = 16;
const DATAGRAM_ANSWER: Duration = Duration::from_secs(2);
const STREAM_ANSWER: Duration = Duration::from_millis(25);

const ALLOCATE: u16 = 0x0003;
const REFRESH: u16 = 0x0004;
const REQUESTED_TRANSPORT: u16 = 0x0019;

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
    Tls,
}

pub(crate) async fn attack(target: &Target, batch: &Batch) -> Result<Tally> {
    let lost = lost_datagrams(target.relay);
    let parts = batch.parts(PER_PART).enumerate().map(async |(number, part)| {
        // Half of the parts go over UDP.
        let transport = [Transport::Udp, Transport::Tcp, Transport::Udp, Transport::Tls][number % 4];
        // A credential of its own, as its allocations are limited.
        let (client, welcome) = Client::join(target, &target.meeting()?.guest_link).await?;
        let server = welcome.ice_servers.into_iter().next().context("signaling names no relay")?;
        let tally = visit(target, batch, part, transport, &server).await?;
        client.leave().await?;
        anyhow::Ok(tally)
    });
    let tallies = stream::iter(parts).buffer_unordered(AT_ONCE);
    let mut tally = tallies
        .try_fold(Tally::default(), async |mut all, one| {
            all.take_in(one);
            Ok(all)
        })
        .await?;
    tally.add("lost in the kernel", lost_datagrams(target.relay) - lost);
    Ok(tally)
}

pub(crate) fn judge(tally: &mut Tally, before: &Vitals, after: &Vitals, sent: usize) -> Result<()> {
    let grown = |series: &str| after.count("turn", series) - before.count("turn", series);
    let refused = |reason: &str| grown(&format!("requests_refused_total{{reason=\"{reason}\"}}"));
    let strangers: u64 =
        ["no_credentials", "wrong_credentials", "stale_nonce", "expired"].map(refused).iter().sum();
    let known = grown("requests_refused_total") - strangers;
    tally.add("malformed", grown("malformed_total"));
    tally.add("authenticated and refused", known);
    tally.add("allocations", grown("allocations_made_total"));
    tally.add("dropped", grown("dropped_total"));
    tally.add("relayed", grown("relayed_packets_total"));
    // The questions in between are requests too, and so are the first two of a session.
    let own = tally.of("questions answered") + 2 * tally.of("sessions");
    let well_formed = grown("requests_total").saturating_sub(own);
    tally.add("read", well_formed + tally.of("malformed") + tally.of("dropped") + tally.of("relayed"));
    tally.at_least("read", 70, sent)?;
    tally.at_least("malformed", 10, sent)?;
    tally.at_least("authenticated and refused", 5, sent)
}

struct Session<'a> {
    server: &'a IceServer,
    key: Vec<u8>,
    realm: String,
    nonce: String,
    peer: SocketAddr,
}

async fn visit(
    target: &Target,
    batch: &Batch,
    part: Range<usize>,
    transport: Transport,
    server: &IceServer,
) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut random = batch.random(part.start);
    let mut wire = Wire::open(target, transport).await?;
    let mut session = Session::begin(server, &mut wire, &mut random, target.media).await?;
    tally.one("sessions");
    for index in part.clone() {
        let mut random = batch.random(index);
        let message = session.damaged(&mut random, transport != Transport::Udp);
        let sent = wire.send(&message).await;
        let ask = transport != Transport::Udp || index % PER_ANSWER == 0;
        if sent && !ask {
            continue;
        }
        if sent && question(&mut wire, &mut random).await {
            tally.one("questions answered");
            continue;
        }
        ensure!(transport != Transport::Udp, "the relay answers no Binding request over UDP");
        tally.one("streams ended");
        wire.finish().await?;
        wire = Wire::open(target, transport).await?;
        session = Session::begin(server, &mut wire, &mut random, target.media).await?;
        tally.one("sessions");
    }
    session.end(&mut wire, &mut random).await;
    Ok(tally)
}

/// Whether a Binding request behind everything else is answered. A datagram may get lost; a stream that
/// waits for the rest of a message says nothing.
async fn question(wire: &mut Wire, random: &mut Rng) -> bool {
    let (times, patience) = match wire {
        Wire::Datagrams(_) => (4, DATAGRAM_ANSWER),
        Wire::Stream(..) => (1, STREAM_ANSWER),
    };
    for _ in 0..times {
        let request = Draft::new(BINDING, random);
        if !wire.send(&request.bytes()).await {
            return false;
        }
        if wire.answer(&request.transaction(), patience).await.is_some() {
            return true;
        }
    }
    false
}

impl<'a> Session<'a> {
    /// With nonce and allocation. An allocation that is refused (they are limited) is no hindrance.
    async fn begin(
        server: &'a IceServer,
        wire: &mut Wire,
        random: &mut Rng,
        peer: SocketAddr,
    ) -> Result<Session<'a>> {
        let request = Draft::new(ALLOCATE, random).put(REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
        wire.send(&request.bytes()).await;
        let challenge = wire.answer(&request.transaction(), PATIENCE).await;
        let challenge = challenge.context("the relay does not answer a first request")?;
        let text =
            |kind| attribute(&challenge, kind).map(|value| String::from_utf8_lossy(value).into_owned());
        let realm = text(REALM).context("the relay's challenge names no realm")?;
        let nonce = text(NONCE).context("the relay's challenge names no nonce")?;
        let key = turn::auth::generate_auth_key(&server.username, &realm, &server.credential);
        let session = Session { server, key, realm, nonce, peer };
        let request = Draft::new(ALLOCATE, random).put(REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
        let request = session.signed(request);
        wire.send(&request.bytes()).await;
        wire.answer(&request.transaction(), PATIENCE)
            .await
            .context("the relay does not answer an Allocate")?;
        Ok(session)
    }

    async fn end(&self, wire: &mut Wire, random: &mut Rng) {
        let request = self.signed(Draft::new(REFRESH, random).put(0x000d, &[0; 4]));
        if wire.send(&request.bytes()).await {
            wire.answer(&request.transaction(), Duration::from_secs(1)).await;
        }
    }

    fn signed(&self, draft: Draft) -> Draft {
        draft
            .put(USERNAME, self.server.username.as_bytes())
            .put(REALM, self.realm.as_bytes())
            .put(NONCE, self.nonce.as_bytes())
            .sign(&self.key)
    }

    /// `padded`: to a multiple of four bytes, as on streams; else the stream is at once out of step.
    fn damaged(&self, random: &mut Rng, padded: bool) -> Vec<u8> {
        if random.u8(..8) == 0 {
            let mut data = vec![0x40, random.u8(..2), 0, 40];
            data.resize(44, 7);
            mutate::bytes(random, &mut data, &[0; 20]);
            return data;
        }
        let mut draft = self.request(random);
        let other = self.request(random);
        if random.u8(..4) < 3 {
            draft.damage(random, &other);
            if random.bool() {
                draft.attributes.resize(draft.attributes.len().next_multiple_of(4), 0);
            }
            return self.signed(draft).bytes();
        }
        let mut message = self.signed(draft).bytes();
        mutate::bytes(random, &mut message, &other.bytes());
        if padded && random.bool() {
            let length = (message.len().next_multiple_of(4)).max(20);
            message.resize(length, 0);
            message[2..4].copy_from_slice(&((length - 20) as u16).to_be_bytes());
        }
        message
    }

    /// Any message of a client, with its attributes and sometimes those of another.
    fn request(&self, random: &mut Rng) -> Draft {
        let kinds = [0x0001, ALLOCATE, REFRESH, 0x0008, 0x0009, 0x0016, 0x0017, 0x0101, 0x0011, 0x0fef];
        let kind = random.choice(kinds).unwrap_or(BINDING);
        let mut draft = Draft::new(kind, random);
        let peer = xor_address(self.peer);
        let all: [(u16, &[u8]); 11] = [
            (0x000c, &[0x40, 0, 0, 0]),
            (0x000d, &[0, 0, 2, 0x58]),
            (0x0012, &peer),
            (0x0013, &[7; 60]),
            (0x0017, &[1, 0, 0, 0]),
            (0x0018, &[0x80]),
            (REQUESTED_TRANSPORT, &[17, 0, 0, 0]),
            (0x001a, &[]),
            (0x0022, &[1; 8]),
            (0x8022, b"browser"),
            (0x0020, &peer),
        ];
        let usual: &[usize] = match kind {
            ALLOCATE => &[6],
            REFRESH => &[1],
            0x0008 => &[2],
            0x0009 => &[0, 2],
            0x0016 | 0x0017 => &[2, 3],
            _ => &[],
        };
        for at in usual {
            draft = draft.put(all[*at].0, all[*at].1);
        }
        for _ in 0..random.usize(..3) {
            let (kind, value) = *random.choice(&all).expect("not empty");
            draft = draft.put(kind, value);
        }
        draft
    }
}

/// The first attribute of a kind.
fn attribute(message: &[u8], wanted: u16) -> Option<&[u8]> {
    let mut rest = message.get(20..)?;
    while let Some((&[k0, k1, l0, l1], after)) = rest.split_first_chunk::<4>() {
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        if u16::from_be_bytes([k0, k1]) == wanted {
            return after.get(..length);
        }
        rest = after.get(length.next_multiple_of(4)..)?;
    }
    None
}

/// RFC 8489, section 14.2.
fn xor_address(address: SocketAddr) -> Vec<u8> {
    let [p0, p1] = (address.port() ^ 0x2112).to_be_bytes();
    let IpAddr::V4(ip) = address.ip() else { return vec![0, 2, p0, p1] };
    let octets = ip.octets().into_iter().zip([0x21, 0x12, 0xa4, 0x42]).map(|(octet, mask)| octet ^ mask);
    [0, 1, p0, p1].into_iter().chain(octets).collect()
}
