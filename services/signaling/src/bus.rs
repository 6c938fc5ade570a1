//! The connection to the bus. Of the SFU: calls to it, its signals, its coming and going.

use crate::bus_interface::Interface;
use crate::metrics::Metrics;
use crate::rooms::{MeetingId, Peer, SfuCommand, SfuEvent, SfuOutcome, Slots};
use futures_util::StreamExt;
use plenum_protocol::PersonId;
use plenum_protocol::media::{Grade, QualityReason, SlotContent, Source};
use plenum_protocol::server::Speaker;
use plenum_protocol::sfu::{BusSlot, Sfu1Proxy};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use zbus::proxy::CacheProperties;

const CALL_LIMIT: Duration = Duration::from_secs(5);
const RETRY_AFTER: Duration = Duration::from_millis(500);
const MAX_DETAIL_CHARS: usize = 300;

/// The present connection to the SFU, for calls.
pub type Proxy = watch::Receiver<Option<Sfu1Proxy<'static>>>;

/// Keeps a connection to the bus, for ever. `events` gets what the SFU says.
pub async fn run(
    address: String,
    interface: Interface,
    slot: watch::Sender<Option<Sfu1Proxy<'static>>>,
    events: mpsc::UnboundedSender<SfuEvent>,
) {
    let mut complained = false;
    loop {
        if let Err(error) = session(&address, &interface, &slot, &events, &mut complained).await
            && !std::mem::replace(&mut complained, true)
        {
            log::error!(error:%; "the message bus cannot be used; meetings go on without sound and picture");
        }
        slot.send_replace(None);
        let _ = events.send(SfuEvent::Down);
        tokio::time::sleep(RETRY_AFTER).await;
    }
}

/// Until the bus is gone.
async fn session(
    address: &str,
    interface: &Interface,
    slot: &watch::Sender<Option<Sfu1Proxy<'static>>>,
    events: &mpsc::UnboundedSender<SfuEvent>,
    complained: &mut bool,
) -> zbus::Result<()> {
    let builder = match address {
        "" => zbus::connection::Builder::system(),
        address => zbus::connection::Builder::address(address),
    };
    let connection = builder.method_timeout(CALL_LIMIT).build().await?;
    interface.clone().serve(&connection).await;
    let proxy: Sfu1Proxy<'static> =
        Sfu1Proxy::builder(&connection).cache_properties(CacheProperties::No).build().await?;
    let mut owner = proxy.inner().receive_owner_changed().await?;
    let mut slots = proxy.receive_slots_changed().await?;
    let mut speakers = proxy.receive_speakers_changed().await?;
    let mut states = proxy.receive_peer_state().await?;
    let mut quality = proxy.receive_quality_changed().await?;
    *complained = false;
    slot.send_replace(Some(proxy.clone()));
    greet(proxy.clone(), events.clone(), false);
    loop {
        let event = tokio::select! {
            Some(new) = owner.next() => match new {
                Some(_) => {
                    greet(proxy.clone(), events.clone(), true);
                    continue;
                }
                None => Some(SfuEvent::Down),
            },
            Some(signal) = slots.next() => signal.args().ok().and_then(|signal| {
                let peer = (MeetingId::parse(&signal.room)?, signal.person);
                Some(SfuEvent::Slots { peer, slots: read_slots(&signal.audio, &signal.video) })
            }),
            Some(signal) = speakers.next() => signal.args().ok().and_then(|signal| {
                let speakers =
                    signal.speakers.iter().map(|(person, level)| Speaker { person: *person, level: *level });
                let meeting = MeetingId::parse(&signal.room)?;
                Some(SfuEvent::Speakers { meeting, speakers: speakers.collect() })
            }),
            Some(signal) = states.next() => signal.args().ok().and_then(|signal| {
                let peer = (MeetingId::parse(&signal.room)?, signal.person);
                (signal.state == "gone").then_some(SfuEvent::Gone { peer, number: signal.connection })
            }),
            Some(signal) = quality.next() => signal.args().ok().and_then(|signal| {
                let peer = (MeetingId::parse(&signal.room)?, signal.person);
                let (grade, reason) = (Grade::parse(&signal.grade)?, QualityReason::parse(&signal.reason)?);
                Some(SfuEvent::Quality { peer, grade, reason })
            }),
            else => return Err(zbus::Error::Failure("the bus closed the connection".to_owned())),
        };
        if let Some(event) = event {
            let _ = events.send(event);
        }
    }
}

/// Asks which run of the SFU this is. Beside the signals, which must be read all the time.
fn greet(proxy: Sfu1Proxy<'static>, events: mpsc::UnboundedSender<SfuEvent>, expected: bool) {
    tokio::spawn(async move {
        for _ in 0..10 {
            match proxy.instance().await {
                Ok(instance) => {
                    let _ = events.send(SfuEvent::Up { instance });
                    return;
                }
                Err(error) if expected => {
                    log::warn!(error:%; "the media server has its name on the bus and does not answer");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                // Not there yet: its name will appear.
                Err(_) => return,
            }
        }
    });
}

fn read_slots(audio: &[BusSlot], video: &[BusSlot]) -> Slots {
    Slots { audio: audio.iter().map(read_slot).collect(), video: video.iter().map(read_slot).collect() }
}

fn read_slot((person, source): &BusSlot) -> Option<SlotContent> {
    let source = Source::parse(source)?;
    (*person != 0).then_some(SlotContent { person: *person, source })
}

/// Carries out a command.
pub async fn call(
    proxy: Proxy,
    (meeting, person): Peer,
    command: SfuCommand,
    metrics: &Metrics,
) -> SfuOutcome {
    // Cloned out of the lock: calls take their time.
    let proxy = proxy.borrow().clone();
    let Some(proxy) = proxy else { return SfuOutcome::Unavailable };
    let room = meeting.to_string();
    let (method, result) = match command {
        SfuCommand::Connect { number, sdp, lines } => {
            let lines: Vec<_> = lines.iter().map(|line| (line.mid.as_str(), line.r#use.as_str())).collect();
            let answer = proxy.connect(&room, person, number, &sdp, &lines).await;
            ("connect", answer.map(SfuOutcome::Answer))
        }
        SfuCommand::Disconnect => ("disconnect", done(proxy.disconnect(&room, person).await)),
        SfuCommand::SetAllowed(sources) => {
            let sources: Vec<_> = sources.into_iter().map(Source::as_str).collect();
            ("set_allowed", done(proxy.set_allowed(&room, person, &sources).await))
        }
        SfuCommand::Watch(tiles) => {
            let tiles: Vec<_> = tiles
                .iter()
                .map(|tile| (tile.person, tile.source.as_str(), tile.width, tile.height))
                .collect();
            ("watch", done(proxy.watch(&room, person, &tiles).await))
        }
        SfuCommand::Slots => {
            let slots = proxy.slots(&room, person).await;
            ("slots", slots.map(|(audio, video)| SfuOutcome::Slots(read_slots(&audio, &video))))
        }
    };
    judge(method, result, metrics)
}

pub async fn close_room(proxy: Proxy, meeting: MeetingId, metrics: &Metrics) {
    let proxy = proxy.borrow().clone();
    if let Some(proxy) = proxy {
        judge("close_room", done(proxy.close_room(&meeting.to_string()).await), metrics);
    }
}

/// Who is connected to the SFU. `None` if it does not say.
pub async fn survey(proxy: Proxy, metrics: &Metrics) -> Option<Vec<(MeetingId, Vec<PersonId>)>> {
    let proxy = proxy.borrow().clone()?;
    let found = look_around(&proxy).await;
    metrics.sfu_call("survey", if found.is_ok() { "ok" } else { "failed" });
    found.inspect_err(|error| log::warn!(error:%; "the media server does not list its peers")).ok()
}

async fn look_around(proxy: &Sfu1Proxy<'static>) -> zbus::Result<Vec<(MeetingId, Vec<PersonId>)>> {
    let mut found = Vec::new();
    for room in proxy.list_rooms().await? {
        if let Some(meeting) = MeetingId::parse(&room.room) {
            let peers = proxy.list_peers(&room.room).await?;
            found.push((meeting, peers.into_iter().map(|peer| peer.person).collect()));
        }
    }
    Ok(found)
}

fn done(result: zbus::Result<()>) -> zbus::Result<SfuOutcome> {
    result.map(|()| SfuOutcome::Done)
}

/// Tells a refusal by the SFU from its absence.
fn judge(method: &'static str, result: zbus::Result<SfuOutcome>, metrics: &Metrics) -> SfuOutcome {
    let (name, outcome) = match result {
        Ok(outcome) => ("ok", outcome),
        Err(error) => match refusal(&error) {
            Some(detail) => {
                let detail = detail.chars().take(MAX_DETAIL_CHARS).collect();
                ("refused", SfuOutcome::Refused(detail))
            }
            None => {
                log::warn!(method, error:%; "the media server did not answer");
                ("failed", SfuOutcome::Unavailable)
            }
        },
    };
    metrics.sfu_call(method, name);
    outcome
}

/// What the SFU says against a call. `None` for errors of the bus.
fn refusal(error: &zbus::Error) -> Option<&str> {
    use zbus::fdo::Error::{Failed, InvalidArgs, LimitsExceeded, UnknownMethod};
    match error {
        zbus::Error::MethodError(_, detail, _) => Some(detail.as_deref().unwrap_or_default()),
        zbus::Error::FDO(error) => match error.as_ref() {
            Failed(detail) | InvalidArgs(detail) | LimitsExceeded(detail) | UnknownMethod(detail) => {
                Some(detail)
            }
            _ => None,
        },
        _ => None,
    }
}
