//! What hosts may do to others. There is no way to switch on anybody's microphone or camera (RM5).

use super::Rooms;
use super::messages::{NO_SUCH_PERSON, Refusal};
use super::output::{RoomId, SfuCommand};
use super::seat::Muted;
use crate::records::Change;
use crate::secret::guest_link;
use plenum_protocol::PersonId;
use plenum_protocol::media::Source;
use plenum_protocol::server::{ErrorCode, LeaveReason, Role, ServerMessage};

impl Rooms {
    /// Cuts off a microphone at the SFU, whatever the client does, until its person switches it on again.
    pub(super) fn mute(&mut self, room: RoomId, by: PersonId, whom: PersonId) -> Result<(), Refusal> {
        let at = self.now.mono;
        let Some(meeting) = self.meeting(room) else { return Ok(()) };
        let meeting_id = meeting.id;
        let seat = meeting.seats.get_mut(&whom).ok_or(NO_SUCH_PERSON)?;
        let speaking = seat.sources.contains(&Source::Microphone);
        seat.muted = Some(Muted { by, at, settled: !speaking });
        seat.sources.retain(|source| *source != Source::Microphone);
        let record = seat.record();
        let allowed = SfuCommand::SetAllowed(seat.allowed());
        let changed = speaking.then(|| ServerMessage::PersonChanged { person: seat.person(whom) });
        if seat.media.offered.is_some() {
            self.media.call(&mut self.out, (meeting_id, whom), allowed);
        }
        self.out.write(room, vec![Change::Seat(meeting_id, whom, Some(record))]);
        self.tell(room, whom, ServerMessage::Muted { by });
        if let Some(changed) = changed {
            self.broadcast(room, changed);
        }
        Ok(())
    }

    pub(super) fn mute_all(&mut self, room: RoomId, by: PersonId) -> Result<(), Refusal> {
        let Some(meeting) = self.meeting(room) else { return Ok(()) };
        let others: Vec<PersonId> = meeting.seats.keys().copied().filter(|person| *person != by).collect();
        others.into_iter().try_for_each(|whom| self.mute(room, by, whom))
    }

    /// Takes the seat away, refuses its secret from now on, and replaces the link for guests: with the old
    /// one nobody new comes in any more. People in the room keep their seats, and come back by their own
    /// secrets even later in this meeting.
    pub(super) fn remove(&mut self, room: RoomId, by: PersonId, whom: PersonId) -> Result<(), Refusal> {
        let Some(meeting) = self.meeting(room) else { return Ok(()) };
        let seat = meeting.seats.get(&whom).ok_or(NO_SUCH_PERSON)?;
        if whom == by {
            return Err((ErrorCode::NotAllowed, "nobody can remove themselves: leave instead"));
        }
        if seat.role == Role::Host {
            return Err((ErrorCode::NotAllowed, "hosts hold the host link and cannot be removed"));
        }
        self.depart(room, whom, LeaveReason::Removed);
        self.replace_guest_link(room);
        Ok(())
    }

    pub(super) fn replace_guest_link(&mut self, room: RoomId) {
        let Some(place) = self.rooms.get_mut(&room) else { return };
        // Known as soon as a host has come in: whoever removes somebody is one.
        let Some(host_link) = &place.host_link else { return };
        let old = place.record.guest;
        place.record.generation += 1;
        place.record.guest = guest_link(host_link, place.record.generation).digest();
        let new = place.record.guest;
        let change = Change::Room(room, Some(place.record.clone()));
        let info = place.info(Role::Host);
        let hosts = place.meeting.as_ref().map(|meeting| meeting.hosts()).unwrap_or_default();
        self.links.remove(&old);
        self.links.insert(new, (room, Role::Guest));
        self.out.write(room, vec![change]);
        self.out.send(room, hosts, ServerMessage::Room { room: info });
    }
}
