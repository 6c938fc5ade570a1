//! One media thread's core with its control side, and clients around it; time is an argument.

use crate::client::Client;
use plenum_sfu::core::{Core, Event, Handled, Join, Renegotiate};
use plenum_sfu::dtls::Identity;
use plenum_sfu::forward::ForwardConfig;
use plenum_sfu::ice::Credentials;
use plenum_sfu::path::{Path, Wire};
use plenum_sfu::sdp::{LocalTransport, Negotiation};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

pub(crate) const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
pub(crate) const THREAD: u8 = 3;

/// What the core sent: where to, and one datagram.
#[derive(Default)]
pub(crate) struct Sent(pub(crate) Vec<(SocketAddr, Vec<u8>)>);

impl Wire for Sent {
    fn send(&mut self, path: &Path, datagrams: &[u8], segment: usize) {
        assert_eq!(path.local, LOCAL, "an answer leaves from the address that was asked");
        self.0.extend(datagrams.chunks(segment).map(|datagram| (path.remote, datagram.to_vec())));
    }
}

pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) core: Core,
    pub(crate) sent: Sent,
    pub(crate) clients: Vec<Member>,
    pub(crate) events: Vec<Event>,
    identity: Identity,
    random: fastrand::Rng,
}

pub(crate) struct Member {
    pub(crate) client: Client,
    pub(crate) person: u32,
    pub(crate) connection: u32,
    pub(crate) address: SocketAddr,
    negotiation: Negotiation,
}

impl World {
    pub(crate) fn new() -> World {
        let now = Instant::now();
        let identity = Identity::generate().expect("an identity");
        let config = ForwardConfig { peer_limit_bps: 30_000_000, seed: 1, reference: (now, 1 << 40) };
        World {
            now,
            core: Core::new(now, identity.clone(), config),
            sent: Sent::default(),
            clients: Vec::new(),
            events: Vec::new(),
            identity,
            random: fastrand::Rng::with_seed(1),
        }
    }

    /// A client whose offer was answered, and its place in `clients`.
    pub(crate) fn join(&mut self, person: u32, connection: u32) -> usize {
        let client = Client::new(self.now, person * 16 + connection);
        let address = SocketAddr::from(([198, 51, 100, person as u8], 4_000 + connection as u16));
        let negotiation = Negotiation::new(u64::from(person));
        self.clients.push(Member { client, person, connection, address, negotiation });
        let place = self.clients.len() - 1;
        self.offer(place, false);
        place
    }

    /// Offers again, with new ICE credentials.
    pub(crate) fn restart(&mut self, place: usize) {
        self.clients[place].client.restart();
        self.offer(place, true);
    }

    fn offer(&mut self, place: usize, again: bool) {
        let credentials = Credentials::new(THREAD, &mut |bytes: &mut [u8]| self.random.fill(bytes));
        let Member { client, person, connection, negotiation, .. } = &mut self.clients[place];
        let (offer, uses) = client.offer();
        let negotiated = negotiation.take(&offer, &uses).expect("a real offer");
        let local = LocalTransport {
            ufrag: &credentials.ufrag,
            password: &credentials.password,
            fingerprint: self.identity.fingerprint(),
            candidates: &[SocketAddr::new(LOCAL, 10_000)],
        };
        client.answer(&negotiation.answer(&negotiated, &local));
        let (room, person, connection) = ("room".into(), *person, *connection);
        let (remote, description) = (negotiated.remote, negotiated.description);
        if again {
            let restart = Some((credentials, remote.ufrag));
            self.core.renegotiate(self.now, Renegotiate { room, person, description, restart });
        } else {
            let join = Join { room, person, connection, credentials, remote, description };
            self.core.join(self.now, join, &mut self.sent);
        }
        self.exchange();
    }

    /// Feeds a datagram to the core as if from `address`.
    pub(crate) fn input(&mut self, address: SocketAddr, datagram: &[u8]) -> Handled {
        let path = Path { remote: address, local: LOCAL };
        let mut datagram = datagram.to_vec();
        let handled = self.core.handle_datagram(self.now, path, THREAD, &mut datagram, &mut self.sent);
        self.core.flush(&mut self.sent);
        handled
    }

    pub(crate) fn inputs(&mut self, address: SocketAddr, datagrams: &[Vec<u8>]) {
        for datagram in datagrams {
            self.input(address, datagram);
        }
    }

    /// Delivers until nothing is under way.
    pub(crate) fn exchange(&mut self) {
        loop {
            self.core.flush(&mut self.sent);
            while let Some(event) = self.core.poll_event() {
                self.events.push(event);
            }
            let sent = std::mem::take(&mut self.sent.0);
            if sent.is_empty() {
                return;
            }
            for (to, datagram) in sent {
                let mut replies = Vec::new();
                if let Some(member) = self.clients.iter_mut().find(|member| member.address == to) {
                    member.client.handle(self.now, &datagram, &mut |reply| replies.push(reply.to_vec()));
                }
                for reply in replies {
                    self.input(to, &reply);
                }
            }
        }
    }

    /// Check, nomination and DTLS.
    pub(crate) fn connect(&mut self, place: usize) {
        let address = self.clients[place].address;
        let check = self.clients[place].client.nomination();
        self.input(address, &check);
        self.exchange();
        let mut hello = Vec::new();
        let now = self.now;
        self.clients[place].client.poll(now, &mut |datagram| hello.push(datagram.to_vec()));
        self.inputs(address, &hello);
        self.exchange();
        assert!(self.clients[place].client.is_connected());
    }

    /// A client speaks for `count` packets of 20 ms.
    pub(crate) fn speak(&mut self, place: usize, count: usize) {
        for _ in 0..count {
            let packet = self.clients[place].client.speech(20, b"twenty milliseconds");
            let address = self.clients[place].address;
            self.input(address, &packet);
            self.pass(Duration::from_millis(20));
        }
    }

    /// Lets time pass, with the timers that fall into it.
    pub(crate) fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.core.poll_timeout() <= end {
            self.now = self.now.max(self.core.poll_timeout());
            self.core.handle_timeout(self.now, &mut self.sent);
            self.exchange();
        }
        self.now = end;
        self.exchange();
    }

    /// Every client's checks, as browsers send them.
    pub(crate) fn check_all(&mut self) {
        for place in 0..self.clients.len() {
            let check = self.clients[place].client.nomination();
            let address = self.clients[place].address;
            self.input(address, &check);
        }
        self.exchange();
    }
}
