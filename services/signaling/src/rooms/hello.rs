//! The first message of a connection: who comes in, and on which seat.

use super::output::{ConnectionId, MeetingId, RoomId};
use super::room::Meeting;
use super::seat::Seat;
use super::{Rooms, Stage};
use crate::records::{Change, Standing};
use crate::secret::Secret;
use crate::text;
use plenum_protocol::client::{ClientMessage, ClientMessageKind};
use plenum_protocol::media::Grade;
use plenum_protocol::server::{LeaveReason, RefusalReason, Role, ServerMessage, Welcome};
use plenum_protocol::{PROTOCOL_VERSION, PersonId, limits};
use serde::Deserialize;
use std::cmp::Ordering;
use std::time::Duration;

/// Joins of a meeting at once, beyond as many as find place in it, and then per minute.
const JOINS_BEYOND: u32 = 50;
const JOINS_PER_MINUTE: u32 = 300;

/// As much of a hello as every version of the protocol has.
#[derive(Deserialize)]
struct Greeting {
    r#type: String,
    protocol: u64,
}

/// A refusal, with the time after which trying again makes sense.
type Refusal = (RefusalReason, Option<Duration>);

impl Rooms {
    pub(super) fn greet(&mut self, id: ConnectionId, text: &str) {
        self.metrics.received(ClientMessageKind::Hello);
        if let Err((reason, wait)) = self.try_greet(id, text) {
            self.refuse_hello(id, reason, wait);
        }
    }

    fn try_greet(&mut self, id: ConnectionId, text: &str) -> Result<(), Refusal> {
        if self.stopping {
            return Err((RefusalReason::ShuttingDown, Some(Duration::from_secs(1))));
        }
        if text.len() > limits::of(ClientMessageKind::Hello).max_bytes {
            return Err((RefusalReason::InvalidHello, None));
        }
        // The version first: another version's hello may have other fields.
        let greeting: Greeting =
            serde_json::from_str(text).map_err(|_| (RefusalReason::InvalidHello, None))?;
        if greeting.r#type != ClientMessageKind::Hello.as_str() {
            return Err((RefusalReason::InvalidHello, None));
        }
        match greeting.protocol.cmp(&u64::from(PROTOCOL_VERSION)) {
            Ordering::Less => return Err((RefusalReason::ClientTooOld, None)),
            Ordering::Greater => return Err((RefusalReason::ClientTooNew, None)),
            Ordering::Equal => {}
        }
        let Ok(ClientMessage::Hello { link, name, resume, .. }) = serde_json::from_str(text) else {
            return Err((RefusalReason::InvalidHello, None));
        };
        let name = text::name(&name).ok_or((RefusalReason::InvalidName, None))?;
        self.come_in(id, Secret::claimed(&link), name, resume.as_deref().map(Secret::claimed))
    }

    fn come_in(
        &mut self,
        id: ConnectionId,
        link: Secret,
        name: String,
        resume: Option<Secret>,
    ) -> Result<(), Refusal> {
        let door = self.links.get(&link.digest()).copied();
        let leads_to = |room: RoomId| door.is_none_or(|(other, _)| other == room);
        if let Some(resume) = &resume
            && let Some((room, person)) = self.seats.get(&resume.digest()).copied()
            && leads_to(room)
        {
            // Also through a block by the throttle, and by a link that has been replaced since: those who
            // are in the meeting stay in.
            self.resume(id, room, person, name, (door, link), resume);
            return Ok(());
        }
        let Some(address) = self.connections.get(&id).map(|connection| connection.address) else {
            return Ok(());
        };
        let now = self.now.mono;
        self.throttle.check(address, now).map_err(|wait| (RefusalReason::TooManyAttempts, Some(wait)))?;
        let pass = resume
            .and_then(|resume| self.passes.get(&resume.digest()).copied())
            .filter(|(room, _)| leads_to(*room));
        let (room, role) = match (pass, door) {
            (Some((_, Standing::Removed)), _) => return Err((RefusalReason::Removed, None)),
            (_, Some(door)) => door,
            (Some((room, Standing::Former)), None) => (room, Role::Guest),
            (None, None) => {
                self.throttle.wrong(address, now);
                return Err((RefusalReason::UnknownLink, None));
            }
        };
        self.throttle.right(address, now);
        self.join(id, room, role, name, link)
    }

    fn join(
        &mut self,
        id: ConnectionId,
        room: RoomId,
        role: Role,
        name: String,
        link: Secret,
    ) -> Result<(), Refusal> {
        let secret = Secret::random(&mut *self.fill);
        let fresh = MeetingId(self.random_u64());
        let Some(place) = self.rooms.get_mut(&room) else {
            return Err((RefusalReason::UnknownLink, None));
        };
        if place.record.ended.is_some() {
            return Err((RefusalReason::Ended, None));
        }
        if place.meeting.as_ref().is_some_and(|meeting| meeting.seats.len() >= self.config.max_people) {
            return Err((RefusalReason::RoomFull, None));
        }
        if let Some(meeting) = &mut place.meeting {
            // Somebody who comes and goes all the time costs everyone else.
            let burst = self.config.max_people as u32 + JOINS_BEYOND;
            let joined = meeting.joins.take(burst, JOINS_PER_MINUTE, self.now.mono);
            joined.map_err(|wait| (RefusalReason::RoomFull, Some(wait)))?;
        }
        let mut changes = Vec::new();
        if place.meeting.is_none() {
            place.record.used = self.now.unix_ms;
            changes.push(Change::Room(room, Some(place.record.clone())));
            self.meetings.insert(fresh, room);
            log::info!(meeting:% = fresh; "meeting started");
        }
        let meeting = place.meeting.get_or_insert_with(|| Meeting::new(fresh, self.now.unix_ms));
        let person = meeting.next_person;
        meeting.next_person += 1;
        let mut seat = Seat::new(name, role, secret.digest());
        seat.connection = Some(id);
        changes.push(Change::Meeting(room, Some(meeting.record())));
        changes.push(Change::Seat(meeting.id, person, Some(seat.record())));
        self.seats.insert(seat.resume, (room, person));
        let message = ServerMessage::PersonJoined { person: seat.person(person) };
        meeting.seats.insert(person, seat);
        let others = meeting.others(person);
        self.note_host_link(room, role, link);
        self.out.write(room, changes);
        self.out.send(room, others, message);
        self.seated(id, room, person, &secret, false);
        self.take_census();
        Ok(())
    }

    fn resume(
        &mut self,
        id: ConnectionId,
        room: RoomId,
        person: PersonId,
        name: String,
        (door, link): (Option<(RoomId, Role)>, Secret),
        secret: &Secret,
    ) {
        let now = self.now.mono;
        let Some(meeting) = self.meeting(room) else { return };
        let meeting_id = meeting.id;
        let Some(seat) = meeting.seats.get_mut(&person) else { return };
        let upgraded = matches!(door, Some((_, Role::Host)));
        let role = if upgraded { Role::Host } else { seat.role };
        let changed = seat.name != name || seat.role != role;
        seat.name = name;
        seat.role = role;
        let previous = seat.connection.replace(id);
        if let Some(muted) = &mut seat.muted {
            // Told again below: perhaps the client was away when it happened, and still speaks.
            muted.at = now;
        }
        let record = seat.record();
        let message = match previous {
            None => Some(ServerMessage::PersonJoined { person: seat.person(person) }),
            Some(_) if changed => Some(ServerMessage::PersonChanged { person: seat.person(person) }),
            Some(_) => None,
        };
        let others = meeting.others(person);
        if upgraded {
            self.note_host_link(room, Role::Host, link);
        }
        if changed {
            self.out.write(room, vec![Change::Seat(meeting_id, person, Some(record))]);
        }
        if let Some(previous) = previous {
            self.dismiss(room, previous, LeaveReason::Replaced);
        }
        if let Some(message) = message {
            self.out.send(room, others, message);
        }
        self.seated(id, room, person, secret, true);
        self.take_census();
    }

    /// A host's client brings the host link along, from which the one for guests follows.
    fn note_host_link(&mut self, room: RoomId, role: Role, link: Secret) {
        if role == Role::Host
            && let Some(place) = self.rooms.get_mut(&room)
        {
            place.host_link = Some(link);
        }
    }

    /// Tells the client everything about the meeting that it is in now.
    fn seated(&mut self, id: ConnectionId, room: RoomId, person: PersonId, secret: &Secret, resumed: bool) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.stage = Stage::Seated(room, person);
        let Some(place) = self.rooms.get(&room) else { return };
        let Some(meeting) = &place.meeting else { return };
        let Some(seat) = meeting.seats.get(&person) else { return };
        let pseudonym = format!("{}-{person}", meeting.id);
        let welcome = Welcome {
            protocol: PROTOCOL_VERSION,
            you: person,
            resumed,
            resume: secret.expose().to_owned(),
            room: place.info(seat.role),
            people: meeting.people(),
            hands: meeting.hand_queue(),
            chat: meeting.chat.to_vec(),
            ice_servers: self.config.relay.servers(&connection.host, &pseudonym, self.now.unix_ms / 1_000),
            now: self.now.unix_ms,
        };
        log::info!(meeting:% = meeting.id, person, resumed; "person came in");
        self.metrics.joined(resumed);
        self.out.send(room, vec![id], ServerMessage::Welcome(Box::new(welcome)));
        self.tell_present_state(id, room, person);
    }

    /// What `welcome` has no place for, and what was missed during a break.
    fn tell_present_state(&mut self, id: ConnectionId, room: RoomId, person: PersonId) {
        let Some(meeting) = self.rooms.get(&room).and_then(|place| place.meeting.as_ref()) else { return };
        let Some(seat) = meeting.seats.get(&person) else { return };
        let mut messages = Vec::new();
        if let Some(muted) = seat.muted {
            messages.push(ServerMessage::Muted { by: muted.by });
        }
        if !meeting.speakers.is_empty() {
            messages.push(ServerMessage::Speakers { speakers: meeting.speakers.clone() });
        }
        for (other, seat) in &meeting.seats {
            if let Some((grade, reason)) = seat.quality.filter(|(grade, _)| *grade != Grade::Good) {
                messages.push(ServerMessage::Quality { person: *other, grade, reason });
            }
        }
        for message in messages {
            self.out.send(room, vec![id], message);
        }
        self.tell_media_state(room, person);
    }
}
