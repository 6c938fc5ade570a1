//! What the SFU reports.

use super::Rooms;
use super::media::Busy;
use super::output::{MeetingId, Now, Output, Peer, RoomId, SfuCommand, SfuEvent, SfuOutcome, Slots};
use super::timers::Timer;
use crate::records::Change;
use plenum_protocol::PersonId;
use plenum_protocol::client::ClientMessageKind;
use plenum_protocol::media::{Grade, QualityReason};
use plenum_protocol::server::{ErrorCode, ServerMessage, Speaker};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// After an offer that the SFU did not answer at all.
const RETRY_AFTER: Duration = Duration::from_secs(3);

impl Rooms {
    pub fn sfu(&mut self, event: SfuEvent, now: Now) {
        self.now = now;
        match event {
            SfuEvent::Up { instance } => self.sfu_up(instance),
            SfuEvent::Down => self.sfu_down(),
            SfuEvent::Done { peer, outcome } => self.sfu_done(peer, outcome),
            SfuEvent::Slots { peer, slots } => self.slots_changed(peer, slots),
            SfuEvent::Speakers { meeting, speakers } => self.speakers_changed(meeting, speakers),
            SfuEvent::Gone { peer, number } => self.peer_gone(peer, number),
            SfuEvent::Quality { peer, grade, reason } => self.quality_changed(peer, grade, reason),
            SfuEvent::Survey(peers) => self.surveyed(peers),
        }
    }

    fn sfu_up(&mut self, instance: String) {
        let restarted = self.media.instance.as_ref().is_some_and(|known| *known != instance);
        log::info!(restarted; "the media server is up");
        self.metrics.sfu_up(true);
        self.media.up = true;
        if self.media.instance.as_ref() != Some(&instance) {
            // No room's output depends on it.
            self.out.write(NO_ROOM, vec![Change::SfuInstance(instance.clone())]);
            self.media.instance = Some(instance);
        }
        let mut again = Vec::new();
        for (room, person) in self.everyone() {
            let Some(seat) = self.seat(room, person) else { continue };
            if restarted && seat.media.offered.is_some() {
                seat.media.lost = true;
                seat.media.slots = None;
            }
            let unknown = seat.media.offered.is_some() && seat.media.slots.is_none();
            if seat.connection.is_some() && (seat.media.lost || unknown) {
                again.push((room, person));
            }
        }
        for (room, person) in again {
            self.tell_media_state(room, person);
        }
        self.survey();
    }

    fn sfu_down(&mut self) {
        if self.media.up {
            log::warn!("the media server is not on the bus");
        }
        self.metrics.sfu_up(false);
        self.media.up = false;
        for peer in self.media.clear() {
            self.unanswered(peer);
        }
    }

    fn sfu_done(&mut self, peer: Peer, outcome: SfuOutcome) {
        let Some(busy) = self.media.done(&mut self.out, peer) else { return };
        match (busy, outcome) {
            (Busy::Connect(number), SfuOutcome::Answer(sdp)) => self.answered(peer, number, sdp),
            (Busy::Connect(_), SfuOutcome::Refused(why)) => {
                self.offer_failed(peer, ErrorCode::OfferRefused, why);
            }
            (Busy::Connect(_), _) => self.unanswered(peer),
            (Busy::Slots, SfuOutcome::Slots(slots)) => {
                // A signal that came in the meantime is newer.
                let known = self.seat_of(peer).is_none_or(|seat| seat.media.slots.is_some());
                if !known {
                    self.slots_changed(peer, slots);
                }
            }
            (Busy::Slots | Busy::Other, _) => {}
        }
    }

    fn answered(&mut self, (meeting, person): Peer, number: u32, sdp: String) {
        let Some(room) = self.meetings.get(&meeting).copied() else { return };
        let Some(seat) = self.seat(room, person) else { return };
        // An offer that was overtaken by one for another connection needs no answer.
        if let Some(offered) = seat.media.offered.filter(|offered| offered.number == number) {
            self.tell(room, person, ServerMessage::Answer { connection: offered.client, sdp });
        }
    }

    /// The SFU did not answer an offer: the client offers again, at the latest when the SFU is back.
    fn unanswered(&mut self, peer: Peer) {
        self.offer_failed(peer, ErrorCode::MediaUnavailable, "the media server does not answer".to_owned());
        let at = self.now.mono + RETRY_AFTER;
        let Some(room) = self.meetings.get(&peer.0).copied() else { return };
        if let Some(seat) = self.seat(room, peer.1) {
            seat.media.lost = true;
            self.timers.set(at, Timer::MediaRetry(room, peer.1));
        }
    }

    fn offer_failed(&mut self, (meeting, person): Peer, code: ErrorCode, detail: String) {
        self.metrics.error(code);
        if let Some(room) = self.meetings.get(&meeting).copied() {
            self.tell(room, person, ServerMessage::error(Some(ClientMessageKind::Offer), code, detail));
        }
    }

    pub(super) fn offer_again(&mut self, room: RoomId, person: PersonId) {
        let up = self.media.up;
        if up && self.seat(room, person).is_some_and(|seat| seat.media.lost) {
            self.tell(room, person, ServerMessage::MediaRestart {});
        }
    }

    fn slots_changed(&mut self, peer: Peer, slots: Slots) {
        let Some(seat) = self.seat_of(peer) else { return };
        let message = ServerMessage::Slots { audio: slots.audio.clone(), video: slots.video.clone() };
        seat.media.slots = Some(slots);
        if let Some(room) = self.meetings.get(&peer.0).copied() {
            self.tell(room, peer.1, message);
        }
    }

    fn speakers_changed(&mut self, meeting: MeetingId, speakers: Vec<Speaker>) {
        let Some(room) = self.meetings.get(&meeting).copied() else { return };
        if let Some(meeting) = self.meeting(room) {
            meeting.speakers.clone_from(&speakers);
        }
        self.broadcast(room, ServerMessage::Speakers { speakers });
    }

    fn quality_changed(&mut self, peer: Peer, grade: Grade, reason: QualityReason) {
        let Some(seat) = self.seat_of(peer) else { return };
        if seat.quality.replace((grade, reason)) == Some((grade, reason)) {
            return;
        }
        if let Some(room) = self.meetings.get(&peer.0).copied() {
            self.broadcast(room, ServerMessage::Quality { person: peer.1, grade, reason });
        }
    }

    fn peer_gone(&mut self, peer: Peer, number: u32) {
        let Some(seat) = self.seat_of(peer) else { return };
        if seat.media.offered.is_some_and(|offered| offered.number == number) {
            self.connection_lost(peer);
        }
    }

    fn connection_lost(&mut self, (meeting, person): Peer) {
        let Some(room) = self.meetings.get(&meeting).copied() else { return };
        let Some(seat) = self.seat(room, person) else { return };
        seat.media.lost = true;
        seat.media.slots = None;
        log::info!(meeting:% = meeting, person; "media connection lost");
        self.tell(room, person, ServerMessage::MediaRestart {});
    }

    /// Compares who is connected to the SFU with who is in the meetings (RM6).
    fn surveyed(&mut self, found: Vec<(MeetingId, Vec<PersonId>)>) {
        let found: HashMap<MeetingId, HashSet<PersonId>> =
            found.into_iter().map(|(meeting, people)| (meeting, people.into_iter().collect())).collect();
        for (room, person) in self.everyone() {
            let surveyed_at = self.media.surveyed_at;
            let Some(meeting) = self.meeting(room) else { continue };
            let peer = (meeting.id, person);
            let Some(seat) = meeting.seats.get(&person) else { continue };
            let expected =
                seat.media.offered.is_some() && !seat.media.lost && seat.media.offered_at < surveyed_at;
            let connected = found.get(&peer.0).is_some_and(|people| people.contains(&person));
            if expected && !connected && !self.media.connecting(peer) {
                self.connection_lost(peer);
            }
        }
        if self.now.mono < self.media.strangers_from {
            return;
        }
        for (meeting, people) in found {
            let Some(room) = self.meetings.get(&meeting).copied() else {
                log::warn!(meeting:% = meeting; "the media server had a meeting that is over");
                self.out.push(Output::CloseRoom(meeting));
                continue;
            };
            for person in people {
                if self.seat(room, person).is_none() && !self.media.connecting((meeting, person)) {
                    log::warn!(meeting:% = meeting, person; "the media server had somebody who is not there");
                    self.media.call(&mut self.out, (meeting, person), SfuCommand::Disconnect);
                }
            }
        }
    }

    fn seat_of(&mut self, (meeting, person): Peer) -> Option<&mut super::seat::Seat> {
        let room = self.meetings.get(&meeting).copied()?;
        self.seat(room, person)
    }

    fn everyone(&self) -> Vec<(RoomId, PersonId)> {
        let meetings =
            self.meetings.values().filter_map(|room| Some((*room, self.rooms.get(room)?.meeting.as_ref()?)));
        meetings.flat_map(|(room, meeting)| meeting.seats.keys().map(move |person| (room, *person))).collect()
    }
}

/// For writes that belong to no room.
const NO_ROOM: RoomId = RoomId(0);
