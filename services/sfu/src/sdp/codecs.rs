//! Which of the offered codecs are taken.

use super::offer::OfferLine;
use crate::description::{Codec, Kind, PayloadType};

/// RTP and RTCP share a port: these numbers with the marker bit look like RTCP (RFC 5761 §4).
const RTCP_NUMBERS: std::ops::RangeInclusive<u8> = 64..=95;

/// Accepted codecs in the client's order, each once.
pub(super) fn accepted(line: &OfferLine) -> Vec<PayloadType> {
    let mut accepted: Vec<PayloadType> = Vec::new();
    for number in line.payload_types().filter(is_usable) {
        let Some((codec, format)) = recognised(line, number) else { continue };
        let known =
            |other: &PayloadType| other.number == number || (other.codec, other.format) == (codec, format);
        if accepted.iter().any(known) {
            continue;
        }
        let clock_rate = if codec == Codec::Opus { 48_000 } else { 90_000 };
        accepted.push(PayloadType { codec, number, rtx: rtx_of(line, number), format, clock_rate });
    }
    accepted
}

fn is_usable(number: &u8) -> bool {
    *number < 128 && !RTCP_NUMBERS.contains(number)
}

fn recognised(line: &OfferLine, number: u8) -> Option<(Codec, u32)> {
    let mut encoding = line.of_payload_type("rtpmap", number).next()?.trim().split('/');
    let (name, clock_rate) = (encoding.next()?.to_ascii_lowercase(), encoding.next()?);
    let parameter = |key: &str| parameter(line, number, key);
    match (line.kind, name.as_str(), clock_rate) {
        (Kind::Audio, "opus", "48000") => Some((Codec::Opus, 0)),
        (Kind::Video, "vp8", "90000") => Some((Codec::Vp8, 0)),
        (Kind::Video, "vp9", "90000") => {
            parameter("profile-id").is_none_or(|id| id == "0").then_some((Codec::Vp9, 0))
        }
        (Kind::Video, "av1", "90000") => {
            parameter("profile").is_none_or(|profile| profile == "0").then_some((Codec::Av1, 0))
        }
        (Kind::Video, "h264", "90000") => {
            let mode = parameter("packetization-mode")? == "1";
            (mode && is_constrained_baseline(parameter("profile-level-id")?)).then_some((Codec::H264, 1))
        }
        _ => None,
    }
}

/// RFC 6184 §8.1: profile 66 with constraint_set1, whatever the level.
fn is_constrained_baseline(profile_level_id: &str) -> bool {
    match u32::from_str_radix(profile_level_id, 16) {
        Ok(id) if profile_level_id.len() == 6 => id >> 16 == 0x42 && id >> 8 & 0x40 != 0,
        _ => false,
    }
}

fn rtx_of(line: &OfferLine, number: u8) -> Option<u8> {
    line.payload_types().filter(is_usable).find(|rtx| {
        let is_rtx = line
            .of_payload_type("rtpmap", *rtx)
            .any(|encoding| encoding.get(..4).is_some_and(|name| name.eq_ignore_ascii_case("rtx/")));
        is_rtx && parameter(line, *rtx, "apt").and_then(|apt| apt.parse().ok()) == Some(number)
    })
}

fn parameter<'a>(line: &'a OfferLine, number: u8, key: &str) -> Option<&'a str> {
    line.of_payload_type("fmtp", number)
        .flat_map(|parameters| parameters.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| name.eq_ignore_ascii_case(key).then_some(value.trim()))
}

/// The format parameters of the answer: the client's own, and Opus with in-band FEC.
pub(super) fn parameters(line: &OfferLine, codec: &PayloadType) -> Option<String> {
    let offered = line.of_payload_type("fmtp", codec.number).next().unwrap_or_default().trim();
    if codec.codec != Codec::Opus {
        return (!offered.is_empty()).then(|| offered.to_owned());
    }
    let others = offered
        .split(';')
        .map(str::trim)
        .filter(|pair| !pair.is_empty() && !pair.to_ascii_lowercase().starts_with("useinbandfec"));
    Some(others.chain(["useinbandfec=1"]).collect::<Vec<_>>().join(";"))
}

/// RTCP feedback that the client offered and the SFU speaks. Not REMB: beside transport-wide feedback it
/// disturbs Firefox.
pub(super) fn feedback(line: &OfferLine, codec: &PayloadType) -> impl Iterator<Item = &'static str> {
    const AUDIO: &[&str] = &["transport-cc"];
    const VIDEO: &[&str] = &["transport-cc", "ccm fir", "nack", "nack pli"];
    let spoken = if codec.codec == Codec::Opus { AUDIO } else { VIDEO };
    let number = codec.number;
    spoken
        .iter()
        .copied()
        .filter(move |kind| line.of_payload_type("rtcp-fb", number).any(|offered| offered.trim() == *kind))
}
