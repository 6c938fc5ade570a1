//! What reaches a media thread from outside its sockets: commands of the control thread, and datagrams that
//! arrived at another thread's socket. Packets never wait for a lock or an allocation.

use crate::core::{Join, PeerReport, Renegotiate, RoomReport};
use crate::metrics::Published;
use crate::path::Path;
use crossbeam_queue::{ArrayQueue, SegQueue};
use nix::sys::eventfd::{EfdFlags, EventFd};
use plenum_protocol::PersonId;
use plenum_protocol::media::{Source, Tile};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tokio::sync::oneshot;

/// Datagrams on their way between threads; more than a burst of every other thread.
const PARCELS: usize = 1_024;
/// Media, DTLS and STUN stay below the 1,500 bytes of a path; larger ones are dropped.
const PARCEL_LEN: usize = 1_600;

pub enum Command {
    Join(Box<Join>),
    Renegotiate(Box<Renegotiate>),
    Disconnect {
        room: Arc<str>,
        person: PersonId,
    },
    CloseRoom {
        room: Arc<str>,
    },
    SetAllowed {
        room: Arc<str>,
        person: PersonId,
        allowed: Vec<Source>,
    },
    Watch {
        room: Arc<str>,
        person: PersonId,
        tiles: Vec<Tile>,
    },
    Rooms(oneshot::Sender<Vec<(Arc<str>, RoomReport)>>),
    Peers {
        room: Arc<str>,
        reply: oneshot::Sender<Vec<PeerReport>>,
    },
    /// Datagrams from this address belong to another thread.
    Route {
        remote: SocketAddr,
        owner: u8,
    },
    /// No longer, if they did.
    Unroute {
        remote: SocketAddr,
        owner: u8,
    },
    /// Says good-bye to every peer and ends the thread.
    Stop,
}

/// A datagram between threads.
pub struct Parcel {
    pub path: Path,
    /// The thread whose socket it arrived at.
    pub via: u8,
    pub arrival: Instant,
    len: usize,
    bytes: [u8; PARCEL_LEN],
}

impl Parcel {
    pub fn bytes(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.len]
    }
}

/// One per media thread; everybody may put something in.
pub struct Mailbox {
    parcels: ArrayQueue<Box<Parcel>>,
    /// Empty ones, allocated at the start.
    spare: ArrayQueue<Box<Parcel>>,
    commands: SegQueue<Command>,
    wake: EventFd,
    woken: AtomicBool,
    pub published: Published,
}

impl Mailbox {
    pub fn new() -> io::Result<Mailbox> {
        let nowhere =
            Path { remote: SocketAddr::from(([0; 4], 0)), local: IpAddr::V4(Ipv4Addr::UNSPECIFIED) };
        let spare = ArrayQueue::new(PARCELS);
        for _ in 0..PARCELS {
            let parcel =
                Parcel { path: nowhere, via: 0, arrival: Instant::now(), len: 0, bytes: [0; PARCEL_LEN] };
            // Exactly as many as there is room for.
            let _ = spare.push(Box::new(parcel));
        }
        Ok(Mailbox {
            parcels: ArrayQueue::new(PARCELS),
            spare,
            commands: SegQueue::new(),
            wake: EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?,
            woken: AtomicBool::new(false),
            published: Published::default(),
        })
    }

    pub fn command(&self, command: Command) {
        self.commands.push(command);
        self.wake();
    }

    /// False if the datagram had to be dropped.
    pub fn hand_over(&self, path: Path, via: u8, arrival: Instant, bytes: &[u8]) -> bool {
        if bytes.len() > PARCEL_LEN {
            return false;
        }
        let Some(mut parcel) = self.spare.pop() else { return false };
        (parcel.path, parcel.via, parcel.arrival, parcel.len) = (path, via, arrival, bytes.len());
        parcel.bytes().copy_from_slice(bytes);
        let taken = self.parcels.push(parcel).is_ok();
        self.wake();
        taken
    }

    /// To wait on.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }

    /// Call it before looking for what is there, so that what comes later wakes again.
    pub fn awake(&self) {
        if self.woken.load(Ordering::SeqCst) {
            // In this order: cleared first, the flag of a later wake could stay without its event.
            let _ = self.wake.read();
            self.woken.store(false, Ordering::SeqCst);
        }
    }

    pub fn next_command(&self) -> Option<Command> {
        self.commands.pop()
    }

    pub fn next_parcel(&self) -> Option<Box<Parcel>> {
        self.parcels.pop()
    }

    /// Gives an emptied parcel back.
    pub fn give_back(&self, parcel: Box<Parcel>) {
        let _ = self.spare.push(parcel);
    }

    fn wake(&self) {
        if !self.woken.swap(true, Ordering::SeqCst) {
            let _ = self.wake.write(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_mailbox_drops_and_recovers() {
        let (mailbox, now) = (Mailbox::new().expect("an eventfd"), Instant::now());
        let path =
            Path { remote: SocketAddr::from(([127, 0, 0, 1], 9)), local: IpAddr::from([127, 0, 0, 1]) };
        for round in 0..3u8 {
            let taken =
                (0..PARCELS + 100).filter(|_| mailbox.hand_over(path, 1, now, &[round; 1_200])).count();
            assert_eq!(taken, PARCELS);
            mailbox.awake();
            while let Some(mut parcel) = mailbox.next_parcel() {
                assert_eq!(parcel.bytes(), [round; 1_200]);
                mailbox.give_back(parcel);
            }
        }
        assert!(!mailbox.hand_over(path, 1, now, &[0; 9_000]));
    }
}
