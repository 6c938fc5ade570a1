//! Counters, without anything about persons (AV2).

use plenum_protocol::client::ClientMessageKind;
use plenum_protocol::http::ApiErrorCode;
use plenum_protocol::server::{ErrorCode, LeaveReason, RefusalReason};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use serde::Serialize;
use std::borrow::Cow;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    method: &'static str,
    outcome: &'static str,
}

/// Cheap to clone; all clones count together.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    rooms: Gauge,
    meetings: Gauge,
    present: Gauge,
    away: Gauge,
    connections: Gauge,
    sfu_up: Gauge,
    opened: Counter,
    joined: Counter,
    resumed: Counter,
    left: Family<Reason, Counter>,
    received: Family<Kind, Counter>,
    errors: Family<Reason, Counter>,
    refused: Family<Reason, Counter>,
    denied: Family<Reason, Counter>,
    sfu_calls: Family<Call, Counter>,
    slow: Counter,
    silent: Counter,
    store_failures: Counter,
}

impl Metrics {
    pub fn register(&self, registry: &mut Registry) {
        registry.register("rooms", "Rooms whose links live", self.rooms.clone());
        registry.register("meetings", "Meetings that are running", self.meetings.clone());
        registry.register("people_present", "People in meetings", self.present.clone());
        registry.register(
            "people_away",
            "Seats kept for people who lost their connection",
            self.away.clone(),
        );
        registry.register("connections", "WebSocket connections", self.connections.clone());
        registry.register("sfu_up", "Whether the media server is on the bus", self.sfu_up.clone());
        registry.register("opened", "Rooms opened", self.opened.clone());
        registry.register("joined", "People who came in", self.joined.clone());
        registry.register("resumed", "People who came back to their seat", self.resumed.clone());
        registry.register("left", "People who left, by reason", self.left.clone());
        registry.register("messages", "Messages of clients, by kind", self.received.clone());
        registry.register("errors", "Messages of clients refused, by reason", self.errors.clone());
        registry.register("refused", "Hellos refused, by reason", self.refused.clone());
        registry.register("denied", "HTTP requests refused, by reason", self.denied.clone());
        registry.register("sfu_calls", "Calls of the media server, by outcome", self.sfu_calls.clone());
        registry.register(
            "slow_connections",
            "Connections closed because they read too slowly",
            self.slow.clone(),
        );
        registry.register(
            "silent_connections",
            "Connections closed because nothing came",
            self.silent.clone(),
        );
        registry.register("store_failures", "Writes that the store refused", self.store_failures.clone());
    }

    pub fn census(&self, rooms: usize, meetings: usize, present: i64, away: i64) {
        self.rooms.set(rooms as i64);
        self.meetings.set(meetings as i64);
        self.present.set(present);
        self.away.set(away);
    }

    pub fn connections(&self, count: usize) {
        self.connections.set(count as i64);
    }

    pub fn sfu_up(&self, up: bool) {
        self.sfu_up.set(up.into());
    }

    pub fn opened(&self) {
        self.opened.inc();
    }

    pub fn joined(&self, resumed: bool) {
        if resumed {
            self.resumed.inc()
        } else {
            self.joined.inc()
        };
    }

    pub fn left(&self, reason: LeaveReason) {
        self.left.get_or_create(&label(&reason)).inc();
    }

    pub fn received(&self, kind: ClientMessageKind) {
        self.received.get_or_create(&Kind { kind: kind.as_str() }).inc();
    }

    pub fn error(&self, code: ErrorCode) {
        self.errors.get_or_create(&label(&code)).inc();
    }

    pub fn refused(&self, reason: RefusalReason) {
        self.refused.get_or_create(&label(&reason)).inc();
    }

    pub fn denied(&self, code: ApiErrorCode) {
        self.denied.get_or_create(&label(&code)).inc();
    }

    pub fn sfu_call(&self, method: &'static str, outcome: &'static str) {
        self.sfu_calls.get_or_create(&Call { method, outcome }).inc();
    }

    pub fn slow_connection(&self) {
        self.slow.inc();
    }

    pub fn silent_connection(&self) {
        self.silent.inc();
    }

    pub fn store_failed(&self) {
        self.store_failures.inc();
    }
}

/// The name that a code has on the wire.
fn label(code: &impl Serialize) -> Reason {
    let name = serde_json::to_value(code).ok();
    let name = name.as_ref().and_then(|value| value.as_str()).map_or(Cow::from("unknown"), Cow::from);
    Reason { reason: name.into_owned() }
}
