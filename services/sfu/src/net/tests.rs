use super::*;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::net::{IpAddr, SocketAddr};

fn net(loss: u16) -> (Net, u16) {
    let mut ports = bind(0, 1).expect("a free port");
    let (v4, v6) = ports.sockets.pop().expect("one thread");
    (Net::new(v4, v6, loss, 1), ports.port)
}

struct Received(Vec<(Path, Vec<u8>)>);

impl Intake for Received {
    fn datagram(&mut self, _: &mut Net, path: Path, arrival: Instant, bytes: &mut [u8]) {
        assert!(arrival <= Instant::now() && arrival.elapsed() < MAX_AGE);
        self.0.push((path, bytes.to_vec()));
    }

    fn burst(&mut self, _: &mut Net) {}
}

/// Waits for and takes everything that arrives until `count` datagrams are there.
fn receive(net: &mut Net, count: usize) -> Vec<(Path, Vec<u8>)> {
    let mut received = Received(Vec::new());
    while received.0.len() < count {
        let waiting = net.descriptors().into_iter().flatten();
        let mut waiting: Vec<PollFd<'_>> = waiting.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        let ready = poll(&mut waiting, PollTimeout::from(2_000u16)).expect("poll");
        assert!(ready > 0, "{} of {count} datagrams arrived", received.0.len());
        net.receive([true; 2], &mut received);
    }
    received.0
}

#[test]
fn a_train_arrives_as_its_datagrams_from_the_address_asked() {
    for (client, server) in [("127.0.0.1:0", "127.0.0.2"), ("[::1]:0", "::1")] {
        let (mut net, port) = net(0);
        let Ok(client) = UdpSocket::bind(client) else { continue };
        let server = SocketAddr::new(server.parse::<IpAddr>().expect("an address"), port);
        client.set_read_timeout(Some(std::time::Duration::from_secs(2))).expect("a time-out");
        client.send_to(b"ask", server).expect("sent");
        let (path, bytes) = receive(&mut net, 1).remove(0);
        assert_eq!(
            (path.remote, path.local, &bytes[..]),
            (client.local_addr().unwrap(), server.ip(), &b"ask"[..])
        );

        let train: Vec<u8> = (0..10u8).flat_map(|value| [value; 100]).chain([99; 30]).collect();
        net.send(&path, &train, 100);
        for expected in train.chunks(100) {
            let mut buffer = [0; 2_000];
            let (len, from) = client.recv_from(&mut buffer).expect("a datagram");
            assert_eq!((&buffer[..len], from), (expected, server));
        }
        assert_eq!(net.counters().sends, 1, "one system call for the train");
    }
}

#[test]
fn merged_datagrams_are_taken_apart() {
    let (mut sender, port) = net(0);
    let (mut receiver, target) = net(0);
    let local = IpAddr::from([127, 0, 0, 1]);
    let path = Path { remote: SocketAddr::new(local, target), local };
    let train: Vec<u8> = (0..40u8).flat_map(|value| [value; 300]).collect();
    sender.send(&path, &train, 300);
    let received = receive(&mut receiver, 40);
    assert_eq!(received.iter().map(|(_, bytes)| bytes.clone()).collect::<Vec<_>>().concat(), train);
    assert!(received.iter().all(|(path, _)| path.remote == SocketAddr::new(local, port)));
}

#[test]
fn test_loss_strikes_single_datagrams() {
    let (mut sender, _) = net(250);
    let (mut receiver, target) = net(0);
    let local = IpAddr::from([127, 0, 0, 1]);
    let path = Path { remote: SocketAddr::new(local, target), local };
    for _ in 0..10 {
        sender.send(&path, &[0; 4_000], 100);
    }
    let lost = sender.counters().test_loss;
    assert!((60..140).contains(&lost), "{lost} of 400 lost");
    receive(&mut receiver, 400 - lost as usize);
}

#[test]
fn a_port_is_not_shared_with_another_daemon() {
    let ports = bind(0, 2).expect("a free port");
    let error = bind(ports.port, 2).err().expect("the port is taken");
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    assert!(error.to_string().contains("another process"));
}

/// When the next datagram arrived, as it is told.
struct Arrival(Option<Instant>);

impl Intake for Arrival {
    fn datagram(&mut self, _: &mut Net, _: Path, arrival: Instant, _: &mut [u8]) {
        self.0 = Some(arrival);
    }
    fn burst(&mut self, _: &mut Net) {}
}

#[test]
fn a_datagram_arrives_when_it_arrived() {
    let (mut net, port) = net(0);
    let client = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    // The kernel begins to stamp packets a moment after the machine's first socket asks for it.
    let stamped = (0..50).any(|_| {
        let sent = Instant::now();
        client.send_to(b"x", ("127.0.0.1", port)).expect("sent");
        // The thread comes late.
        std::thread::sleep(Duration::from_millis(30));
        let mut arrival = Arrival(None);
        net.receive([true; 2], &mut arrival);
        let age = arrival.0.expect("received").elapsed();
        assert!(age <= sent.elapsed(), "{age:?}");
        age >= Duration::from_millis(25)
    });
    assert!(stamped, "a datagram counts from when it was read, not from when it arrived");
}
