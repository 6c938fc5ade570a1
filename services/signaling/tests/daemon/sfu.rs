//! The SFU's interface, without media: it notes what it is told and says what a test wants.

use crate::house::LIMIT;
use plenum_protocol::sfu::{BUS_NAME, BusPeer, BusRoom, BusSlot, BusTile, OBJECT_PATH};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;
use zbus::object_server::SignalEmitter;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    Connect { room: String, person: u32, connection: u32, lines: Vec<(String, String)> },
    Disconnect { room: String, person: u32 },
    CloseRoom { room: String },
    SetAllowed { person: u32, sources: Vec<String> },
    Watch { person: u32, tiles: Vec<BusTile> },
    Slots { person: u32 },
}

struct Interface {
    instance: String,
    told: mpsc::UnboundedSender<Told>,
    peers: Arc<Mutex<BTreeMap<(String, u32), ()>>>,
    seen: Arc<Notify>,
}

/// An SDP that makes the SFU refuse.
pub(crate) const UNACCEPTABLE: &str = "unacceptable";
/// An SDP that makes the SFU silent for ever.
pub(crate) const UNANSWERABLE: &str = "unanswerable";

#[zbus::interface(name = "org.plenum.Sfu1")]
impl Interface {
    async fn connect(
        &self,
        room: String,
        person: u32,
        connection: u32,
        offer: String,
        lines: Vec<(String, String)>,
    ) -> zbus::fdo::Result<String> {
        if offer == UNANSWERABLE {
            std::future::pending::<()>().await;
        }
        if offer == UNACCEPTABLE {
            return Err(zbus::fdo::Error::InvalidArgs("no codec in common".to_owned()));
        }
        self.peers.lock().unwrap().insert((room.clone(), person), ());
        self.tell(Told::Connect { room, person, connection, lines });
        Ok(format!("answer to {}", offer.len()))
    }

    fn disconnect(&self, room: String, person: u32) {
        self.peers.lock().unwrap().remove(&(room.clone(), person));
        self.tell(Told::Disconnect { room, person });
    }

    fn close_room(&self, room: String) {
        self.peers.lock().unwrap().retain(|(of, _), ()| *of != room);
        self.tell(Told::CloseRoom { room });
    }

    fn set_allowed(&self, _room: String, person: u32, sources: Vec<String>) {
        self.tell(Told::SetAllowed { person, sources });
    }

    fn watch(&self, _room: String, person: u32, tiles: Vec<BusTile>) {
        self.tell(Told::Watch { person, tiles });
    }

    fn slots(&self, _room: String, person: u32) -> (Vec<BusSlot>, Vec<BusSlot>) {
        self.tell(Told::Slots { person });
        (Vec::new(), vec![(person, "camera".to_owned())])
    }

    fn list_rooms(&self) -> Vec<BusRoom> {
        self.seen.notify_one();
        let peers = self.peers.lock().unwrap();
        let mut rooms: Vec<BusRoom> = Vec::new();
        for (room, _) in peers.keys() {
            if rooms.last().is_none_or(|last| last.room != *room) {
                rooms.push(BusRoom { room: room.clone(), peers: 1, bits_in: 0, bits_out: 0 });
            }
        }
        rooms
    }

    fn list_peers(&self, room: String) -> Vec<BusPeer> {
        let peers = self.peers.lock().unwrap();
        let of_room = peers.keys().filter(|(of, _)| *of == room);
        of_room
            .map(|(_, person)| BusPeer {
                person: *person,
                state: "connected".to_owned(),
                path: "udp".to_owned(),
                protection: String::new(),
                sources: Vec::new(),
                bits_in: 0,
                bits_out: 0,
                loss_in: 0,
                loss_out: 0,
                round_trip: 0,
                limit: 0,
            })
            .collect()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn instance(&self) -> String {
        self.instance.clone()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn version(&self) -> String {
        "test".to_owned()
    }

    #[zbus(signal)]
    async fn slots_changed(
        emitter: &SignalEmitter<'_>,
        room: &str,
        person: u32,
        audio: Vec<BusSlot>,
        video: Vec<BusSlot>,
    ) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn speakers_changed(
        emitter: &SignalEmitter<'_>,
        room: &str,
        speakers: Vec<(u32, u8)>,
    ) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn peer_state(
        emitter: &SignalEmitter<'_>,
        room: &str,
        person: u32,
        connection: u32,
        state: &str,
    ) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn quality_changed(
        emitter: &SignalEmitter<'_>,
        room: &str,
        person: u32,
        grade: &str,
        reason: &str,
    ) -> zbus::Result<()>;
}

impl Interface {
    fn tell(&self, told: Told) {
        // The test may have ended.
        let _ = self.told.send(told);
    }
}

/// Dropping it takes the SFU off the bus.
pub(crate) struct Sfu {
    connection: zbus::Connection,
    told: mpsc::UnboundedReceiver<Told>,
    seen: Arc<Notify>,
}

impl Sfu {
    pub(crate) async fn start(bus_address: &str, instance: &str) -> Sfu {
        let (sender, told) = mpsc::unbounded_channel();
        let seen = Arc::new(Notify::new());
        let instance = instance.to_owned();
        let interface = Interface { instance, told: sender, peers: Arc::default(), seen: seen.clone() };
        let connection = zbus::connection::Builder::address(bus_address)
            .serve_at(OBJECT_PATH, interface)
            .name(BUS_NAME)
            .build()
            .await
            .expect("the bus");
        Sfu { connection, told, seen }
    }

    /// Resolves when the daemon knows that it is there: then it looks who is connected.
    pub(crate) async fn seen(&self) {
        timeout(LIMIT, self.seen.notified()).await.expect("the SFU is seen in time");
    }

    /// What it is told next.
    pub(crate) async fn told(&mut self) -> Told {
        timeout(LIMIT, self.told.recv()).await.expect("the SFU is told something in time").expect("it runs")
    }

    pub(crate) fn told_nothing(&mut self) -> bool {
        self.told.try_recv().is_err()
    }

    fn emitter(&self) -> SignalEmitter<'_> {
        SignalEmitter::new(&self.connection, OBJECT_PATH).expect("a valid path")
    }

    pub(crate) async fn slots(&self, room: &str, person: u32, video: Vec<BusSlot>) {
        Interface::slots_changed(&self.emitter(), room, person, Vec::new(), video).await.expect("emitted");
    }

    pub(crate) async fn speakers(&self, room: &str, speakers: Vec<(u32, u8)>) {
        Interface::speakers_changed(&self.emitter(), room, speakers).await.expect("emitted");
    }

    pub(crate) async fn state(&self, room: &str, person: u32, connection: u32, state: &str) {
        Interface::peer_state(&self.emitter(), room, person, connection, state).await.expect("emitted");
    }

    pub(crate) async fn quality(&self, room: &str, person: u32, grade: &str, reason: &str) {
        Interface::quality_changed(&self.emitter(), room, person, grade, reason).await.expect("emitted");
    }

    /// As if it was killed.
    pub(crate) async fn die(self) {
        self.connection.close().await.expect("closed");
    }
}
