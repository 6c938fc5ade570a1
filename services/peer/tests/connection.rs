//! The client's media against an answering peer connection of the same crate, in memory and by a clock of
//! its own: what is sent arrives whole, on the layers that were offered, and key frames come on request.

use bytes::BytesMut;
use plenum_peer::media::Media;
use plenum_peer::options::Send;
use plenum_peer::receiver::VideoReceiver;
use plenum_protocol::media::{SlotContent, Source};
use rtc::interceptor::Registry;
use rtc::peer_connection::configuration::interceptor_registry::register_default_interceptors;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::event::{RTCPeerConnectionEvent, RTCTrackEvent};
use rtc::peer_connection::message::RTCMessage;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::transport::RTCIceCandidateInit;
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtp_transceiver::RTCRtpReceiverId;
use rtc::sansio::Protocol;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const CLIENT: &str = "127.0.0.1:1000";
const SERVER: &str = "127.0.0.1:2000";

struct Track {
    receiver: RTCRtpReceiverId,
    rid: Option<String>,
    packets: u64,
    video: VideoReceiver,
}

struct Answerer {
    peer: RTCPeerConnection,
    tracks: BTreeMap<u32, Track>,
}

impl Answerer {
    fn new(now: Instant, offer: String) -> (Answerer, String) {
        let mut media = MediaEngine::default();
        media.register_default_codecs().unwrap();
        let registry = register_default_interceptors(Registry::new(), &mut media).unwrap();
        let mut peer = RTCPeerConnectionBuilder::new()
            .with_media_engine(media)
            .with_interceptor_registry(registry)
            .build(now)
            .unwrap();
        peer.set_remote_description(now, RTCSessionDescription::offer(offer).unwrap()).unwrap();
        let candidate = "candidate:1 1 udp 2130706431 127.0.0.1 2000 typ host".to_owned();
        peer.add_local_candidate(RTCIceCandidateInit { candidate, ..RTCIceCandidateInit::default() })
            .unwrap();
        let answer = peer.create_answer(None).unwrap();
        peer.set_local_description(now, answer).unwrap();
        let sdp = peer.local_description().unwrap().sdp;
        (Answerer { peer, tracks: BTreeMap::new() }, sdp)
    }

    fn take_in(&mut self, now: Instant) {
        while let Some(event) = self.peer.poll_event() {
            if let RTCPeerConnectionEvent::OnTrack(RTCTrackEvent::OnOpen(track)) = event {
                let mut video = VideoReceiver::new(0);
                video.content(Some(SlotContent { person: 1, source: Source::Camera }));
                let track_of = Track { receiver: track.receiver_id, rid: track.rid, packets: 0, video };
                self.tracks.insert(track.ssrc, track_of);
            }
        }
        while let Some(message) = self.peer.poll_read() {
            let RTCMessage::RtpPacket(_, packet) = message.message else { continue };
            let track = self.tracks.get_mut(&packet.header.ssrc).expect("opened before");
            track.packets += 1;
            track.video.packet(now, packet.header.sequence_number, packet.header.marker, packet.payload);
        }
    }

    fn ask_key_frame(&mut self, now: Instant, rid: &str) {
        let (ssrc, track) = self.tracks.iter().find(|(_, track)| track.rid.as_deref() == Some(rid)).unwrap();
        let pli = PictureLossIndication { sender_ssrc: 1, media_ssrc: *ssrc };
        let mut receiver = self.peer.rtp_receiver(track.receiver).unwrap();
        receiver.write_rtcp(now, vec![Box::new(pli)]).unwrap();
    }
}

fn tagged(now: Instant, local: &str, from: &str, message: BytesMut) -> TaggedBytesMut {
    let transport = TransportContext {
        local_addr: local.parse().unwrap(),
        peer_addr: from.parse().unwrap(),
        ecn: None,
        transport_protocol: TransportProtocol::UDP,
    };
    TaggedBytesMut { now, transport, message }
}

#[test]
fn simulcast_arrives_whole_and_key_frames_come_on_request() {
    let mut now = Instant::now();
    let mut random = fastrand::Rng::with_seed(6);
    let send = Send { audio: true, video: true, screen: false };
    let (mut client, offer, _) = Media::new(now, send, 2, &mut random).unwrap();
    let (mut server, answer) = Answerer::new(now, offer);
    client.connection().answer(now, &answer).unwrap();
    client.connection().add_local(CLIENT.parse().unwrap(), false).unwrap();

    let mut connected_at = None;
    let mut asked = false;
    let start = now;
    while connected_at.is_none_or(|at: Instant| now < at + Duration::from_secs(3)) {
        assert!(now < start + Duration::from_secs(20), "never connected");
        client.handle_timeout(now);
        client.take_in(now);
        while let Some(transmit) = client.transmit() {
            assert_eq!(transmit.to, SERVER.parse::<SocketAddr>().unwrap());
            server.peer.handle_read(tagged(now, SERVER, CLIENT, transmit.bytes)).unwrap();
        }
        server.peer.handle_timeout(now).unwrap();
        server.take_in(now);
        while let Some(message) = server.peer.poll_write() {
            client.connection().receive(
                now,
                CLIENT.parse().unwrap(),
                SERVER.parse().unwrap(),
                message.message,
            );
        }
        if client.is_connected() {
            let at = *connected_at.get_or_insert(now);
            if !asked && now > at + Duration::from_millis(1_500) {
                asked = true;
                server.ask_key_frame(now, "h");
            }
        }
        now += Duration::from_millis(5);
    }

    let of_layer =
        |rid: &str| server.tracks.values().find(|track| track.rid.as_deref() == Some(rid)).unwrap();
    for (rid, size, key_frames) in [("q", (320, 180), 1), ("h", (640, 360), 2), ("f", (1280, 720), 1)] {
        let report = of_layer(rid).video.report();
        let content = &report.contents[0];
        assert!((57..=61).contains(&content.frames), "{rid}: {report:?}");
        assert_eq!(
            (content.width, content.height, content.key_frames),
            (size.0, size.1, key_frames),
            "{rid}"
        );
        assert_eq!((report.lost, report.broken, report.picture_id_jumps), (0, 0, 0), "{rid}");
        assert!(report.starts_with_key_frame, "{rid}");
    }
    let audio: u64 =
        server.tracks.values().filter(|track| track.rid.is_none()).map(|track| track.packets).sum();
    assert!((145..=152).contains(&audio), "{audio}");
}
