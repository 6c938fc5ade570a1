//! Two media threads on one port of loopback: datagrams arrive at either and find their peer.

use crate::client::Client;
use plenum_sfu::control::{Control, Endpoint};
use plenum_sfu::core::{Core, Event};
use plenum_sfu::dtls::Identity;
use plenum_sfu::forward::ForwardConfig;
use plenum_sfu::mailbox::Mailbox;
use plenum_sfu::net::{self, Net};
use plenum_sfu::worker::Worker;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

const THREADS: usize = 2;

struct House {
    control: Control,
    threads: Vec<std::thread::JoinHandle<()>>,
    events: mpsc::UnboundedReceiver<Event>,
    server: SocketAddr,
}

fn house() -> House {
    let ports = net::bind(0, THREADS).expect("a free port");
    let identity = Identity::generate().expect("an identity");
    let mailboxes: Arc<[Mailbox]> = (0..THREADS).map(|_| Mailbox::new().expect("an eventfd")).collect();
    let server = SocketAddr::from(([127, 0, 0, 1], ports.port));
    let endpoint =
        Endpoint { fingerprint: *identity.fingerprint(), candidates: Box::new(move || vec![server]) };
    let (sender, events) = mpsc::unbounded_channel();
    let now = Instant::now();
    let threads = ports.sockets.into_iter().enumerate().map(|(index, (v4, v6))| {
        let config = ForwardConfig { peer_limit_bps: 30_000_000, seed: 1, reference: (now, 1 << 40) };
        let worker = Worker {
            index: index as u8,
            core: Core::new(now, identity.clone(), config),
            net: Net::new(v4, v6, 0, 1),
            mailboxes: mailboxes.clone(),
            events: sender.clone(),
            beat: Box::new(|| {}),
        };
        std::thread::spawn(move || worker.run())
    });
    let threads = threads.collect();
    House { control: Control::new(endpoint, mailboxes), threads, events, server }
}

struct Member {
    client: Client,
    socket: UdpSocket,
}

impl Member {
    /// Sends what is due and takes what has come.
    fn turn(&mut self, server: SocketAddr) {
        let now = Instant::now();
        let Member { client, socket } = self;
        let send = |datagram: &[u8]| drop(socket.send_to(datagram, server));
        if !client.responses.is_empty() {
            client.poll(now, &mut { send });
        }
        let mut buffer = [0; 2_000];
        while let Ok((len, _)) = socket.recv_from(&mut buffer) {
            client.handle(now, &buffer[..len], &mut { send });
        }
    }
}

#[test]
fn datagrams_find_their_thread() {
    let mut house = house();
    let mut members: Vec<Member> = Vec::new();
    for person in 0..16u32 {
        let mut client = Client::new(Instant::now(), person);
        let (offer, uses) = client.offer();
        let room = format!("room {}", person / 4);
        let answer = house.control.connect(&room, person, 1, &offer, &uses).expect("answered");
        client.answer(&answer);
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.set_nonblocking(true).expect("non-blocking");
        let check = client.nomination();
        socket.send_to(&check, house.server).expect("sent");
        members.push(Member { client, socket });
    }
    let end = Instant::now() + Duration::from_secs(20);
    let all = |members: &[Member], done: &dyn Fn(&Client) -> bool| members.iter().all(|m| done(&m.client));
    while !all(&members, &|client| client.is_connected()) {
        assert!(Instant::now() < end, "not everybody is connected");
        members.iter_mut().for_each(|member| member.turn(house.server));
        std::thread::yield_now();
    }
    // One of each room speaks, until all others have heard enough.
    let enough = |members: &[Member]| {
        let mut listeners = members.iter().enumerate().filter(|(person, _)| person % 4 != 0);
        listeners.all(|(_, member)| member.client.rtp.len() >= 50)
    };
    let mut next = Instant::now();
    while !enough(&members) {
        assert!(Instant::now() < end, "not everybody hears");
        if Instant::now() >= next {
            next += Duration::from_millis(20);
            for member in members.iter_mut().step_by(4) {
                let packet = member.client.speech(20, b"twenty milliseconds");
                member.socket.send_to(&packet, house.server).expect("sent");
            }
        }
        members.iter_mut().for_each(|member| member.turn(house.server));
        std::thread::yield_now();
    }
    let connected = std::iter::from_fn(|| house.events.try_recv().ok())
        .filter(|event| matches!(event, Event::Connected { .. }));
    assert_eq!(connected.count(), 16);

    house.control.stop();
    for thread in house.threads {
        thread.join().expect("ended without a panic");
    }
    members.iter_mut().for_each(|member| member.turn(house.server));
    assert!(all(&members, &|client| client.closed), "everybody was told");
}
