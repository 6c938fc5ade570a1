//! What happens to one message of one client, whatever it arrived on.

use crate::client::Client;
use crate::credentials::Credentials;
use crate::frame::{channel_data, is_channel_data};
use crate::gate::{Context, Decision, Gate, Passed, Refusal, may_send};
use crate::metrics::{Dropped, Metrics};
use crate::nonce::Nonces;
use crate::peers::Peers;
use crate::quota::{Limits, Users};
use crate::session::{PassedRequest, Session};
use crate::stun::{Class, Malformed, Message, Method};
use arc_swap::ArcSwap;
use plenum_protocol::settings::TurnSettings;
use std::io;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

pub struct Server {
    pub metrics: Metrics,
    pub settings: TurnSettings,
    gate: Gate,
    peers: Arc<ArcSwap<Peers>>,
}

impl Server {
    pub fn new(settings: TurnSettings, secret: &str, metrics: Metrics) -> io::Result<Server> {
        let peers = Peers::from_settings(&settings)?;
        let users = Users::new(Limits {
            allocations_per_user: settings.max_allocations_per_user,
            allocations: settings.max_allocations,
            kbps_per_user: settings.max_kbps_per_user,
        });
        let gate =
            Gate { credentials: Credentials::new(secret, &settings.realm), nonces: Nonces::new(), users };
        Ok(Server { metrics, settings, gate, peers: Arc::new(ArcSwap::from_pointee(peers)) })
    }

    pub fn credentials(&self) -> &Credentials {
        &self.gate.credentials
    }

    pub fn peers(&self) -> Arc<Peers> {
        self.peers.load_full()
    }

    /// Looks at this machine's addresses again: they change with leases and cables.
    pub fn refresh_peers(&self) {
        match Peers::from_settings(&self.settings) {
            Ok(peers) if peers == **self.peers.load() => {}
            Ok(peers) => {
                log::info!(peers = peers.addresses().len(); "the SFU's addresses changed");
                self.peers.store(Arc::new(peers));
            }
            Err(error) => {
                log::warn!(error:% = error; "this machine's addresses cannot be read, the known ones stay")
            }
        }
    }

    /// Works on one message. `session` is the client's allocation: made, used and given up here.
    pub async fn message(
        &self,
        client: &Arc<Client>,
        session: &mut Option<Session>,
        bytes: &[u8],
    ) -> Result<(), Malformed> {
        let done = self.work(client, session, bytes).await;
        if done.is_err() {
            self.metrics.malformed(client.transport);
        }
        done
    }

    async fn work(
        &self,
        client: &Arc<Client>,
        session: &mut Option<Session>,
        bytes: &[u8],
    ) -> Result<(), Malformed> {
        if is_channel_data(bytes) {
            let (number, payload) = channel_data(bytes)?;
            match session {
                Some(session) => session.channel_data(number, payload, &self.metrics).await,
                None => self.metrics.dropped(Dropped::Unbound),
            }
            return Ok(());
        }
        let message = Message::parse(bytes)?;
        match (message.class, message.method) {
            (Class::Request, _) => self.request(client, session, &message, bytes).await,
            (Class::Indication, Method::Send) => self.indication(session, &message, bytes).await,
            // A Binding indication keeps a path open (RFC 8445, section 11); it has no answer.
            (Class::Indication, Method::Binding) => {}
            _ => self.metrics.dropped(Dropped::Unexpected),
        }
        Ok(())
    }

    async fn request(
        &self,
        client: &Arc<Client>,
        session: &mut Option<Session>,
        message: &Message<'_>,
        bytes: &[u8],
    ) {
        self.metrics.request();
        session.take_if(|session| !session.is_alive());
        if let (Method::Allocate, Some(open)) = (message.method, session.as_ref())
            && let Some(answer) = open.repeated(message.transaction)
        {
            client.send(answer);
            return;
        }
        let peers = self.peers.load_full();
        let owner = session.as_ref().and_then(Session::user);
        let context = Context {
            client: client.address,
            allocation: owner.as_deref(),
            peers: &peers,
            unix_now: unix_now(),
            now: Instant::now(),
        };
        match self.gate.decide(message, &context) {
            Decision::Reply(answer) => {
                client.send(&answer);
            }
            Decision::Refuse(refusal, answer) => self.refuse(client, refusal, &answer),
            Decision::Pass(passed) => self.pass(client, session, message, bytes, passed).await,
        }
    }

    async fn pass(
        &self,
        client: &Arc<Client>,
        session: &mut Option<Session>,
        message: &Message<'_>,
        bytes: &[u8],
        passed: Passed,
    ) {
        let request = PassedRequest { message, bytes, key: passed.key };
        if let Some(lease) = passed.lease {
            let realm = self.gate.credentials.realm();
            *session = Session::allocate(client, &self.peers, &self.metrics, realm, request, lease).await;
            match session {
                Some(_) => self.metrics.allocated(client.transport),
                None => self.metrics.refused(Refusal::Capacity),
            }
        } else if let Some(session) = session {
            session.pass(request).await;
            if message.method == Method::CreatePermission {
                session.permit(message.peers().skip(1)).await;
            }
        }
        session.take_if(|session| !session.is_alive());
    }

    async fn indication(&self, session: &Option<Session>, message: &Message<'_>, bytes: &[u8]) {
        let Some(session) = session else { return self.metrics.dropped(Dropped::Unbound) };
        if may_send(message, &self.peers.load()) {
            session.indication(bytes, &self.metrics).await;
        } else {
            self.metrics.dropped(Dropped::Peer);
        }
    }

    fn refuse(&self, client: &Client, refusal: Refusal, answer: &[u8]) {
        self.metrics.refused(refusal);
        client.send(answer);
    }
}

fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
