//! Two synthetic people: one over UDP, one through the relay. Each must get the other's sound and picture.

use super::Options;
use anyhow::{Context, Result, bail, ensure};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use plenum_peer::options::{Link, RelayTransport, Send};
use plenum_peer::{Report, call, tls::Tls};
use plenum_protocol::http::{CreateMeeting, Meeting};
use std::time::Duration;

/// A slow machine gets more time before it is judged.
const LENGTHS: [Duration; 3] = [Duration::from_secs(6), Duration::from_secs(20), Duration::from_secs(60)];

pub(super) async fn make(options: &Options) -> Result<()> {
    let mut last = None;
    for length in LENGTHS {
        match once(options, length).await {
            Ok(()) => return Ok(()),
            Err(error) => {
                log::warn!("a call of {} s: {error:#}", length.as_secs());
                last = Some(error);
            }
        }
    }
    Err(last.context("no call was made")?)
}

async fn once(options: &Options, length: Duration) -> Result<()> {
    let meeting = open(options).await.context("no meeting could be opened")?;
    let person = |link: &str, name: &str, relay| -> Result<plenum_peer::Options> {
        let secret = link.split_once('#').map_or(link, |(_, secret)| secret);
        let link: Link = format!("https://{}/join#{secret}", options.address).parse()?;
        Ok(plenum_peer::Options {
            link,
            ca: options.ca.clone(),
            name: name.to_owned(),
            duration: length,
            send: Send { audio: true, video: true, screen: false },
            receive: 1,
            tile: (640, 360),
            relay,
        })
    };
    let direct = person(&meeting.host_link, "Health check", None)?;
    let relayed = person(&meeting.guest_link, "Health check, relayed", Some(RelayTransport::Tls))?;
    let (direct, relayed) = tokio::join!(call(direct), call(relayed));
    // Whoever did not get in is the reason why the other heard nothing.
    joined("over UDP", &direct)?;
    joined("through the relay", &relayed)?;
    received("over UDP", &direct)?;
    received("through the relay", &relayed)
}

fn joined(way: &str, report: &Report) -> Result<()> {
    if let Some(error) = &report.error {
        bail!("{way}: {error}");
    }
    ensure!(report.join.welcome_ms.is_some(), "{way}: the meeting was not joined in time");
    ensure!(report.join.connected_ms.is_some(), "{way}: no connection to the media server");
    Ok(())
}

/// A frame counts only when it was decrypted, whole and could be shown.
fn received(way: &str, report: &Report) -> Result<()> {
    let packets: u64 = report.audio.iter().map(|slot| slot.packets).sum();
    ensure!(packets > 0, "{way}: no sound arrived");
    let contents = report.video.iter().flat_map(|slot| &slot.contents);
    let frames: u64 = contents.map(|content| content.frames).sum();
    ensure!(frames > 0, "{way}: no picture arrived");
    Ok(())
}

async fn open(options: &Options) -> Result<Meeting> {
    let key = std::fs::read_to_string(&options.host_key)
        .with_context(|| format!("{} cannot be read", options.host_key.display()))?;
    let request = CreateMeeting { title: "Health check".to_owned(), host_key: Some(key.trim().to_owned()) };
    let link: Link = format!("https://{}/join#-", options.address).parse()?;
    let stream = Tls::new(&options.ca, &link)?.connect(&link.host, link.port).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let authority = link.authority();
    let request = Request::post("/api/meetings")
        .header("host", &authority)
        .header("origin", format!("https://{authority}"))
        .header("content-type", "application/json")
        .body(Full::<Bytes>::from(serde_json::to_vec(&request)?))?;
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    connection.abort();
    ensure!(status.is_success(), "refused with {status}: {}", String::from_utf8_lossy(&body));
    Ok(serde_json::from_slice(&body)?)
}
