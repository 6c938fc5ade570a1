//! Commands to the SFU: one at a time per person, in order, and nobody waits for anybody else.

use super::Rooms;
use super::messages::Refusal;
use super::outbox::Outbox;
use super::output::{MeetingId, Output, Peer, RoomId, SfuCommand};
use crate::records::{Change, Offered};
use crate::secret::Digest;
use plenum_protocol::PersonId;
use plenum_protocol::limits::{MAX_LINES, MAX_SDP_BYTES};
use plenum_protocol::media::Line;
use plenum_protocol::server::{ErrorCode, ServerMessage};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// Commands that wait for one person; the rates of [`plenum_protocol::limits`] keep honest clients below.
const MAX_QUEUE: usize = 64;
const MAX_MID_CHARS: usize = 16;

#[derive(Debug)]
pub(super) struct Media {
    pub(super) up: bool,
    /// The run of the SFU that holds the connections.
    pub(super) instance: Option<String>,
    lanes: HashMap<Peer, Lane>,
    /// When the last survey was asked for.
    pub(super) surveyed_at: Duration,
    /// Peers without a seat are disconnected from then on: before, they may be about to come back.
    pub(super) strangers_from: Duration,
}

/// One person's commands.
#[derive(Debug, Default)]
struct Lane {
    busy: Option<Busy>,
    queue: VecDeque<SfuCommand>,
}

/// What the SFU is doing for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Busy {
    Connect(u32),
    Slots,
    Other,
}

impl Busy {
    fn with(command: &SfuCommand) -> Busy {
        match command {
            SfuCommand::Connect { number, .. } => Busy::Connect(*number),
            SfuCommand::Slots => Busy::Slots,
            SfuCommand::Disconnect | SfuCommand::SetAllowed(_) | SfuCommand::Watch(_) => Busy::Other,
        }
    }
}

impl Media {
    pub(super) fn new(strangers_from: Duration) -> Media {
        Media {
            up: false,
            instance: None,
            lanes: HashMap::new(),
            surveyed_at: Duration::ZERO,
            strangers_from,
        }
    }

    /// Carries out a command as soon as the previous ones of this person are. Without an SFU nothing is
    /// kept: what matters is told anew after the next offer.
    pub(super) fn call(&mut self, out: &mut Outbox, peer: Peer, command: SfuCommand) {
        if !self.up {
            return;
        }
        let lane = self.lanes.entry(peer).or_default();
        if lane.busy.is_none() {
            lane.busy = Some(Busy::with(&command));
            out.sfu(peer, command);
            return;
        }
        // Of several lists only the last matters.
        if matches!((lane.queue.back(), &command), (Some(SfuCommand::Watch(_)), SfuCommand::Watch(_))) {
            lane.queue.pop_back();
        }
        if lane.queue.len() < MAX_QUEUE {
            lane.queue.push_back(command);
        }
    }

    /// The SFU has dealt with a person's command: the next one goes out.
    pub(super) fn done(&mut self, out: &mut Outbox, peer: Peer) -> Option<Busy> {
        let lane = self.lanes.get_mut(&peer)?;
        let done = lane.busy.take();
        match lane.queue.pop_front() {
            Some(command) => {
                lane.busy = Some(Busy::with(&command));
                out.sfu(peer, command);
            }
            None => {
                self.lanes.remove(&peer);
            }
        }
        done
    }

    pub(super) fn connecting(&self, peer: Peer) -> bool {
        self.lanes.contains_key(&peer)
    }

    /// Forgets what has not been sent to an SFU that is gone; returns who waits for an answer in vain.
    pub(super) fn clear(&mut self) -> Vec<Peer> {
        let mut waiting = Vec::new();
        for (peer, lane) in &mut self.lanes {
            if lane.queue.iter().any(|command| matches!(command, SfuCommand::Connect { .. })) {
                waiting.push(*peer);
            }
            lane.queue.clear();
        }
        waiting
    }

    /// Somebody has left: what was still to be done for them is replaced by the end of their connection.
    pub(super) fn leave(&mut self, out: &mut Outbox, peer: Peer, connected: bool) {
        if let Some(lane) = self.lanes.get_mut(&peer) {
            lane.queue.clear();
        }
        if connected {
            self.call(out, peer, SfuCommand::Disconnect);
        }
    }

    /// A meeting has ended. A connection that the SFU is still setting up is ended after it.
    pub(super) fn end(&mut self, out: &mut Outbox, meeting: MeetingId) {
        for (_, lane) in self.lanes.iter_mut().filter(|((of, _), _)| *of == meeting) {
            lane.queue.clear();
            if matches!(lane.busy, Some(Busy::Connect(_))) {
                lane.queue.push_back(SfuCommand::Disconnect);
            }
        }
        if self.up {
            out.push(Output::CloseRoom(meeting));
        }
    }
}

impl Rooms {
    pub(super) fn offer(
        &mut self,
        room: RoomId,
        person: PersonId,
        client: u32,
        sdp: String,
        lines: Vec<Line>,
    ) -> Result<(), Refusal> {
        if sdp.len() > MAX_SDP_BYTES || lines.len() > MAX_LINES {
            return Err((ErrorCode::TooLarge, "the offer is too long or has too many m-lines"));
        }
        if lines.iter().any(|line| line.mid.is_empty() || line.mid.len() > MAX_MID_CHARS) {
            return Err((ErrorCode::Malformed, "a mid has 1 to 16 characters"));
        }
        // The bus takes no such text: it would close the connection over which everyone's media is steered.
        if sdp.contains('\0') || lines.iter().any(|line| line.mid.contains('\0')) {
            return Err((ErrorCode::Malformed, "an offer contains no NUL"));
        }
        let now = self.now.mono;
        let up = self.media.up;
        let Some(meeting) = self.meeting(room) else { return Ok(()) };
        let peer = (meeting.id, person);
        let Some(seat) = meeting.seats.get_mut(&person) else { return Ok(()) };
        if !up {
            seat.media.lost = true;
            return Err((ErrorCode::MediaUnavailable, "the media server is not running"));
        }
        let print = fingerprint(&sdp);
        let previous = seat.media.offered;
        let offered = match previous {
            Some(offered) if (offered.client, offered.print) == (client, print) => offered,
            _ => Offered { client, print, number: previous.map_or(1, |last| last.number.wrapping_add(1)) },
        };
        let fresh = previous != Some(offered);
        seat.media.lost = false;
        if fresh {
            seat.media.offered = Some(offered);
            seat.media.offered_at = now;
            seat.media.slots = None;
            let change = Change::Seat(peer.0, person, Some(seat.record()));
            self.out.write(room, vec![change]);
        }
        let command = SfuCommand::Connect { number: offered.number, sdp, lines };
        self.media.call(&mut self.out, peer, command);
        if fresh {
            self.set_up_new_connection(room, person);
        }
        Ok(())
    }

    /// A new connection may send everything and watches nobody: it is told what holds for its person.
    fn set_up_new_connection(&mut self, room: RoomId, person: PersonId) {
        let Some(meeting) = self.meeting(room) else { return };
        let peer = (meeting.id, person);
        let Some(seat) = meeting.seats.get(&person) else { return };
        let muted = seat.muted.is_some().then(|| SfuCommand::SetAllowed(seat.allowed()));
        let tiles = seat.media.tiles.clone().map(SfuCommand::Watch);
        for command in muted.into_iter().chain(tiles) {
            self.media.call(&mut self.out, peer, command);
        }
    }

    /// After a break: does the media connection still work, and what do its slots carry?
    pub(super) fn tell_media_state(&mut self, room: RoomId, person: PersonId) {
        let Some(meeting) = self.meeting(room) else { return };
        let peer = (meeting.id, person);
        let Some(seat) = meeting.seats.get(&person) else { return };
        let message = match (&seat.media.slots, seat.media.offered) {
            _ if seat.media.lost => Some(ServerMessage::MediaRestart {}),
            (Some(slots), Some(_)) => {
                Some(ServerMessage::Slots { audio: slots.audio.clone(), video: slots.video.clone() })
            }
            (None, Some(_)) => {
                self.media.call(&mut self.out, peer, SfuCommand::Slots);
                None
            }
            (_, None) => None,
        };
        // While the SFU is away an offer would be in vain; `media_restart` comes when it is back.
        let vain = message == Some(ServerMessage::MediaRestart {}) && !self.media.up;
        if let Some(message) = message.filter(|_| !vain) {
            self.tell(room, person, message);
        }
    }
}

/// Every peer connection has a certificate of its own, also one of a reloaded page that counts from 1
/// again. Without a fingerprint the SFU refuses the offer.
fn fingerprint(sdp: &str) -> u64 {
    let line = sdp.lines().find(|line| line.starts_with("a=fingerprint:")).unwrap_or_default();
    let mut first = [0u8; 8];
    first.copy_from_slice(&Digest::of(line.trim_end().as_bytes()).bytes()[..8]);
    u64::from_le_bytes(first)
}
