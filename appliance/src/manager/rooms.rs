//! Rooms, as `signaling` has them, for the pages of an administrator.

use super::{Manager, Now, Refused, name_of, text};
use crate::access::sessions::Who;
use crate::audit::Draft;
use plenum_protocol::limits::MAX_TITLE_CHARS;
use plenum_protocol::manager::{
    AuditEvent, ManagerErrorCode, RoomPage, RoomPlace, RoomQuery, RoomState, RoomSummary,
};
use plenum_protocol::signaling::{BusRoom, BusRoomPlace, RoomError};

/// Rooms of a page: some 20 kB.
pub const ROOM_PAGE: u32 = 50;
const DAY_MILLIS: u64 = 86_400_000;

impl Manager {
    /// An order of an administrator. One that was not answered may have been carried out all the same.
    pub fn note_room(
        &self,
        who: &Who,
        event: AuditEvent,
        room: &str,
        answered: bool,
        now: Now,
    ) -> Result<(), Refused> {
        let outcome = (!answered).then_some("no answer");
        let draft = Draft::new(name_of(who), event, room).change(None::<&()>, outcome.as_ref());
        self.change(now, draft, |_| Ok(()))
    }
}

/// A query that can be asked, and where it goes on.
pub fn place(query: &mut RoomQuery) -> Result<BusRoomPlace, Refused> {
    text::line("text", &mut query.text, MAX_TITLE_CHARS)?;
    let after = |place: &RoomPlace| Ok((place.created, number("after", &place.room)?));
    query.after.as_ref().map_or(Ok((0, 0)), after)
}

/// The reverse of [`shown`].
pub fn number(field: &str, text: &str) -> Result<u64, Refused> {
    let hex = text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let number = hex.then(|| u64::from_str_radix(text, 16).ok()).flatten();
    number.ok_or_else(|| Refused::malformed(field, "the number of a room has 16 hexadecimal digits"))
}

/// As `signaling` writes it in its log.
pub fn shown(number: u64) -> String {
    format!("{number:016x}")
}

pub fn page((found, count, more): (Vec<BusRoom>, u32, bool)) -> RoomPage {
    let last = found.last().filter(|_| more);
    let next = last.map(|room| RoomPlace { created: room.created, room: shown(room.room) });
    RoomPage { rooms: found.into_iter().map(summary).collect(), found: count, next }
}

/// Times of meetings are told by the day: when exactly people met is nobody's business.
fn summary(room: BusRoom) -> RoomSummary {
    let day = |millis: u64| millis - millis % DAY_MILLIS;
    RoomSummary {
        room: shown(room.room),
        title: room.title,
        state: match (room.running, room.ended) {
            (true, _) => RoomState::Running,
            (false, true) => RoomState::Ended,
            (false, false) => RoomState::Empty,
        },
        people: room.people,
        created: room.created,
        last_used: (room.used > room.created).then(|| day(room.used)),
        deleted_on: (room.expires > 0).then(|| day(room.expires)),
        guest_link_replaceable: room.replaceable,
    }
}

pub fn refused(error: RoomError) -> Refused {
    match error {
        RoomError::UnknownRoom(detail) => Refused::new(ManagerErrorCode::UnknownRoom, detail),
        RoomError::InvalidTitle(detail) => Refused::malformed("title", detail),
        RoomError::NoMeeting(detail) => Refused::new(ManagerErrorCode::NoMeeting, detail),
        RoomError::NoHost(detail) => Refused::new(ManagerErrorCode::NoHost, detail),
        RoomError::Unavailable(detail) => silent(detail),
        RoomError::Bus(error) => silent(error),
    }
}

/// The rooms are not to be had.
pub fn silent(why: impl std::fmt::Display) -> Refused {
    let detail = format!("the meeting server does not do it: {why}");
    log::warn!("{detail}");
    let mut refused = Refused::new(ManagerErrorCode::MeetingsUnavailable, detail);
    refused.0.retry_after = Some(2);
    refused
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: u64 = 20_834 * DAY_MILLIS + DAY_MILLIS / 2;

    fn room() -> BusRoom {
        BusRoom { room: 0xAB, title: "Board".into(), created: NOON, used: NOON, ..BusRoom::default() }
    }

    #[test]
    fn times_of_meetings_are_told_by_the_day() {
        let never = summary(BusRoom { expires: NOON + 90 * DAY_MILLIS, ..room() });
        assert_eq!((never.room.as_str(), never.state), ("00000000000000ab", RoomState::Empty));
        assert_eq!((never.created, never.last_used), (NOON, None));
        assert_eq!(never.deleted_on, Some(NOON - DAY_MILLIS / 2 + 90 * DAY_MILLIS));
        let met = summary(BusRoom { used: NOON + 3_600_000, running: true, people: 3, ..room() });
        assert_eq!((met.last_used, met.deleted_on), (Some(NOON - DAY_MILLIS / 2), None));
        assert_eq!((met.state, met.people), (RoomState::Running, 3));
        let ended = summary(BusRoom { ended: true, title: String::new(), ..room() });
        assert_eq!(ended.state, RoomState::Ended);
    }

    #[test]
    fn a_page_says_where_the_next_one_begins() {
        let (first, last) = (room(), BusRoom { room: 1, created: 7, ..room() });
        let page = |more| super::page((vec![first.clone(), last.clone()], 9, more));
        assert_eq!(page(false).next, None);
        let (found, next) = (page(true).found, page(true).next.unwrap());
        assert_eq!((found, next.created, next.room.as_str()), (9, 7, "0000000000000001"));
        let mut query = RoomQuery { text: " board ".into(), after: Some(next), ..RoomQuery::default() };
        assert_eq!(place(&mut query), Ok((7, 1)));
        assert_eq!(query.text, "board");
        assert_eq!(page(true).rooms.len(), 2);
    }

    #[test]
    fn numbers_are_read_as_they_are_shown() {
        for good in [0, 1, 0xAB, u64::MAX] {
            assert_eq!(number("room", &shown(good)), Ok(good));
        }
        for bad in ["", "1", "00000000000000AB", "+000000000000001", "0000000000000001 ", "00000000000000001"]
        {
            assert!(number("room", bad).is_err(), "{bad}");
        }
        let long = &mut RoomQuery { text: "x".repeat(121), ..RoomQuery::default() };
        assert!(place(long).is_err());
    }

    #[test]
    fn a_server_that_does_not_answer_is_told_from_one_that_refuses() {
        let code = |error| refused(error).code();
        let silent = RoomError::Bus(zbus::Error::InvalidReply);
        assert_eq!(code(silent), ManagerErrorCode::MeetingsUnavailable);
        assert_eq!(code(RoomError::NoHost(String::new())), ManagerErrorCode::NoHost);
        let title = refused(RoomError::InvalidTitle(String::new()));
        assert_eq!((title.code(), title.0.field.as_deref()), (ManagerErrorCode::Malformed, Some("title")));
    }
}
