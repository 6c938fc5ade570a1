//! One call from the link to the goodbye: signaling, media and sockets together.

use crate::media::{Media, State, sources};
use crate::network::{Datagram, Network};
use crate::options::Options;
use crate::report::Report;
use crate::signaling::{FromServer, Signaling};
use crate::tls::Tls;
use plenum_protocol::PersonId;
use plenum_protocol::client::ClientMessage;
use plenum_protocol::media::{Source, Tile};
use plenum_protocol::server::{ErrorCode, IceServer, Person, ServerMessage, Welcome};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Makes the call and tells what it saw. Never fails: [`Report::error`] says why it ended early.
pub async fn call(options: Options) -> Report {
    call_until(options, std::future::pending()).await
}

/// As [`call`], and ends before its time when `stop` does.
pub async fn call_until(options: Options, stop: impl Future<Output = ()>) -> Report {
    let tls = match Tls::new(&options.ca, &options.link) {
        Ok(tls) => tls,
        Err(error) => return Report { error: Some(format!("{error:#}")), ..Report::default() },
    };
    let signaling = Signaling::start(&options, tls.clone());
    let mut call = Call::new(options, tls, signaling);
    let ended = call.run(stop).await;
    call.finish(ended.err()).await
}

struct Call {
    options: Options,
    tls: Tls,
    signaling: Signaling,
    network: Network,
    media: Option<Media>,
    random: fastrand::Rng,
    start: Instant,
    people: BTreeMap<PersonId, Person>,
    watched: Vec<Tile>,
    ice_servers: Vec<IceServer>,
    /// Address of the allocation, if there is one.
    relayed: Option<SocketAddr>,
    answered: bool,
    report: Report,
}

impl Call {
    fn new(options: Options, tls: Tls, signaling: Signaling) -> Call {
        let path = if options.relay.is_some() { "relay" } else { "udp" };
        Call {
            options,
            tls,
            signaling,
            network: Network::new(),
            media: None,
            random: fastrand::Rng::new(),
            start: Instant::now(),
            people: BTreeMap::new(),
            watched: Vec::new(),
            ice_servers: Vec::new(),
            relayed: None,
            answered: false,
            report: Report { path, ..Report::default() },
        }
    }

    fn elapsed(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.start).as_millis() as u64
    }

    /// Until the call's time is over; an error ends it before.
    async fn run(&mut self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let end = self.start + self.options.duration;
        let mut stop = std::pin::pin!(stop);
        loop {
            self.work()?;
            let now = Instant::now();
            if now >= end {
                return Ok(());
            }
            let media = self.media.as_mut().and_then(Media::deadline);
            let wake = [media, self.network.deadline(), Some(end)].into_iter().flatten().min();
            let wake = wake.unwrap_or(end).max(now);
            tokio::select! {
                biased;
                datagram = self.network.next() => self.datagram(datagram),
                event = self.signaling.next() => self.heard(event).await?,
                () = stop.as_mut() => return Ok(()),
                () = tokio::time::sleep_until(wake.into()) => {}
            }
        }
    }

    fn datagram(&mut self, Datagram { local, from, bytes }: Datagram) {
        if let Some(media) = &mut self.media {
            media.connection().receive(Instant::now(), local, from, bytes);
        }
    }

    /// Everything that is due, and everything that is to be sent.
    fn work(&mut self) -> anyhow::Result<()> {
        let now = Instant::now();
        if self.network.deadline().is_some_and(|deadline| deadline <= now) {
            self.network.handle_timeout(now);
        }
        let Some(media) = &mut self.media else { return Ok(()) };
        media.handle_timeout(now);
        let state = media.take_in(now);
        while let Some(transmit) = media.transmit() {
            self.network.send(now, transmit.local, transmit.to, transmit.bytes);
        }
        self.note_times(now);
        match state {
            Some(State::Connected) => {
                self.signaling.send(ClientMessage::Sending { sources: sources(self.options.send) });
                self.watch(true);
                Ok(())
            }
            Some(State::Failed) => self.connect_media(),
            None => Ok(()),
        }
    }

    fn note_times(&mut self, now: Instant) {
        let Some(media) = &self.media else { return };
        let (audio, video, connected) = (media.first_audio(), media.first_video(), media.is_connected());
        let mut join = self.report.join;
        join.first_audio_ms = join.first_audio_ms.or(audio.map(|at| self.elapsed(at)));
        join.first_video_ms = join.first_video_ms.or(video.map(|at| self.elapsed(at)));
        join.connected_ms = join.connected_ms.or(connected.then(|| self.elapsed(now)));
        self.report.join = join;
    }

    async fn heard(&mut self, event: FromServer) -> anyhow::Result<()> {
        match event {
            FromServer::Welcome(welcome) => self.welcome(*welcome).await,
            FromServer::Message(message) => self.message(message).await,
            FromServer::Ended(why) => anyhow::bail!(why),
        }
    }

    async fn welcome(&mut self, welcome: Welcome) -> anyhow::Result<()> {
        let first = self.report.person == 0;
        self.report.join.welcome_ms.get_or_insert(self.start.elapsed().as_millis() as u64);
        self.report.person = welcome.you;
        self.report.resumed += u32::from(welcome.resumed);
        self.people = welcome.people.into_iter().map(|person| (person.id, person)).collect();
        self.ice_servers = welcome.ice_servers;
        if first && let Some(transport) = self.options.relay {
            let relayed = self.network.open_relay(&self.ice_servers, transport, &self.tls).await?;
            self.relayed = Some(relayed);
        }
        if self.media.as_ref().is_some_and(Media::is_connected) && welcome.resumed {
            self.signaling.send(ClientMessage::Sending { sources: sources(self.options.send) });
            self.watch(true);
            return Ok(());
        }
        self.connect_media()
    }

    async fn message(&mut self, message: ServerMessage) -> anyhow::Result<()> {
        match message {
            ServerMessage::Answer { connection, sdp } if connection == self.report.connections => {
                return self.answer(&sdp).await;
            }
            ServerMessage::Slots { audio, video } => {
                if let Some(media) = &mut self.media {
                    media.slots(&audio, &video);
                }
            }
            ServerMessage::PersonJoined { person } | ServerMessage::PersonChanged { person } => {
                self.people.insert(person.id, person);
                self.watch(false);
            }
            ServerMessage::PersonLeft { person, .. } => {
                self.people.remove(&person);
                self.watch(false);
            }
            ServerMessage::MediaRestart {} => {
                self.report.media_restarts += 1;
                return self.connect_media();
            }
            ServerMessage::Error { of, code, detail } => {
                let of = of.unwrap_or_default();
                self.report.refusals.push(format!("{of}: {code:?}: {detail}"));
                anyhow::ensure!(code != ErrorCode::OfferRefused, "the offer was refused: {detail}");
            }
            _ => {}
        }
        Ok(())
    }

    /// A new peer connection in place of the present one.
    fn connect_media(&mut self) -> anyhow::Result<()> {
        if let Some(media) = self.media.take() {
            media.report(&mut self.report);
        }
        let now = Instant::now();
        let (media, sdp, lines) = Media::new(now, self.options.send, self.options.receive, &mut self.random)?;
        self.media = Some(media);
        self.answered = false;
        self.report.connections += 1;
        self.signaling.send(ClientMessage::Offer { connection: self.report.connections, sdp, lines });
        Ok(())
    }

    async fn answer(&mut self, sdp: &str) -> anyhow::Result<()> {
        let Some(media) = &mut self.media else { return Ok(()) };
        if std::mem::replace(&mut self.answered, true) {
            return Ok(());
        }
        let candidates = media.connection().answer(Instant::now(), sdp)?;
        let locals = match self.relayed {
            Some(relayed) => vec![relayed],
            None => {
                self.network.open(&candidates).await?;
                self.network.locals()
            }
        };
        anyhow::ensure!(!locals.is_empty(), "this machine reaches none of the SFU's addresses");
        for local in locals {
            media.connection().add_local(local, self.relayed.is_some())?;
        }
        self.report.join.answer_ms.get_or_insert(self.start.elapsed().as_millis() as u64);
        Ok(())
    }

    /// Says whom this client shows: screens first, then cameras, as many as there are slots.
    fn watch(&mut self, always: bool) {
        let (width, height) = self.options.tile;
        let mut tiles = Vec::new();
        for source in [Source::Screen, Source::Camera] {
            let senders = self.people.values().filter(|person| person.sources.contains(&source));
            let others = senders.filter(|person| person.id != self.report.person);
            tiles.extend(others.map(|person| Tile { person: person.id, source, width, height }));
        }
        tiles.truncate(self.options.receive);
        if always || tiles != self.watched {
            self.watched.clone_from(&tiles);
            self.signaling.send(ClientMessage::Watch { tiles });
        }
    }

    async fn finish(mut self, error: Option<anyhow::Error>) -> Report {
        let now = Instant::now();
        if let Some(mut media) = self.media.take() {
            media.report(&mut self.report);
            media.connection().close();
            while let Some(transmit) = media.transmit() {
                self.network.send(now, transmit.local, transmit.to, transmit.bytes);
            }
        }
        self.network.close(now);
        self.report.error = error.map(|error| format!("{error:#}"));
        self.signaling.leave().await;
        // What the sockets' tasks still hold for a stream may go out.
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.report
    }
}
