//! Decides on every request before the `turn` crate sees it: who asks (RFC 8489, section 9.2.4), for
//! what, and whether that leads to the SFU (HD8). The crate answers wrong credentials with 400, stays
//! silent towards a client without an allocation and relays to anyone; here that is settled first.

use crate::credentials::Credentials;
use crate::nonce::Nonces;
use crate::peers::{Family, Peers};
use crate::quota::{Lease, QuotaReached, Users};
use crate::stun::{Class, Message, Method, Writer, attribute};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// An allocation may be kept for so long after its credential expired: nobody should fall out of a
/// meeting by the clock. New allocations need a credential that is valid.
const KEEP_SECONDS: u64 = 24 * 3_600;

pub struct Gate {
    pub credentials: Credentials,
    pub nonces: Nonces,
    pub users: Arc<Users>,
}

/// What a decision depends on beside the message.
pub struct Context<'a> {
    pub client: SocketAddr,
    /// User name of the allocation that this client holds.
    pub allocation: Option<&'a str>,
    pub peers: &'a Peers,
    /// Seconds since the Unix epoch.
    pub unix_now: u64,
    pub now: Instant,
}

pub enum Decision {
    /// Send this and be done.
    Reply(Vec<u8>),
    Refuse(Refusal, Vec<u8>),
    /// Let the `turn` crate do it; for an Allocate request with the right to do it.
    Pass(Passed),
}

pub struct Passed {
    pub key: Vec<u8>,
    pub lease: Option<Lease>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// 401, the first request of every client.
    NoCredentials,
    /// 401
    WrongCredentials,
    /// 401
    Expired,
    /// 438
    StaleNonce,
    /// 400
    BadRequest,
    /// 403
    Peer,
    /// 420
    UnknownAttribute,
    /// 437
    NoAllocation,
    /// 441
    OtherUser,
    /// 440
    Family,
    /// 443
    PeerFamily,
    /// 486
    QuotaUser,
    /// 486
    QuotaEveryone,
    /// 508
    Capacity,
}

impl Refusal {
    pub fn as_str(self) -> &'static str {
        match self {
            Refusal::NoCredentials => "no_credentials",
            Refusal::WrongCredentials => "wrong_credentials",
            Refusal::Expired => "expired",
            Refusal::StaleNonce => "stale_nonce",
            Refusal::BadRequest => "bad_request",
            Refusal::Peer => "peer",
            Refusal::UnknownAttribute => "unknown_attribute",
            Refusal::NoAllocation => "no_allocation",
            Refusal::OtherUser => "other_user",
            Refusal::Family => "family",
            Refusal::PeerFamily => "peer_family",
            Refusal::QuotaUser => "quota_user",
            Refusal::QuotaEveryone => "quota_everyone",
            Refusal::Capacity => "capacity",
        }
    }

    /// Code and reason phrase (RFC 8489, section 14.8; RFC 8656, section 19).
    fn code(self) -> (u16, &'static str) {
        match self {
            Refusal::NoCredentials | Refusal::WrongCredentials | Refusal::Expired => (401, "Unauthenticated"),
            Refusal::StaleNonce => (438, "Stale Nonce"),
            Refusal::BadRequest => (400, "Bad Request"),
            Refusal::Peer => (403, "Forbidden"),
            Refusal::UnknownAttribute => (420, "Unknown Attribute"),
            Refusal::NoAllocation => (437, "Allocation Mismatch"),
            Refusal::OtherUser => (441, "Wrong Credentials"),
            Refusal::Family => (440, "Address Family not Supported"),
            Refusal::PeerFamily => (443, "Peer Address Family Mismatch"),
            Refusal::QuotaUser | Refusal::QuotaEveryone => (486, "Allocation Quota Reached"),
            Refusal::Capacity => (508, "Insufficient Capacity"),
        }
    }
}

struct Authenticated<'a> {
    username: &'a str,
    key: Vec<u8>,
}

impl Gate {
    /// Decides on a request. The message's class is [`Class::Request`].
    pub fn decide(&self, message: &Message<'_>, context: &Context<'_>) -> Decision {
        if message.method == Method::Binding {
            return Decision::Reply(binding_answer(message, context.client));
        }
        let user = match self.authenticate(message, context) {
            Ok(user) => user,
            Err(refusal) => return Decision::Refuse(refusal, self.challenge(message, context, refusal)),
        };
        let unknown = unknown_attributes(message);
        if !unknown.is_empty() {
            return refuse(message, Refusal::UnknownAttribute, &user.key, &unknown);
        }
        let verdict = match message.method {
            Method::Allocate => self.allocate(message, context, user.username),
            Method::Refresh | Method::CreatePermission | Method::ChannelBind => {
                use_allocation(message, context, user.username).map(|()| None)
            }
            _ => Err(Refusal::BadRequest),
        };
        match verdict {
            Ok(lease) => Decision::Pass(Passed { key: user.key, lease }),
            Err(refusal) => refuse(message, refusal, &user.key, &[]),
        }
    }

    /// An error that the gate's owner found later.
    pub fn refusal(message: &Message<'_>, refusal: Refusal, key: &[u8]) -> Decision {
        refuse(message, refusal, key, &[])
    }

    /// RFC 8489, section 9.2.4.
    fn authenticate<'a>(
        &self,
        message: &Message<'a>,
        context: &Context<'_>,
    ) -> Result<Authenticated<'a>, Refusal> {
        if !message.has_integrity() {
            return Err(Refusal::NoCredentials);
        }
        let text = |kind| message.text(kind).ok_or(Refusal::BadRequest);
        let (username, realm) = (text(attribute::USERNAME)?, text(attribute::REALM)?);
        if !self.nonces.fresh(text(attribute::NONCE)?, context.client, context.unix_now) {
            return Err(Refusal::StaleNonce);
        }
        let claim = self.credentials.claim(username).ok_or(Refusal::WrongCredentials)?;
        if realm != self.credentials.realm() || !message.integrity_matches(&claim.key) {
            return Err(Refusal::WrongCredentials);
        }
        let holds_allocation = context.allocation == Some(username) && message.method != Method::Allocate;
        let kept = if holds_allocation { KEEP_SECONDS } else { 0 };
        if claim.expires.saturating_add(kept) <= context.unix_now {
            return Err(Refusal::Expired);
        }
        Ok(Authenticated { username, key: claim.key })
    }

    /// RFC 8656, section 7.2.
    fn allocate(
        &self,
        message: &Message<'_>,
        context: &Context<'_>,
        user: &str,
    ) -> Result<Option<Lease>, Refusal> {
        if context.allocation.is_some() {
            return Err(Refusal::NoAllocation);
        }
        let family = match message.get(attribute::REQUESTED_ADDRESS_FAMILY) {
            None | Some([1, ..]) => Family::V4,
            Some([2, ..]) => Family::V6,
            Some(_) => return Err(Refusal::Family),
        };
        context.peers.relay_address(family).ok_or(Refusal::Family)?;
        // A reserved second port is for plain RTP with RTCP beside it: no WebRTC client asks for one.
        let reserves = message.get(attribute::EVEN_PORT).is_some_and(|value| value[0] & 0x80 != 0);
        if reserves || message.get(attribute::RESERVATION_TOKEN).is_some() {
            return Err(Refusal::Capacity);
        }
        self.users.lease(user, context.now).map(Some).map_err(|quota| match quota {
            QuotaReached::User => Refusal::QuotaUser,
            QuotaReached::Everyone => Refusal::QuotaEveryone,
        })
    }

    /// An error before authentication: with realm and nonce where the client may try again with them.
    fn challenge(&self, message: &Message<'_>, context: &Context<'_>, refusal: Refusal) -> Vec<u8> {
        let (code, reason) = refusal.code();
        let answer = Writer::new(Class::Error, message.method, message.transaction).error(code, reason);
        if refusal == Refusal::BadRequest {
            return answer.finish();
        }
        let nonce = self.nonces.issue(context.client, context.unix_now);
        answer
            .attribute(attribute::REALM, self.credentials.realm().as_bytes())
            .attribute(attribute::NONCE, nonce.as_bytes())
            .finish()
    }
}

/// Whether a Send indication's peer may be reached.
pub fn may_send(message: &Message<'_>, peers: &Peers) -> bool {
    unknown_attributes(message).is_empty()
        && message.peers().count() == 1
        && message.peers().all(|peer| peers.allows(peer))
}

/// Refresh, CreatePermission and ChannelBind (RFC 8656, sections 8.2, 10.2 and 12.2).
fn use_allocation(message: &Message<'_>, context: &Context<'_>, user: &str) -> Result<(), Refusal> {
    let owner = context.allocation.ok_or(Refusal::NoAllocation)?;
    if owner != user {
        return Err(Refusal::OtherUser);
    }
    let allowed = match message.method {
        Method::Refresh => return Ok(()),
        Method::CreatePermission => message.peers().all(|peer| context.peers.allows_permission(peer)),
        _ => message.peers().all(|peer| context.peers.allows(peer)),
    };
    match (message.peers().count(), allowed) {
        (0, _) => Err(Refusal::BadRequest),
        (2.., _) if message.method == Method::ChannelBind => Err(Refusal::BadRequest),
        (_, false) => Err(Refusal::Peer),
        (_, true) => Ok(()),
    }
}

fn refuse(message: &Message<'_>, refusal: Refusal, key: &[u8], unknown: &[u8]) -> Decision {
    let (code, reason) = refusal.code();
    let mut answer = Writer::new(Class::Error, message.method, message.transaction).error(code, reason);
    if !unknown.is_empty() {
        answer = answer.attribute(attribute::UNKNOWN_ATTRIBUTES, unknown);
    }
    Decision::Refuse(refusal, answer.integrity(key).finish())
}

fn binding_answer(message: &Message<'_>, client: SocketAddr) -> Vec<u8> {
    Writer::new(Class::Success, Method::Binding, message.transaction)
        .xor_address(attribute::XOR_MAPPED_ADDRESS, client)
        .finish()
}

/// Attributes that must be understood and are not, as UNKNOWN-ATTRIBUTES lists them (RFC 8489, section
/// 14.13). DONT-FRAGMENT is among them, as RFC 8656, section 7.2 allows.
fn unknown_attributes(message: &Message<'_>) -> Vec<u8> {
    message
        .attributes()
        .filter(|(kind, _)| !is_known(*kind))
        .flat_map(|(kind, _)| kind.to_be_bytes())
        .collect()
}

fn is_known(kind: u16) -> bool {
    use attribute::*;
    kind >= 0x8000
        || matches!(
            kind,
            USERNAME
                | MESSAGE_INTEGRITY
                | CHANNEL_NUMBER
                | LIFETIME
                | XOR_PEER_ADDRESS
                | DATA
                | REALM
                | NONCE
                | REQUESTED_ADDRESS_FAMILY
                | EVEN_PORT
                | REQUESTED_TRANSPORT
                | RESERVATION_TOKEN
        )
}
