//! Counters and gauges, in the names of Prometheus. Nothing in them tells who somebody is.

use crate::client::Transport;
use crate::gate::Refusal;
use crate::quota::Direction;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ByTransport {
    transport: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ByReason {
    reason: &'static str,
}

/// Why a packet or a message without an answer went no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// A destination other than the SFU.
    Peer,
    /// From somewhere else than the SFU.
    Source,
    /// More than the credential's bandwidth.
    Bandwidth,
    /// The client, or the network to it, is too slow.
    SlowClient,
    /// No allocation, no permission or no channel for it.
    Unbound,
    /// A kind of message that no client sends to a server.
    Unexpected,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamEnd {
    Client,
    Malformed,
    Idle,
    Slow,
    Full,
    Shutdown,
}

#[derive(Debug, Default, Clone)]
pub struct Metrics {
    allocations: Family<ByTransport, Counter>,
    active: Gauge,
    requests: Counter,
    refused: Family<ByReason, Counter>,
    malformed: Family<ByTransport, Counter>,
    streams: Gauge,
    streams_ended: Family<ByReason, Counter>,
    dropped: [Counter; 6],
    packets: [Counter; 2],
    bytes: [Counter; 2],
}

impl Metrics {
    pub fn register(registry: &mut Registry) -> Metrics {
        let metrics = Metrics::default();
        registry.register("allocations_made", "Allocations made", metrics.allocations.clone());
        registry.register("allocations", "Allocations at the moment", metrics.active.clone());
        registry.register("requests", "Well-formed requests", metrics.requests.clone());
        registry.register("requests_refused", "Requests answered with an error", metrics.refused.clone());
        registry.register("malformed", "Messages that were not well-formed", metrics.malformed.clone());
        registry.register("streams", "TCP and TLS streams at the moment", metrics.streams.clone());
        registry.register("streams_ended", "Streams that ended", metrics.streams_ended.clone());
        for dropped in Dropped::ALL {
            let labels = [("reason".into(), dropped.as_str().into())].into_iter();
            let counter = metrics.dropped[dropped as usize].clone();
            registry.sub_registry_with_labels(labels).register("dropped", "Packets not relayed", counter);
        }
        for direction in [Direction::Up, Direction::Down] {
            let labels = [("direction".into(), direction_label(direction).into())].into_iter();
            let registry = registry.sub_registry_with_labels(labels);
            let index = direction as usize;
            registry.register("relayed_packets", "Packets relayed", metrics.packets[index].clone());
            registry.register(
                "relayed_bytes",
                "Bytes relayed, without headers",
                metrics.bytes[index].clone(),
            );
        }
        metrics
    }

    pub fn request(&self) {
        self.requests.inc();
    }

    pub fn refused(&self, refusal: Refusal) {
        self.refused.get_or_create(&ByReason { reason: refusal.as_str() }).inc();
    }

    pub fn malformed(&self, transport: Transport) {
        self.malformed.get_or_create(&ByTransport { transport: transport.as_str() }).inc();
    }

    pub fn allocated(&self, transport: Transport) {
        self.allocations.get_or_create(&ByTransport { transport: transport.as_str() }).inc();
    }

    pub fn allocation_opened(&self) {
        self.active.inc();
    }

    pub fn allocation_closed(&self) {
        self.active.dec();
    }

    pub fn stream_opened(&self) {
        self.streams.inc();
    }

    pub fn stream_ended(&self, end: StreamEnd) {
        self.streams.dec();
        self.stream_refused(end);
    }

    /// A stream that was never served.
    pub fn stream_refused(&self, end: StreamEnd) {
        self.streams_ended.get_or_create(&ByReason { reason: end.as_str() }).inc();
    }

    pub fn dropped(&self, reason: Dropped) {
        self.dropped[reason as usize].inc();
    }

    pub fn relayed(&self, direction: Direction, bytes: usize) {
        self.packets[direction as usize].inc();
        self.bytes[direction as usize].inc_by(bytes as u64);
    }
}

fn direction_label(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "up",
        Direction::Down => "down",
    }
}

impl Dropped {
    const ALL: [Dropped; 6] = [
        Dropped::Peer,
        Dropped::Source,
        Dropped::Bandwidth,
        Dropped::SlowClient,
        Dropped::Unbound,
        Dropped::Unexpected,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Dropped::Peer => "peer",
            Dropped::Source => "source",
            Dropped::Bandwidth => "bandwidth",
            Dropped::SlowClient => "slow_client",
            Dropped::Unbound => "unbound",
            Dropped::Unexpected => "unexpected",
        }
    }
}

impl StreamEnd {
    fn as_str(self) -> &'static str {
        match self {
            StreamEnd::Client => "client",
            StreamEnd::Malformed => "malformed",
            StreamEnd::Idle => "idle",
            StreamEnd::Slow => "slow",
            StreamEnd::Full => "full",
            StreamEnd::Shutdown => "shutdown",
        }
    }
}
