#![forbid(unsafe_code)]

use clap::Parser;
use plenum_peer::options::{Link, Options, RelayTransport, Send, parse_tile};
use plenum_peer::{Report, call};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Joins a meeting as a synthetic participant and reports what it saw.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Link to the meeting: https://HOST:PORT/join#SECRET
    #[arg(long)]
    link: Link,
    /// PEM file with the certificate to trust
    #[arg(long)]
    ca: PathBuf,
    /// Length of the call
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    #[arg(long, default_value = "Synthetic participant")]
    name: String,
    /// What to send, separated by commas: audio, video, screen, none
    #[arg(long, default_value = "audio,video")]
    send: Send,
    /// Receive slots for video
    #[arg(long, default_value_t = 4)]
    receive: usize,
    /// Size asked for of every received picture
    #[arg(long, default_value = "640x360", value_parser = parse_tile)]
    tile: (u16, u16),
    /// Send media through the TURN server only
    #[arg(long, num_args = 0..=1, default_missing_value = "tls")]
    relay: Option<RelayTransport>,
    /// Print the whole report as one line of JSON
    #[arg(long)]
    json: bool,
    /// Log what happens to standard error
    #[arg(long)]
    verbose: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let json = arguments.json;
    let level = if arguments.verbose { log::LevelFilter::Debug } else { log::LevelFilter::Warn };
    plenum_daemon::logging::start("peer", level);
    let options = Options {
        link: arguments.link,
        ca: arguments.ca,
        name: arguments.name,
        duration: Duration::from_secs(arguments.seconds),
        send: arguments.send,
        receive: arguments.receive,
        tile: arguments.tile,
        relay: arguments.relay,
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            // Nothing else is left to tell it to.
            let _ = writeln!(io::stderr(), "the runtime could not be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let report = runtime.block_on(call(options));
    let text = if json { serde_json::to_string(&report).unwrap_or_default() } else { summary(&report) };
    let printed = writeln!(io::stdout(), "{text}");
    if report.error.is_some() || printed.is_err() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// For people.
fn summary(report: &Report) -> String {
    let mut lines = Vec::new();
    match &report.error {
        Some(error) => lines.push(format!("ended early: {error}")),
        None => lines.push(format!("in the meeting as person {}", report.person)),
    }
    let time = |millis: Option<u64>| millis.map_or("never".to_owned(), |millis| format!("{millis} ms"));
    let (join, sent) = (report.join, &report.sent);
    lines.push(format!(
        "welcome {}, connected {}, first sound {}, first picture {}",
        time(join.welcome_ms),
        time(join.connected_ms),
        time(join.first_audio_ms),
        time(join.first_video_ms),
    ));
    lines.push(format!("sent {} audio packets", sent.audio_packets));
    for layer in &sent.layers {
        let (source, width, height, frames) = (layer.source, layer.width, layer.height, layer.frames);
        lines.push(format!(
            "sent {source} {width}x{height}: {frames} frames, {} of them key frames",
            layer.key_frames
        ));
    }
    for slot in &report.audio {
        lines.push(format!("sound {}: {} packets, {} lost", slot.slot, slot.packets, slot.lost));
    }
    for slot in &report.video {
        lines.push(format!(
            "picture {}: {} packets, {} lost, {} broken frames",
            slot.slot, slot.packets, slot.lost, slot.broken
        ));
        for content in &slot.contents {
            lines.push(format!(
                "  person {} {}: {} frames of {}x{}, longest gap {} ms",
                content.person,
                content.source.as_str(),
                content.frames,
                content.width,
                content.height,
                content.longest_gap_ms,
            ));
        }
    }
    lines.join("\n")
}
