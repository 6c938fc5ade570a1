//! Operations logs of the box's own units, from the journal. They name no person (LG2).

use anyhow::{Context, Result, bail};
use plenum_protocol::manager::{LogLine, LogPage, LogPriority, LogQuery};
use serde_json::{Map, Value};
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use tokio::sync::mpsc;

/// Of one page; the newest ones.
const LINES: usize = 500;
const MAX_BYTES: u64 = 4 << 20;
/// Characters of one line.
const MAX_TEXT: usize = 2_000;
/// Others of the machine's own say nothing about the conference.
pub const UNITS: &[&str] = &[
    "plenum-appliance.service",
    "plenum-sfu.service",
    "plenum-signaling.service",
    "plenum-turn.service",
    "plenum-web.service",
    "plenum-tune.service",
    "systemd-networkd.service",
    "systemd-resolved.service",
    "systemd-timesyncd.service",
];

/// What the journal has said, as it is followed.
pub struct Entry {
    /// Where it stands in the journal.
    pub place: String,
    /// `None`: it is none of a log.
    pub line: Option<LogLine>,
}

/// Waiting to be taken: a reader that is slow holds journalctl up.
const WAITING: usize = 64;

/// Lines from now on, or behind a place in the journal, until nobody takes them or journalctl ends.
pub fn follow(after: Option<&str>) -> Result<mpsc::Receiver<Entry>> {
    let mut command = journalctl(LogPriority::Info, UNITS);
    command.arg("--follow");
    match after {
        Some(place) => command.arg(format!("--after-cursor={place}")).arg("--no-tail"),
        None => command.arg("--lines=0"),
    };
    let mut child = command.spawn().context("journalctl does not start")?;
    let output = child.stdout.take().context("its output is piped")?;
    let (sender, entries) = mpsc::channel(WAITING);
    std::thread::spawn(move || pass_on(child, output, &sender));
    Ok(entries)
}

fn pass_on(mut child: Child, output: ChildStdout, sender: &mpsc::Sender<Entry>) {
    for text in BufReader::new(output).lines() {
        let Ok(text) = text else { break };
        let Ok(record) = serde_json::from_str::<Map<String, Value>>(&text) else { continue };
        let Some(place) = record.get("__CURSOR").and_then(Value::as_str) else { continue };
        let entry = Entry { place: place.to_owned(), line: line(&record) };
        if sender.blocking_send(entry).is_err() {
            break;
        }
    }
    let _ = child.kill();
    let _ = child.wait();
}

fn journalctl(priority: LogPriority, units: &[&str]) -> Command {
    let mut command = Command::new("journalctl");
    command.args(["--output=json", "--quiet", "--no-pager", &format!("--priority={}", level(priority))]);
    command.args(units.iter().map(|unit| format!("--unit={unit}")));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

pub async fn read(query: LogQuery) -> Result<LogPage> {
    tokio::task::spawn_blocking(move || run(&query)).await?
}

/// Blocks for as long as journalctl takes, some tenths of a second.
fn run(query: &LogQuery) -> Result<LogPage> {
    let wanted: Vec<&str> =
        UNITS.iter().copied().filter(|it| query.unit.is_empty() || query.unit == *it).collect();
    if wanted.is_empty() {
        bail!("there is no unit {}", query.unit);
    }
    let mut command = journalctl(query.priority, &wanted);
    command.arg(format!("--lines={LINES}"));
    if let Some(after) = &query.after {
        command.arg(format!("--after-cursor={after}"));
    }
    let mut child = match command.spawn() {
        // A machine that is no appliance may have no journal.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(page("", None)),
        started => started.context("journalctl does not start")?,
    };
    let mut text = String::new();
    let output = child.stdout.take().context("its output is piped")?;
    let read = output.take(MAX_BYTES).read_to_string(&mut text);
    let _ = child.kill();
    child.wait()?;
    read.context("the journal cannot be read")?;
    Ok(page(&text, query.after.as_deref()))
}

fn page(text: &str, after: Option<&str>) -> LogPage {
    let records = text.lines().filter_map(|line| serde_json::from_str::<Map<String, Value>>(line).ok());
    let mut cursor = after.unwrap_or_default().to_owned();
    let mut lines = Vec::new();
    for record in records {
        if let Some(place) = record.get("__CURSOR").and_then(Value::as_str) {
            cursor = place.to_owned();
        }
        lines.extend(line(&record));
    }
    LogPage { lines, cursor, units: UNITS.iter().map(|unit| (*unit).to_owned()).collect() }
}

fn line(record: &Map<String, Value>) -> Option<LogLine> {
    let field = |name: &str| record.get(name).and_then(Value::as_str);
    let at = field("__REALTIME_TIMESTAMP")?.parse::<u64>().ok()? / 1_000;
    // What systemd itself says of a unit bears its name in another field.
    let unit = field("UNIT").or_else(|| field("_SYSTEMD_UNIT"))?.to_owned();
    let priority = priority(field("PRIORITY"));
    let mut text = field("MESSAGE")?.to_owned();
    // Further fields of the daemons' own; those of the journal itself are the same in each line.
    for (name, value) in record {
        if let Some(value) = value.as_str().filter(|_| is_own(name)) {
            text += &format!(" {}={value}", name.to_lowercase());
        }
    }
    let text = text.chars().map(|char| if char.is_control() { ' ' } else { char }).take(MAX_TEXT).collect();
    Some(LogLine { at, unit, priority, text })
}

fn is_own(name: &str) -> bool {
    const OTHERS: [&str; 10] =
        ["MESSAGE", "PRIORITY", "UNIT", "TARGET", "CODE_", "SYSLOG_", "TID", "LOGGER", "INVOCATION", "JOB_"];
    !name.starts_with('_') && !OTHERS.iter().any(|other| name.starts_with(other)) && name != "MESSAGE_ID"
}

fn level(priority: LogPriority) -> u8 {
    match priority {
        LogPriority::Error => 3,
        LogPriority::Warning => 4,
        LogPriority::Info => 6,
        LogPriority::Debug => 7,
    }
}

fn priority(level: Option<&str>) -> LogPriority {
    match level.and_then(|level| level.parse::<u8>().ok()).unwrap_or(6) {
        0..=3 => LogPriority::Error,
        4 => LogPriority::Warning,
        5 | 6 => LogPriority::Info,
        _ => LogPriority::Debug,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_what_the_journal_says() {
        let text = r#"{"__CURSOR":"s=1","__REALTIME_TIMESTAMP":"1795745400000000","_SYSTEMD_UNIT":"plenum-sfu.service","PRIORITY":"4","MESSAGE":"late","ROOM":"7","CODE_LINE":"3","_PID":"1","TARGET":"plenum_sfu"}
broken
{"__CURSOR":"s=2","__REALTIME_TIMESTAMP":"1795745401000000","UNIT":"plenum-web.service","_SYSTEMD_UNIT":"init.scope","MESSAGE":"Started\u0007."}
"#;
        let page = page(text, None);
        assert_eq!(page.cursor, "s=2");
        assert_eq!(page.lines.len(), 2);
        let first = &page.lines[0];
        assert_eq!(
            (first.at, first.priority, first.text.as_str()),
            (1_795_745_400_000, LogPriority::Warning, "late room=7")
        );
        assert_eq!(
            (page.lines[1].unit.as_str(), page.lines[1].text.as_str()),
            ("plenum-web.service", "Started .")
        );
        assert_eq!(super::page("", Some("s=9")).cursor, "s=9");
    }

    #[test]
    fn other_units_are_not_read() {
        let query = LogQuery { unit: "ssh.service".into(), priority: LogPriority::Info, after: None };
        assert!(run(&query).is_err());
    }
}
