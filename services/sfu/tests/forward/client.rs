//! A client: what it sends, what it receives, and its reports about that.

use crate::network::Path;
use crate::offer::{Offer, slot_ssrc};
use crate::publisher::Publisher;
use crate::receiver::{SenderReport, Slot};
use crate::wire;
use plenum_protocol::media::SlotContent;
use plenum_sfu::description::Kind;
use plenum_sfu::egress::PeerKey;
use std::collections::BTreeMap;

pub(crate) struct Client {
    pub(crate) person: u32,
    pub(crate) key: PeerKey,
    pub(crate) room: &'static str,
    pub(crate) offer: Offer,
    pub(crate) up: Path,
    pub(crate) down: Path,
    pub(crate) publisher: Publisher,
    pub(crate) audio: Vec<Slot>,
    pub(crate) video: Vec<Slot>,
    /// What signaling was told last.
    pub(crate) told_audio: Vec<Option<SlotContent>>,
    pub(crate) told_video: Vec<Option<SlotContent>>,
    pub(crate) here: bool,
    /// Takes what comes without a look at it: somebody sends garbage.
    pub(crate) careless: bool,
    /// Arrivals since the last feedback, by transport number.
    arrivals: BTreeMap<u64, i64>,
    next_feedback: u64,
    highest_transport: u64,
    feedback_count: u8,
    feedback_at: i64,
    report_at: i64,
}

impl Client {
    pub(crate) fn new(person: u32, key: PeerKey, room: &'static str, offer: Offer) -> Self {
        let slot = |at: usize| {
            let kind = if at < offer.audio_slots { Kind::Audio } else { Kind::Video };
            let codecs = if kind == Kind::Audio { vec![offer.opus()] } else { offer.video() };
            Slot::new(kind, (4 + at).to_string(), slot_ssrc(person, at), codecs)
        };
        let audio = (0..offer.audio_slots).map(slot).collect::<Vec<_>>();
        let video = (offer.audio_slots..offer.audio_slots + offer.video_slots).map(slot).collect::<Vec<_>>();
        Client {
            person,
            key,
            room,
            up: Path::default(),
            down: Path::default(),
            publisher: Publisher::new(person, &offer),
            told_audio: vec![None; audio.len()],
            told_video: vec![None; video.len()],
            audio,
            video,
            offer,
            here: true,
            careless: false,
            arrivals: BTreeMap::new(),
            next_feedback: 0,
            highest_transport: 1 << 20,
            feedback_count: 0,
            feedback_at: 0,
            report_at: i64::from(person) * 7_000,
        }
    }

    pub(crate) fn slot_of(&mut self, ssrc: u32) -> Option<&mut Slot> {
        let rtx = |slot: &Slot| slot.kind == Kind::Video && slot.rtx_ssrc == ssrc;
        self.audio.iter_mut().chain(&mut self.video).find(|slot| slot.ssrc == ssrc || rtx(slot))
    }

    pub(crate) fn receive(&mut self, bytes: &[u8], now: i64) {
        let ids = self.offer.extensions();
        let (header, payload) = wire::read(bytes, &ids);
        assert!(header.abs_send_time);
        let number = header.transport_cc.expect("a transport number");
        let ahead = number.wrapping_sub(self.highest_transport as u16) as i16;
        let number = (self.highest_transport as i64 + i64::from(ahead)) as u64;
        if self.next_feedback == 0 {
            self.next_feedback = number;
        }
        self.highest_transport = self.highest_transport.max(number);
        self.arrivals.insert(number, now);
        if self.careless {
            return;
        }
        let ssrc = header.ssrc;
        self.slot_of(ssrc).expect("a known slot").receive(header, payload, now);
    }

    /// Takes RTCP; gives packets to send.
    pub(crate) fn receive_reports(&mut self, bytes: &[u8], now: i64) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        for report in rtc_rtcp::packet::unmarshal(&mut &bytes[..]).expect("well-formed RTCP") {
            if let Some(report) = report.as_any().downcast_ref::<rtc_rtcp::sender_report::SenderReport>() {
                let (ntp, rtp) = (report.ntp_time, report.rtp_time);
                let slot = self.slot_of(report.ssrc).expect("a known slot");
                slot.reports.push(SenderReport { at: now, ntp, rtp });
            } else {
                out.extend(self.publisher.feedback(&*report, now));
            }
        }
        out
    }

    /// RTCP that leaves now.
    pub(crate) fn reports(&mut self, now: i64) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        for slot in &mut self.video {
            let wishes = slot.wishes(now);
            if wishes.key_frame {
                out.push([&[0x81, 206, 0, 2, 0, 0, 0, 1][..], &slot.ssrc.to_be_bytes()].concat());
            }
            for lost in wishes.nack.chunks(100) {
                let length = 2 + lost.len() as u16;
                let mut nack = vec![0x81, 205];
                nack.extend_from_slice(&length.to_be_bytes());
                nack.extend_from_slice(&1u32.to_be_bytes());
                nack.extend_from_slice(&slot.ssrc.to_be_bytes());
                lost.iter().for_each(|lost| nack.extend_from_slice(&[(lost >> 8) as u8, *lost as u8, 0, 0]));
                out.push(nack);
            }
        }
        if now - self.feedback_at >= 50_000 && !self.arrivals.is_empty() {
            self.feedback_at = now;
            out.push(self.transport_feedback());
        }
        if now >= self.report_at {
            self.report_at = now + 1_000_000;
            out.push(self.receiver_report(now));
        }
        out
    }

    /// With two-byte deltas only, in vectors of seven: the plainest form there is.
    fn transport_feedback(&mut self) -> Vec<u8> {
        let arrivals = std::mem::take(&mut self.arrivals);
        let base = self.next_feedback.min(*arrivals.keys().next().expect("not empty"));
        let end = arrivals.keys().last().expect("not empty") + 1;
        let reference = arrivals[arrivals.keys().next().expect("not empty")].div_euclid(64_000);
        let mut out = vec![0x8f, 205, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2];
        out.extend_from_slice(&(base as u16).to_be_bytes());
        out.extend_from_slice(&((end - base) as u16).to_be_bytes());
        out.extend_from_slice(&(reference as u32).to_be_bytes()[1..]);
        out.push(self.feedback_count);
        self.feedback_count = self.feedback_count.wrapping_add(1);
        let numbers = (base..end).collect::<Vec<_>>();
        for seven in numbers.chunks(7) {
            let chunk = seven.iter().enumerate().fold(0xc000u16, |chunk, (at, number)| {
                chunk | (u16::from(arrivals.contains_key(number)) * 2) << (12 - 2 * at)
            });
            out.extend_from_slice(&chunk.to_be_bytes());
        }
        let mut last = reference * 256;
        for at in numbers.iter().filter_map(|number| arrivals.get(number)) {
            let delta = at.div_euclid(250) - last;
            last += delta;
            out.extend_from_slice(&i16::try_from(delta).expect("a short pause").to_be_bytes());
        }
        out.resize(out.len().next_multiple_of(4), 0);
        let words = (out.len() / 4 - 1) as u16;
        out[2..4].copy_from_slice(&words.to_be_bytes());
        self.next_feedback = end;
        out
    }

    fn receiver_report(&self, now: i64) -> Vec<u8> {
        let slots = self.audio.iter().chain(&self.video);
        let reported =
            slots.filter_map(|slot| Some((slot.ssrc, slot.reports.last()?))).take(31).collect::<Vec<_>>();
        let mut out = vec![0x80 | reported.len() as u8, 201];
        out.extend_from_slice(&(1 + 6 * reported.len() as u16).to_be_bytes());
        out.extend_from_slice(&1u32.to_be_bytes());
        for (ssrc, report) in reported {
            out.extend_from_slice(&ssrc.to_be_bytes());
            out.extend_from_slice(&[0; 12]);
            out.extend_from_slice(&((report.ntp >> 16) as u32).to_be_bytes());
            out.extend_from_slice(&(((now - report.at) * 65_536 / 1_000_000) as u32).to_be_bytes());
        }
        out
    }
}
