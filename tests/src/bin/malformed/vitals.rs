//! How the daemons are: the same processes as before, without panics, and not larger than they were.

use crate::target::Target;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

pub(crate) const DAEMONS: [&str; 4] = ["sfu", "turn", "signaling", "web"];

/// What 9,000 malformed messages of one protocol may add to a daemon's resident memory once 1,000 have
/// brought its tables and its allocator to their working size.
const MAX_GROWTH_KB: u64 = 32 * 1024;
/// Beyond those that were open before: a connection of the browser's kind may still be on its way out.
const MAX_MORE_DESCRIPTORS: usize = 12;
/// Seats, handshakes and half-closed connections have ended by then.
const SETTLING: Duration = Duration::from_secs(20);
/// A media thread that has nothing to do publishes its counters once in a second.
const PUBLISHING: Duration = Duration::from_millis(1_200);

pub(crate) struct Vitals(Vec<Vital>);

struct Vital {
    name: &'static str,
    pid: u32,
    resident_kb: u64,
    descriptors: usize,
    panics: u64,
    metrics: String,
}

impl Vitals {
    pub(crate) fn take(target: &Target) -> Result<Vitals> {
        DAEMONS.iter().map(|name| Vital::take(target, name)).collect::<Result<_>>().map(Vitals)
    }

    /// Waits until about as many descriptors are open as before.
    pub(crate) async fn settled(target: &Target, before: &Vitals) -> Result<Vitals> {
        let end = Instant::now() + SETTLING;
        tokio::time::sleep(PUBLISHING).await;
        loop {
            let now = Vitals::take(target)?;
            before.unharmed(&now)?;
            let open = now.0.iter().zip(&before.0).find(|(now, before)| now.open_more(before));
            match open {
                None => return Ok(now),
                Some((now, before)) => ensure!(
                    Instant::now() < end,
                    "{} holds {} descriptors, {} before, {} s after the last message",
                    now.name,
                    now.descriptors,
                    before.descriptors,
                    SETTLING.as_secs()
                ),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Whether every daemon is the same process as before and has not panicked, and signaling and SFU have
    /// understood each other all the time.
    pub(crate) fn unharmed(&self, after: &Vitals) -> Result<()> {
        for (before, after) in self.0.iter().zip(&after.0) {
            let name = before.name;
            ensure!(before.pid == after.pid, "{name} ended (pid {} became {})", before.pid, after.pid);
            ensure!(before.panics == after.panics, "{name} panicked {} times", after.panics - before.panics);
        }
        let failed = |vitals: &Vitals| {
            ["connect", "disconnect", "set_allowed", "watch", "slots"]
                .map(|method| format!("sfu_calls_total{{method=\"{method}\",outcome=\"failed\"}}"))
                .map(|series| vitals.count("signaling", &series))
                .iter()
                .sum::<u64>()
        };
        let failures = failed(after) - failed(self);
        ensure!(failures == 0, "{failures} calls of signaling did not get through to the SFU");
        Ok(())
    }

    /// Kilobytes by which each daemon has grown; an error for one beyond bounds.
    pub(crate) fn growth(&self, after: &Vitals) -> Result<Vec<(&'static str, i64)>> {
        let pairs = self.0.iter().zip(&after.0);
        pairs
            .map(|(before, after)| {
                ensure!(
                    after.resident_kb <= before.resident_kb + MAX_GROWTH_KB,
                    "{} grew from {} kB to {} kB",
                    before.name,
                    before.resident_kb,
                    after.resident_kb
                );
                Ok((before.name, after.resident_kb as i64 - before.resident_kb as i64))
            })
            .collect()
    }

    /// The sum of all series of a daemon whose name, with labels, begins so.
    pub(crate) fn count(&self, daemon: &str, series: &str) -> u64 {
        let daemon = self.0.iter().find(|vital| vital.name == daemon);
        daemon.map_or(0, |daemon| sum(&daemon.metrics, &format!("plenum_{}_{series}", daemon.name)))
    }
}

impl Vital {
    fn take(target: &Target, name: &'static str) -> Result<Vital> {
        let run = target.state.join("run");
        let pid = fs::read_to_string(run.join(format!("{name}.pid")))?.trim().parse()?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"));
        let status = status.with_context(|| format!("{name} has ended"))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next());
        let metrics = scrape(&run.join(format!("{name}.metrics")));
        let metrics = metrics.with_context(|| format!("{name} does not answer for its metrics"))?;
        Ok(Vital {
            name,
            pid,
            resident_kb: resident.with_context(|| format!("{name} has no memory"))?.parse()?,
            descriptors: fs::read_dir(format!("/proc/{pid}/fd"))?.count(),
            panics: sum(&metrics, "process_panics_total"),
            metrics,
        })
    }

    fn open_more(&self, before: &Vital) -> bool {
        self.descriptors > before.descriptors + MAX_MORE_DESCRIPTORS
    }
}

fn scrape(socket: &std::path::Path) -> Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    ensure!(text.contains("process_panics_total"), "the metrics lack process_panics_total");
    Ok(text)
}

fn sum(metrics: &str, series: &str) -> u64 {
    let values = metrics.lines().filter(|line| line.starts_with(series));
    values.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum::<f64>() as u64
}

/// Datagrams that the kernel had no room for on the sockets of a UDP port.
pub(crate) fn lost_datagrams(to: SocketAddr) -> u64 {
    let port = format!(":{:04X}", to.port());
    let tables = ["/proc/net/udp", "/proc/net/udp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let sockets = tables.iter().flat_map(|table| table.lines().skip(1));
    let of_port = sockets.filter(|line| line.split_whitespace().nth(1).is_some_and(|at| at.ends_with(&port)));
    of_port.filter_map(|line| line.split_whitespace().last()?.parse::<u64>().ok()).sum()
}
