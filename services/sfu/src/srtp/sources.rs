//! The replay windows of everything that one peer sends.

use super::Refusal;
use super::window::Window;
use rustc_hash::FxHashMap;

/// Sources of one peer whose replay windows are kept: 3 simulcast layers, screen, two audio, each with
/// RTX, and room for those that come and go.
pub(super) const MAX_SOURCES: usize = 64;

const UNKNOWN: &Window = &Window::new();

/// Windows by SSRC. Only authentic packets make an entry, and the longest unused one makes room.
pub(super) struct Sources {
    windows: FxHashMap<u32, (Window, u64)>,
    clock: u64,
}

impl Sources {
    pub(super) fn new() -> Sources {
        Sources { windows: FxHashMap::default(), clock: 0 }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.windows.len()
    }

    /// The index of an SRTP packet, if it may still be opened.
    pub(super) fn rtp_index(&self, ssrc: u32, sequence: u16) -> Result<u64, Refusal> {
        let window = self.window(ssrc);
        let index = window.index_of(sequence).ok_or(Refusal::Old)?;
        window.check(index)?;
        Ok(index)
    }

    /// Whether an SRTCP packet, which names its index, may still be opened.
    pub(super) fn check(&self, ssrc: u32, index: u64) -> Result<(), Refusal> {
        self.window(ssrc).check(index)
    }

    /// The packet proved authentic.
    pub(super) fn mark(&mut self, ssrc: u32, index: u64) {
        self.clock += 1;
        if !self.windows.contains_key(&ssrc) && self.windows.len() >= MAX_SOURCES {
            let oldest = self.windows.iter().min_by_key(|(_, (_, used))| *used).map(|(ssrc, _)| *ssrc);
            oldest.and_then(|ssrc| self.windows.remove(&ssrc));
        }
        let (window, used) = self.windows.entry(ssrc).or_insert((Window::new(), 0));
        window.mark(index);
        *used = self.clock;
    }

    fn window(&self, ssrc: u32) -> &Window {
        self.windows.get(&ssrc).map_or(UNKNOWN, |(window, _)| window)
    }
}

/// Takes the next index of a sender's own stream, once (RFC 3711 §3.3.1).
pub(super) fn take_index(
    windows: &mut FxHashMap<u32, Window>,
    ssrc: u32,
    sequence: u16,
) -> Result<u64, Refusal> {
    let window = windows.entry(ssrc).or_insert(Window::new());
    let index = window.index_of(sequence).ok_or(Refusal::Old)?;
    window.check(index)?;
    window.mark(index);
    Ok(index)
}

/// The next SRTCP index (RFC 3711 §3.4). One counter serves every SSRC: unique for each of them too.
pub(super) fn next_rtcp_index(counter: &mut u32) -> Result<u32, Refusal> {
    if *counter >= super::ENCRYPTED - 1 {
        return Err(Refusal::Exhausted);
    }
    *counter += 1;
    Ok(*counter)
}
