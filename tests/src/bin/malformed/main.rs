//! `plenum-malformed`: 10,000 seeded damages each to SDP offers, WebSocket messages, RTP, RTCP, STUN, TURN
//! and HTTP requests, sent to a running house by clients that went through every door properly. No daemon
//! may end or panic, memory and descriptors stay bounded, and a meeting beside it notices nothing.
//!
//! `tests/browser/suites/malformed.test.mjs` starts the house and lets browsers in afterwards.

#![deny(unsafe_code)]
#![allow(clippy::print_stdout, reason = "a command line talks to its caller")]

mod attacker;
mod bystanders;
mod client;
mod draft;
mod http;
mod mutate;
mod relay_wire;
mod rtcp;
mod rtp;
mod samples;
mod sdp;
mod stun;
mod tally;
mod target;
mod turn;
mod vitals;
mod websocket;

use anyhow::{Context, Result};
use bystanders::Bystanders;
use clap::{Parser, ValueEnum};
use std::ops::Range;
use std::path::PathBuf;
use std::time::Instant;
use tally::{Batch, Tally};
use target::Target;
use vitals::Vitals;

#[derive(Parser)]
struct Options {
    /// State folder of the running house
    #[arg(long)]
    state: PathBuf,
    /// The same seed makes the same damages. Default: PLENUM_SEED, or 2026
    #[arg(long)]
    seed: Option<u64>,
    /// Messages of each protocol; the first tenth only warms up
    #[arg(long, default_value_t = 10_000)]
    count: usize,
    /// Which protocols; all without arguments
    protocols: Vec<Protocol>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Protocol {
    Sdp,
    Stun,
    Rtp,
    Rtcp,
    Turn,
    Websocket,
    /// The last one: wrong links and keys by the thousand block new addresses for a while (AU6).
    Http,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse();
    let target = Target::new(&options.state)?;
    let seed = seed(&options)?;
    let began = Instant::now();
    println!("seed {seed}: PLENUM_SEED={seed} repeats it");
    let bystanders = Bystanders::join(&target).await?;
    let protocols =
        if options.protocols.is_empty() { Protocol::value_variants() } else { &options.protocols };
    for protocol in protocols {
        let name = protocol.name();
        let survived = protocol.run(&target, seed, options.count).await;
        survived.with_context(|| format!("{name}, seed {seed}"))?;
    }
    println!("{}", bystanders.leave()?);
    println!("{:.1} s in all", began.elapsed().as_secs_f64());
    Ok(())
}

fn seed(options: &Options) -> Result<u64> {
    match (options.seed, std::env::var("PLENUM_SEED")) {
        (Some(seed), _) => Ok(seed),
        (None, Ok(text)) => text.parse().context("PLENUM_SEED is not a number"),
        (None, Err(_)) => Ok(2026),
    }
}

impl Protocol {
    fn name(self) -> &'static str {
        match self {
            Protocol::Sdp => "sdp",
            Protocol::Stun => "stun",
            Protocol::Rtp => "rtp",
            Protocol::Rtcp => "rtcp",
            Protocol::Turn => "turn",
            Protocol::Websocket => "websocket",
            Protocol::Http => "http",
        }
    }

    async fn run(self, target: &Target, seed: u64, count: usize) -> Result<()> {
        let began = Instant::now();
        let before = Vitals::take(target)?;
        let warm_up = count / 10;
        self.attack(target, seed, 0..warm_up, &before).await?;
        let warm = Vitals::settled(target, &before).await?;
        let mut tally = self.attack(target, seed, warm_up..count, &before).await?;
        let after = Vitals::settled(target, &before).await?;
        let judged = self.judge(&mut tally, &warm, &after, count - warm_up);
        println!("{} {:.1} s: {tally}", self.name(), began.elapsed().as_secs_f64());
        judged?;
        let growth = warm.growth(&after)?;
        let growth: Vec<String> = growth.iter().map(|(name, kb)| format!("{name} {kb:+} kB")).collect();
        println!("  resident memory: {}", growth.join(", "));
        Ok(())
    }

    /// An error says first if a daemon has ended or panicked: whatever else failed followed from that.
    async fn attack(self, target: &Target, seed: u64, range: Range<usize>, before: &Vitals) -> Result<Tally> {
        let batch = Batch { seed, protocol: self.name(), range };
        let attacked = match self {
            Protocol::Sdp => sdp::attack(target, &batch).await,
            Protocol::Stun => stun::attack(target, &batch).await,
            Protocol::Rtp => rtp::attack(target, &batch).await,
            Protocol::Rtcp => rtcp::attack(target, &batch).await,
            Protocol::Turn => turn::attack(target, &batch).await,
            Protocol::Websocket => websocket::attack(target, &batch).await,
            Protocol::Http => http::attack(target, &batch).await,
        };
        match attacked {
            Ok(tally) => Ok(tally),
            Err(error) => match before.unharmed(&Vitals::take(target)?) {
                Ok(()) => Err(error),
                Err(harm) => Err(error.context(harm)),
            },
        }
    }

    /// Whether so much reached the parsers that surviving it says something.
    fn judge(self, tally: &mut Tally, before: &Vitals, after: &Vitals, sent: usize) -> Result<()> {
        let judge = match self {
            Protocol::Sdp => sdp::judge,
            Protocol::Stun => stun::judge,
            Protocol::Rtp => rtp::judge,
            Protocol::Rtcp => rtcp::judge,
            Protocol::Turn => turn::judge,
            Protocol::Websocket => websocket::judge,
            Protocol::Http => http::judge,
        };
        judge(tally, before, after, sent)
    }
}
