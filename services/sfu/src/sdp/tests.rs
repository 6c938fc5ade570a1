use super::*;
use crate::description::PayloadType;
use rtc_sdp::description::session::SessionDescription;
use std::io::Cursor;

/// As the browsers made them: microphone, camera with three layers, screen, its sound, 2 + 2 slots.
const CHROMIUM: &str = include_str!("../../tests/offers/chromium.sdp");
const FIREFOX: &str = include_str!("../../tests/offers/firefox.sdp");

const USES: [LineUse; 8] = [
    LineUse::Microphone,
    LineUse::Camera,
    LineUse::Screen,
    LineUse::ScreenAudio,
    LineUse::Slot,
    LineUse::Slot,
    LineUse::Slot,
    LineUse::Slot,
];

fn uses() -> Vec<(String, LineUse)> {
    USES.iter().enumerate().map(|(mid, line_use)| (mid.to_string(), *line_use)).collect()
}

fn local() -> LocalTransport<'static> {
    static CANDIDATES: std::sync::LazyLock<Vec<std::net::SocketAddr>> = std::sync::LazyLock::new(|| {
        ["192.0.2.1:10000", "[2001:db8::1]:10000"].iter().map(|a| a.parse().expect("an address")).collect()
    });
    LocalTransport {
        ufrag: "00abcdefgh",
        password: "0123456789012345678901",
        fingerprint: &[0xab; 32],
        candidates: &CANDIDATES,
    }
}

fn take(offer: &str) -> (Negotiated, String) {
    let mut negotiation = Negotiation::new(1);
    let negotiated = negotiation.take(offer, &uses()).expect("a real offer");
    let answer = negotiation.answer(&negotiated, &local());
    (negotiated, answer)
}

fn section(answer: &str, index: usize) -> &str {
    answer.split("m=").nth(index + 1).expect("as many m-lines as offered")
}

#[test]
fn chromium_is_understood() {
    let (negotiated, _) = take(CHROMIUM);
    let lines = &negotiated.description.lines;
    assert_eq!(lines.len(), 8);
    let video = |codec, number, rtx, format| PayloadType {
        codec,
        number,
        rtx: Some(rtx),
        format,
        clock_rate: 90_000,
    };
    let camera = &lines[1];
    assert_eq!(
        camera.codecs,
        [
            video(Codec::Vp8, 96, 97, 0),
            video(Codec::H264, 108, 109, 1),
            video(Codec::Av1, 45, 46, 0),
            video(Codec::Vp9, 98, 99, 0)
        ]
    );
    assert_eq!(camera.rids, ["q", "h", "f"]);
    assert!(camera.remote_ssrcs.is_empty());
    assert_eq!(
        camera.extensions,
        Extensions {
            mid: 4,
            rid: 10,
            repaired_rid: 11,
            audio_level: 0,
            transport_cc: 3,
            abs_send_time: 2,
            dependency_descriptor: 12,
            playout_delay: 5,
            video_orientation: 13
        }
    );
    let microphone = &lines[0];
    assert_eq!(
        microphone.codecs,
        [PayloadType { codec: Codec::Opus, number: 111, rtx: None, format: 0, clock_rate: 48_000 }]
    );
    assert_eq!(microphone.remote_ssrcs, [(2418545394, None)]);
    assert_eq!(microphone.extensions.audio_level, 1);
    assert!(lines[6].local.expect("a slot").rtx_ssrc.is_some());
    assert_eq!(lines[6].extensions.rid, 0);
    assert!(lines[5].local.expect("a slot").rtx_ssrc.is_none());
    assert_eq!(negotiated.remote.ufrag, "/HIp");
    assert_eq!(negotiated.remote.fingerprints[0].digest[..3], [0x74, 0x8d, 0xd6]);
}

#[test]
fn firefox_is_understood() {
    let (negotiated, answer) = take(FIREFOX);
    let camera = &negotiated.description.lines[1];
    let numbers: Vec<_> = camera.codecs.iter().map(|c| (c.codec, c.number, c.rtx)).collect();
    assert_eq!(
        numbers,
        [(Codec::Vp8, 120, Some(124)), (Codec::Vp9, 121, Some(125)), (Codec::Av1, 99, Some(100))]
    );
    assert_eq!(camera.remote_ssrcs.len(), 3);
    assert_eq!(camera.remote_ssrcs[0], (3984249551, Some(364084497)));
    // What it only sends is taken from it and not sent to it, and the other way round.
    assert_eq!((camera.extensions.dependency_descriptor, camera.extensions.rid), (8, 9));
    assert_eq!(camera.extensions.playout_delay, 0);
    let slot = &negotiated.description.lines[6];
    assert_eq!((slot.extensions.dependency_descriptor, slot.extensions.playout_delay), (0, 6));
    assert!(
        section(&answer, 1).contains("a=extmap:9/recvonly urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id")
    );
    assert!(section(&answer, 6).contains("a=extmap:6/sendonly http://www.webrtc.org"));
}

#[test]
fn answers_say_what_browsers_need() {
    for offer in [CHROMIUM, FIREFOX] {
        let (negotiated, answer) = take(offer);
        SessionDescription::unmarshal(&mut Cursor::new(answer.as_bytes())).expect("valid SDP");
        assert!(answer.contains("a=group:BUNDLE 0 1 2 3 4 5 6 7\r\n"));
        assert!(answer.contains("a=ice-lite\r\n"));
        assert!(!answer.contains("goog-remb"));
        assert_eq!(answer.matches("a=setup:passive\r\n").count(), 8);
        let camera = section(&answer, 1);
        assert!(camera.contains("a=recvonly\r\n"));
        assert!(
            camera.contains("a=rid:q recv\r\na=rid:h recv\r\na=rid:f recv\r\na=simulcast:recv q;h;f\r\n")
        );
        for feedback in ["transport-cc", "ccm fir", "nack", "nack pli"] {
            let number = negotiated.description.lines[1].codecs[0].number;
            assert!(camera.contains(&format!("a=rtcp-fb:{number} {feedback}\r\n")), "{feedback}");
        }
        assert!(section(&answer, 0).contains("useinbandfec=1"));
        assert!(section(&answer, 0).contains("a=candidate:1 1 udp 2130706431 192.0.2.1 10000 typ host\r\n"));
        assert!(
            section(&answer, 0).contains("a=candidate:2 1 udp 2130706175 2001:db8::1 10000 typ host\r\n")
        );
    }
}

#[test]
fn slots_of_a_pair_share_their_stream() {
    let (negotiated, answer) = take(CHROMIUM);
    for (audio, video, pair) in [(4, 6, 0), (5, 7, 1)] {
        assert!(
            section(&answer, audio).contains(&format!("a=sendonly\r\na=msid:slot-{pair} audio-{pair}\r\n"))
        );
        let stream = negotiated.description.lines[video].local.expect("a slot");
        let section = section(&answer, video);
        assert!(section.contains(&format!("a=msid:slot-{pair} video-{pair}\r\n")));
        let rtx = stream.rtx_ssrc.expect("a video slot");
        assert!(section.contains(&format!("a=ssrc-group:FID {} {rtx}\r\n", stream.ssrc)));
        assert!(section.contains(&format!("a=ssrc:{rtx} cname:plenum\r\n")));
    }
}

#[test]
fn a_later_offer_keeps_ssrcs_and_appends_slots() {
    let first_five = |sdp: &str| {
        let (mut text, mut lines) = (String::new(), 0);
        for line in sdp.split_inclusive('\n') {
            lines += usize::from(line.starts_with("m="));
            if lines > 5 {
                break;
            }
            text.push_str(line);
        }
        text.replace("BUNDLE 0 1 2 3 4 5 6 7", "BUNDLE 0 1 2 3 4")
    };
    let mut negotiation = Negotiation::new(1);
    let small = negotiation.take(&first_five(CHROMIUM), &uses()[..5]).expect("five m-lines");
    let first_answer = negotiation.answer(&small, &local());
    let large = negotiation.take(CHROMIUM, &uses()).expect("three more");
    let second_answer = negotiation.answer(&large, &local());
    assert_eq!(small.description.lines[..], large.description.lines[..5]);
    let mut ssrcs = FxHashSet::default();
    for stream in large.description.lines.iter().filter_map(|line| line.local) {
        assert!(ssrcs.insert(stream.ssrc));
        assert!(stream.rtx_ssrc.is_none_or(|rtx| ssrcs.insert(rtx)));
    }
    let origin = |answer: &str| answer.lines().nth(1).expect("o=").to_owned();
    assert!(origin(&first_answer).ends_with(" 1 IN IP4 127.0.0.1"));
    assert!(origin(&second_answer).ends_with(" 2 IN IP4 127.0.0.1"));
}

#[test]
fn rejected_and_inactive_lines_carry_nothing() {
    let stopped =
        CHROMIUM.replacen("m=video 9", "m=video 0", 1).replace("a=group:BUNDLE 0 1 2", "a=group:BUNDLE 0 2");
    let (negotiated, answer) = take(&stopped);
    assert!(negotiated.description.lines[1].codecs.is_empty());
    assert!(section(&answer, 1).starts_with("video 0 UDP/TLS/RTP/SAVPF 96\r\n"));
    assert!(answer.contains("a=group:BUNDLE 0 2 3 4 5 6 7\r\n"));

    let inactive = CHROMIUM.replacen("a=recvonly", "a=inactive", 1);
    let (negotiated, answer) = take(&inactive);
    assert!(negotiated.description.lines[4].local.is_none());
    assert!(section(&answer, 4).contains("a=inactive\r\n"));
    // The pairs stay as they are.
    assert!(section(&answer, 5).contains("a=msid:slot-1 audio-1\r\n"));
}

#[test]
fn errors_say_what_is_wrong() {
    let with = |from: &str, to: &str| CHROMIUM.replace(from, to);
    let cases = [
        (String::new(), "SDP"),
        ("x".repeat(300_000), "300000 bytes"),
        (with("a=rtcp-mux\r\n", ""), "a=rtcp-mux is missing"),
        (
            with("a=group:BUNDLE 0 1 2 3 4 5 6 7", "a=group:BUNDLE 0 1"),
            "m-line 2: it is not in a=group:BUNDLE",
        ),
        (with("a=mid:3", "a=mid:2"), "m-line 3: its mid is not unique"),
        (with("a=mid:3", "a=mid:a b"), "token"),
        (with("a=setup:actpass", "a=setup:passive"), "a=setup must be"),
        (with("a=ice-pwd:", "a=ice-pwd:x "), "a=ice-pwd"),
        (with("sha-256", "sha-1"), "a=fingerprint"),
        (with("m=audio 9 UDP/TLS/RTP/SAVPF 111", "m=audio 9 RTP/AVP 111"), "UDP/TLS/RTP/SAVPF"),
        (with("opus/48000/2", "speex/8000"), "none of its codecs"),
        (with("send q;h;f", "send q;h;x"), "a=simulcast"),
    ];
    for (offer, expected) in cases {
        let error = Negotiation::new(1).take(&offer, &uses()).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error:?} does not say {expected:?}");
    }
    let wrong = |change: fn(&mut Vec<(String, LineUse)>), expected: &str| {
        let mut uses = uses();
        change(&mut uses);
        let error = Negotiation::new(1).take(CHROMIUM, &uses).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error:?} does not say {expected:?}");
    };
    wrong(|uses| uses.truncate(7), "no use was given");
    wrong(|uses| uses[1].1 = LineUse::Slot, "a slot must be offered recvonly");
    wrong(|uses| uses[4].1 = LineUse::Camera, "another m-line has the same use");
    wrong(|uses| uses[0].0 = "x".to_owned(), "the offer has no such m-line");
    wrong(
        |uses| (uses[1].1, uses[3].1) = (LineUse::ScreenAudio, LineUse::Camera),
        "line with mid \"1\": its use and its kind (audio, video) do not match",
    );
}

/// 10,000 mutations of real offers: an answer or an error, never a panic, and the answers stay SDP.
#[test]
fn mutated_offers_never_panic() {
    let mut random = fastrand::Rng::with_seed(11);
    for round in 0..10_000 {
        let mut offer = [CHROMIUM, FIREFOX][round % 2].as_bytes().to_vec();
        for _ in 0..random.usize(1..6) {
            crate::mutation::mutate(&mut random, &mut offer);
        }
        let Ok(offer) = String::from_utf8(offer) else { continue };
        let mut negotiation = Negotiation::new(1);
        if let Ok(negotiated) = negotiation.take(&offer, &uses()) {
            let answer = negotiation.answer(&negotiated, &local());
            SessionDescription::unmarshal(&mut Cursor::new(answer.as_bytes())).expect("valid SDP");
        }
    }
}
