//! One client with an allocation: the `turn` crate's allocation manager for its 5-tuple alone, and the
//! short way for ChannelData past it.

use crate::client::Client;
use crate::metrics::{Dropped, Metrics};
use crate::peers::Peers;
use crate::quota::Lease;
use crate::relay::{RelayMaker, RelaySocket};
use crate::stun::{Message, TransactionId, attribute};
use arc_swap::ArcSwap;
use async_trait::async_trait;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;
use turn::allocation::Allocation;
use turn::allocation::allocation_manager::{Manager, ManagerConfig};
use turn::allocation::five_tuple::FiveTuple;
use turn::allocation::permission::Permission;
use turn::auth::AuthHandler;
use turn::proto::PROTO_UDP;
use turn::proto::channum::ChannelNumber;
use turn::server::request::Request;
use webrtc_util::Conn;

/// RFC 8656, section 12: a channel is bound for ten minutes.
const CHANNEL_LIFETIME: Duration = Duration::from_secs(600);

pub struct Session {
    client: Arc<Client>,
    answers: Arc<Answers>,
    manager: Arc<Manager>,
    relay: Weak<RelaySocket>,
    allocation: Weak<Allocation>,
    realm: String,
    /// The Allocate request that made it, to recognise a retransmission (RFC 8656, section 7.2).
    made_by: TransactionId,
}

impl Session {
    /// Lets the `turn` crate answer an Allocate request. None: it refused, and has said so.
    pub async fn allocate(
        client: &Arc<Client>,
        peers: &Arc<ArcSwap<Peers>>,
        metrics: &Metrics,
        realm: &str,
        request: PassedRequest<'_>,
        lease: Lease,
    ) -> Option<Session> {
        let made = Arc::new(OnceLock::new());
        let even_port = request.message.get(attribute::EVEN_PORT).is_some();
        let maker = RelayMaker {
            even_port,
            client: Arc::clone(client),
            peers: Arc::clone(peers),
            metrics: metrics.clone(),
            lease: Mutex::new(Some(lease)),
            made: Arc::clone(&made),
        };
        let manager =
            Manager::new(ManagerConfig { relay_addr_generator: Box::new(maker), alloc_close_notify: None });
        let mut session = Session {
            client: Arc::clone(client),
            answers: Arc::new(Answers { client: Arc::clone(client), first: OnceLock::new() }),
            manager: Arc::new(manager),
            relay: Weak::new(),
            allocation: Weak::new(),
            realm: realm.to_owned(),
            made_by: request.message.transaction,
        };
        if even_port {
            // The crate takes two sockets for it and reserves a port that nobody asked for.
            let bytes = request.message.without(attribute::EVEN_PORT, &request.key);
            session.pass(PassedRequest { bytes: &bytes, ..request }).await;
        } else {
            session.pass(request).await;
        }
        let allocation = session.manager.get_allocation(&session.five_tuple()).await?;
        session.relay = made.get()?.clone();
        session.relay.upgrade()?.belongs_to(&allocation);
        session.allocation = Arc::downgrade(&allocation);
        Some(session)
    }

    /// False once the allocation has been given up or has expired.
    pub fn is_alive(&self) -> bool {
        self.allocation.strong_count() > 0
    }

    /// The allocation's owner.
    pub fn user(&self) -> Option<String> {
        self.relay.upgrade().map(|relay| relay.user().to_owned())
    }

    /// The answer to a retransmitted Allocate request.
    pub fn repeated(&self, transaction: TransactionId) -> Option<&[u8]> {
        self.answers.first.get().filter(|_| self.made_by == transaction).map(Vec::as_slice)
    }

    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Lets the `turn` crate answer a request that the gate has passed.
    pub async fn pass(&self, request: PassedRequest<'_>) {
        let nonce = request.message.text(attribute::NONCE).unwrap_or_default().to_owned();
        let nonces = HashMap::from([(nonce, tokio::time::Instant::now())]);
        let mut made = self.request(request.bytes, Arc::new(Authenticated(request.key)));
        made.nonces = Arc::new(tokio::sync::Mutex::new(nonces));
        if let Err(error) = made.handle_request().await {
            log::debug!(error:% = error; "request refused by the allocation");
        }
    }

    /// The crate's own CreatePermission looks at the first peer only.
    pub async fn permit(&self, peers: impl Iterator<Item = SocketAddr>) {
        let Some(allocation) = self.allocation.upgrade() else { return };
        for peer in peers {
            allocation.add_permission(Permission::new(peer)).await;
        }
    }

    /// A Send indication whose peer the gate allows.
    pub async fn indication(&self, bytes: &[u8], metrics: &Metrics) {
        let nobody = Arc::new(Authenticated(Vec::new()));
        if self.request(bytes, nobody).handle_request().await.is_err() {
            metrics.dropped(Dropped::Unbound);
        }
    }

    /// ChannelData, past the crate's request handler, which copies it three times.
    pub async fn channel_data(&self, number: u16, payload: &[u8], metrics: &Metrics) {
        let (Some(allocation), Some(relay)) = (self.allocation.upgrade(), self.relay.upgrade()) else {
            return metrics.dropped(Dropped::Unbound);
        };
        match allocation.get_channel_addr(&ChannelNumber(number)).await {
            Some(peer) => relay.send(payload, peer),
            None => metrics.dropped(Dropped::Unbound),
        }
    }

    fn request(&self, bytes: &[u8], authenticated: Arc<Authenticated>) -> Request {
        let conn: Arc<dyn Conn + Send + Sync> = self.answers.clone();
        let mut request = Request::new(conn, self.client.address, Arc::clone(&self.manager), authenticated);
        request.buff = bytes.to_vec();
        request.realm = self.realm.clone();
        request.channel_bind_timeout = CHANNEL_LIFETIME;
        request
    }

    /// As the crate makes it: it says UDP for every transport, which is harmless with a manager each.
    fn five_tuple(&self) -> FiveTuple {
        FiveTuple { src_addr: self.client.address, dst_addr: self.client.server, protocol: PROTO_UDP }
    }
}

/// A request that the gate let pass, and the key it was authenticated with.
pub struct PassedRequest<'a> {
    pub message: &'a Message<'a>,
    pub bytes: &'a [u8],
    pub key: Vec<u8>,
}

/// The gate has checked the credentials already; the crate checks the integrity once more.
struct Authenticated(Vec<u8>);

impl AuthHandler for Authenticated {
    fn auth_handle(&self, _: &str, _: &str, _: SocketAddr) -> Result<Vec<u8>, turn::Error> {
        Ok(self.0.clone())
    }
}

/// Where the crate writes its answers and Data indications.
struct Answers {
    client: Arc<Client>,
    /// The answer to the Allocate request.
    first: OnceLock<Vec<u8>>,
}

#[async_trait]
impl Conn for Answers {
    async fn connect(&self, _: SocketAddr) -> webrtc_util::Result<()> {
        Err(unsupported())
    }

    async fn recv(&self, _: &mut [u8]) -> webrtc_util::Result<usize> {
        Err(unsupported())
    }

    async fn recv_from(&self, _: &mut [u8]) -> webrtc_util::Result<(usize, SocketAddr)> {
        Err(unsupported())
    }

    async fn send(&self, message: &[u8]) -> webrtc_util::Result<usize> {
        self.send_to(message, self.client.address).await
    }

    async fn send_to(&self, message: &[u8], _: SocketAddr) -> webrtc_util::Result<usize> {
        self.client.send(message);
        self.first.get_or_init(|| message.to_vec());
        Ok(message.len())
    }

    fn local_addr(&self) -> webrtc_util::Result<SocketAddr> {
        Ok(self.client.server)
    }

    fn remote_addr(&self) -> Option<SocketAddr> {
        Some(self.client.address)
    }

    /// The crate closes it with the allocation; the client may make another one.
    async fn close(&self) -> webrtc_util::Result<()> {
        Ok(())
    }

    fn as_any(&self) -> &(dyn std::any::Any + Send + Sync) {
        self
    }
}

fn unsupported() -> webrtc_util::Error {
    io::Error::from(io::ErrorKind::Unsupported).into()
}
