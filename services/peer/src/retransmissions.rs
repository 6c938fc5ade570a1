//! Names the stream that a retransmission repairs: the `rtc` crate answers NACK with RTX packets (RFC 4588)
//! without header extensions, but the streams of a simulcast camera can only be told apart by mid and
//! repaired RTP stream id (RFC 8852).

use bytes::Bytes;
use rtc::interceptor::{Interceptor, Packet, Slot, StreamInfo, TaggedPacket};
use rtc::sansio::Protocol;
use rtc::shared::error::Error;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Between the interceptor that answers NACK and those that number and pace.
const SLOT: usize = 3_500;

/// Header extensions of an RTX stream: id and value.
pub type Names = Vec<(u8, Bytes)>;

/// By the SSRC of the RTX stream; filled when the answer is known.
#[derive(Default, Clone)]
pub struct Repairs(Arc<Mutex<HashMap<u32, Names>>>);

impl Repairs {
    pub fn insert(&self, ssrc: u32, names: Names) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(ssrc, names);
    }

    fn names(&self, ssrc: u32) -> Option<Names> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&ssrc).cloned()
    }
}

pub struct Retransmissions {
    repairs: Repairs,
    read: VecDeque<TaggedPacket>,
    write: VecDeque<TaggedPacket>,
}

impl Retransmissions {
    pub fn new(repairs: Repairs) -> Retransmissions {
        Retransmissions { repairs, read: VecDeque::new(), write: VecDeque::new() }
    }

    pub fn slot() -> Slot {
        Slot::from(SLOT)
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Retransmissions {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, msg: TaggedPacket) -> Result<(), Error> {
        self.read.push_back(msg);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.read.pop_front()
    }

    fn handle_write(&mut self, mut msg: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtp(packet) = &mut msg.message.packet
            && let Some(names) = self.repairs.names(packet.header.ssrc)
        {
            for (id, value) in names {
                packet.header.set_extension(id, value)?;
            }
        }
        self.write.push_back(msg);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.write.pop_front()
    }
}

impl Interceptor for Retransmissions {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtc::interceptor::AttributedPacket;
    use rtc::rtp::header::Header;
    use rtc::shared::TransportContext;

    #[test]
    fn names_repair_streams_and_no_others() {
        let repairs = Repairs::default();
        repairs.insert(2, vec![(1, Bytes::from_static(b"3")), (4, Bytes::from_static(b"h"))]);
        let mut interceptor = Retransmissions::new(repairs);
        for ssrc in [1, 2] {
            let header = Header { version: 2, ssrc, ..Header::default() };
            let packet = Packet::Rtp(rtc::rtp::Packet { header, payload: Bytes::from_static(b"x") });
            let message = AttributedPacket::new(packet);
            let transport = TransportContext::default();
            interceptor.handle_write(TaggedPacket { now: Instant::now(), transport, message }).unwrap();
            let Some(Packet::Rtp(written)) = interceptor.poll_write().map(|written| written.message.packet)
            else {
                panic!("a media packet comes out");
            };
            let expected = (ssrc == 2).then_some((Bytes::from_static(b"3"), Bytes::from_static(b"h")));
            assert_eq!(written.header.get_extension(1).zip(written.header.get_extension(4)), expected);
        }
    }
}
