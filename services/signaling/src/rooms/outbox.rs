//! Outputs in their order. What tells people about a change waits until the change is in the store: what
//! has been acknowledged survives the daemon.

use super::output::{CloseCode, ConnectionId, Output, Peer, RequestId, RoomId, SfuCommand};
use crate::records::{Change, Keep};
use plenum_protocol::server::ServerMessage;
use std::collections::{HashMap, VecDeque};

/// The last ticket of each store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tickets {
    state: u64,
    runtime: u64,
}

impl Tickets {
    fn of(&mut self, keep: Keep) -> &mut u64 {
        match keep {
            Keep::State => &mut self.state,
            Keep::Runtime => &mut self.runtime,
        }
    }

    fn includes(&self, other: Tickets) -> bool {
        self.state >= other.state && self.runtime >= other.runtime
    }
}

/// A room whose writes are under way, and what waits for them.
#[derive(Debug, Default)]
struct Held {
    last: Tickets,
    outputs: VecDeque<(Tickets, Output)>,
}

#[derive(Debug, Default)]
pub(super) struct Outbox {
    ready: VecDeque<Output>,
    held: HashMap<RoomId, Held>,
    issued: Tickets,
    committed: Tickets,
}

impl Outbox {
    pub(super) fn pop(&mut self) -> Option<Output> {
        self.ready.pop_front()
    }

    /// Goes out at once.
    pub(super) fn push(&mut self, output: Output) {
        self.ready.push_back(output);
    }

    /// Goes out after everything written for the room so far.
    fn push_after_writes(&mut self, room: RoomId, output: Output) {
        match self.held.get_mut(&room) {
            Some(held) => held.outputs.push_back((held.last, output)),
            None => self.ready.push_back(output),
        }
    }

    pub(super) fn send(&mut self, room: RoomId, to: Vec<ConnectionId>, message: ServerMessage) {
        if !to.is_empty() {
            self.push_after_writes(room, Output::Send { to, message });
        }
    }

    pub(super) fn close(&mut self, room: RoomId, connection: ConnectionId, code: CloseCode) {
        self.push_after_writes(room, Output::Close { connection, code });
    }

    pub(super) fn ordered(&mut self, room: RoomId, request: RequestId, people: u32) {
        self.push_after_writes(room, Output::Ordered { request, answer: Ok(people) });
    }

    pub(super) fn sfu(&mut self, peer: Peer, command: SfuCommand) {
        self.ready.push_back(Output::Sfu { peer, command });
    }

    /// Writes changes about a room; the ticket of the last write is returned.
    pub(super) fn write(&mut self, room: RoomId, changes: Vec<Change>) -> Option<(Keep, u64)> {
        let (state, runtime): (Vec<_>, Vec<_>) =
            changes.into_iter().partition(|change| change.keep() == Keep::State);
        let mut last = None;
        for (keep, changes) in [(Keep::State, state), (Keep::Runtime, runtime)] {
            if changes.is_empty() {
                continue;
            }
            let ticket = self.issued.of(keep);
            *ticket += 1;
            let ticket = *ticket;
            *self.held.entry(room).or_default().last.of(keep) = ticket;
            self.ready.push_back(Output::Write { keep, ticket, changes });
            last = Some((keep, ticket));
        }
        last
    }

    /// Whether the write succeeded or not: a meeting goes on without its store.
    pub(super) fn committed(&mut self, keep: Keep, ticket: u64) {
        *self.committed.of(keep) = ticket;
        let committed = self.committed;
        let ready = &mut self.ready;
        self.held.retain(|_, held| {
            while let Some((_, output)) = held.outputs.pop_front_if(|(after, _)| committed.includes(*after)) {
                ready.push_back(output);
            }
            !committed.includes(held.last)
        });
    }
}
