//! The way through a TURN server: the sans-IO client of the family over a datagram socket or a stream.

use bytes::BytesMut;
use rtc::crypto::providers::RingProvider;
use rtc::sansio::Protocol;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use rtc::turn::client::{Client, ClientConfig, Event};
use std::collections::{HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// Packets that wait for a permission: ICE checks and a DTLS flight.
const MAX_EARLY: usize = 64;
/// A request to bind a channel or to permit a peer, and one media packet.
const MAX_MESSAGE: usize = 4_096;

pub struct Credentials {
    pub username: String,
    pub password: String,
}

pub struct Relay {
    client: Client,
    context: TransportContext,
    relayed: Option<SocketAddr>,
    asked: HashSet<SocketAddr>,
    permitted: HashSet<SocketAddr>,
    early: VecDeque<(SocketAddr, BytesMut)>,
}

/// What came out of a relay.
pub enum Relayed {
    /// The allocation stands; packets to this address arrive here.
    Allocated(SocketAddr),
    Refused(String),
    Packet {
        from: SocketAddr,
        bytes: BytesMut,
    },
}

impl Relay {
    /// `local` and `server`: of the socket that the messages travel on.
    pub fn new(
        now: Instant,
        local: SocketAddr,
        server: SocketAddr,
        over_stream: bool,
        credentials: Credentials,
    ) -> Result<Relay, rtc::shared::error::Error> {
        let transport_protocol = if over_stream { TransportProtocol::TCP } else { TransportProtocol::UDP };
        let config = ClientConfig {
            stun_serv_addr: String::new(),
            turn_serv_addr: server.to_string(),
            local_addr: local,
            transport_protocol,
            username: credentials.username,
            password: credentials.password,
            realm: String::new(),
            software: String::new(),
            rto_in_ms: 0,
            allocation_refresh_interval_cap: None,
        };
        let mut client = Client::new(config, Arc::new(RingProvider::new()))?;
        client.allocate(now)?;
        Ok(Relay {
            client,
            context: TransportContext { local_addr: local, peer_addr: server, ecn: None, transport_protocol },
            relayed: None,
            asked: HashSet::new(),
            permitted: HashSet::new(),
            early: VecDeque::new(),
        })
    }

    /// A packet for a peer.
    pub fn send(&mut self, now: Instant, to: SocketAddr, bytes: BytesMut) {
        let Some(relayed) = self.relayed else { return };
        let Ok(mut relay) = self.client.relay(relayed) else { return };
        if self.permitted.contains(&to) {
            if let Err(error) = relay.send_to(now, &bytes, to) {
                log::debug!(error:% = error; "not relayed");
            }
            return;
        }
        if self.asked.insert(to)
            && let Err(error) = relay.create_permission(now, to)
        {
            log::debug!(error:% = error; "permission not asked for");
        }
        if self.early.len() < MAX_EARLY {
            self.early.push_back((to, bytes));
        }
    }

    /// A message of the server.
    pub fn receive(&mut self, now: Instant, bytes: BytesMut) {
        let message = TaggedBytesMut { now, transport: self.context, message: bytes };
        if let Err(error) = self.client.handle_read(message) {
            log::debug!(error:% = error; "message of the TURN server dropped");
        }
    }

    /// The next message to the server.
    pub fn transmit(&mut self) -> Option<BytesMut> {
        self.client.poll_write().map(|message| message.message)
    }

    pub fn poll(&mut self, now: Instant) -> Option<Relayed> {
        loop {
            match self.client.poll_event()? {
                Event::AllocateResponse(_, relayed) => {
                    self.relayed = Some(relayed);
                    return Some(Relayed::Allocated(relayed));
                }
                Event::AllocateError(_, error) => return Some(Relayed::Refused(error.to_string())),
                Event::TransactionTimeout(_) if self.relayed.is_none() => {
                    return Some(Relayed::Refused("the TURN server does not answer".to_owned()));
                }
                Event::CreatePermissionResponse(_, peer) => self.permission(now, peer),
                Event::CreatePermissionError(_, error) => {
                    return Some(Relayed::Refused(format!(
                        "the TURN server does not relay to the SFU: {error}"
                    )));
                }
                Event::DataIndicationOrChannelData(_, from, bytes) => {
                    return Some(Relayed::Packet { from, bytes });
                }
                _ => {}
            }
        }
    }

    fn permission(&mut self, now: Instant, peer: SocketAddr) {
        self.permitted.insert(peer);
        for (to, bytes) in std::mem::take(&mut self.early) {
            if to == peer {
                self.send(now, to, bytes);
            } else {
                self.early.push_back((to, bytes));
            }
        }
    }

    pub fn deadline(&mut self) -> Option<Instant> {
        self.client.poll_timeout()
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        if let Err(error) = self.client.handle_timeout(now) {
            log::debug!(error:% = error; "timer of the TURN client");
        }
    }

    /// Gives the allocation up; the message for it comes out of [`Relay::transmit`].
    pub fn close(&mut self, now: Instant) {
        if let Some(relayed) = self.relayed.take()
            && let Ok(mut relay) = self.client.relay(relayed)
            && let Err(error) = relay.close(now)
        {
            log::debug!(error:% = error; "allocation not given up");
        }
    }
}

/// Takes the first whole message from bytes of a stream (RFC 8656, section 12.5). An error: the stream
/// carries something else.
pub fn next_message(stream: &mut BytesMut) -> Result<Option<BytesMut>, &'static str> {
    let [first, _, l0, l1, ..] = stream[..] else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    let length = match first >> 6 {
        0 => 20 + length,
        1 => (4 + length).next_multiple_of(4),
        _ => return Err("neither STUN nor ChannelData came from the TURN server"),
    };
    if length > MAX_MESSAGE {
        return Err("the TURN server sent a message that is too long");
    }
    Ok((stream.len() >= length).then(|| stream.split_to(length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_messages_from_a_stream() {
        let mut stream = BytesMut::from(&b"\x40\x00\x00\x05hello\0\0\0\x01\x01\x00\x00"[..]);
        assert_eq!(next_message(&mut stream).unwrap().unwrap().len(), 12);
        assert_eq!(next_message(&mut stream), Ok(None));
        stream.extend_from_slice(&[0; 16]);
        assert_eq!(next_message(&mut stream).unwrap().unwrap().len(), 20);
        stream.extend_from_slice(b"HTTP");
        assert!(next_message(&mut BytesMut::from(&b"\x80TTP"[..])).is_err());
        assert!(next_message(&mut BytesMut::from(&b"\x40\x00\xff\xff"[..])).is_err());
    }
}
