//! RTP header extensions (RFC 8285): taken with the client's ids.

use super::offer::OfferLine;
use crate::description::Extensions;

const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
const RID: &str = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
const REPAIRED_RID: &str = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";
const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
const TRANSPORT_CC: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
const ABS_SEND_TIME: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
const DEPENDENCY_DESCRIPTOR: &str =
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";
const PLAYOUT_DELAY: &str = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";
const VIDEO_ORIENTATION: &str = "urn:3gpp:video-orientation";

/// One of the offered extensions that is taken.
pub(super) struct Extension<'a> {
    pub id: u8,
    pub uri: &'a str,
    /// The direction that the answer has to name, when the offer named one: seen from the other side.
    pub direction: Option<&'static str>,
}

/// Extensions of an m-line in the direction that media will take: `to_us`, or to the client.
pub(super) fn taken(line: &OfferLine, to_us: bool) -> impl Iterator<Item = Extension<'_>> {
    line.values("extmap").filter_map(move |value| {
        let mut words = value.split_ascii_whitespace();
        let (id, uri) = (words.next()?, words.next()?);
        let (id, direction) = id.split_once('/').map_or((id, None), |(id, direction)| (id, Some(direction)));
        let direction = match (direction, to_us) {
            (None | Some("sendrecv"), _) => None,
            (Some("sendonly"), true) => Some("recvonly"),
            (Some("recvonly"), false) => Some("sendonly"),
            _ => return None,
        };
        // 15 and above would need the two-byte form.
        let id = id.parse().ok().filter(|id| (1..=14).contains(id))?;
        // A slot is one stream: the restriction ids of its senders mean nothing to the receiver.
        let known = field(&mut Extensions::default(), uri).is_some()
            && (to_us || ![RID, REPAIRED_RID].contains(&uri));
        known.then_some(Extension { id, uri, direction })
    })
}

pub(super) fn accepted(line: &OfferLine, to_us: bool) -> Extensions {
    let mut extensions = Extensions::default();
    for extension in taken(line, to_us) {
        if let Some(field) = field(&mut extensions, extension.uri) {
            *field = extension.id;
        }
    }
    extensions
}

fn field<'a>(extensions: &'a mut Extensions, uri: &str) -> Option<&'a mut u8> {
    Some(match uri {
        MID => &mut extensions.mid,
        RID => &mut extensions.rid,
        REPAIRED_RID => &mut extensions.repaired_rid,
        AUDIO_LEVEL => &mut extensions.audio_level,
        TRANSPORT_CC => &mut extensions.transport_cc,
        ABS_SEND_TIME => &mut extensions.abs_send_time,
        DEPENDENCY_DESCRIPTOR => &mut extensions.dependency_descriptor,
        PLAYOUT_DELAY => &mut extensions.playout_delay,
        VIDEO_ORIENTATION => &mut extensions.video_orientation,
        _ => return None,
    })
}
