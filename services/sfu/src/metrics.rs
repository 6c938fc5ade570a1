//! What the media threads publish, and what Prometheus is shown: sums over the threads.

use crate::core::{Counters, Drop};
use crate::forward;
use crate::mailbox::Mailbox;
use crate::net::NetCounters;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Everything that one thread counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Snapshot {
    pub core: Counters,
    pub forward: forward::Counters,
    pub net: NetCounters,
    /// Datagrams that arrived at this thread and belong to another, and those of them that got lost.
    pub handed_over: u64,
    pub handed_over_lost: u64,
}

type Read = fn(&Snapshot) -> u64;

struct Series {
    name: &'static str,
    help: &'static str,
    gauge: bool,
    read: Read,
}

const fn counter(name: &'static str, help: &'static str, read: Read) -> Series {
    Series { name, help, gauge: false, read }
}

const fn gauge(name: &'static str, help: &'static str, read: Read) -> Series {
    Series { name, help, gauge: true, read }
}

const SERIES: [Series; 28] = [
    gauge("peers", "Connections, those under way included", |s| s.core.peers),
    gauge("rooms", "Rooms with connections", |s| s.core.rooms),
    counter("packets_in", "RTP and RTCP packets received", |s| s.core.packets_in),
    counter("bytes_in", "Bytes of them", |s| s.core.bytes_in),
    counter("packets_out", "RTP and RTCP packets sealed for peers", |s| s.core.packets_out),
    counter("bytes_out", "Bytes of them", |s| s.core.bytes_out),
    counter("checks", "Authentic ICE connectivity checks answered", |s| s.core.checks),
    counter("handshakes", "DTLS handshakes completed", |s| s.core.handshakes),
    counter("handshakes_failed", "DTLS handshakes failed", |s| s.core.handshakes_failed),
    counter("sends", "System calls that sent", |s| s.net.sends),
    counter("send_buffer_full", "Packets lost because the kernel's buffer was full", |s| s.net.buffer_full),
    counter("send_unreachable", "Packets that the kernel refused to send", |s| s.net.unreachable),
    counter("test_loss", "Datagrams dropped on purpose", |s| s.net.test_loss),
    counter("handed_over", "Datagrams passed from thread to thread", |s| s.handed_over),
    counter("handed_over_lost", "Datagrams lost between threads", |s| s.handed_over_lost),
    counter("media_in", "Media packets taken in by the forwarding plane", |s| s.forward.packets_in),
    counter("media_out", "Copies of media packets sent", |s| s.forward.packets_out),
    counter("media_malformed", "RTP or RTCP that could not be parsed", |s| s.forward.malformed),
    counter("media_unknown", "RTP of an unknown stream or payload type", |s| s.forward.unknown),
    counter("media_refused", "RTP of a source that the peer may not send", |s| s.forward.refused),
    counter("media_duplicates", "Repeated RTP packets", |s| s.forward.duplicates),
    counter("media_padding", "RTP packets of nothing but padding", |s| s.forward.padding),
    counter("nacked", "Packets that subscribers asked for again", |s| s.forward.nacked),
    counter("repeated", "Packets repeated to subscribers", |s| s.forward.repeated),
    counter("missing", "Packets asked for again from publishers", |s| s.forward.missing),
    counter("recovered", "Packets that publishers repeated", |s| s.forward.recovered),
    counter("key_frame_requests", "Key frames asked for", |s| s.forward.key_frame_requests),
    counter("switches", "Slots that went over to another layer or person", |s| s.forward.switches),
];

/// One thread's figures, readable by others. Written by that thread only.
#[derive(Debug)]
pub struct Published {
    series: [AtomicU64; SERIES.len()],
    dropped: [AtomicU64; Drop::ALL.len()],
}

impl Default for Published {
    fn default() -> Published {
        let zero = || AtomicU64::new(0);
        Published { series: std::array::from_fn(|_| zero()), dropped: std::array::from_fn(|_| zero()) }
    }
}

impl Published {
    pub fn set(&self, snapshot: &Snapshot) {
        for (value, series) in self.series.iter().zip(&SERIES) {
            value.store((series.read)(snapshot), Ordering::Relaxed);
        }
        for (value, count) in self.dropped.iter().zip(snapshot.core.dropped) {
            value.store(count, Ordering::Relaxed);
        }
    }
}

/// Sums up at each scrape.
#[derive(Clone)]
pub struct Sums(pub Arc<[Mailbox]>);

impl std::fmt::Debug for Sums {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sums over {} threads", self.0.len())
    }
}

impl Sums {
    fn sum(&self, value: impl Fn(&Published) -> &AtomicU64) -> u64 {
        self.0.iter().map(|mailbox| value(&mailbox.published).load(Ordering::Relaxed)).sum()
    }
}

impl Collector for Sums {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        for (index, series) in SERIES.iter().enumerate() {
            let value = self.sum(|published| &published.series[index]);
            let kind = if series.gauge { MetricType::Gauge } else { MetricType::Counter };
            let metric = encoder.encode_descriptor(series.name, series.help, None, kind)?;
            if series.gauge {
                ConstGauge::new(value).encode(metric)?;
            } else {
                ConstCounter::new(value).encode(metric)?;
            }
        }
        let help = "Datagrams and packets that went no further, by reason";
        let mut family = encoder.encode_descriptor("dropped", help, None, MetricType::Counter)?;
        for (index, (_, reason)) in Drop::ALL.iter().enumerate() {
            let value = self.sum(|published| &published.dropped[index]);
            ConstCounter::new(value).encode(family.encode_family(&[("reason", *reason)])?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::registry::Registry;

    #[test]
    fn threads_are_summed_up() {
        let mailboxes: Arc<[Mailbox]> = (0..2).map(|_| Mailbox::new().expect("an eventfd")).collect();
        for (count, mailbox) in mailboxes.iter().enumerate() {
            let mut snapshot = Snapshot::default();
            snapshot.core.packets_in = 10 + count as u64;
            snapshot.core.peers = 1;
            snapshot.core.dropped[Drop::Forged as usize] = 3;
            mailbox.published.set(&snapshot);
        }
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Sums(mailboxes)));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("text");
        for line in ["packets_in_total 21", "peers 2", "dropped_total{reason=\"forged\"} 6"] {
            assert!(text.lines().any(|l| l == line), "{line} is missing in\n{text}");
        }
    }
}
