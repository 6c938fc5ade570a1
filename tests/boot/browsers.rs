//! Suites of real browsers against the booted image (`tests/browser/boot`), in the calling thread's network.

use crate::BOOT_LIMIT;
use anyhow::{Context, Result, bail};
use plenum_tests::machine::site::{Site, free_port, host_key};
use plenum_tests::machine::{Machine, Network, Options, lan};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// One file of the folder. In `kept` suites leave what a later one needs.
fn suite(machine: &mut Machine, file: &str, kept: &Path) -> Result<()> {
    suite_with_starts(machine, file, kept, None)
}

/// With a machine that was started with these options, and may end and start again.
fn suite_with_starts(
    machine: &mut Machine,
    file: &str,
    kept: &Path,
    options: Option<&Options>,
) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let authority = folder.path().join("ca.pem");
    std::fs::write(&authority, machine.shell()?.run("cat /var/lib/plenum/web/ca.pem")?)?;
    let hands = folder.path().join("hands.sock");
    let listener = UnixListener::bind(&hands)?;
    listener.set_nonblocking(true)?;
    let meeting = machine.site.open_meeting("Browsers")?;
    let url = format!("https://{}", lan::MACHINE);
    let link = |secret: &str| format!("{url}/join#{secret}");
    let house = json!({
        "url": url, "host_link": link(&meeting.host_link), "guest_link": link(&meeting.guest_link),
        "ca_file": authority, "hands": hands, "lan_mac": lan::MAC, "kept": kept,
        "update": std::env::var("PLENUM_NEXT_UPDATE").ok(),
    });
    let mut node = start(file, &house)?;
    let said = node.stdout.take().context("the suite's output is piped")?;
    let said = std::thread::spawn(move || failures(BufReader::new(said)));
    let served = serve((machine, options), &listener, &mut node);
    if served.is_err() {
        let _ = node.kill();
    }
    let status = node.wait()?;
    served?;
    if !status.success() {
        let found = said.join().unwrap_or_default();
        bail!("tests/browser/boot/{file} failed:\n{found}");
    }
    Ok(())
}

/// Passes the suite's TAP on and gives what it says of each test that failed, for the end of the report.
fn failures(tap: impl BufRead) -> String {
    let (mut found, mut failed) = (String::new(), false);
    for line in tap.lines().map_while(|line| line.ok()) {
        eprintln!("{line}");
        if !line.starts_with(' ') {
            failed = line.starts_with("not ok");
        }
        if failed {
            found += &format!("{line}\n");
        }
    }
    found
}

/// In a process namespace of its own: no browser outlives the suite.
fn start(file: &str, house: &Value) -> Result<Child> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("tests/ lies in the root")?;
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc", "node", "--test", "--test-force-exit"]);
    command.args(["--test-reporter", "tap"]).stdout(Stdio::piped());
    command.arg(format!("tests/browser/boot/{file}")).current_dir(root);
    command.env("PLENUM_MACHINE", house.to_string()).spawn().context("the browser suite did not start")
}

/// Until the suite ends, does with the machine what it asks for.
fn serve(
    (machine, options): (&mut Machine, Option<&Options>),
    listener: &UnixListener,
    node: &mut Child,
) -> Result<()> {
    while node.try_wait()?.is_none() {
        match listener.accept() {
            Ok((stream, _)) => hand(machine, options, stream)?,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// A line of JSON each: `{"shell": LINE}`, `{"link": UP}` or `{"off": "cut"}`, answered by `{"ok": …}` or `{"error": …}`.
fn hand(machine: &mut Machine, options: Option<&Options>, stream: UnixStream) -> Result<()> {
    stream.set_nonblocking(false)?;
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    while stream.read_line(&mut line)? > 0 {
        let question: Value = serde_json::from_str(&line).with_context(|| format!("`{line}` is no JSON"))?;
        let answer = match answer(machine, options, &question) {
            Ok(said) => json!({ "ok": said }),
            Err(error) => json!({ "error": format!("{error:#}") }),
        };
        writeln!(stream.get_mut(), "{answer}")?;
        line.clear();
    }
    Ok(())
}

fn answer(machine: &mut Machine, options: Option<&Options>, question: &Value) -> Result<String> {
    if let Some(line) = question["shell"].as_str() {
        return machine.shell()?.run(line);
    }
    if let Some(up) = question["link"].as_bool() {
        machine.qmp()?.link(up)?;
        return Ok(String::new());
    }
    if let (Some(how), Some(options)) = (question["off"].as_str(), options) {
        match how {
            "cut" => machine.cut(),
            // QEMU ends where a machine would start again.
            _ => machine.wait_until_off(BOOT_LIMIT)?,
        }
        *machine = Machine::start(options)?;
        machine.wait_for_page(BOOT_LIMIT)?;
        return Ok(String::new());
    }
    bail!("nothing that can be done: {question}")
}

pub(crate) fn set_up(machine: &mut Machine) -> Result<()> {
    let kept = machine.kept()?;
    suite(machine, "box.test.mjs", &kept)
}

pub(crate) fn conference(machine: &mut Machine) -> Result<()> {
    let kept = machine.kept()?;
    suite(machine, "conference.test.mjs", &kept)
}

pub(crate) fn trouble(machine: &mut Machine) -> Result<()> {
    let kept = machine.kept()?;
    suite(machine, "trouble.test.mjs", &kept)
}

/// Once more from the factory, in English, without breaking anything.
pub(crate) fn set_up_in_english(machine: &mut Machine) -> Result<()> {
    let kept = machine.kept()?;
    suite(machine, "english.test.mjs", &kept)
}

/// From a file to the next version, and back again.
pub(crate) fn update(machine: &mut Machine, options: &Options) -> Result<()> {
    let kept = machine.kept()?;
    suite_with_starts(machine, "update.test.mjs", &kept, Some(options))
}

/// Everything is deleted by an administrator's order. It is the box that was set up in English.
pub(crate) fn reset(machine: &mut Machine, options: &Options) -> Result<()> {
    let kept = machine.kept()?;
    suite_with_starts(machine, "reset.test.mjs", &kept, Some(options))
}

/// Another box of another version takes what the first one left in `kept`.
pub(crate) fn restore(next: &Path, kept: &Path, limit: Duration) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let site = Site::new(free_port()?, host_key(folder.path())?);
    let options = Options::new(next.to_owned(), folder.path().to_owned(), site);
    let mut machine = Machine::start(&Options { network: Network::Lan, ..options })?;
    machine.wait_for_page(limit)?;
    suite(&mut machine, "restored.test.mjs", kept)
}

pub(crate) fn cut_in_each_step(machine: &mut Machine, options: &Options) -> Result<()> {
    let kept = machine.kept()?;
    suite_with_starts(machine, "cuts.test.mjs", &kept, Some(options))
}
