//! Rooms: which there are, and orders to them. What was done is in the audit log before it is answered, with the number
//! of the room and never with a link.

use super::extract::Session;
use super::{Answer, Api, Body, answer};
use crate::access::sessions::Who;
use crate::manager::rooms::{ROOM_PAGE, number, page, place, refused, shown, silent};
use crate::manager::{Refused, administers, name_of};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use plenum_protocol::manager::{AuditEvent, NewRoom, RoomCreated, RoomDone, RoomNumber, RoomQuery};
use plenum_protocol::signaling::{RoomError, Signaling1Proxy};
use std::time::Duration;

/// It holds its rooms in memory, and stores a change within milliseconds.
const LIMIT: Duration = Duration::from_secs(10);

pub(super) async fn find(State(api): State<Api>, Session(who): Session, body: Body<RoomQuery>) -> Answer {
    let Json(mut query) = body?;
    administers(&who)?;
    let after = place(&mut query)?;
    let signaling = api.signaling().await?;
    let found = signaling.find_rooms(&query.text, query.running, after, ROOM_PAGE);
    let found = timely(async { found.await.map_err(RoomError::from) }).await?;
    Ok(answer(StatusCode::OK, &page(found)))
}

pub(super) async fn create(State(api): State<Api>, Session(who): Session, body: Body<NewRoom>) -> Answer {
    let Json(NewRoom { title }) = body?;
    administers(&who)?;
    let (room, host_link, guest_link) = timely(api.signaling().await?.create_room(&title)).await?;
    let room = api.note_room(who, AuditEvent::RoomCreated, room).await?;
    let title = title.trim().to_owned();
    Ok(answer(StatusCode::CREATED, &RoomCreated { room, title, host_link, guest_link }))
}

pub(super) async fn replace_guest_link(
    State(api): State<Api>,
    Session(who): Session,
    body: Body<RoomNumber>,
) -> Answer {
    let room = asked_for(&who, body)?;
    timely(api.signaling().await?.replace_guest_link(room)).await?;
    api.done(who, AuditEvent::GuestLinkReplaced, room, 0).await
}

pub(super) async fn end(State(api): State<Api>, Session(who): Session, body: Body<RoomNumber>) -> Answer {
    let room = asked_for(&who, body)?;
    let people = timely(api.signaling().await?.end_meeting(room)).await?;
    api.done(who, AuditEvent::MeetingEnded, room, people).await
}

pub(super) async fn delete(State(api): State<Api>, Session(who): Session, body: Body<RoomNumber>) -> Answer {
    let room = asked_for(&who, body)?;
    let people = timely(api.signaling().await?.delete_room(room)).await?;
    api.done(who, AuditEvent::RoomDeleted, room, people).await
}

fn asked_for(who: &Who, body: Body<RoomNumber>) -> Result<u64, Refused> {
    let Json(RoomNumber { room }) = body?;
    administers(who)?;
    number("room", &room)
}

async fn timely<T>(call: impl Future<Output = Result<T, RoomError>>) -> Result<T, Refused> {
    let answered = tokio::time::timeout(LIMIT, call).await;
    answered.map_err(|_| silent("no answer in time"))?.map_err(refused)
}

impl Api {
    async fn signaling(&self) -> Result<Signaling1Proxy<'static>, Refused> {
        let no_bus = || silent("the message bus cannot be reached");
        self.machine.system.as_ref().ok_or_else(no_bus)?.signaling().await.map_err(silent)
    }

    async fn note_room(&self, who: Who, event: AuditEvent, room: u64) -> Result<String, Refused> {
        let (room, who) = (shown(room), name_of(&who));
        let subject = room.clone();
        self.call(move |manager, now| manager.note(&who, event, &subject, now)).await?;
        Ok(room)
    }

    async fn done(&self, who: Who, event: AuditEvent, room: u64, people: u32) -> Answer {
        let room = self.note_room(who, event, room).await?;
        Ok(answer(StatusCode::OK, &RoomDone { room, people }))
    }
}
