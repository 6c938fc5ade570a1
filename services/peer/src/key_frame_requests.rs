//! Lets key frame requests through to the application: the `rtc` crate keeps all RTCP to its interceptors
//! unless one of them marks it.

use rtc::interceptor::{Attribute, AttributedPacket, Interceptor, Packet, Slot, StreamInfo, TaggedPacket};
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::sansio::Protocol;
use rtc::shared::error::Error;
use std::collections::VecDeque;
use std::time::Instant;

/// Behind every interceptor that reads RTCP.
const SLOT: usize = 14_000;

#[derive(Default)]
pub struct KeyFrameRequests {
    read: VecDeque<TaggedPacket>,
    write: VecDeque<TaggedPacket>,
}

/// SSRCs of the streams that a packet wants a key frame of.
pub fn wanted(packet: &dyn rtc::rtcp::Packet) -> Vec<u32> {
    let packet = packet.as_any();
    let pli = packet.downcast_ref::<PictureLossIndication>().map(|pli| pli.media_ssrc);
    let fir = packet.downcast_ref::<FullIntraRequest>().into_iter().flat_map(|fir| &fir.fir);
    pli.into_iter().chain(fir.map(|entry| entry.ssrc)).collect()
}

impl KeyFrameRequests {
    pub fn slot() -> Slot {
        Slot::from(SLOT)
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for KeyFrameRequests {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, mut msg: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtcp(packets) = &mut msg.message.packet {
            // Each alone: the crate assigns a compound packet by its first report, which may be about
            // something else.
            for request in packets.extract_if(.., |packet| !wanted(&**packet).is_empty()) {
                let message = AttributedPacket::new(Packet::Rtcp(vec![request]));
                let message = message.with(Attribute::DeliverToApplication);
                self.read.push_back(TaggedPacket { now: msg.now, transport: msg.transport, message });
            }
        }
        self.read.push_back(msg);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.read.pop_front()
    }

    fn handle_write(&mut self, msg: TaggedPacket) -> Result<(), Error> {
        self.write.push_back(msg);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.write.pop_front()
    }
}

impl Interceptor for KeyFrameRequests {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}
