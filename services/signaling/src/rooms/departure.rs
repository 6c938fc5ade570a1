//! Connections that break, people who leave, meetings that end.

use super::Rooms;
use super::output::{ConnectionId, RoomId};
use super::timers::Timer;
use crate::records::{Change, Standing};
use crate::secret::Digest;
use plenum_protocol::PersonId;
use plenum_protocol::server::{LeaveReason, ServerMessage};

impl Rooms {
    /// A connection is gone; its seat is kept for a while.
    pub(super) fn dropped(&mut self, id: ConnectionId, room: RoomId, person: PersonId) {
        let kept_until = self.now.mono + self.config.seat_time;
        let Some(meeting) = self.meeting(room) else { return };
        let Some(seat) = meeting.seats.get_mut(&person) else { return };
        if seat.connection != Some(id) {
            return;
        }
        seat.connection = None;
        seat.kept_until = kept_until;
        let message = ServerMessage::PersonChanged { person: seat.person(person) };
        let others = meeting.others(person);
        self.timers.set(kept_until, Timer::Seat(room, person));
        self.out.send(room, others, message);
        self.take_census();
    }

    /// Somebody gives up the seat, or loses it.
    pub(super) fn depart(&mut self, room: RoomId, person: PersonId, reason: LeaveReason) {
        let Some(meeting) = self.meeting(room) else { return };
        let Some(seat) = meeting.seats.remove(&person) else { return };
        let meeting_id = meeting.id;
        let standing = match reason {
            LeaveReason::Removed => Standing::Removed,
            _ => Standing::Former,
        };
        let mut changes = vec![
            Change::Seat(meeting_id, person, None),
            Change::Pass(meeting_id, seat.resume, Some(standing)),
        ];
        let forgotten = meeting.remember(seat.resume, standing);
        changes.extend(forgotten.map(|pass| Change::Pass(meeting_id, pass, None)));
        let hands = seat.hand.map(|_| meeting.hands());
        let others = meeting.everyone();
        let empty = meeting.seats.is_empty();

        self.seats.remove(&seat.resume);
        self.passes.insert(seat.resume, (room, standing));
        if let Some(pass) = forgotten {
            self.passes.remove(&pass);
        }
        self.media.leave(&mut self.out, (meeting_id, person), seat.media.offered.is_some());
        self.metrics.left(reason);
        log::info!(meeting:% = meeting_id, person, reason:? = reason; "person left");
        self.out.write(room, changes);
        self.out.send(room, others.clone(), ServerMessage::PersonLeft { person, reason });
        if let Some(hands) = hands {
            self.out.send(room, others, hands);
        }
        if let Some(connection) = seat.connection {
            self.dismiss(room, connection, reason);
        }
        if empty {
            self.end_meeting(room);
        }
        self.take_census();
    }

    /// A host or an administrator ends the meeting: its links are dead from now on.
    pub(super) fn end_for_all(&mut self, room: RoomId) {
        let Some(meeting) = self.meeting(room) else { return };
        for connection in meeting.everyone() {
            self.dismiss(room, connection, LeaveReason::Ended);
        }
        self.end_room(room);
        self.end_meeting(room);
        self.take_census();
    }

    /// Its links only say so from now on. To be written by whoever calls it.
    pub(super) fn end_room(&mut self, room: RoomId) {
        let Some(place) = self.rooms.get_mut(&room) else { return };
        if place.record.ended.is_none() {
            place.record.ended = Some(self.now.unix_ms);
            place.record.title.clear();
        }
    }

    /// Deletes everything that was said and done in the meeting. Its room stays.
    pub(super) fn end_meeting(&mut self, room: RoomId) {
        let Some(place) = self.rooms.get_mut(&room) else { return };
        let Some(meeting) = place.meeting.take() else { return };
        place.host_link = None;
        place.record.used = self.now.unix_ms;
        let id = meeting.id;
        let mut changes = vec![Change::Room(room, Some(place.record.clone())), Change::Meeting(room, None)];
        changes.extend(meeting.seats.keys().map(|person| Change::Seat(id, *person, None)));
        changes.extend(meeting.chat.keys().map(|message| Change::ForgetChat(id, message)));
        changes.extend(meeting.passes.iter().map(|(pass, _)| Change::Pass(id, *pass, None)));
        let secrets: Vec<Digest> = meeting.seats.values().map(|seat| seat.resume).collect();
        for secret in &secrets {
            self.seats.remove(secret);
        }
        for (pass, _) in &meeting.passes {
            self.passes.remove(pass);
        }
        self.meetings.remove(&id);
        self.media.end(&mut self.out, id);
        self.out.write(room, changes);
        log::info!(meeting:% = id; "meeting ended");
    }
}
