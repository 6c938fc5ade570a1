//! The media of one call, over all its peer connections: what it sends by the clock, and what it makes of
//! what arrives. Without sockets and clock: time, messages and packets go in, packets come out.

use crate::connection::{Connection, Happened, Ssrcs, Transmit};
use crate::options::Send;
use crate::receiver::{AudioReceiver, VideoReceiver};
use crate::report::Report;
use crate::sender::{AudioSender, Outgoing, VideoSender};
use plenum_protocol::media::{Line, SlotContent, Source};
use rtc::shared::error::Error;
use std::time::{Duration, Instant};

/// How often receivers give up what is missing and ask for key frames.
const CHECK: Duration = Duration::from_millis(100);

pub struct Media {
    connection: Connection,
    connected: bool,
    senders: Senders,
    audio: Vec<AudioReceiver>,
    video: Vec<VideoReceiver>,
    next_check: Instant,
    key_frame_requests: u64,
}

struct Senders {
    audio: Option<AudioSender>,
    video: Vec<VideoSender>,
}

impl Senders {
    fn start(&mut self, now: Instant) {
        self.audio.iter_mut().for_each(|audio| audio.start(now));
        self.video.iter_mut().for_each(|video| video.start(now));
    }

    fn due(&self) -> Option<Instant> {
        let video = self.video.iter().map(VideoSender::due);
        video.chain(self.audio.as_ref().map(AudioSender::due)).min()
    }

    fn poll(&mut self, now: Instant) -> Vec<Outgoing> {
        let mut packets: Vec<Outgoing> =
            self.audio.as_mut().and_then(|audio| audio.poll(now)).into_iter().collect();
        packets.extend(self.video.iter_mut().flat_map(|video| video.poll(now)));
        packets
    }
}

/// What the rest of the call has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Connected,
    Failed,
}

impl Media {
    /// A new peer connection, and its offer.
    pub fn new(
        now: Instant,
        send: Send,
        receive: usize,
        random: &mut fastrand::Rng,
    ) -> Result<(Media, String, Vec<Line>), Error> {
        let ssrcs = Ssrcs::random(random);
        let mut connection = Connection::new(now, ssrcs, receive)?;
        let (sdp, lines) = connection.offer(now)?;
        let mut video = Vec::new();
        if send.video {
            video.push(VideoSender::new(&ssrcs.camera_plan(), now, random));
        }
        if send.screen {
            video.push(VideoSender::new(&ssrcs.screen_plan(), now, random));
        }
        let audio = send.audio.then(|| AudioSender::new(ssrcs.microphone, now, random));
        let media = Media {
            connection,
            connected: false,
            senders: Senders { audio, video },
            audio: (0..receive.min(3)).map(AudioReceiver::new).collect(),
            video: (0..receive).map(VideoReceiver::new).collect(),
            next_check: now,
            key_frame_requests: 0,
        };
        Ok((media, sdp, lines))
    }

    pub fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    pub fn is_connected(&self) -> bool {
        self.connected
    }

    /// The server's `slots`.
    pub fn slots(&mut self, audio: &[Option<SlotContent>], video: &[Option<SlotContent>]) {
        for (receiver, content) in self.audio.iter_mut().zip(audio) {
            receiver.content(*content);
        }
        for (receiver, content) in self.video.iter_mut().zip(video) {
            receiver.content(*content);
        }
    }

    /// Takes in what the connection made of datagrams and time.
    pub fn take_in(&mut self, now: Instant) -> Option<State> {
        let mut state = None;
        for happened in self.connection.poll() {
            match happened {
                Happened::Connected => {
                    if !std::mem::replace(&mut self.connected, true) {
                        self.senders.start(now);
                    }
                    state = Some(State::Connected);
                }
                Happened::Failed => {
                    self.connected = false;
                    state = Some(State::Failed);
                }
                Happened::KeyFrameWanted { ssrc } => {
                    self.key_frame_requests += 1;
                    self.senders.video.iter_mut().for_each(|video| video.key_frame_wanted(ssrc));
                }
                Happened::Audio { slot, sequence } => {
                    if let Some(receiver) = self.audio.get_mut(slot) {
                        receiver.packet(now, sequence);
                    }
                }
                Happened::Video { slot, sequence, marker, payload } => {
                    if let Some(receiver) = self.video.get_mut(slot) {
                        receiver.packet(now, sequence, marker, payload);
                    }
                }
            }
        }
        state
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.connection.deadline().is_some_and(|deadline| deadline <= now) {
            self.connection.handle_timeout(now);
        }
        if !self.connected {
            return;
        }
        for packet in self.senders.poll(now) {
            if let Err(error) = self.connection.send(now, packet) {
                log::debug!(error:% = error; "packet not sent");
            }
        }
        if now >= self.next_check {
            self.next_check = now + CHECK;
            for (slot, receiver) in self.video.iter_mut().enumerate() {
                receiver.advance(now);
                if receiver.wants_key_frame(now)
                    && let Err(error) = self.connection.ask_key_frame(now, slot)
                {
                    log::debug!(error:% = error; "key frame not asked for");
                }
            }
        }
    }

    /// Until when there is nothing to do.
    pub fn deadline(&mut self) -> Option<Instant> {
        let own =
            if self.connected { self.senders.due().into_iter().chain([self.next_check]).min() } else { None };
        own.into_iter().chain(self.connection.deadline()).min()
    }

    pub fn transmit(&mut self) -> Option<Transmit> {
        self.connection.transmit()
    }

    pub fn first_audio(&self) -> Option<Instant> {
        self.audio.iter().filter_map(AudioReceiver::first_packet).min()
    }

    pub fn first_video(&self) -> Option<Instant> {
        self.video.iter().filter_map(VideoReceiver::first_frame).min()
    }

    /// Adds what this connection saw.
    pub fn report(&self, report: &mut Report) {
        report.sent.audio_packets += self.senders.audio.as_ref().map_or(0, |audio| audio.packets);
        report.sent.key_frame_requests += self.key_frame_requests;
        report.sent.layers.extend(self.senders.video.iter().flat_map(VideoSender::reports));
        report.audio.extend(self.audio.iter().map(AudioReceiver::report));
        report.video.extend(self.video.iter().map(VideoReceiver::report));
    }
}

/// Sources as the server is told.
pub fn sources(send: Send) -> Vec<Source> {
    let all = [(send.audio, Source::Microphone), (send.video, Source::Camera), (send.screen, Source::Screen)];
    all.into_iter().filter(|(sends, _)| *sends).map(|(_, source)| source).collect()
}
