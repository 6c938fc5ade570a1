//! Writing the answer (RFC 8829 §5.3).

use super::offer::{Direction, OfferLine};
use super::{Negotiated, codecs, encoding, extensions};
use crate::description::{Kind, LineDescription, LocalStream};
use std::fmt::Write;
use std::net::SocketAddr;

/// What the SFU says about its own end of a connection.
pub struct LocalTransport<'a> {
    pub ufrag: &'a str,
    pub password: &'a str,
    /// SHA-256 of the certificate.
    pub fingerprint: &'a [u8; 32],
    /// Host candidates, the preferred ones first.
    pub candidates: &'a [SocketAddr],
}

/// One name for all streams of the SFU: they share its clock (RFC 7022).
const CNAME: &str = "plenum";

pub(super) fn write(
    session_id: u64,
    version: u64,
    negotiated: &Negotiated,
    local: &LocalTransport<'_>,
) -> String {
    let mut answer =
        Answer { text: String::with_capacity(16 * 1024), local, pairs: [0; 2], candidates_written: false };
    answer.session(session_id, version, negotiated);
    for (line, description) in negotiated.offer.lines.iter().zip(&negotiated.description.lines) {
        answer.line(line, description);
    }
    answer.text
}

struct Answer<'a> {
    text: String,
    local: &'a LocalTransport<'a>,
    /// Slots so far, of audio and of video.
    pairs: [usize; 2],
    candidates_written: bool,
}

/// Writes one line; writing to a `String` cannot fail.
macro_rules! line {
    ($answer:expr, $($argument:tt)*) => {{
        let _ = write!($answer.text, $($argument)*);
        $answer.text.push_str("\r\n");
    }};
}

impl Answer<'_> {
    fn session(&mut self, session_id: u64, version: u64, negotiated: &Negotiated) {
        line!(self, "v=0");
        line!(self, "o=- {session_id} {version} IN IP4 127.0.0.1");
        line!(self, "s=-");
        line!(self, "t=0 0");
        let lines = negotiated.offer.lines.iter().filter(|line| !line.rejected);
        let bundle: String = lines.map(|line| format!(" {}", line.mid)).collect();
        line!(self, "a=group:BUNDLE{bundle}");
        line!(self, "a=ice-lite");
        line!(self, "a=msid-semantic: WMS *");
    }

    fn line(&mut self, offered: &OfferLine, description: &LineDescription) {
        let media = match offered.kind {
            Kind::Audio => "audio",
            Kind::Video => "video",
        };
        if offered.rejected {
            line!(self, "m={media} 0 {} {}", offered.protocol(), offered.first_format());
            line!(self, "c=IN IP4 0.0.0.0");
            line!(self, "a=inactive");
            line!(self, "a=mid:{}", offered.mid);
            return;
        }
        let mut accepted = description.codecs.clone();
        if accepted.is_empty() {
            // An inactive line still names the codecs that it would have.
            accepted = codecs::accepted(offered);
        }
        let mut numbers: String = accepted
            .iter()
            .flat_map(|c| [Some(c.number), c.rtx])
            .flatten()
            .map(|n| format!(" {n}"))
            .collect();
        if numbers.is_empty() {
            numbers = format!(" {}", offered.first_format());
        }
        line!(self, "m={media} 9 {}{numbers}", offered.protocol());
        line!(self, "c=IN IP4 0.0.0.0");
        self.transport(offered);
        self.extensions(offered, description);
        for codec in &accepted {
            self.codec(offered, codec);
        }
        self.direction(offered, description);
    }

    fn transport(&mut self, offered: &OfferLine) {
        line!(self, "a=ice-ufrag:{}", self.local.ufrag);
        line!(self, "a=ice-pwd:{}", self.local.password);
        let digest: Vec<String> = self.local.fingerprint.iter().map(|byte| format!("{byte:02X}")).collect();
        line!(self, "a=fingerprint:sha-256 {}", digest.join(":"));
        line!(self, "a=setup:passive");
        line!(self, "a=mid:{}", offered.mid);
        line!(self, "a=rtcp-mux");
        if offered.reduced_size_rtcp {
            line!(self, "a=rtcp-rsize");
        }
        if offered.mixed_extensions {
            line!(self, "a=extmap-allow-mixed");
        }
        // The bundle is one transport: its first m-line carries the candidates for all (RFC 9143 §7.3).
        if !std::mem::replace(&mut self.candidates_written, true) {
            for (index, address) in self.local.candidates.iter().enumerate() {
                let (ip, port) = (address.ip(), address.port());
                line!(self, "a=candidate:{} 1 udp {} {ip} {port} typ host", index + 1, priority(index));
            }
            line!(self, "a=end-of-candidates");
        }
    }

    fn extensions(&mut self, offered: &OfferLine, description: &LineDescription) {
        let to_us = description.line_use.source().is_some();
        for extension in extensions::taken(offered, to_us) {
            let direction = extension.direction.map(|direction| format!("/{direction}")).unwrap_or_default();
            line!(self, "a=extmap:{}{direction} {}", extension.id, extension.uri);
        }
    }

    fn codec(&mut self, offered: &OfferLine, codec: &crate::description::PayloadType) {
        let number = codec.number;
        line!(self, "a=rtpmap:{number} {}", encoding(codec.codec));
        for feedback in codecs::feedback(offered, codec) {
            line!(self, "a=rtcp-fb:{number} {feedback}");
        }
        if let Some(parameters) = codecs::parameters(offered, codec) {
            line!(self, "a=fmtp:{number} {parameters}");
        }
        if let Some(rtx) = codec.rtx {
            line!(self, "a=rtpmap:{rtx} rtx/{}", codec.clock_rate);
            line!(self, "a=fmtp:{rtx} apt={number}");
        }
    }

    fn direction(&mut self, offered: &OfferLine, description: &LineDescription) {
        let pair = description.line_use.source().is_none().then(|| self.next_pair(offered.kind));
        if offered.direction == Direction::Inactive {
            line!(self, "a=inactive");
            return;
        }
        if let (Some(stream), Some(pair)) = (description.local, pair) {
            self.slot(offered.kind, stream, pair);
            return;
        }
        line!(self, "a=recvonly");
        for rid in &description.rids {
            line!(self, "a=rid:{rid} recv");
        }
        if !description.rids.is_empty() {
            line!(self, "a=simulcast:recv {}", description.rids.join(";"));
        }
    }

    /// A slot's place among those of its kind.
    fn next_pair(&mut self, kind: Kind) -> usize {
        let count = &mut self.pairs[kind as usize];
        *count += 1;
        *count - 1
    }

    /// The n-th audio and the n-th video slot are one stream, so that the browser keeps them in step.
    fn slot(&mut self, kind: Kind, stream: LocalStream, pair: usize) {
        let track = match kind {
            Kind::Audio => "audio",
            Kind::Video => "video",
        };
        let msid = format!("slot-{pair} {track}-{pair}");
        line!(self, "a=sendonly");
        line!(self, "a=msid:{msid}");
        if let Some(rtx) = stream.rtx_ssrc {
            line!(self, "a=ssrc-group:FID {} {rtx}", stream.ssrc);
        }
        for ssrc in [Some(stream.ssrc), stream.rtx_ssrc].into_iter().flatten() {
            line!(self, "a=ssrc:{ssrc} cname:{CNAME}");
            line!(self, "a=ssrc:{ssrc} msid:{msid}");
        }
    }
}

/// RFC 8445 §5.1.2.1: host candidates of component 1.
fn priority(index: usize) -> u32 {
    let local = 65_535u32.saturating_sub(index as u32);
    126 << 24 | local << 8 | 255
}
