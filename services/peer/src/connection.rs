//! One peer connection of the `rtc` crate, without sockets and clock: the lines it offers, packets in and
//! packets out.

use crate::clip::AUDIO_LEVEL;
use crate::key_frame_requests::{KeyFrameRequests, wanted};
use crate::retransmissions::{Names, Repairs, Retransmissions};
use crate::sender::{LayerPlan, Outgoing};
use bytes::{Bytes, BytesMut};
use plenum_protocol::media::{Line, LineUse};
use rtc::crypto::providers::RingProvider;
use rtc::interceptor::Registry;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::interceptor_registry::{
    configure_twcc_sender_only, register_default_interceptors,
};
use rtc::peer_connection::configuration::media_engine::{
    MIME_TYPE_OPUS, MIME_TYPE_RTX, MIME_TYPE_VP8, MediaEngine,
};
use rtc::peer_connection::configuration::setting_engine::SettingEngineBuilder;
use rtc::peer_connection::event::{RTCPeerConnectionEvent, RTCTrackEvent};
use rtc::peer_connection::message::{RTCMessage, TaggedRTCMessage};
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::state::RTCPeerConnectionState;
use rtc::peer_connection::transport::RTCIceCandidateInit;
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
    RTCRtpHeaderExtensionCapability, RTCRtpRtxParameters, RtpCodecKind,
};
use rtc::rtp_transceiver::{
    RTCRtpReceiverId, RTCRtpSenderId, RTCRtpTransceiverDirection, RTCRtpTransceiverId, RTCRtpTransceiverInit,
};
use rtc::sansio::Protocol;
use rtc::shared::error::Error;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
const RID: &str = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
const REPAIRED_RID: &str = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";
const LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
/// ICE checks of a pair: 40 a second, for 5 s.
const CHECK_INTERVAL: Duration = Duration::from_millis(25);
const MAX_CHECKS: u16 = 200;
const OPUS: u8 = 111;
const VP8: u8 = 96;
const RTX: u8 = 97;

/// SSRCs of what a connection sends.
#[derive(Debug, Clone, Copy)]
pub struct Ssrcs {
    pub microphone: u32,
    pub camera: [u32; 3],
    pub camera_repair: [u32; 3],
    pub screen: u32,
    pub screen_repair: u32,
    pub screen_audio: u32,
}

/// RTP stream ids of the camera's layers, the smallest picture first.
pub const RIDS: [&str; 3] = ["q", "h", "f"];

impl Ssrcs {
    pub fn random(random: &mut fastrand::Rng) -> Ssrcs {
        let mut next = || random.u32(1..);
        Ssrcs {
            microphone: next(),
            camera: [next(), next(), next()],
            camera_repair: [next(), next(), next()],
            screen: next(),
            screen_repair: next(),
            screen_audio: next(),
        }
    }

    pub fn camera_plan(&self) -> Vec<LayerPlan> {
        let layers = RIDS.iter().zip(self.camera).enumerate();
        layers.map(|(clip, (rid, ssrc))| LayerPlan { source: "camera", rid, clip, ssrc }).collect()
    }

    pub fn screen_plan(&self) -> Vec<LayerPlan> {
        vec![LayerPlan { source: "screen", rid: "", clip: 2, ssrc: self.screen }]
    }
}

/// What happened on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// ICE and DTLS are done.
    Connected,
    Failed,
    KeyFrameWanted {
        ssrc: u32,
    },
    Audio {
        slot: usize,
        sequence: u16,
    },
    Video {
        slot: usize,
        sequence: u16,
        marker: bool,
        payload: Bytes,
    },
}

pub struct Transmit {
    pub local: SocketAddr,
    pub to: SocketAddr,
    pub bytes: BytesMut,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Audio(usize),
    Video(usize),
}

/// What a packet of one of this client's streams carries beside its payload.
struct Sending {
    transceiver: RTCRtpTransceiverId,
    mid: Bytes,
    rid: Option<&'static str>,
    payload_type: u8,
    is_audio: bool,
    extensions: Extensions,
}

/// Ids of the header extensions that the answer accepted on a line, 0 for none.
#[derive(Debug, Default, Clone, Copy)]
struct Extensions {
    mid: u8,
    rid: u8,
    repaired_rid: u8,
    level: u8,
}

impl Extensions {
    /// What packets of a repair stream carry.
    fn repair(&self, mid: &Bytes, rid: Option<&'static str>) -> Names {
        let rid = rid.map(|rid| (self.repaired_rid, Bytes::from_static(rid.as_bytes())));
        let names = [Some((self.mid, mid.clone())), rid].into_iter().flatten();
        names.filter(|(id, _)| *id > 0).collect()
    }
}

pub struct Connection {
    peer: RTCPeerConnection,
    lines: Vec<LineUse>,
    ssrcs: Ssrcs,
    sending: HashMap<u32, Sending>,
    repairs: Repairs,
    /// By the SSRC of what arrives.
    slots: HashMap<u32, Slot>,
    /// For feedback: receiver and SSRC of each video slot.
    video: Vec<Option<(RTCRtpReceiverId, u32)>>,
}

impl Connection {
    /// With `receive` video slots and at most three audio slots beside them.
    pub fn new(now: Instant, ssrcs: Ssrcs, receive: usize) -> Result<Connection, Error> {
        let repairs = Repairs::default();
        let mut connection = Connection {
            peer: build_peer(now, repairs.clone())?,
            lines: Vec::new(),
            ssrcs,
            sending: HashMap::new(),
            repairs,
            slots: HashMap::new(),
            video: vec![None; receive],
        };
        connection.add_senders()?;
        for (kind, count) in [(RtpCodecKind::Audio, receive.min(3)), (RtpCodecKind::Video, receive)] {
            for _ in 0..count {
                let receive_only = direction(RTCRtpTransceiverDirection::Recvonly);
                connection.peer.add_transceiver_from_kind(kind, Some(receive_only))?;
                connection.lines.push(LineUse::Slot);
            }
        }
        Ok(connection)
    }

    fn add_senders(&mut self) -> Result<(), Error> {
        let ssrcs = self.ssrcs;
        let camera = RIDS.into_iter().zip(ssrcs.camera).zip(ssrcs.camera_repair);
        let camera = camera.map(|((rid, ssrc), repair)| encoding(rid, ssrc, Some(repair)));
        for (line, stream, encodings) in [
            (LineUse::Microphone, "self", vec![encoding("", ssrcs.microphone, None)]),
            (LineUse::Camera, "self", camera.collect()),
            (LineUse::Screen, "screen", vec![encoding("", ssrcs.screen, Some(ssrcs.screen_repair))]),
            (LineUse::ScreenAudio, "screen", vec![encoding("", ssrcs.screen_audio, None)]),
        ] {
            let name = line.as_str().to_owned();
            let is_audio = line.source().is_some_and(|source| source.is_audio());
            let kind = if is_audio { RtpCodecKind::Audio } else { RtpCodecKind::Video };
            let track = MediaStreamTrack::new(stream.to_owned(), name.clone(), name, kind, encodings);
            let send_only = direction(RTCRtpTransceiverDirection::Sendonly);
            self.peer.add_transceiver_from_track(track, Some(send_only))?;
            self.lines.push(line);
        }
        Ok(())
    }

    /// The SDP offer and the use of each of its lines.
    pub fn offer(&mut self, now: Instant) -> Result<(String, Vec<Line>), Error> {
        let offer = self.peer.create_offer(None)?;
        let sdp = offer.sdp.clone();
        self.peer.set_local_description(now, offer)?;
        let mut lines = Vec::new();
        for (transceiver, line_use) in self.lines.clone().into_iter().enumerate() {
            let mid = self
                .peer
                .rtp_transceiver(transceiver)
                .and_then(|line| line.mid().clone())
                .unwrap_or_default();
            lines.push(Line { mid, r#use: line_use });
        }
        Ok((sdp, lines))
    }

    /// Takes the answer; returns the server's UDP addresses.
    pub fn answer(&mut self, now: Instant, sdp: &str) -> Result<Vec<SocketAddr>, Error> {
        let answer = RTCSessionDescription::answer(sdp.to_owned())?;
        self.peer.set_remote_description(now, answer)?;
        self.learn_negotiated();
        Ok(udp_candidates(sdp))
    }

    fn learn_negotiated(&mut self) {
        let ssrcs = self.ssrcs;
        for (transceiver, line) in self.lines.clone().into_iter().enumerate() {
            let streams = match line {
                LineUse::Microphone => vec![(ssrcs.microphone, None, None)],
                LineUse::Camera => {
                    let layers = ssrcs.camera.into_iter().zip(RIDS).zip(ssrcs.camera_repair);
                    layers.map(|((ssrc, rid), repair)| (ssrc, Some(rid), Some(repair))).collect()
                }
                LineUse::Screen => vec![(ssrcs.screen, None, Some(ssrcs.screen_repair))],
                LineUse::ScreenAudio => vec![(ssrcs.screen_audio, None, None)],
                LineUse::Slot => continue,
            };
            let mid = self.peer.rtp_transceiver(transceiver).and_then(|line| line.mid().clone());
            let mid = Bytes::from(mid.unwrap_or_default());
            let is_audio = line.source().is_some_and(|source| source.is_audio());
            let Some((payload_type, extensions)) = self.negotiated(transceiver, is_audio) else { continue };
            for (ssrc, rid, repair) in streams {
                if let Some(repair) = repair {
                    self.repairs.insert(repair, extensions.repair(&mid, rid));
                }
                let sending =
                    Sending { transceiver, mid: mid.clone(), rid, payload_type, is_audio, extensions };
                self.sending.insert(ssrc, sending);
            }
        }
    }

    /// Payload type and header extensions of a sender; None: the answer rejected its line.
    fn negotiated(&mut self, transceiver: RTCRtpTransceiverId, is_audio: bool) -> Option<(u8, Extensions)> {
        let mut sender = self.peer.rtp_sender(RTCRtpSenderId::from(transceiver))?;
        let parameters = &sender.get_parameters().rtp_parameters;
        let mut extensions = Extensions::default();
        for extension in &parameters.header_extensions {
            let id = extension.id as u8;
            match extension.uri.as_str() {
                MID => extensions.mid = id,
                RID => extensions.rid = id,
                REPAIRED_RID => extensions.repaired_rid = id,
                LEVEL => extensions.level = id,
                _ => {}
            }
        }
        let wanted = if is_audio { MIME_TYPE_OPUS } else { MIME_TYPE_VP8 };
        let codec = parameters.codecs.iter().find(|c| c.rtp_codec.mime_type.eq_ignore_ascii_case(wanted))?;
        Some((codec.payload_type, extensions))
    }

    /// An address that this client can be reached at. `relayed`: at a TURN server.
    pub fn add_local(&mut self, address: SocketAddr, relayed: bool) -> Result<(), Error> {
        let (ip, port) = (address.ip(), address.port());
        let candidate = if relayed {
            format!("candidate:2 1 udp 16777215 {ip} {port} typ relay raddr 0.0.0.0 rport 0")
        } else {
            format!("candidate:1 1 udp 2130706431 {ip} {port} typ host")
        };
        self.peer.add_local_candidate(RTCIceCandidateInit { candidate, ..RTCIceCandidateInit::default() })
    }

    /// A datagram that arrived. An error of the crate ends nothing: the datagram is dropped.
    pub fn receive(&mut self, now: Instant, local: SocketAddr, from: SocketAddr, bytes: BytesMut) {
        let transport = TransportContext {
            local_addr: local,
            peer_addr: from,
            ecn: None,
            transport_protocol: TransportProtocol::UDP,
        };
        if let Err(error) = self.peer.handle_read(TaggedBytesMut { now, transport, message: bytes }) {
            log::debug!(error:% = error; "datagram dropped");
        }
    }

    pub fn transmit(&mut self) -> Option<Transmit> {
        let message = self.peer.poll_write()?;
        let TransportContext { local_addr, peer_addr, .. } = message.transport;
        Some(Transmit { local: local_addr, to: peer_addr, bytes: message.message })
    }

    pub fn deadline(&mut self) -> Option<Instant> {
        self.peer.poll_timeout()
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        if let Err(error) = self.peer.handle_timeout(now) {
            log::debug!(error:% = error; "timer of the connection");
        }
    }

    /// Everything that happened since the last call.
    pub fn poll(&mut self) -> Vec<Happened> {
        let mut happened = Vec::new();
        while let Some(event) = self.peer.poll_event() {
            match event {
                RTCPeerConnectionEvent::OnConnectionStateChangeEvent(RTCPeerConnectionState::Connected) => {
                    happened.push(Happened::Connected);
                }
                RTCPeerConnectionEvent::OnConnectionStateChangeEvent(
                    RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed,
                ) => happened.push(Happened::Failed),
                RTCPeerConnectionEvent::OnTrack(RTCTrackEvent::OnOpen(track)) => {
                    self.learn_slot(track.receiver_id, track.ssrc);
                }
                _ => {}
            }
        }
        while let Some(TaggedRTCMessage { message, .. }) = self.peer.poll_read() {
            match message {
                RTCMessage::RtpPacket(_, packet) => happened.extend(self.arrived(packet)),
                RTCMessage::RtcpPacket(_, packets) => {
                    let ssrcs = packets.iter().flat_map(|packet| wanted(&**packet));
                    happened.extend(ssrcs.map(|ssrc| Happened::KeyFrameWanted { ssrc }));
                }
                _ => {}
            }
        }
        happened
    }

    fn learn_slot(&mut self, receiver: RTCRtpReceiverId, ssrc: u32) {
        let transceiver = RTCRtpTransceiverId::from(receiver);
        let first = self.lines.iter().take_while(|line| **line != LineUse::Slot).count();
        let audio = self.video.len().min(3);
        let Some(index) = transceiver.checked_sub(first) else { return };
        let slot = if index < audio { Slot::Audio(index) } else { Slot::Video(index - audio) };
        if let Slot::Video(index) = slot
            && let Some(entry) = self.video.get_mut(index)
        {
            *entry = Some((receiver, ssrc));
        }
        self.slots.insert(ssrc, slot);
    }

    fn arrived(&self, packet: rtc::rtp::Packet) -> Option<Happened> {
        let sequence = packet.header.sequence_number;
        Some(match *self.slots.get(&packet.header.ssrc)? {
            Slot::Audio(slot) => Happened::Audio { slot, sequence },
            Slot::Video(slot) => {
                Happened::Video { slot, sequence, marker: packet.header.marker, payload: packet.payload }
            }
        })
    }

    /// Sends a packet of one of this client's streams.
    pub fn send(&mut self, now: Instant, packet: Outgoing) -> Result<(), Error> {
        let Some(sending) = self.sending.get(&packet.ssrc) else { return Ok(()) };
        let mut header = rtc::rtp::header::Header {
            version: 2,
            marker: packet.marker,
            payload_type: sending.payload_type,
            sequence_number: packet.sequence,
            timestamp: packet.timestamp,
            ssrc: packet.ssrc,
            ..rtc::rtp::header::Header::default()
        };
        if sending.extensions.mid > 0 {
            header.set_extension(sending.extensions.mid, sending.mid.clone())?;
        }
        if let Some(rid) = sending.rid.filter(|_| sending.extensions.rid > 0) {
            header.set_extension(sending.extensions.rid, Bytes::from_static(rid.as_bytes()))?;
        }
        if sending.is_audio && sending.extensions.level > 0 {
            // With the bit for voice (RFC 6464, section 3).
            header.set_extension(sending.extensions.level, Bytes::from_static(&[0x80 | AUDIO_LEVEL]))?;
        }
        let sender = RTCRtpSenderId::from(sending.transceiver);
        let packet = rtc::rtp::Packet { header, payload: packet.payload };
        self.peer.rtp_sender(sender).map_or(Ok(()), |mut sender| sender.write_rtp(now, packet))
    }

    /// Asks for a key frame on a video slot (PLI).
    pub fn ask_key_frame(&mut self, now: Instant, slot: usize) -> Result<(), Error> {
        let Some(Some((receiver, media_ssrc))) = self.video.get(slot).copied() else { return Ok(()) };
        let packet = PictureLossIndication { sender_ssrc: self.ssrcs.microphone, media_ssrc };
        let Some(mut receiver) = self.peer.rtp_receiver(receiver) else { return Ok(()) };
        receiver.write_rtcp(now, vec![Box::new(packet)])
    }

    /// Says goodbye; what is to be sent for it comes out of [`Connection::transmit`].
    pub fn close(&mut self) {
        if let Err(error) = self.peer.close() {
            log::debug!(error:% = error; "closing the connection");
        }
    }
}

fn build_peer(now: Instant, repairs: Repairs) -> Result<RTCPeerConnection, Error> {
    let mut media = MediaEngine::default();
    for (kind, payload_type) in
        [(RtpCodecKind::Audio, OPUS), (RtpCodecKind::Video, VP8), (RtpCodecKind::Video, RTX)]
    {
        let rtp_codec = codec(payload_type);
        media.register_codec(RTCRtpCodecParameters { rtp_codec, payload_type }, kind)?;
    }
    for (kind, uri) in [(RtpCodecKind::Audio, MID), (RtpCodecKind::Audio, LEVEL)] {
        media.register_header_extension(
            RTCRtpHeaderExtensionCapability { uri: uri.to_owned() },
            kind,
            None,
        )?;
    }
    let registry = register_default_interceptors(Registry::new(), &mut media)?;
    let registry = configure_twcc_sender_only(registry, &mut media)?;
    let registry = registry.with(KeyFrameRequests::slot(), KeyFrameRequests::default());
    let registry = registry.with(Retransmissions::slot(), Retransmissions::new(repairs));
    // Chosen here: with two providers in one build, the crate would decide by itself.
    let settings = SettingEngineBuilder::new()
        .with_crypto_provider(Arc::new(RingProvider::new()))
        // There is one way to the server in a call: no better one is waited for, as the crate would for 2 s.
        .with_relay_acceptance_min_wait(Some(Duration::ZERO))
        .with_ice_connection_attempts(Some(CHECK_INTERVAL), Some(MAX_CHECKS))
        .build();
    RTCPeerConnectionBuilder::new()
        .with_media_engine(media)
        .with_interceptor_registry(registry)
        .with_setting_engine(settings)
        .build(now)
}

fn codec(payload_type: u8) -> RTCRtpCodec {
    let (mime_type, clock_rate, channels, fmtp) = match payload_type {
        OPUS => (MIME_TYPE_OPUS, 48_000, 2, "minptime=10;useinbandfec=1"),
        VP8 => (MIME_TYPE_VP8, 90_000, 0, ""),
        _ => (MIME_TYPE_RTX, 90_000, 0, "apt=96"),
    };
    RTCRtpCodec {
        mime_type: mime_type.to_owned(),
        clock_rate,
        channels,
        sdp_fmtp_line: fmtp.to_owned(),
        rtcp_feedback: Vec::new(),
    }
}

/// One stream of a sender; with a repair stream it is video.
fn encoding(rid: &str, ssrc: u32, repair: Option<u32>) -> RTCRtpEncodingParameters {
    RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            rid: rid.to_owned(),
            ssrc: Some(ssrc),
            rtx: repair.map(|ssrc| RTCRtpRtxParameters { ssrc }),
            ..RTCRtpCodingParameters::default()
        },
        active: true,
        codec: codec(if repair.is_some() { VP8 } else { OPUS }),
        ..RTCRtpEncodingParameters::default()
    }
}

fn direction(direction: RTCRtpTransceiverDirection) -> RTCRtpTransceiverInit {
    RTCRtpTransceiverInit { direction, ..RTCRtpTransceiverInit::default() }
}

/// Addresses of the `a=candidate` lines for UDP (RFC 8839, section 5.1).
fn udp_candidates(sdp: &str) -> Vec<SocketAddr> {
    let mut found: Vec<SocketAddr> = Vec::new();
    for line in sdp.lines().filter_map(|line| line.strip_prefix("a=candidate:")) {
        let mut fields = line.split_ascii_whitespace().skip(2);
        let (transport, address, port) = (fields.next(), fields.nth(1), fields.next());
        let address = address
            .zip(port)
            .and_then(|(ip, port)| Some(SocketAddr::new(ip.parse().ok()?, port.parse().ok()?)));
        if let Some(address) =
            address.filter(|_| transport.is_some_and(|name| name.eq_ignore_ascii_case("udp")))
            && !found.contains(&address)
        {
            found.push(address);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_candidates() {
        let sdp = "v=0\r\na=candidate:1 1 UDP 2130706431 192.0.2.5 10000 typ host\r\n\
            a=candidate:2 1 udp 2130706430 2001:db8::5 10000 typ host\r\n\
            a=candidate:1 1 UDP 2130706431 192.0.2.5 10000 typ host\r\n\
            a=candidate:3 1 tcp 1 192.0.2.5 9 typ host\r\na=candidate:broken\r\n";
        let expected: Vec<SocketAddr> =
            vec!["192.0.2.5:10000".parse().unwrap(), "[2001:db8::5]:10000".parse().unwrap()];
        assert_eq!(udp_candidates(sdp), expected);
    }

    #[test]
    fn offers_what_the_protocol_wants() {
        let now = Instant::now();
        let ssrcs = Ssrcs::random(&mut fastrand::Rng::with_seed(5));
        let mut connection = Connection::new(now, ssrcs, 4).unwrap();
        let (sdp, lines) = connection.offer(now).unwrap();
        let uses: Vec<LineUse> = lines.iter().map(|line| line.r#use).collect();
        let mut expected = vec![LineUse::Microphone, LineUse::Camera, LineUse::Screen, LineUse::ScreenAudio];
        expected.extend([LineUse::Slot; 7]);
        assert_eq!(uses, expected);
        assert_eq!(sdp.matches("\r\nm=").count(), 11);
        for line in &lines {
            assert!(sdp.contains(&format!("a=mid:{}\r\n", line.mid)));
        }
        assert!(sdp.contains("a=simulcast:send q;h;f\r\n"));
        assert_eq!(sdp.matches("a=recvonly").count(), 7);
        assert!(sdp.contains("a=setup:actpass") && sdp.contains("urn:ietf:params:rtp-hdrext:sdes:mid"));
    }
}
