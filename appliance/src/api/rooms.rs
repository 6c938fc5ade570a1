//! Rooms: which there are, and orders to them. What was done, or may have been, is in the audit log before it is
//! answered, with the number of the room and never with a link.

use super::extract::Session;
use super::{Answer, Api, Body, answer};
use crate::access::sessions::Who;
use crate::manager::rooms::{ROOM_PAGE, number, page, place, refused, shown, silent};
use crate::manager::{Refused, administers};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use plenum_protocol::manager::{AuditEvent, NewRoom, RoomCreated, RoomDone, RoomNumber, RoomQuery};
use plenum_protocol::signaling::{RoomError, Signaling1Proxy};
use std::time::Duration;

/// It holds its rooms in memory, and stores a change within milliseconds. `web` waits twice as long.
const LIMIT: Duration = Duration::from_secs(5);

pub(super) async fn find(State(api): State<Api>, Session(who): Session, body: Body<RoomQuery>) -> Answer {
    let Json(mut query) = body?;
    administers(&who)?;
    let after = place(&mut query)?;
    let signaling = api.signaling().await?;
    let found = timely(async {
        let found = signaling.find_rooms(&query.text, query.running, after, ROOM_PAGE).await;
        found.map_err(RoomError::from)
    });
    Ok(answer(StatusCode::OK, &page(found.await.map_err(refused)?)))
}

pub(super) async fn create(State(api): State<Api>, Session(who): Session, body: Body<NewRoom>) -> Answer {
    let Json(NewRoom { title }) = body?;
    administers(&who)?;
    let signaling = api.signaling().await?;
    let event = AuditEvent::RoomCreated;
    let made = api.ordered(&who, event, None, signaling.create_room(&title)).await?;
    let (room, host_link, guest_link) = made;
    let room = shown(room);
    api.note_room(who, event, room.clone(), true).await?;
    let title = title.trim().to_owned();
    Ok(answer(StatusCode::CREATED, &RoomCreated { room, title, host_link, guest_link }))
}

pub(super) async fn replace_guest_link(
    State(api): State<Api>,
    Session(who): Session,
    body: Body<RoomNumber>,
) -> Answer {
    let room = asked_for(&who, body)?;
    let signaling = api.signaling().await?;
    let order = async { signaling.replace_guest_link(room).await.map(|()| 0) };
    api.carry_out(who, AuditEvent::GuestLinkReplaced, room, order).await
}

pub(super) async fn end(State(api): State<Api>, Session(who): Session, body: Body<RoomNumber>) -> Answer {
    let room = asked_for(&who, body)?;
    let signaling = api.signaling().await?;
    api.carry_out(who, AuditEvent::MeetingEnded, room, signaling.end_meeting(room)).await
}

pub(super) async fn delete(State(api): State<Api>, Session(who): Session, body: Body<RoomNumber>) -> Answer {
    let room = asked_for(&who, body)?;
    let signaling = api.signaling().await?;
    api.carry_out(who, AuditEvent::RoomDeleted, room, signaling.delete_room(room)).await
}

fn asked_for(who: &Who, body: Body<RoomNumber>) -> Result<u64, Refused> {
    let Json(RoomNumber { room }) = body?;
    administers(who)?;
    number("room", &room)
}

async fn timely<T>(call: impl Future<Output = Result<T, RoomError>>) -> Result<T, RoomError> {
    let late = |_| RoomError::Bus(zbus::Error::Failure("no answer in time".to_owned()));
    tokio::time::timeout(LIMIT, call).await.map_err(late)?
}

impl Api {
    async fn signaling(&self) -> Result<Signaling1Proxy<'static>, Refused> {
        let no_bus = || silent("the message bus cannot be reached");
        self.machine.system.as_ref().ok_or_else(no_bus)?.signaling().await.map_err(silent)
    }

    async fn carry_out(
        &self,
        who: Who,
        event: AuditEvent,
        room: u64,
        order: impl Future<Output = Result<u32, RoomError>>,
    ) -> Answer {
        let people = self.ordered(&who, event, Some(room), order).await?;
        let room = shown(room);
        self.note_room(who, event, room.clone(), true).await?;
        Ok(answer(StatusCode::OK, &RoomDone { room, people }))
    }

    /// Nobody knows what became of an order without an answer: that it was given is noted.
    async fn ordered<T>(
        &self,
        who: &Who,
        event: AuditEvent,
        room: Option<u64>,
        order: impl Future<Output = Result<T, RoomError>>,
    ) -> Result<T, Refused> {
        let done = timely(order).await;
        if let Err(RoomError::Bus(_)) = &done {
            let room = room.map(shown).unwrap_or_default();
            self.note_room(who.clone(), event, room, false).await?;
        }
        done.map_err(refused)
    }

    async fn note_room(
        &self,
        who: Who,
        event: AuditEvent,
        room: String,
        answered: bool,
    ) -> Result<(), Refused> {
        self.call(move |manager, now| manager.note_room(&who, event, &room, answered, now)).await
    }
}
