//! Messages of somebody who is in a meeting.

use super::Rooms;
use super::output::{ConnectionId, RoomId, SfuCommand};
use crate::permissions;
use crate::records::Change;
use crate::text;
use plenum_protocol::PersonId;
use plenum_protocol::client::{ClientMessage, ClientMessageKind};
use plenum_protocol::limits::{self, MAX_TILES};
use plenum_protocol::media::{Source, Tile};
use plenum_protocol::server::{ChatMessage, ErrorCode, LeaveReason, ServerMessage};
use serde::Deserialize;
use std::time::Duration;

/// After a `muted` a client needs this long at the most to hear of it and to stop its microphone.
const MUTE_CROSSING: Duration = Duration::from_secs(2);

/// Why a message is refused.
pub(super) type Refusal = (ErrorCode, &'static str);

/// What is left of a message that could not be read.
#[derive(Deserialize)]
struct Head {
    r#type: String,
}

impl Rooms {
    pub(super) fn message(&mut self, id: ConnectionId, room: RoomId, person: PersonId, text: &str) {
        match serde_json::from_str::<ClientMessage>(text) {
            Ok(message) => {
                let kind = message.kind();
                self.metrics.received(kind);
                if let Err((code, detail)) = self.admit_and_do(room, person, message, text.len()) {
                    self.refuse(id, room, person, Some(kind.as_str()), code, detail);
                }
            }
            Err(_) => {
                let of = serde_json::from_str::<Head>(text).ok().and_then(|head| kind_name(&head.r#type));
                let detail = "not a message of this protocol: see docs/protocol.md";
                self.refuse(id, room, person, of, ErrorCode::Malformed, detail);
            }
        }
    }

    fn admit_and_do(
        &mut self,
        room: RoomId,
        person: PersonId,
        message: ClientMessage,
        bytes: usize,
    ) -> Result<(), Refusal> {
        let kind = message.kind();
        let now = self.now.mono;
        let Some(seat) = self.seat(room, person) else { return Ok(()) };
        if !seat.limits.admits(kind, now) {
            return Err((ErrorCode::TooOften, "more messages of this type than allowed"));
        }
        if bytes > limits::of(kind).max_bytes {
            return Err((ErrorCode::TooLarge, "longer than messages of this type may be"));
        }
        if !permissions::may(seat.role, kind) {
            return Err((ErrorCode::NotAllowed, "only hosts may do this"));
        }
        self.carry_out(room, person, message)
    }

    fn carry_out(&mut self, room: RoomId, person: PersonId, message: ClientMessage) -> Result<(), Refusal> {
        match message {
            ClientMessage::Hello { .. } => Err((ErrorCode::Malformed, "this connection has said hello")),
            ClientMessage::Offer { connection, sdp, lines } => {
                self.offer(room, person, connection, sdp, lines)
            }
            ClientMessage::Watch { tiles } => self.watch(room, person, tiles),
            ClientMessage::Sending { sources } => self.sending(room, person, sources),
            ClientMessage::Chat { text } => self.chat(room, person, &text),
            ClientMessage::Hand { raised } => self.hand(room, person, raised),
            ClientMessage::React { reaction } => {
                self.broadcast(room, ServerMessage::Reaction { person, reaction });
                Ok(())
            }
            ClientMessage::Mute { person: whom } => self.mute(room, person, whom),
            ClientMessage::MuteAll {} => self.mute_all(room, person),
            ClientMessage::LowerHand { person: whom } => self.hand(room, whom, false),
            ClientMessage::Remove { person: whom } => self.remove(room, person, whom),
            ClientMessage::EndForAll {} => {
                self.end_for_all(room);
                Ok(())
            }
            ClientMessage::Leave {} => {
                self.depart(room, person, LeaveReason::Left);
                Ok(())
            }
            ClientMessage::Ping {} => {
                self.tell(room, person, ServerMessage::Pong {});
                Ok(())
            }
        }
    }

    /// Answers a message that has no effect; a client that does not stop sending such is shown out.
    fn refuse(
        &mut self,
        id: ConnectionId,
        room: RoomId,
        person: PersonId,
        of: Option<&str>,
        code: ErrorCode,
        detail: &str,
    ) {
        self.metrics.error(code);
        let now = self.now.mono;
        let Some(seat) = self.seat(room, person) else { return };
        if seat.limits.bears(now) {
            let message = ServerMessage::Error { of: of.map(str::to_owned), code, detail: detail.to_owned() };
            self.out.send(room, vec![id], message);
        } else {
            self.depart(room, person, LeaveReason::ProtocolError);
        }
    }

    fn chat(&mut self, room: RoomId, person: PersonId, text: &str) -> Result<(), Refusal> {
        let text = text::chat(text).ok_or((
            ErrorCode::InvalidText,
            "a chat message has 1 to 4,000 characters and no control characters",
        ))?;
        let sent = self.now.unix_ms;
        let Some(meeting) = self.meeting(room) else { return Ok(()) };
        let Some(seat) = meeting.seats.get(&person) else { return Ok(()) };
        let message = ChatMessage { id: meeting.chat.next_id(), person, name: seat.name.clone(), text, sent };
        let id = meeting.id;
        let dropped = meeting.chat.push(message.clone());
        let mut changes = vec![Change::Chat(id, Box::new(message.clone()))];
        changes.extend(dropped.into_iter().map(|old| Change::ForgetChat(id, old)));
        self.out.write(room, changes);
        self.broadcast(room, ServerMessage::Chat { message });
        Ok(())
    }

    /// Raises or lowers a hand. A hand that is up keeps its place.
    fn hand(&mut self, room: RoomId, person: PersonId, raised: bool) -> Result<(), Refusal> {
        let Some(meeting) = self.meeting(room) else { return Ok(()) };
        let next = meeting.next_hand();
        let meeting_id = meeting.id;
        let seat = meeting.seats.get_mut(&person).ok_or(NO_SUCH_PERSON)?;
        if seat.hand.is_some() == raised {
            return Ok(());
        }
        seat.hand = raised.then_some(next);
        let change = Change::Seat(meeting_id, person, Some(seat.record()));
        let hands = meeting.hands();
        self.out.write(room, vec![change]);
        self.broadcast(room, hands);
        Ok(())
    }

    fn sending(&mut self, room: RoomId, person: PersonId, mut sources: Vec<Source>) -> Result<(), Refusal> {
        sources.sort_unstable();
        sources.dedup();
        let now = self.now.mono;
        let Some(meeting) = self.meeting(room) else { return Ok(()) };
        let meeting_id = meeting.id;
        let Some(seat) = meeting.seats.get_mut(&person) else { return Ok(()) };
        let speaks = sources.contains(&Source::Microphone);
        let was_muted = seat.muted.map(|muted| muted.by);
        match &mut seat.muted {
            Some(muted) if speaks && (muted.settled || now >= muted.at + MUTE_CROSSING) => seat.muted = None,
            Some(muted) if speaks => {
                sources.retain(|source| *source != Source::Microphone);
                let by = muted.by;
                self.tell(room, person, ServerMessage::Muted { by });
                return self.set_sources(room, person, sources);
            }
            Some(muted) => muted.settled = true,
            None => {}
        }
        if was_muted.is_some() && seat.muted.is_none() {
            let allowed = SfuCommand::SetAllowed(seat.allowed());
            let record = seat.record();
            self.media.call(&mut self.out, (meeting_id, person), allowed);
            self.out.write(room, vec![Change::Seat(meeting_id, person, Some(record))]);
        }
        self.set_sources(room, person, sources)
    }

    fn set_sources(&mut self, room: RoomId, person: PersonId, sources: Vec<Source>) -> Result<(), Refusal> {
        let Some(meeting) = self.meeting(room) else { return Ok(()) };
        let meeting_id = meeting.id;
        let Some(seat) = meeting.seats.get_mut(&person) else { return Ok(()) };
        if seat.sources == sources {
            return Ok(());
        }
        seat.sources = sources;
        let change = Change::Seat(meeting_id, person, Some(seat.record()));
        let message = ServerMessage::PersonChanged { person: seat.person(person) };
        self.out.write(room, vec![change]);
        self.broadcast(room, message);
        Ok(())
    }

    fn watch(&mut self, room: RoomId, person: PersonId, tiles: Vec<Tile>) -> Result<(), Refusal> {
        if tiles.len() > MAX_TILES {
            return Err((ErrorCode::TooLarge, "more tiles than a client may watch"));
        }
        if tiles.iter().any(|tile| tile.source.is_audio()) {
            return Err((ErrorCode::Malformed, "only camera and screen can be watched"));
        }
        let Some(meeting) = self.meeting(room) else { return Ok(()) };
        let meeting_id = meeting.id;
        let Some(seat) = meeting.seats.get_mut(&person) else { return Ok(()) };
        seat.media.tiles = Some(tiles.clone());
        // Before the first offer there is no peer at the SFU that could watch: it is told afterwards.
        if seat.media.offered.is_some() {
            self.media.call(&mut self.out, (meeting_id, person), SfuCommand::Watch(tiles));
        }
        Ok(())
    }

    pub(super) fn broadcast(&mut self, room: RoomId, message: ServerMessage) {
        let to = self.meeting(room).map(|meeting| meeting.everyone()).unwrap_or_default();
        self.out.send(room, to, message);
    }

    pub(super) fn tell(&mut self, room: RoomId, person: PersonId, message: ServerMessage) {
        let to = self.seat(room, person).and_then(|seat| seat.connection);
        self.out.send(room, to.into_iter().collect(), message);
    }
}

pub(super) const NO_SUCH_PERSON: Refusal = (ErrorCode::NoSuchPerson, "nobody in the room has this number");

/// A type name as the protocol writes it, never text that a client made up.
fn kind_name(text: &str) -> Option<&'static str> {
    ClientMessageKind::ALL.into_iter().map(ClientMessageKind::as_str).find(|name| *name == text)
}
