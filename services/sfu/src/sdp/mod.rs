//! Offers and answers (RFC 8866, RFC 8829): parses what a browser offers and answers it, with every
//! m-line bundled on the one ICE-lite port.

mod answer;
mod codecs;
mod extensions;
mod offer;
#[cfg(test)]
mod tests;

pub use answer::LocalTransport;
pub use offer::{Fingerprint, FingerprintHash, RemoteTransport};

use crate::description::{Codec, Description, Extensions, Kind, LineDescription, LocalStream};
use offer::{Direction, Offer, OfferLine};
use plenum_protocol::media::LineUse;
use rustc_hash::{FxHashMap, FxHashSet};

/// Why an offer cannot be answered. The text is for the developer of the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    #[error("the offer has {0} bytes; at most {max} are taken", max = plenum_protocol::limits::MAX_SDP_BYTES)]
    TooLarge(usize),
    #[error("the offer is not SDP (RFC 8866): {0}")]
    Syntax(String),
    #[error("the offer has {0} m-lines; between 1 and {max} are taken", max = plenum_protocol::limits::MAX_LINES)]
    LineCount(usize),
    #[error("m-line {index}: {problem}")]
    Line { index: usize, problem: String },
    #[error("{0}")]
    Transport(String),
    #[error("line with mid {0:?}: {1}")]
    Use(String, String),
}

/// The result of one round of offer and answer.
#[derive(Debug)]
pub struct Negotiated {
    pub description: Description,
    pub remote: RemoteTransport,
    offer: Offer,
}

/// What one connection keeps between its offers: existing m-lines keep their SSRCs.
#[derive(Debug)]
pub struct Negotiation {
    session_id: u64,
    version: u64,
    streams: FxHashMap<String, (Kind, LocalStream)>,
    random: fastrand::Rng,
}

impl Negotiation {
    pub fn new(seed: u64) -> Negotiation {
        let mut random = fastrand::Rng::with_seed(seed);
        // RFC 8829 §5.2.1: a positive number of 62 bits.
        Negotiation { session_id: random.u64(..) >> 2, version: 0, streams: FxHashMap::default(), random }
    }

    /// Takes an offer in, with the uses that its sender gave the m-lines. Nothing is kept of an offer
    /// that is refused.
    pub fn take(&mut self, offer: &str, uses: &[(String, LineUse)]) -> Result<Negotiated, SdpError> {
        let offer = Offer::parse(offer)?;
        let uses = uses_by_mid(&offer, uses)?;
        for line in &offer.lines {
            if self.streams.get(&line.mid).is_some_and(|(kind, _)| *kind != line.kind) {
                return Err(wrong_use(line, "was of another kind in an earlier offer"));
            }
        }
        let lines = offer.lines.iter().map(|line| self.describe(line, &uses)).collect::<Result<_, _>>()?;
        Ok(Negotiated { description: Description { lines }, remote: offer.transport.clone(), offer })
    }

    /// Writes the answer to an offer that was taken.
    pub fn answer(&mut self, negotiated: &Negotiated, local: &LocalTransport<'_>) -> String {
        self.version += 1;
        answer::write(self.session_id, self.version, negotiated, local)
    }

    fn describe(
        &mut self,
        line: &OfferLine,
        uses: &FxHashMap<&str, LineUse>,
    ) -> Result<LineDescription, SdpError> {
        let line_use = match uses.get(line.mid.as_str()) {
            Some(line_use) => *line_use,
            // A stopped transceiver stays in the offer for ever; clients forget what it was for.
            None if line.rejected => LineUse::Slot,
            None => return Err(wrong_use(line, "no use was given for it")),
        };
        let mut description = LineDescription {
            mid: line.mid.clone(),
            kind: line.kind,
            line_use,
            codecs: Vec::new(),
            extensions: Extensions::default(),
            rids: Vec::new(),
            remote_ssrcs: Vec::new(),
            local: None,
        };
        if line.rejected || line.direction == Direction::Inactive {
            return Ok(description);
        }
        check_use(line, line_use)?;
        description.codecs = codecs::accepted(line);
        if description.codecs.is_empty() {
            return Err(wrong_use(line, "none of its codecs is supported (Opus; VP8, VP9, H.264, AV1)"));
        }
        let to_us = line_use != LineUse::Slot;
        description.extensions = extensions::accepted(line, to_us);
        if to_us {
            description.rids = line.rids.clone();
            description.remote_ssrcs = line.ssrcs.clone();
        } else {
            description.local = Some(self.stream(line, description.codecs.iter().any(|c| c.rtx.is_some())));
        }
        Ok(description)
    }

    fn stream(&mut self, line: &OfferLine, rtx: bool) -> LocalStream {
        if let Some((_, stream)) = self.streams.get(&line.mid) {
            return *stream;
        }
        let ssrc = self.new_ssrc(None);
        let rtx_ssrc = (rtx && line.kind == Kind::Video).then(|| self.new_ssrc(Some(ssrc)));
        let stream = LocalStream { ssrc, rtx_ssrc };
        self.streams.insert(line.mid.clone(), (line.kind, stream));
        stream
    }

    fn new_ssrc(&mut self, other: Option<u32>) -> u32 {
        loop {
            let ssrc = self.random.u32(1..);
            let taken = self.streams.values().any(|(_, s)| s.ssrc == ssrc || s.rtx_ssrc == Some(ssrc));
            if !taken && other != Some(ssrc) {
                return ssrc;
            }
        }
    }
}

fn uses_by_mid<'a>(
    offer: &Offer,
    uses: &'a [(String, LineUse)],
) -> Result<FxHashMap<&'a str, LineUse>, SdpError> {
    let mids: FxHashSet<&str> = offer.lines.iter().map(|line| line.mid.as_str()).collect();
    let (mut by_mid, mut sources) = (FxHashMap::default(), FxHashSet::default());
    for (mid, line_use) in uses {
        let problem = |text: &str| Err(SdpError::Use(mid.clone(), text.to_owned()));
        if !mids.contains(mid.as_str()) {
            return problem("the offer has no such m-line");
        }
        if by_mid.insert(mid.as_str(), *line_use).is_some() {
            return problem("it was named twice");
        }
        if line_use.source().is_some_and(|source| !sources.insert(source)) {
            return problem("another m-line has the same use");
        }
    }
    Ok(by_mid)
}

fn check_use(line: &OfferLine, line_use: LineUse) -> Result<(), SdpError> {
    let Some(source) = line_use.source() else {
        return match line.direction {
            Direction::RecvOnly | Direction::SendRecv => Ok(()),
            _ => Err(wrong_use(line, "a slot must be offered recvonly")),
        };
    };
    if source.is_audio() != (line.kind == Kind::Audio) {
        return Err(wrong_use(line, "its use and its kind (audio, video) do not match"));
    }
    match line.direction {
        Direction::SendOnly | Direction::SendRecv => Ok(()),
        _ => Err(wrong_use(line, "a sender must be offered sendonly")),
    }
}

fn wrong_use(line: &OfferLine, problem: &str) -> SdpError {
    SdpError::Use(line.mid.clone(), problem.to_owned())
}

/// The encoding name in `a=rtpmap`, with clock rate and channels.
fn encoding(codec: Codec) -> &'static str {
    match codec {
        Codec::Opus => "opus/48000/2",
        Codec::Vp8 => "VP8/90000",
        Codec::Vp9 => "VP9/90000",
        Codec::H264 => "H264/90000",
        Codec::Av1 => "AV1/90000",
    }
}
