//! A media thread: waits for its sockets, its mailbox and its timers, and feeds [`Core`].

use crate::core::{Core, Event, Handled};
use crate::ice;
use crate::mailbox::{Command, Mailbox};
use crate::metrics::Snapshot;
use crate::net::{Intake, Net};
use crate::path::{Content, Path};
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::time::TimeSpec;
use nix::unistd::Pid;
use rustc_hash::FxHashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedSender;

/// How often the counters are published.
const PUBLISH: Duration = Duration::from_millis(200);

pub struct Worker {
    pub index: u8,
    pub core: Core,
    pub net: Net,
    /// Of every thread, this one's at `index`.
    pub mailboxes: Arc<[Mailbox]>,
    pub events: UnboundedSender<Event>,
    /// Called once per round.
    pub beat: Box<dyn Fn() + Send>,
}

struct Loop {
    worker: Worker,
    /// Addresses whose peers live on another thread.
    routes: FxHashMap<SocketAddr, u8>,
    handed_over: HandedOver,
    published: Instant,
}

/// Datagrams that went to another thread, and those of them that did not get there.
#[derive(Default)]
struct HandedOver {
    all: u64,
    lost: u64,
}

impl Worker {
    /// Runs until [`Command::Stop`].
    pub fn run(self) {
        let mut state = Loop {
            worker: self,
            routes: FxHashMap::default(),
            handed_over: HandedOver::default(),
            published: Instant::now(),
        };
        while state.round() {}
        state.publish(Instant::now());
    }
}

impl Loop {
    /// False after the last one.
    fn round(&mut self) -> bool {
        let ready = self.wait();
        (self.worker.beat)();
        self.mailbox().awake();
        let going_on = self.commands();
        self.parcels();
        self.sockets(ready);
        let now = Instant::now();
        let Worker { core, net, .. } = &mut self.worker;
        if core.poll_timeout() <= now {
            core.handle_timeout(now, net);
        }
        core.flush(net);
        self.report(now);
        going_on
    }

    fn mailbox(&self) -> &Mailbox {
        &self.worker.mailboxes[usize::from(self.worker.index)]
    }

    /// Until something is there to be done; which of the sockets can be read.
    fn wait(&self) -> [bool; 2] {
        let timeout = self.worker.core.poll_timeout().saturating_duration_since(Instant::now());
        let mailbox = self.mailbox().descriptor();
        let sockets = self.worker.net.descriptors();
        // In the place of a missing socket, the mailbox is waited for twice.
        let waiting = [mailbox, sockets[0].unwrap_or(mailbox), sockets[1].unwrap_or(mailbox)];
        let mut waiting = waiting.map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        match ppoll(&mut waiting, Some(TimeSpec::from_duration(timeout)), None) {
            Ok(_) => [1, 2].map(|place| waiting[place].any().unwrap_or(false)),
            // Interrupted: look everywhere.
            Err(_) => [true; 2],
        }
    }

    fn sockets(&mut self, ready: [bool; 2]) {
        let Loop { worker, routes, handed_over, .. } = self;
        let Worker { index, core, net, mailboxes, .. } = worker;
        net.receive(ready, &mut Incoming { index: *index, core, mailboxes, routes, handed_over });
    }

    fn parcels(&mut self) {
        while let Some(mut parcel) = self.mailbox().next_parcel() {
            let (path, via, arrival) = (parcel.path, parcel.via, parcel.arrival);
            let Worker { index, core, net, mailboxes, .. } = &mut self.worker;
            match core.handle_datagram(arrival, path, via, parcel.bytes(), net) {
                Handled::Bound if via != *index => {
                    let route = Command::Route { remote: path.remote, owner: *index };
                    mailboxes[usize::from(via)].command(route);
                }
                Handled::Stranger => core.count_stranger(),
                _ => {}
            }
            self.mailbox().give_back(parcel);
        }
    }

    fn commands(&mut self) -> bool {
        let now = Instant::now();
        while let Some(command) = self.mailbox().next_command() {
            let Worker { core, net, .. } = &mut self.worker;
            match command {
                Command::Join(join) => core.join(now, *join, net),
                Command::Renegotiate(change) => core.renegotiate(now, *change),
                Command::Disconnect { room, person } => core.disconnect(now, &room, person, net),
                Command::CloseRoom { room } => core.close_room(now, &room, net),
                Command::SetAllowed { room, person, allowed } => {
                    core.set_allowed(now, &room, person, &allowed);
                }
                Command::Watch { room, person, tiles } => core.watch(now, &room, person, &tiles),
                Command::Rooms(reply) => drop(reply.send(core.rooms())),
                Command::Peers { room, reply } => drop(reply.send(core.peers(now, &room))),
                Command::Route { remote, owner } => drop(self.routes.insert(remote, owner)),
                Command::Unroute { remote, owner } => {
                    if self.routes.get(&remote) == Some(&owner) {
                        self.routes.remove(&remote);
                    }
                }
                Command::Stop => {
                    core.close(now, net);
                    return false;
                }
            }
        }
        true
    }

    fn report(&mut self, now: Instant) {
        let Worker { index, core, mailboxes, events, .. } = &mut self.worker;
        while let Some(event) = core.poll_event() {
            // Nobody listens any more when the daemon ends.
            let _ = events.send(event);
        }
        while let Some((remote, via)) = core.poll_unbound() {
            if via != *index {
                mailboxes[usize::from(via)].command(Command::Unroute { remote, owner: *index });
            }
        }
        if now.saturating_duration_since(self.published) >= PUBLISH {
            self.publish(now);
        }
    }

    fn publish(&mut self, now: Instant) {
        self.published = now;
        let snapshot = Snapshot {
            core: self.worker.core.counters(),
            forward: self.worker.core.forward_counters(),
            net: self.worker.net.counters(),
            handed_over: self.handed_over.all,
            handed_over_lost: self.handed_over.lost,
        };
        self.mailbox().published.set(&snapshot);
    }
}

/// What arrives at this thread's own sockets.
struct Incoming<'a> {
    index: u8,
    core: &'a mut Core,
    mailboxes: &'a [Mailbox],
    routes: &'a FxHashMap<SocketAddr, u8>,
    handed_over: &'a mut HandedOver,
}

impl Intake for Incoming<'_> {
    fn datagram(&mut self, net: &mut Net, path: Path, arrival: Instant, bytes: &mut [u8]) {
        if let Some(owner) = self.other_owner(net, path, arrival, bytes)
            && let Some(owner) = self.mailboxes.get(usize::from(owner))
        {
            self.handed_over.all += 1;
            self.handed_over.lost += u64::from(!owner.hand_over(path, self.index, arrival, bytes));
        }
    }

    fn burst(&mut self, net: &mut Net) {
        self.core.flush(net);
    }
}

impl Incoming<'_> {
    /// Lets the core take a datagram, or tells the thread that it has to go to instead.
    fn other_owner(&mut self, net: &mut Net, path: Path, arrival: Instant, bytes: &mut [u8]) -> Option<u8> {
        if Content::of(bytes) == Some(Content::Stun)
            && let Some(owner) = ice::local_ufrag(bytes).and_then(ice::thread_of)
            && owner != self.index
        {
            return Some(owner);
        }
        if self.core.handle_datagram(arrival, path, self.index, bytes, net) != Handled::Stranger {
            return None;
        }
        let owner = self.routes.get(&path.remote).copied();
        if owner.is_none() {
            self.core.count_stranger();
        }
        owner
    }
}

/// Pins the calling thread to the `index`-th of the processors that it may use, if there are `threads` of them.
pub fn pin(index: usize, threads: usize) {
    let own = Pid::from_raw(0);
    let Ok(allowed) = sched_getaffinity(own) else { return };
    let processors: Vec<usize> =
        (0..CpuSet::count()).filter(|cpu| allowed.is_set(*cpu).unwrap_or(false)).collect();
    if processors.len() != threads {
        return;
    }
    let mut chosen = CpuSet::new();
    if chosen.set(processors[index]).is_ok() {
        let _ = sched_setaffinity(own, &chosen);
    }
}
