//! Sockets, bus, stores and clock around [`Rooms`].

mod orders;

use crate::bus::{self, Proxy};
use crate::bus_interface::{Interface, Order};
use crate::http::Api;
use crate::ice::Relay;
use crate::metrics::Metrics;
use crate::records::Keep;
use crate::rooms::{
    Caller, CloseCode, Config, ConnectionId, Denied, Now, OrderRefusal, Output, RequestId, RoomId, Rooms,
    SfuEvent,
};
use crate::secret::HostKey;
use crate::socket::{Frame, Outgoing, Sent};
use crate::storage::Storage;
use crate::stored::ROOM_CEILING;
use anyhow::Context as _;
use axum::extract::ws::Utf8Bytes;
use plenum_daemon::Context;
use plenum_protocol::http::{About, CreateMeeting, LinkInfo, LinkQuery, Meeting};
use plenum_protocol::server::ServerMessage;
use plenum_protocol::settings::{OpenPolicy, SignalingSettings};
use plenum_store::Probe;
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::{Mutex, mpsc, oneshot, watch};

/// Inputs of clients that wait; their connections are not read meanwhile. Each may have 256 kB.
const INPUTS: usize = 64;
/// For clients to take their last message.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// Where a backup is read, in `runtime_dir`.
const SCRATCH: &str = "backup";
const EXPIRE_EVERY: Duration = Duration::from_secs(600);

/// A room with its links, or why there is none.
type Created = Result<(RoomId, Meeting), Denied>;

/// What clients bring.
#[derive(Debug)]
pub enum Input {
    Opened { id: ConnectionId, address: Option<IpAddr>, host: String, outgoing: Outgoing },
    Text(ConnectionId, Utf8Bytes),
    Binary(ConnectionId),
    Closed(ConnectionId),
    Create(CreateMeeting, Caller, oneshot::Sender<Created>),
    Link(LinkQuery, Caller, oneshot::Sender<Result<LinkInfo, Denied>>),
    About(Caller, oneshot::Sender<About>),
}

/// The end of a write.
struct Committed {
    keep: Keep,
    ticket: u64,
    ok: bool,
}

struct Server {
    rooms: Rooms,
    started: Instant,
    storage: Storage,
    commits: mpsc::UnboundedSender<Committed>,
    sfu: Proxy,
    events: mpsc::UnboundedSender<SfuEvent>,
    connections: HashMap<ConnectionId, Outgoing>,
    creating: HashMap<RequestId, oneshot::Sender<Created>>,
    ordering: HashMap<RequestId, oneshot::Sender<Result<u32, OrderRefusal>>>,
    next_request: RequestId,
    metrics: Metrics,
    orders: mpsc::UnboundedSender<Order>,
    host_key_file: PathBuf,
}

/// The daemon, until it is asked to end.
pub async fn main(context: Context<SignalingSettings>) -> anyhow::Result<()> {
    let settings = &context.settings;
    let metrics = Metrics::default();
    context.registry.register(|registry| metrics.register(registry));
    let probe = Probe::own_program().context("the program cannot be run as a probe")?;
    let storage = Storage::open(&settings.state_dir, &settings.runtime_dir, probe)
        .context("the rooms and meetings cannot be opened")?;
    let started = Instant::now();
    let mut rooms = Rooms::new(config(settings)?, Box::new(random), metrics.clone(), now(started));
    rooms.restore(storage.find().context("the rooms and meetings cannot be read")?);

    let listener = context
        .sockets
        .unix_listener("http", &settings.http_socket, 0o660)
        .with_context(|| format!("`http_socket = {}`", settings.http_socket.display()))?;
    let (inputs, mut client_inputs) = mpsc::channel(INPUTS);
    let (commits, mut committed) = mpsc::unbounded_channel();
    let (events, mut sfu_events) = mpsc::unbounded_channel();
    let (slot, sfu) = watch::channel(None);
    let (orders, mut ordered) = mpsc::unbounded_channel();
    let interface = Interface {
        orders: orders.clone(),
        host_key_file: settings.host_key_file.clone(),
        scratch: Arc::new(Mutex::new(settings.runtime_dir.join(SCRATCH))),
    };
    let bus = tokio::spawn(bus::run(settings.common.bus_address.clone(), interface, slot, events.clone()));
    let network_opens = settings.open_meetings == OpenPolicy::Network;
    let router = Api::new(inputs, metrics.clone(), network_opens).router();
    let http = tokio::spawn(axum::serve(listener, router).into_future());

    let mut server = Server {
        rooms,
        started,
        storage,
        commits,
        sfu,
        events,
        connections: HashMap::new(),
        creating: HashMap::new(),
        ordering: HashMap::new(),
        next_request: 0,
        metrics,
        orders,
        host_key_file: settings.host_key_file.clone(),
    };
    context.ready();
    server.run(&context, &mut client_inputs, &mut committed, &mut sfu_events, &mut ordered).await;
    http.abort();
    bus.abort();
    server.stop().await
}

fn config(settings: &SignalingSettings) -> anyhow::Result<Config> {
    let host_key = plenum_daemon::secret_file::read_or_create(&settings.host_key_file)
        .with_context(|| format!("`host_key_file = {}`", settings.host_key_file.display()))?;
    let relay = &settings.relay;
    let secret = plenum_daemon::secret_file::read_or_create(&relay.secret_file)
        .with_context(|| format!("`relay.secret_file = {}`", relay.secret_file.display()))?;
    Ok(Config {
        network_opens: settings.open_meetings == OpenPolicy::Network,
        host_key: HostKey::new(&host_key),
        seat_time: Duration::from_secs(settings.seat_seconds.into()),
        max_people: settings.max_people as usize,
        room_time: Duration::from_secs(u64::from(settings.room_days) * 86_400).min(ROOM_CEILING),
        relay: Relay::new(&secret, relay.port, relay.tls, relay.credential_seconds),
    })
}

fn random(bytes: &mut [u8]) {
    aws_lc_rs::rand::fill(bytes).expect("the kernel's random numbers cannot fail after the start");
}

fn now(started: Instant) -> Now {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now { mono: started.elapsed(), unix_ms: unix.as_millis() as u64 }
}

impl Server {
    async fn run(
        &mut self,
        context: &Context<SignalingSettings>,
        inputs: &mut mpsc::Receiver<Input>,
        committed: &mut mpsc::UnboundedReceiver<Committed>,
        events: &mut mpsc::UnboundedReceiver<SfuEvent>,
        orders: &mut mpsc::UnboundedReceiver<Order>,
    ) {
        let mut stop = std::pin::pin!(context.shutdown.wait());
        let mut expiry = tokio::time::interval(EXPIRE_EVERY);
        loop {
            self.carry_out();
            let deadline = self
                .rooms
                .deadline()
                .map_or(Duration::from_secs(60), |at| at.saturating_sub(self.started.elapsed()));
            tokio::select! {
                biased;
                () = &mut stop => return,
                Some(Committed { keep, ticket, ok }) = committed.recv() => {
                    self.rooms.committed(keep, ticket, ok, now(self.started));
                }
                Some(event) = events.recv() => self.rooms.sfu(event, now(self.started)),
                Some(input) = inputs.recv() => self.input(input),
                Some(order) = orders.recv() => self.order(order),
                _ = expiry.tick() => if self.rooms.may_expire(now(self.started)) {
                    self.storage.expire(SystemTime::now());
                },
                () = tokio::time::sleep(deadline) => self.rooms.advance(now(self.started)),
            }
        }
    }

    fn input(&mut self, input: Input) {
        let now = now(self.started);
        match input {
            Input::Opened { id, address, host, outgoing } => {
                self.connections.insert(id, outgoing);
                self.metrics.connections(self.connections.len());
                self.rooms.opened(id, address, &host, now);
            }
            Input::Text(id, text) => self.rooms.text(id, &text, now),
            Input::Binary(id) => self.rooms.binary(id, now),
            Input::Closed(id) => self.closed(id),
            Input::Create(body, caller, answer) => {
                let request = self.request();
                self.creating.insert(request, answer);
                self.rooms.create(request, body, &caller, now);
            }
            // A client that does not wait for its answer is no error.
            Input::Link(query, caller, answer) => {
                let _ = answer.send(self.rooms.link_info(&query, &caller, now));
            }
            Input::About(caller, answer) => {
                let _ = answer.send(self.rooms.about(&caller));
            }
        }
    }

    fn request(&mut self) -> RequestId {
        self.next_request += 1;
        self.next_request
    }

    fn closed(&mut self, id: ConnectionId) {
        self.connections.remove(&id);
        self.metrics.connections(self.connections.len());
        self.rooms.closed(id, now(self.started));
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.rooms.poll() {
            match output {
                Output::Send { to, message } => self.send(&to, &message),
                Output::Close { connection, code } => self.deliver(connection, Frame::Close(code as u16)),
                Output::Write { keep, ticket, changes } => {
                    let (commits, metrics) = (self.commits.clone(), self.metrics.clone());
                    self.storage.write(keep, &changes, SystemTime::now(), move |result| {
                        if let Err(error) = &result {
                            metrics.store_failed();
                            log::error!(error:%; "a change could not be stored, the meeting goes on without");
                        }
                        let _ = commits.send(Committed { keep, ticket, ok: result.is_ok() });
                    });
                }
                Output::Created { request, answer } => {
                    if let Some(waiting) = self.creating.remove(&request) {
                        let _ = waiting.send(answer);
                    }
                }
                Output::Ordered { request, answer } => {
                    if let Some(waiting) = self.ordering.remove(&request) {
                        let _ = waiting.send(answer);
                    }
                }
                Output::Sfu { peer, command } => {
                    let (proxy, events, metrics) =
                        (self.sfu.clone(), self.events.clone(), self.metrics.clone());
                    tokio::spawn(async move {
                        let outcome = bus::call(proxy, peer, command, &metrics).await;
                        let _ = events.send(SfuEvent::Done { peer, outcome });
                    });
                }
                Output::CloseRoom(meeting) => {
                    let (proxy, metrics) = (self.sfu.clone(), self.metrics.clone());
                    tokio::spawn(async move { bus::close_room(proxy, meeting, &metrics).await });
                }
                Output::Survey => {
                    let (proxy, events, metrics) =
                        (self.sfu.clone(), self.events.clone(), self.metrics.clone());
                    tokio::spawn(async move {
                        if let Some(found) = bus::survey(proxy, &metrics).await {
                            let _ = events.send(SfuEvent::Survey(found));
                        }
                    });
                }
            }
        }
    }

    /// Written out once for everyone who gets it.
    fn send(&mut self, to: &[ConnectionId], message: &ServerMessage) {
        match serde_json::to_string(message) {
            Ok(text) => {
                let text = Utf8Bytes::from(text);
                for id in to {
                    self.deliver(*id, Frame::Text(text.clone()));
                }
            }
            Err(error) => log::error!(error:%; "a message could not be written as JSON"),
        }
    }

    fn deliver(&mut self, id: ConnectionId, frame: Frame) {
        let Some(outgoing) = self.connections.get(&id) else { return };
        match outgoing.send(frame) {
            Sent::Queued => {}
            // `Closed` is on its way.
            Sent::Gone => {}
            Sent::Full => {
                self.metrics.slow_connection();
                // Cut off. Its seat is kept; `Closed` follows when the socket has gone.
                self.connections.remove(&id);
            }
        }
    }

    /// Clients are sent away, to come back to the next run of the daemon.
    async fn stop(mut self) -> anyhow::Result<()> {
        self.rooms.stop();
        for outgoing in self.connections.values() {
            outgoing.send(Frame::Close(CloseCode::GoingAway as u16));
        }
        let ended = async {
            for outgoing in self.connections.values() {
                outgoing.ended().await;
            }
        };
        let _ = tokio::time::timeout(STOP_LIMIT, ended).await;
        let storage = self.storage;
        tokio::task::spawn_blocking(move || storage.close())
            .await?
            .context("the rooms and meetings could not be closed in order")
    }
}
