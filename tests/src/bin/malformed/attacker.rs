//! Somebody whose media connection to the SFU is real: ICE, DTLS and the SRTP keys that came of it.

// The client of the SFU's own tests: the damage has to be sealed with the keys of a real handshake.
#[path = "../../../../services/sfu/tests/transport/client.rs"]
#[allow(dead_code, reason = "the SFU's tests need more of it")]
mod transport;

use crate::client::{Client, PATIENCE};
use crate::target::Target;
use anyhow::{Context, Result, bail, ensure};
use plenum_protocol::PersonId;
use plenum_protocol::client::ClientMessage;
use plenum_protocol::media::{Line, Source, Tile};
use plenum_protocol::server::ServerMessage;
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// Repeats a check that got no answer.
const REPEAT: Duration = Duration::from_millis(250);

pub(crate) struct Attacker {
    pub(crate) person: PersonId,
    pub(crate) transport: transport::Client,
    pub(crate) socket: UdpSocket,
    /// SSRCs of the receive slots.
    pub(crate) slots: Vec<u32>,
    /// Packets that the SFU sent.
    pub(crate) received: usize,
    signaling: Client,
}

impl Attacker {
    /// In the meeting and connected.
    pub(crate) async fn join(target: &Target, link: &str, number: u32) -> Result<Attacker> {
        let (mut signaling, welcome) = Client::join(target, link).await?;
        let mut transport = transport::Client::new(Instant::now(), number);
        let (sdp, lines) = transport.offer();
        let lines = lines.into_iter().map(|(mid, r#use)| Line { mid, r#use }).collect();
        signaling.say(&ClientMessage::Offer { connection: 1, sdp, lines }).await?;
        let answer = loop {
            match signaling.hear().await?.context("closed instead of an answer")? {
                ServerMessage::Answer { sdp, .. } => break sdp,
                ServerMessage::Error { detail, .. } => {
                    bail!("the attacker's own offer was refused: {detail}")
                }
                _ => {}
            }
        };
        transport.answer(&answer);
        let slots =
            answer.lines().filter_map(|line| line.strip_prefix("a=ssrc:")?.split(' ').next()?.parse().ok());
        let mut attacker = Attacker {
            person: welcome.you,
            slots: slots.collect(),
            socket: target.udp(target.media).await?,
            transport,
            received: 0,
            signaling,
        };
        attacker.shake_hands().await?;
        let sources = Source::ALL.to_vec();
        attacker.signaling.say(&ClientMessage::Sending { sources }).await?;
        Ok(attacker)
    }

    async fn shake_hands(&mut self) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        self.settle().await?;
        while !self.transport.is_connected() {
            ensure!(Instant::now() < end, "no DTLS handshake with the SFU within {} s", PATIENCE.as_secs());
            let mut records = Vec::new();
            self.transport.poll(Instant::now(), &mut |record| records.push(record.to_vec()));
            self.send_all(&records).await;
            self.read(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    pub(crate) async fn watch(&mut self, person: PersonId) -> Result<()> {
        let tile = |source| Tile { person, source, width: 640, height: 360 };
        let tiles = vec![tile(Source::Camera), tile(Source::Screen)];
        self.signaling.say(&ClientMessage::Watch { tiles }).await
    }

    /// Bytes as a datagram. What the kernel refuses counts as lost on the way.
    pub(crate) async fn send(&self, datagram: &[u8]) {
        let _ = self.socket.send(datagram).await;
    }

    async fn send_all(&self, datagrams: &[Vec<u8>]) {
        for datagram in datagrams {
            self.send(datagram).await;
        }
    }

    /// Waits until the SFU has worked through everything sent so far: an answered check says so.
    pub(crate) async fn settle(&mut self) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            let check = self.transport.nomination();
            self.send(&check).await;
            let again = Instant::now() + REPEAT;
            while let Some(left) = again.checked_duration_since(Instant::now()) {
                self.read(left).await;
                if self.transport.last_response.get(8..20) == check.get(8..20) {
                    self.transport.responses.clear();
                    return Ok(());
                }
            }
        }
        bail!("the SFU has not answered a valid check for {} s", PATIENCE.as_secs())
    }

    /// Takes in one datagram, if one comes in time.
    async fn read(&mut self, time: Duration) {
        let mut buffer = [0; 2_048];
        let Ok(Ok(length)) = timeout(time, self.socket.recv(&mut buffer)).await else { return };
        let mut replies = Vec::new();
        let mut reply = |record: &[u8]| replies.push(record.to_vec());
        self.transport.handle(Instant::now(), &buffer[..length], &mut reply);
        self.received += self.transport.rtp.len() + self.transport.rtcp.len();
        self.transport.rtp.clear();
        self.transport.rtcp.clear();
        self.send_all(&replies).await;
    }

    pub(crate) async fn leave(self) -> Result<()> {
        self.signaling.leave().await
    }
}
