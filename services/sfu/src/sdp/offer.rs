//! The offer: what of it matters here, with everything that an answer repeats checked.

use super::SdpError;
use crate::description::Kind;
use plenum_protocol::limits::{MAX_LINES, MAX_SDP_BYTES};
use rtc_sdp::description::media::MediaDescription;
use rtc_sdp::description::session::SessionDescription;
use rustc_hash::FxHashSet;
use std::io::Cursor;

/// Bytes of a mid: the SFU writes it into a header extension of every packet.
const MAX_MID_LEN: usize = 16;
const MAX_RIDS: usize = 4;
const MAX_SSRCS: usize = 16;
const MAX_FINGERPRINTS: usize = 4;

#[derive(Debug)]
pub(super) struct Offer {
    pub transport: RemoteTransport,
    pub lines: Vec<OfferLine>,
}

/// How the client is reached and recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteTransport {
    pub ufrag: String,
    pub password: String,
    /// One of these is the fingerprint of the client's certificate (RFC 8122 §5.1).
    pub fingerprints: Vec<Fingerprint>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    pub hash: FingerprintHash,
    pub digest: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FingerprintHash {
    Sha256,
    Sha384,
    Sha512,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

#[derive(Debug)]
pub(super) struct OfferLine {
    pub mid: String,
    pub kind: Kind,
    /// Port 0 without `a=bundle-only`.
    pub rejected: bool,
    pub direction: Direction,
    pub rids: Vec<String>,
    pub ssrcs: Vec<(u32, Option<u32>)>,
    pub reduced_size_rtcp: bool,
    pub mixed_extensions: bool,
    media: MediaDescription,
}

impl OfferLine {
    /// Values of an attribute: of `a=KEY:VALUE` lines.
    pub(super) fn values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        values(&self.media.attributes, key)
    }

    /// The value that follows a payload type, as in `a=fmtp:96 VALUE`.
    pub(super) fn of_payload_type<'a>(
        &'a self,
        key: &'a str,
        number: u8,
    ) -> impl Iterator<Item = &'a str> + 'a {
        self.values(key).filter_map(move |value| {
            let (subject, rest) = value.split_once(' ')?;
            (subject == "*" || subject.parse() == Ok(number)).then_some(rest)
        })
    }

    /// Payload types in the client's order of preference.
    pub(super) fn payload_types(&self) -> impl Iterator<Item = u8> {
        self.media.media_name.formats.iter().filter_map(|format| format.parse().ok())
    }

    /// `UDP/TLS/RTP/SAVPF`, as it has to be repeated.
    pub(super) fn protocol(&self) -> String {
        self.media.media_name.protos.join("/")
    }

    /// The formats, as a rejected line has to repeat them.
    pub(super) fn first_format(&self) -> u8 {
        self.payload_types().next().unwrap_or(0)
    }
}

fn values<'a>(
    attributes: &'a [rtc_sdp::description::common::Attribute],
    key: &'a str,
) -> impl Iterator<Item = &'a str> {
    attributes.iter().filter(move |a| a.key == key).filter_map(|a| a.value.as_deref()).map(str::trim)
}

impl Offer {
    pub(super) fn parse(text: &str) -> Result<Offer, SdpError> {
        if text.len() > MAX_SDP_BYTES {
            return Err(SdpError::TooLarge(text.len()));
        }
        let session = SessionDescription::unmarshal(&mut Cursor::new(text.as_bytes()))
            .map_err(|error| SdpError::Syntax(shortened(&error.to_string())))?;
        let count = session.media_descriptions.len();
        if !(1..=MAX_LINES).contains(&count) {
            return Err(SdpError::LineCount(count));
        }
        let mixed = session.has_attribute("extmap-allow-mixed");
        let lines = session.media_descriptions.iter().enumerate();
        let lines = lines
            .map(|(index, media)| {
                line(media, mixed).map_err(|problem| SdpError::Line { index, problem: problem.to_owned() })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let mut mids = FxHashSet::default();
        if let Some(index) = lines.iter().position(|line| !mids.insert(line.mid.as_str())) {
            return Err(SdpError::Line { index, problem: "its mid is not unique".to_owned() });
        }
        check_bundle(&session, &lines)?;
        Ok(Offer { transport: transport(&session, &lines)?, lines })
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}

fn line(media: &MediaDescription, mixed_in_session: bool) -> Result<OfferLine, &'static str> {
    let kind = match media.media_name.media.as_str() {
        "audio" => Kind::Audio,
        "video" => Kind::Video,
        _ => return Err("only audio and video are taken (no data channels)"),
    };
    if media.media_name.protos != ["UDP", "TLS", "RTP", "SAVPF"] {
        return Err("the protocol must be UDP/TLS/RTP/SAVPF");
    }
    let mid = values(&media.attributes, "mid").next().ok_or("a=mid is missing")?;
    if mid.is_empty() || mid.len() > MAX_MID_LEN || !mid.bytes().all(is_token) {
        return Err("a=mid must be a token of 1 to 16 bytes");
    }
    let has = |key: &str| media.has_attribute(key);
    let rejected = media.media_name.port.value == 0 && !has("bundle-only");
    if !rejected && !has("rtcp-mux") {
        return Err("a=rtcp-mux is missing");
    }
    Ok(OfferLine {
        mid: mid.to_owned(),
        kind,
        rejected,
        direction: direction(media),
        rids: rids(media)?,
        ssrcs: ssrcs(media),
        reduced_size_rtcp: has("rtcp-rsize"),
        mixed_extensions: mixed_in_session || has("extmap-allow-mixed"),
        media: media.clone(),
    })
}

/// RFC 8866 §9, `token-char`.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]".contains(&byte)
}

fn direction(media: &MediaDescription) -> Direction {
    let has = |key: &str| media.has_attribute(key);
    if has("inactive") {
        Direction::Inactive
    } else if has("sendonly") {
        Direction::SendOnly
    } else if has("recvonly") {
        Direction::RecvOnly
    } else {
        Direction::SendRecv
    }
}

/// rids that the client sends, in the order of `a=simulcast:send` (RFC 8853 §5.1); of alternatives the first.
fn rids(media: &MediaDescription) -> Result<Vec<String>, &'static str> {
    let Some(simulcast) = values(&media.attributes, "simulcast").next() else { return Ok(Vec::new()) };
    let mut words = simulcast.split_ascii_whitespace();
    let streams = loop {
        match (words.next(), words.next()) {
            (Some("send"), Some(streams)) => break streams,
            (Some(_), Some(_)) => {}
            _ => return Ok(Vec::new()),
        }
    };
    let offered: FxHashSet<&str> = values(&media.attributes, "rid")
        .filter_map(|value| value.split_once(' '))
        .filter(|(_, rest)| rest.starts_with("send"))
        .map(|(rid, _)| rid)
        .collect();
    let mut rids = Vec::new();
    for stream in streams.split(';') {
        let rid = stream.split(',').next().unwrap_or_default().trim_start_matches('~');
        let alphanumeric = rid.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if rid.is_empty() || rid.len() > 16 || !alphanumeric || !offered.contains(rid) {
            return Err("a=simulcast names a rid that no a=rid line offers");
        }
        if rids.len() == MAX_RIDS || rids.iter().any(|known| known == rid) {
            return Err("a=simulcast names more than 4 streams, or one twice");
        }
        rids.push(rid.to_owned());
    }
    Ok(rids)
}

/// `(media, rtx)`: pairs of `a=ssrc-group:FID` first, then SSRCs that stand alone.
fn ssrcs(media: &MediaDescription) -> Vec<(u32, Option<u32>)> {
    let mut ssrcs = Vec::new();
    for group in values(&media.attributes, "ssrc-group") {
        let mut words = group.split_ascii_whitespace();
        if let (Some("FID"), Some(first), Some(second)) = (words.next(), words.next(), words.next())
            && let (Ok(first), Ok(second)) = (first.parse(), second.parse())
        {
            ssrcs.push((first, Some(second)));
        }
    }
    for value in values(&media.attributes, "ssrc") {
        if let Some(Ok(ssrc)) = value.split_ascii_whitespace().next().map(str::parse::<u32>)
            && !ssrcs.iter().any(|(first, second)| *first == ssrc || *second == Some(ssrc))
        {
            ssrcs.push((ssrc, None));
        }
    }
    ssrcs.truncate(MAX_SSRCS);
    ssrcs
}

fn check_bundle(session: &SessionDescription, lines: &[OfferLine]) -> Result<(), SdpError> {
    let group = values(&session.attributes, "group").find_map(|value| value.strip_prefix("BUNDLE"));
    let bundled: FxHashSet<&str> = group.unwrap_or_default().split_ascii_whitespace().collect();
    match lines.iter().position(|line| !line.rejected && !bundled.contains(line.mid.as_str())) {
        Some(index) => Err(SdpError::Line { index, problem: "it is not in a=group:BUNDLE".to_owned() }),
        None if lines.iter().all(|line| line.rejected) => {
            Err(SdpError::Transport("every m-line is rejected (port 0)".to_owned()))
        }
        None => Ok(()),
    }
}

/// ICE and DTLS of the bundle: from the first m-line that is in use, or from the session.
fn transport(session: &SessionDescription, lines: &[OfferLine]) -> Result<RemoteTransport, SdpError> {
    let problem = |text: &str| SdpError::Transport(text.to_owned());
    let first = lines.iter().find(|line| !line.rejected);
    let media = first.map_or(&[][..], |line| &line.media.attributes);
    let value = |key: &'static str| {
        values(media, key).next().or_else(|| values(&session.attributes, key).next()).unwrap_or_default()
    };
    let (ufrag, password) = (value("ice-ufrag"), value("ice-pwd"));
    if !is_ice(ufrag, 4) || !is_ice(password, 22) {
        return Err(problem("a=ice-ufrag or a=ice-pwd is missing or not as in RFC 8839 §5.4"));
    }
    match value("setup") {
        "actpass" | "active" => {}
        _ => return Err(problem("a=setup must be actpass or active: the server is passive")),
    }
    let mut fingerprints: Vec<&str> = values(media, "fingerprint").collect();
    if fingerprints.is_empty() {
        fingerprints = values(&session.attributes, "fingerprint").collect();
    }
    let fingerprints: Vec<Fingerprint> =
        fingerprints.into_iter().filter_map(fingerprint).take(MAX_FINGERPRINTS).collect();
    if fingerprints.is_empty() {
        return Err(problem("a=fingerprint is missing, or its hash is none of sha-256, sha-384, sha-512"));
    }
    Ok(RemoteTransport { ufrag: ufrag.to_owned(), password: password.to_owned(), fingerprints })
}

fn is_ice(text: &str, min: usize) -> bool {
    (min..=256).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
}

fn fingerprint(value: &str) -> Option<Fingerprint> {
    let (hash, digest) = value.split_once(' ')?;
    let hash = match hash.to_ascii_lowercase().as_str() {
        "sha-256" => FingerprintHash::Sha256,
        "sha-384" => FingerprintHash::Sha384,
        "sha-512" => FingerprintHash::Sha512,
        _ => return None,
    };
    let digest: Option<Vec<u8>> =
        digest.trim().split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
    let len = match hash {
        FingerprintHash::Sha256 => 32,
        FingerprintHash::Sha384 => 48,
        FingerprintHash::Sha512 => 64,
    };
    digest.filter(|digest| digest.len() == len).map(|digest| Fingerprint { hash, digest })
}
