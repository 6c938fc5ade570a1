//! What an administrator of the box may see of rooms and do to them. Who is in a meeting, what happens there and the
//! links are not part of it: a number opens nothing.

use super::output::{Output, RequestId, RoomId};
use super::room::Room;
use super::{Now, Rooms};
use crate::records::Change;
use plenum_protocol::signaling::{BusRoom, BusRoomPlace};

/// Which rooms are asked for.
#[derive(Debug, Clone, Default)]
pub struct RoomQuery {
    /// In the title, or at the beginning of the number. Empty: all.
    pub text: String,
    pub running: bool,
    pub after: Option<BusRoomPlace>,
    pub most: usize,
}

/// Rooms of a query, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoomsFound {
    pub rooms: Vec<BusRoom>,
    pub count: usize,
    /// There are more behind these.
    pub more: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoomOrder {
    ReplaceGuestLink,
    End,
    Delete,
}

/// Why an order is not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderRefusal {
    UnknownRoom,
    NoMeeting,
    NoHost,
    NotStored,
}

/// A room that is forgotten once it is gone from the store.
pub(super) struct Deleting {
    request: RequestId,
    room: RoomId,
    people: u32,
}

impl Rooms {
    pub fn find(&self, query: &RoomQuery) -> RoomsFound {
        let text = query.text.to_lowercase();
        let is_number = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let matches = |id: &RoomId, room: &Room| {
            text.is_empty()
                || room.record.title.to_lowercase().contains(&text)
                || (is_number && id.to_string().starts_with(&text))
        };
        let rooms = self.rooms.iter().filter(|(_, room)| !query.running || room.meeting.is_some());
        let mut places: Vec<BusRoomPlace> =
            rooms.filter(|(id, room)| matches(id, room)).map(|(id, room)| (room.created, id.0)).collect();
        let count = places.len();
        if let Some(after) = query.after {
            places.retain(|place| *place < after);
        }
        let more = places.len() > query.most;
        if more {
            places.select_nth_unstable_by(query.most, |a, b| b.cmp(a));
            places.truncate(query.most);
        }
        places.sort_unstable_by(|a, b| b.cmp(a));
        let rooms = places.into_iter().filter_map(|(_, id)| self.summary(RoomId(id))).collect();
        RoomsFound { rooms, count, more }
    }

    fn summary(&self, id: RoomId) -> Option<BusRoom> {
        let room = self.rooms.get(&id)?;
        Some(BusRoom {
            room: id.0,
            title: room.record.title.clone(),
            created: room.created,
            used: room.record.used,
            expires: self.expiry(room).unwrap_or(0),
            ended: room.record.ended.is_some(),
            running: room.meeting.is_some(),
            people: room.people(),
            replaceable: room.host_link.is_some(),
        })
    }

    /// Answered by [`Output::Ordered`], once what has to survive is in the store.
    pub fn order(&mut self, request: RequestId, room: RoomId, order: RoomOrder, now: Now) {
        self.now = now;
        if let Err(refusal) = self.try_order(request, room, order) {
            self.out.push(Output::Ordered { request, answer: Err(refusal) });
        }
    }

    fn try_order(&mut self, request: RequestId, id: RoomId, order: RoomOrder) -> Result<(), OrderRefusal> {
        let room = self.rooms.get(&id).ok_or(OrderRefusal::UnknownRoom)?;
        let people = room.people();
        if order != RoomOrder::Delete && room.meeting.is_none() {
            return Err(OrderRefusal::NoMeeting);
        }
        let people = match order {
            RoomOrder::ReplaceGuestLink if room.host_link.is_none() => return Err(OrderRefusal::NoHost),
            RoomOrder::ReplaceGuestLink => {
                self.replace_guest_link(id);
                0
            }
            RoomOrder::End => {
                self.end_for_all(id);
                people
            }
            RoomOrder::Delete => {
                self.delete(request, id, people);
                return Ok(());
            }
        };
        log::info!(room:% = id, order:?; "an administrator's order was carried out");
        self.out.ordered(id, request, people);
        Ok(())
    }

    /// Ended first, so that nobody comes in any more. What the store does not let go of stays an ended room.
    fn delete(&mut self, request: RequestId, room: RoomId, people: u32) {
        self.end_for_all(room);
        self.end_room(room);
        if let Some((_, ticket)) = self.out.write(room, vec![Change::Room(room, None)]) {
            self.deleting.insert(ticket, Deleting { request, room, people });
        }
    }

    pub(super) fn deleted(&mut self, deleting: Deleting, ok: bool) {
        let Deleting { request, room, people } = deleting;
        if ok {
            self.forget_room(room);
            self.take_census();
            log::info!(room:% = room; "room deleted by an administrator");
        }
        let answer = if ok { Ok(people) } else { Err(OrderRefusal::NotStored) };
        self.out.push(Output::Ordered { request, answer });
    }
}
