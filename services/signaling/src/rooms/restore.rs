//! Back after a restart: rooms are there, everyone in a meeting is a seat that waits for its person.

use super::Rooms;
use super::output::{MeetingId, RoomId};
use super::room::{Meeting, Room};
use super::seat::Seat;
use super::timers::Timer;
use crate::records::{Change, ChatKey, Found, RoomRecord};
use crate::secret::HostKey;
use plenum_daemon::steady::SteadyClock;
use plenum_protocol::server::Role;
use std::time::Duration;

impl Rooms {
    /// Of the rooms of a backup those that are not there.
    pub fn missing(&self, mut rooms: Vec<(RoomId, RoomRecord)>) -> Vec<(RoomId, RoomRecord)> {
        rooms.retain(|(id, record)| {
            let known = [record.host, record.guest].iter().any(|link| self.links.contains_key(link));
            !known && !self.rooms.contains_key(id)
        });
        rooms
    }

    /// Takes up rooms that have been stored. From now on `host_key` is the one that opens meetings.
    pub fn take(&mut self, rooms: Vec<(RoomId, RoomRecord)>, host_key: HostKey) {
        for (id, record) in rooms {
            self.insert(id, record, self.now.unix_ms);
        }
        self.config.host_key = host_key;
        self.take_census();
    }

    /// Rooms that have not been ended, with how often their link for guests was replaced.
    pub fn left(&self) -> Vec<(RoomId, u32)> {
        let rooms = self.rooms.iter().filter(|(_, room)| room.record.ended.is_none());
        rooms.map(|(id, room)| (*id, room.record.generation)).collect()
    }

    fn insert(&mut self, id: RoomId, record: RoomRecord, created: u64) {
        self.links.insert(record.host, (id, Role::Host));
        self.links.insert(record.guest, (id, Role::Guest));
        self.rooms.insert(id, Room::new(record, created));
    }

    /// Takes up what was found in the stores. What belongs to no room or no meeting (they were deleted while
    /// the other store could not be written) is deleted.
    pub fn restore(&mut self, found: Found) {
        for (id, record, created) in found.rooms {
            self.insert(id, record, created);
        }
        let used = self.rooms.values().map(|room| room.record.used).max();
        self.clock = SteadyClock::new(used, Duration::ZERO, self.now.unix_ms, self.now.mono);
        let mut orphans = Vec::new();
        for (id, record) in found.meetings {
            match self.rooms.get_mut(&id).filter(|room| room.record.ended.is_none()) {
                Some(room) => {
                    let mut meeting = Meeting::new(record.meeting, record.started);
                    meeting.next_person = record.next_person;
                    room.meeting = Some(meeting);
                    self.meetings.insert(record.meeting, id);
                }
                None => orphans.push(Change::Meeting(id, None)),
            }
        }
        self.media.instance = found.sfu_instance;
        let kept_until = self.now.mono + self.config.seat_time;
        for (meeting, person, record) in found.seats {
            let now = self.now.mono;
            let Some((room, meeting)) = self.restored_meeting(meeting) else {
                orphans.push(Change::Seat(meeting, person, None));
                continue;
            };
            let resume = record.resume;
            meeting.seats.insert(person, Seat::restored(record, now, kept_until));
            self.seats.insert(resume, (room, person));
            self.timers.set(kept_until, Timer::Seat(room, person));
        }
        for (meeting, message) in found.chat {
            match self.restored_meeting(meeting) {
                Some((_, meeting)) => {
                    meeting.chat.push(message);
                }
                None => orphans.push(Change::ForgetChat(meeting, ChatKey::of(&message))),
            }
        }
        for (meeting, pass, standing) in found.passes {
            match self.restored_meeting(meeting) {
                Some((room, meeting)) => {
                    meeting.passes.push_back((pass, standing));
                    self.passes.insert(pass, (room, standing));
                }
                None => orphans.push(Change::Pass(meeting, pass, None)),
            }
        }
        self.end_empty_meetings();
        if !orphans.is_empty() {
            self.out.write(RoomId(0), orphans);
        }
        log::info!(rooms = self.rooms.len(), meetings = self.meetings.len(), seats = self.seats.len(); "restored");
        self.take_census();
    }

    fn restored_meeting(&mut self, meeting: MeetingId) -> Option<(RoomId, &mut Meeting)> {
        let room = *self.meetings.get(&meeting)?;
        Some((room, self.rooms.get_mut(&room)?.meeting.as_mut()?))
    }

    fn end_empty_meetings(&mut self) {
        let empty: Vec<RoomId> = self
            .meetings
            .values()
            .copied()
            .filter(|room| {
                let meeting = self.rooms.get(room).and_then(|room| room.meeting.as_ref());
                meeting.is_some_and(|meeting| meeting.seats.is_empty())
            })
            .collect();
        for room in empty {
            self.end_meeting(room);
        }
    }
}
