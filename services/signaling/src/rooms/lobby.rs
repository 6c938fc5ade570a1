//! Opening meetings and looking at links: the JSON API.

use super::Caller;
use super::output::{Denied, Output, RequestId, RoomId};
use super::{Creating, Now, Room, Rooms, whole_seconds};
use crate::records::{CHAT_CEILING, Change, RoomRecord};
use crate::secret::{Secret, guest_link};
use crate::text;
use plenum_protocol::PROTOCOL_VERSION;
use plenum_protocol::http::{About, ApiErrorCode, CreateMeeting, LinkInfo, LinkQuery, Meeting};
use plenum_protocol::server::Role;
use std::time::Duration;

/// Rooms at the most, some 50 MB.
const MAX_ROOMS: usize = 50_000;
/// Meetings that one address may open without the host key.
const OPENINGS_BURST: u32 = 60;
const OPENINGS_PER_MINUTE: u32 = 20;
/// For how long a link still answers that its meeting has been ended.
const ENDED_KEPT: Duration = Duration::from_secs(24 * 3600);

impl Denied {
    fn new(code: ApiErrorCode, detail: &'static str) -> Denied {
        Denied { code, detail, retry_after: None }
    }

    fn later(wait: Duration) -> Denied {
        Denied {
            code: ApiErrorCode::TooManyAttempts,
            detail: "too many attempts from this address or altogether; try again later",
            retry_after: Some(whole_seconds(wait)),
        }
    }
}

impl Rooms {
    /// Answered by [`Output::Created`], once the room is in the store.
    pub fn create(&mut self, request: RequestId, body: CreateMeeting, caller: &Caller, now: super::Now) {
        self.now = now;
        let right = self.check_right_to_open(body.host_key.as_deref(), caller);
        let opening = right.and_then(|()| self.open_room(request, &body.title));
        self.answer_if_denied(request, opening);
    }

    /// In the same way, for who needs no host key.
    pub fn create_for_administrator(&mut self, request: RequestId, title: &str, now: super::Now) {
        self.now = now;
        let opening = self.open_room(request, title);
        self.answer_if_denied(request, opening);
    }

    fn answer_if_denied(&mut self, request: RequestId, opening: Result<(), Denied>) {
        if let Err(denied) = opening {
            self.metrics.denied(denied.code);
            self.out.push(Output::Created { request, answer: Err(denied) });
        }
    }

    fn open_room(&mut self, request: RequestId, title: &str) -> Result<(), Denied> {
        let Some(title) = text::title(title) else {
            return Err(Denied::new(
                ApiErrorCode::Malformed,
                "the title must have 1 to 120 characters and no control characters",
            ));
        };
        if self.rooms.len() >= MAX_ROOMS || self.stopping {
            return Err(Denied::new(ApiErrorCode::Unavailable, "no further meeting can be opened now"));
        }
        let host = Secret::random(&mut *self.fill);
        let guest = guest_link(&host, 0);
        let room = RoomId(self.random_u64());
        let record = RoomRecord {
            title: title.clone(),
            host: host.digest(),
            guest: guest.digest(),
            generation: 0,
            used: self.now.unix_ms,
            ended: None,
        };
        let Some((_, ticket)) = self.out.write(room, vec![Change::Room(room, Some(record.clone()))]) else {
            return Ok(());
        };
        self.links.insert(record.host, (room, Role::Host));
        self.links.insert(record.guest, (room, Role::Guest));
        self.rooms.insert(room, Room::new(record, self.now.unix_ms));
        let answer =
            Meeting { title, host_link: host.expose().to_owned(), guest_link: guest.expose().to_owned() };
        self.creating.insert(ticket, Creating { request, room, answer });
        Ok(())
    }

    fn check_right_to_open(&mut self, host_key: Option<&str>, caller: &Caller) -> Result<(), Denied> {
        let address = self.addresses.key(caller.address);
        let now = self.now.mono;
        if let Some(claim) = host_key {
            self.throttle.check(address, now).map_err(Denied::later)?;
            if self.config.host_key.matches(claim) {
                self.throttle.right(address, now);
                return Ok(());
            }
            self.throttle.wrong(address, now);
            return Err(Denied::new(ApiErrorCode::HostKeyNeeded, "this is not the host key"));
        }
        if !(self.config.network_opens && caller.local) {
            return Err(Denied::new(ApiErrorCode::HostKeyNeeded, "opening a meeting needs the host key"));
        }
        let openings = self.openings.entry(address).or_default();
        openings.take(OPENINGS_BURST, OPENINGS_PER_MINUTE, now).map_err(Denied::later)
    }

    pub(super) fn opened_room(&mut self, creating: Creating, ok: bool) {
        let Creating { request, room, answer } = creating;
        let answer = if ok {
            self.metrics.opened();
            log::info!(room:% = room; "room opened");
            Ok((room, answer))
        } else {
            self.forget_room(room);
            Err(Denied::new(
                ApiErrorCode::Unavailable,
                "the meeting could not be stored; the disk may be full",
            ))
        };
        self.out.push(Output::Created { request, answer });
    }

    pub fn link_info(
        &mut self,
        query: &LinkQuery,
        caller: &Caller,
        now: super::Now,
    ) -> Result<LinkInfo, Denied> {
        self.now = now;
        let answer = self.try_link_info(query, caller);
        if let Err(denied) = &answer {
            self.metrics.denied(denied.code);
        }
        answer
    }

    fn try_link_info(&mut self, query: &LinkQuery, caller: &Caller) -> Result<LinkInfo, Denied> {
        let address = self.addresses.key(caller.address);
        self.throttle.check(address, self.now.mono).map_err(Denied::later)?;
        let door = self.links.get(&Secret::claimed(&query.link).digest());
        let Some((role, room)) = door.and_then(|(room, role)| Some((*role, self.rooms.get(room)?))) else {
            self.throttle.wrong(address, self.now.mono);
            return Err(Denied::new(ApiErrorCode::UnknownLink, "no meeting has this link"));
        };
        self.throttle.right(address, self.now.mono);
        if room.record.ended.is_some() {
            return Err(Denied::new(ApiErrorCode::Ended, "this meeting has been ended"));
        }
        Ok(LinkInfo { title: room.record.title.clone(), role, people: room.people() })
    }

    pub fn about(&self, caller: &Caller) -> About {
        About {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: PROTOCOL_VERSION,
            host_key_needed: !(self.config.network_opens && caller.local),
        }
    }

    pub(super) fn forget_room(&mut self, room: RoomId) {
        if let Some(gone) = self.rooms.remove(&room) {
            self.links.remove(&gone.record.host);
            self.links.remove(&gone.record.guest);
        }
    }

    /// When a room is deleted by itself: some time after it was last used, or ended. `None` while people meet in it.
    pub(super) fn expiry(&self, room: &Room) -> Option<u64> {
        let (since, kept) = match room.record.ended {
            Some(ended) => (ended, ENDED_KEPT),
            None => (room.record.used, self.config.room_time),
        };
        room.meeting.is_none().then(|| since.saturating_add(kept.as_millis() as u64))
    }

    /// Whether the clock may decide what is deleted.
    pub fn may_expire(&mut self, now: Now) -> bool {
        self.clock.is_steady(now.unix_ms, now.mono)
    }

    /// Deletes rooms that nobody used for long, and those that were ended.
    pub(super) fn expire_rooms(&mut self) {
        let due = |room: &Room| self.expiry(room).is_some_and(|at| at <= self.now.unix_ms);
        let expired: Vec<RoomId> =
            self.rooms.iter().filter(|(_, room)| due(room)).map(|(id, _)| *id).collect();
        for room in expired {
            self.forget_room(room);
            self.out.write(room, vec![Change::Room(room, None)]);
            log::info!(room:% = room; "room deleted: its time is over");
        }
    }

    /// The store forgets chat after [`CHAT_CEILING`] even in a meeting that goes on; so does memory.
    pub(super) fn expire_chat(&mut self) {
        let ceiling = CHAT_CEILING.as_millis() as u64;
        let before = self.now.unix_ms.saturating_sub(ceiling);
        for meeting in self.rooms.values_mut().filter_map(|room| room.meeting.as_mut()) {
            meeting.chat.drop_before(before);
        }
    }
}
