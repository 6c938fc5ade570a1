use super::chat::ChatLog;
use super::output::{ConnectionId, MeetingId};
use super::seat::Seat;
use crate::records::{MeetingRecord, RoomRecord, Standing};
use crate::secret::{Digest, Secret, guest_link};
use plenum_daemon::bucket::Bucket;
use plenum_protocol::PersonId;
use plenum_protocol::server::{Person, Role, RoomInfo, ServerMessage, Speaker};
use std::collections::{BTreeMap, VecDeque};

/// Secrets of former seats that are remembered in a meeting, of either standing.
const MAX_PASSES: usize = 4_096;

#[derive(Debug)]
pub(super) struct Room {
    pub(super) record: RoomRecord,
    /// Milliseconds since the Unix epoch.
    pub(super) created: u64,
    pub(super) meeting: Option<Meeting>,
    /// Known as soon as a host came with it; needed to show and to replace the link for guests.
    pub(super) host_link: Option<Secret>,
}

impl Room {
    /// `created` is when the store got it. Of a room from a backup that is later than its last use.
    pub(super) fn new(record: RoomRecord, created: u64) -> Room {
        Room { created: created.min(record.used), record, meeting: None, host_link: None }
    }

    /// In the meeting, or away for a moment.
    pub(super) fn people(&self) -> u32 {
        self.meeting.as_ref().map_or(0, |meeting| meeting.seats.len() as u32)
    }

    pub(super) fn info(&self, role: Role) -> RoomInfo {
        let guest_link = match role {
            Role::Host => self.host_link.as_ref().map(|link| guest_link(link, self.record.generation)),
            Role::Guest => None,
        };
        RoomInfo {
            title: self.record.title.clone(),
            guest_link: guest_link.map(|link| link.expose().to_owned()),
            started: self.meeting.as_ref().map_or(0, |meeting| meeting.started),
        }
    }
}

#[derive(Debug)]
pub(super) struct Meeting {
    pub(super) id: MeetingId,
    pub(super) started: u64,
    pub(super) next_person: PersonId,
    pub(super) seats: BTreeMap<PersonId, Seat>,
    pub(super) chat: ChatLog,
    pub(super) passes: VecDeque<(Digest, Standing)>,
    pub(super) speakers: Vec<Speaker>,
    pub(super) joins: Bucket,
}

impl Meeting {
    pub(super) fn new(id: MeetingId, started: u64) -> Meeting {
        Meeting {
            id,
            started,
            next_person: 1,
            seats: BTreeMap::new(),
            chat: ChatLog::default(),
            passes: VecDeque::new(),
            speakers: Vec::new(),
            joins: Bucket::default(),
        }
    }

    pub(super) fn record(&self) -> MeetingRecord {
        MeetingRecord { meeting: self.id, started: self.started, next_person: self.next_person }
    }

    pub(super) fn people(&self) -> Vec<Person> {
        self.seats.iter().map(|(id, seat)| seat.person(*id)).collect()
    }

    /// Connections of everyone present.
    pub(super) fn everyone(&self) -> Vec<ConnectionId> {
        self.seats.values().filter_map(|seat| seat.connection).collect()
    }

    pub(super) fn others(&self, than: PersonId) -> Vec<ConnectionId> {
        let others = self.seats.iter().filter(|(id, _)| **id != than);
        others.filter_map(|(_, seat)| seat.connection).collect()
    }

    pub(super) fn hosts(&self) -> Vec<ConnectionId> {
        let hosts = self.seats.values().filter(|seat| seat.role == Role::Host);
        hosts.filter_map(|seat| seat.connection).collect()
    }

    pub(super) fn next_hand(&self) -> u64 {
        self.seats.values().filter_map(|seat| seat.hand).max().map_or(1, |last| last + 1)
    }

    /// The raised hands, the first one first.
    pub(super) fn hands(&self) -> ServerMessage {
        ServerMessage::Hands { queue: self.hand_queue() }
    }

    pub(super) fn hand_queue(&self) -> Vec<PersonId> {
        let mut raised: Vec<(u64, PersonId)> =
            self.seats.iter().filter_map(|(id, seat)| seat.hand.map(|order| (order, *id))).collect();
        raised.sort_unstable();
        raised.into_iter().map(|(_, id)| id).collect()
    }

    /// Remembers a former seat; returns what is forgotten instead: former seats before removed ones.
    pub(super) fn remember(&mut self, pass: Digest, standing: Standing) -> Option<Digest> {
        self.passes.push_back((pass, standing));
        if self.passes.len() <= MAX_PASSES {
            return None;
        }
        let oldest = self.passes.iter().position(|(_, standing)| *standing == Standing::Former).unwrap_or(0);
        self.passes.remove(oldest).map(|(digest, _)| digest)
    }
}
