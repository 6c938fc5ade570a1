//! Two people who are in a meeting all the while, and must not notice anything.

use crate::target::Target;
use crate::vitals::Vitals;
use anyhow::{Context, Result, ensure};
use plenum_peer::options::Send;
use plenum_peer::{Options, Report, call_until};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// A picture may stand still for so long while two cores carry the house, its attackers and the callers.
const LONGEST_GAP_MS: u64 = 3_000;
/// 20 pictures a second are sent.
const FRAMES_PER_SECOND: u64 = 5;

pub(crate) struct Bystanders {
    began: Instant,
    calls: Vec<(oneshot::Sender<()>, JoinHandle<Result<Report>>)>,
}

impl Bystanders {
    /// Comes back when they are connected.
    pub(crate) async fn join(target: &Target) -> Result<Bystanders> {
        let meeting = target.open_meeting()?;
        let before = Vitals::take(target)?.count("sfu", "handshakes_total");
        let mut calls = Vec::new();
        for secret in [&meeting.host_link, &meeting.guest_link] {
            let (stop, stopped) = oneshot::channel();
            let options = Options {
                link: target.link(secret).parse()?,
                ca: target.ca_file(),
                name: "Bystander".to_owned(),
                duration: Duration::from_secs(3_600),
                send: Send { audio: true, video: true, screen: false },
                receive: 1,
                tile: (320, 180),
                relay: None,
            };
            calls.push((stop, std::thread::spawn(move || make_call(options, stopped))));
        }
        let end = Instant::now() + Duration::from_secs(20);
        while Vitals::take(target)?.count("sfu", "handshakes_total") < before + 2 {
            ensure!(Instant::now() < end, "the bystanders did not get into their meeting within 20 s");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(Bystanders { began: Instant::now(), calls })
    }

    /// Ends their calls, and says how many pictures the worse of them saw and its longest gap.
    pub(crate) fn leave(self) -> Result<String> {
        let seconds = self.began.elapsed().as_secs();
        let mut seen = Vec::new();
        let (stops, calls): (Vec<_>, Vec<_>) = self.calls.into_iter().unzip();
        for stop in stops {
            // Who has ended already is found out below.
            let _ = stop.send(());
        }
        for call in calls {
            let report = call.join().ok().context("a bystander's thread panicked")??;
            ensure!(report.error.is_none(), "a bystander's call ended early: {:?}", report.error);
            let breaks = (report.connections, report.resumed, report.media_restarts);
            ensure!(breaks == (1, 0, 0), "a bystander was interrupted: {breaks:?}");
            ensure!(report.refusals.is_empty(), "a bystander was refused: {:?}", report.refusals);
            let contents = report.video.iter().flat_map(|slot| &slot.contents);
            let frames: u64 = contents.clone().map(|content| content.frames).sum();
            let gap = contents.map(|content| content.longest_gap_ms).max().unwrap_or(u64::MAX);
            ensure!(
                frames >= seconds * FRAMES_PER_SECOND && gap <= LONGEST_GAP_MS,
                "a bystander saw {frames} pictures in {seconds} s, and none for {gap} ms"
            );
            let heard: u64 = report.audio.iter().map(|slot| slot.packets).sum();
            ensure!(heard >= seconds * 25, "a bystander heard {heard} packets in {seconds} s");
            seen.push((frames, gap));
        }
        let worst = seen.iter().fold((u64::MAX, 0), |worst, one| (worst.0.min(one.0), worst.1.max(one.1)));
        Ok(format!("bystanders: {} pictures in {seconds} s, longest gap {} ms", worst.0, worst.1))
    }
}

fn make_call(options: Options, stopped: oneshot::Receiver<()>) -> Result<Report> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(call_until(options, async { drop(stopped.await) })))
}
