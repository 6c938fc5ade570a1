//! `plenum-house`: the whole house until Ctrl-C. `cargo xtask run` and the browser suites start it.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line talks to its caller")]

use anyhow::{Context, Result};
use clap::Parser;
use plenum_tests::house::House;
use plenum_tests::settings::Site;
use plenum_tests::signals::stop_signals;
use serde_json::json;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

#[derive(Parser)]
struct Options {
    /// Port of the pages; 0: free ports for everything.
    #[arg(long, default_value_t = 8443)]
    port: u16,
    /// State folder; without it a temporary one that goes with the house.
    #[arg(long)]
    state: Option<PathBuf>,
    /// One line of JSON: url, host_link, guest_link, ca_file, setup_code.
    #[arg(long)]
    json: bool,
    /// Addresses to listen on, the first one for links. Default: loopback and every IPv4 address.
    #[arg(long)]
    address: Vec<IpAddr>,
    /// Out of 1,000 datagrams, how many the SFU drops, each way.
    #[arg(long, default_value_t = 0)]
    loss_permille: u16,
    /// Folder of the daemons' programs; the one of this program by default.
    #[arg(long)]
    bin_dir: Option<PathBuf>,
}

fn main() -> Result<()> {
    let stop = stop_signals()?;
    let options = Options::parse();
    let temporary = tempfile::tempdir()?;
    let state = options.state.clone().unwrap_or_else(|| temporary.path().to_owned());
    let mut site = Site::new(&std::path::absolute(state)?, options.port)?;
    if !options.address.is_empty() {
        site.addresses = options.address.clone();
    }
    site.test_loss_permille = options.loss_permille;
    let own = std::env::current_exe()?;
    let bin_dir = options.bin_dir.clone().or_else(|| own.parent().map(PathBuf::from));
    let mut house = House::start(site, &bin_dir.context("this program lies in no folder")?)?;
    announce(&house, options.json)?;
    loop {
        match stop.recv_timeout(Duration::from_millis(50)) {
            Err(mpsc::RecvTimeoutError::Timeout) => {
                for name in house.revive()? {
                    eprintln!("{name} had ended and was started again");
                }
            }
            _ => return Ok(()),
        }
    }
}

fn announce(house: &House, as_json: bool) -> Result<()> {
    let meeting = house.open_meeting("Plenum")?;
    let (host, guest) = (house.link(&meeting.host_link), house.link(&meeting.guest_link));
    let ca_file = house.ca_file();
    if as_json {
        let line = json!({
            "url": house.url(), "host_link": host, "guest_link": guest, "ca_file": ca_file,
            "setup_code": house.setup_code(),
        });
        println!("{line}");
        return Ok(());
    }
    println!("\n  Plenum runs at   {}", house.url());
    for address in &house.site.addresses[1..] {
        println!("  and at           https://{address}:{}", house.site.https_port);
    }
    println!("\n  Open as host     {host}\n  Send to guests   {guest}");
    println!("  Host key         {}", house.host_key()?);
    if let Some(code) = house.setup_code() {
        println!("\n  Set it up at     {}/setup with the code {code}", house.url());
    }
    println!("\n  The certificate is self-signed: {}", ca_file.display());
    println!("  Logs: {}/log. Ctrl-C ends everything.\n", house.site.state.display());
    Ok(())
}
