//! `plenum-machine`: an image in a virtual machine until Ctrl-C. `cargo xtask image run` starts it.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line talks to its caller")]

use anyhow::Result;
use clap::Parser;
use plenum_tests::machine::site::{Site, host_key};
use plenum_tests::machine::{Machine, Options};
use plenum_tests::signals::stop_signals;
use serde_json::json;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

#[derive(Parser)]
struct Arguments {
    /// The disk of the builder.
    image: PathBuf,
    /// Port of the pages on 127.0.0.1.
    #[arg(long, default_value_t = 8443)]
    port: u16,
    /// The machine's own disk, TPM and firmware variables; kept.
    #[arg(long)]
    state: PathBuf,
    /// In MiB.
    #[arg(long, default_value_t = 2_048)]
    memory: u32,
    /// Without a TPM the data partition is opened by a key file.
    #[arg(long)]
    no_tpm: bool,
    /// The image of a USB stick, read-only; may be given several times.
    #[arg(long)]
    drive: Vec<PathBuf>,
    /// For a state that is new: the firmware knows the development key alone, and Secure Boot is on.
    #[arg(long)]
    secure_boot: bool,
    /// One line of JSON: url, host_link, guest_link.
    #[arg(long)]
    json: bool,
}

fn main() -> Result<()> {
    let stop = stop_signals()?;
    let arguments = Arguments::parse();
    let site = Site { media: true, ..Site::new(arguments.port, host_key(&arguments.state)?) };
    let mut machine = Machine::start(&Options {
        tpm: !arguments.no_tpm,
        memory: arguments.memory,
        drives: arguments.drive,
        secure_boot: arguments.secure_boot,
        ..Options::new(arguments.image, arguments.state.clone(), site)
    })?;
    eprintln!("booting; the console is {}/console.log", arguments.state.display());
    let took = machine.wait_for_page(Duration::from_secs(600))?;
    eprintln!("the join page answers after {:.0} s", took.as_secs_f32());
    announce(&machine.site, arguments.json)?;
    while let Err(mpsc::RecvTimeoutError::Timeout) = stop.recv_timeout(Duration::from_millis(200)) {
        if machine.has_ended() {
            eprintln!("the machine was switched off from inside");
            break;
        }
    }
    Ok(())
}

fn announce(site: &Site, as_json: bool) -> Result<()> {
    let meeting = site.open_meeting_within("Plenum", Duration::from_secs(120))?;
    let (host, guest) = (site.link(&meeting.host_link), site.link(&meeting.guest_link));
    if as_json {
        println!("{}", json!({ "url": site.url(), "host_link": host, "guest_link": guest }));
        return Ok(());
    }
    println!("\n  Plenum runs at   {}\n", site.url());
    println!("  Open as host     {host}\n  Send to guests   {guest}");
    println!("\n  The certificate is the box's own. Ctrl-C cuts the power.\n");
    Ok(())
}
