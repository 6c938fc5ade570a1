//! Counters of this daemon.

use crate::bridge::Moved;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, Default)]
pub struct Metrics {
    pub connections: Gauge,
    pub accepted: Counter,
    pub refused: Family<Refused, Counter>,
    pub handshakes: Family<Handshake, Counter>,
    pub requests: Family<Request, Counter>,
    pub websockets: Gauge,
    pub relayed: Gauge,
    pub(crate) websocket_bytes: Moved,
    pub(crate) relay_bytes: Moved,
    pub certificate_expiry: Gauge,
    pub certificate_loads: Family<Loaded, Counter>,
}

/// Why a connection ended before it could ask for anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum Reason {
    /// As many connections as there may be, from everyone or from one address.
    Full,
    Address,
    /// Not TLS: plain HTTP, or anything else.
    PlainHttp,
    NotTls,
    /// No handshake, or no first byte, in time.
    Slow,
    /// A handshake that failed: no version, group, or suite in common, or malformed.
    Handshake,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Refused {
    pub reason: Reason,
}

/// Completed handshakes (EN1, EN2: what was in fact negotiated).
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Handshake {
    pub version: &'static str,
    pub group: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Request {
    pub route: Route,
    pub status: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum Route {
    Page,
    Api,
    WebSocket,
    Health,
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Loaded {
    pub result: LoadResult,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum LoadResult {
    Taken,
    Refused,
}

impl Metrics {
    pub fn register(&self, registry: &mut Registry) {
        let m = self.clone();
        registry.register("connections", "Open TCP connections", m.connections);
        registry.register("accepted", "TCP connections accepted", m.accepted);
        registry.register("refused", "Connections ended before a request, by reason", m.refused);
        registry.register("handshakes", "TLS handshakes, by version and key exchange", m.handshakes);
        registry.register("requests", "HTTP requests, by kind and status", m.requests);
        registry.register("websockets", "Open WebSockets", m.websockets);
        registry.register("relayed", "Open streams to the TURN server", m.relayed);
        let ws = m.websocket_bytes;
        registry.register("websocket_received_bytes", "WebSocket bytes from clients", ws.from_clients);
        registry.register("websocket_sent_bytes", "WebSocket bytes to clients", ws.to_clients);
        let turn = m.relay_bytes;
        registry.register("relay_received_bytes", "TURN bytes from clients", turn.from_clients);
        registry.register("relay_sent_bytes", "TURN bytes to clients", turn.to_clients);
        let end = m.certificate_expiry;
        registry.register("certificate_expiry_time", "Unix time at which the certificate expires", end);
        registry.register("certificate_loads", "Certificates taken up or refused", m.certificate_loads);
    }

    pub(crate) fn refuse(&self, reason: Reason) {
        self.refused.get_or_create(&Refused { reason }).inc();
    }
}

/// Counts up now and down when it is dropped.
#[derive(Debug)]
pub(crate) struct Present(Gauge);

impl Present {
    pub(crate) fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Present(gauge.clone())
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.dec();
    }
}
