//! The UDP sockets of one media thread.

mod addresses;
mod socket;
mod sys;

#[cfg(test)]
mod tests;

pub use addresses::{candidates, own_addresses, public};
pub use socket::{Ports, bind};

use crate::path::{Path, Wire};
use nix::errno::Errno;
use std::io;
use std::net::UdpSocket;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant, SystemTime};
use sys::{BURST, Inbox};

/// Bursts read from one socket before the other and the timers get their turn.
const BURSTS: usize = 8;
/// No datagram waits longer in the receive buffer.
const MAX_AGE: Duration = Duration::from_millis(500);

/// What the sockets count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NetCounters {
    pub sends: u64,
    /// Packets that the kernel did not take, by reason.
    pub buffer_full: u64,
    pub unreachable: u64,
    /// Dropped on purpose, for tests.
    pub test_loss: u64,
}

/// Takes datagrams in, and may send.
pub trait Intake {
    fn datagram(&mut self, net: &mut Net, path: Path, arrival: Instant, bytes: &mut [u8]);

    /// After the last datagram of a burst.
    fn burst(&mut self, net: &mut Net);
}

/// Sockets for IPv4 and IPv6 on the one port.
pub struct Net {
    v4: Option<Socket>,
    v6: Option<Socket>,
    inbox: Option<Box<Inbox>>,
    loss: TestLoss,
    counters: NetCounters,
}

struct Socket {
    udp: UdpSocket,
    /// Whether the kernel splits trains for this socket.
    offload: bool,
}

/// Drops datagrams at random, each way. For tests of handshakes and media under loss.
struct TestLoss {
    permille: u16,
    random: fastrand::Rng,
}

impl TestLoss {
    fn strikes(&mut self) -> bool {
        self.permille > 0 && self.random.u16(0..1_000) < self.permille
    }
}

impl Net {
    pub fn new(v4: Option<UdpSocket>, v6: Option<UdpSocket>, test_loss_permille: u16, seed: u64) -> Net {
        let socket = |udp| Socket { udp, offload: true };
        Net {
            v4: v4.map(socket),
            v6: v6.map(socket),
            inbox: Some(Box::new(Inbox::new())),
            loss: TestLoss { permille: test_loss_permille, random: fastrand::Rng::with_seed(seed) },
            counters: NetCounters::default(),
        }
    }

    pub fn counters(&self) -> NetCounters {
        self.counters
    }

    /// To wait on: IPv4, IPv6.
    pub fn descriptors(&self) -> [Option<BorrowedFd<'_>>; 2] {
        [&self.v4, &self.v6].map(|socket| socket.as_ref().map(|socket| socket.udp.as_fd()))
    }

    /// Takes what has arrived at those of [`Net::descriptors`] that are `ready`.
    pub fn receive(&mut self, ready: [bool; 2], intake: &mut impl Intake) {
        // Taken out, so that answers can be sent while messages are read from it.
        let Some(mut inbox) = self.inbox.take() else { return };
        for (v6, ready) in [false, true].into_iter().zip(ready) {
            for _ in 0..if ready { BURSTS } else { 0 } {
                let socket = if v6 { &self.v6 } else { &self.v4 };
                let Some(socket) = socket else { break };
                // Errors are those of earlier sends, or that nothing is there.
                let Ok(count) = inbox.receive(socket.udp.as_fd()) else { break };
                let clocks = Clocks::read();
                for index in 0..count {
                    let Some(message) = inbox.message(index) else { continue };
                    let arrival = clocks.monotonic(message.arrival);
                    for bytes in message.bytes.chunks_mut(message.segment) {
                        if self.loss.strikes() {
                            self.counters.test_loss += 1;
                        } else {
                            intake.datagram(self, message.path, arrival, bytes);
                        }
                    }
                }
                intake.burst(self);
                if count < BURST {
                    break;
                }
            }
        }
        self.inbox = Some(inbox);
    }

    fn send_train(&mut self, path: &Path, datagrams: &[u8], segment: usize) -> Result<(), Errno> {
        let socket = if path.remote.is_ipv4() { &mut self.v4 } else { &mut self.v6 };
        let socket = socket.as_mut().ok_or(Errno::EAFNOSUPPORT)?;
        let train = datagrams.len() > segment;
        if !train || socket.offload {
            self.counters.sends += 1;
            let size = train.then_some(segment as u16);
            match retried(|| sys::send(socket.udp.as_fd(), path, datagrams, size)) {
                // No checksum offload on the way out: this machine cannot split trains there.
                Err(Errno::EIO) if train => socket.offload = false,
                // One datagram is larger than the path takes at once: it has to be fragmented.
                Err(Errno::EMSGSIZE | Errno::EINVAL) if train => {}
                result => return result,
            }
        }
        let mut result = Ok(());
        for datagram in datagrams.chunks(segment) {
            self.counters.sends += 1;
            result = result.and(retried(|| sys::send(socket.udp.as_fd(), path, datagram, None)));
        }
        result
    }
}

/// One moment on both clocks.
struct Clocks {
    monotonic: Instant,
    wall: Duration,
}

impl Clocks {
    fn read() -> Clocks {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Clocks { monotonic: Instant::now(), wall }
    }

    /// A time of the wall clock shortly before. It may have been set meanwhile: then the present is as good.
    fn monotonic(&self, wall: Option<Duration>) -> Instant {
        let age = wall.and_then(|wall| self.wall.checked_sub(wall)).filter(|age| *age < MAX_AGE);
        age.and_then(|age| self.monotonic.checked_sub(age)).unwrap_or(self.monotonic)
    }
}

/// Once more after an interruption, or after an ICMP error for an earlier datagram.
fn retried(mut send: impl FnMut() -> io::Result<()>) -> Result<(), Errno> {
    let mut once = || send().map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0)));
    match once() {
        Err(Errno::EINTR | Errno::ECONNREFUSED) => once(),
        result => result,
    }
}

impl Wire for Net {
    fn send(&mut self, path: &Path, datagrams: &[u8], segment: usize) {
        if self.loss.permille > 0 && datagrams.len() > segment {
            return datagrams.chunks(segment).for_each(|datagram| self.send(path, datagram, datagram.len()));
        }
        if self.loss.strikes() {
            self.counters.test_loss += 1;
            return;
        }
        let packets = datagrams.len().div_ceil(segment.max(1)) as u64;
        match self.send_train(path, datagrams, segment) {
            Ok(()) => {}
            Err(Errno::EAGAIN | Errno::ENOBUFS) => self.counters.buffer_full += packets,
            Err(_) => self.counters.unreachable += packets,
        }
    }
}
