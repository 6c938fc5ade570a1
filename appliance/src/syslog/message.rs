//! A line of the log, or an entry of the audit log, as a syslog message (RFC 5424), in a frame that counts its octets
//! (RFC 5425 section 4.3).

use crate::audit::Numbered;
use plenum_protocol::manager::{LogLine, LogPriority};
use std::time::{Duration, UNIX_EPOCH};
use time::OffsetDateTime;

/// `daemon` and `log audit` (RFC 5424 section 6.2.1).
const DAEMON: u8 = 3;
const LOG_AUDIT: u8 = 13;
const NOTICE: u8 = 5;
const AUDIT_APP: &str = "plenum-audit";
const NOTHING: &str = "-";
/// RFC 5424 section 6: of the names in the header.
const MAX_HOST_NAME: usize = 255;
const MAX_APP_NAME: usize = 48;
const MAX_MESSAGE_ID: usize = 32;

pub(super) fn line(line: &LogLine, host_name: &str) -> Vec<u8> {
    let app = word(line.unit.trim_end_matches(".service"), MAX_APP_NAME);
    let priority = DAEMON * 8 + severity(line.priority);
    frame(priority, line.at, host_name, &app, NOTHING, &line.text)
}

/// Its text is the entry as JSON, with its number and its hash: a copy of the chain that nobody on the box can change.
pub(super) fn entry(entry: &Numbered, host_name: &str) -> serde_json::Result<Vec<u8>> {
    let event = serde_json::to_string(&entry.entry.event)?;
    let event = word(event.trim_matches('"'), MAX_MESSAGE_ID);
    let text = serde_json::to_string(entry)?;
    Ok(frame(LOG_AUDIT * 8 + NOTICE, entry.entry.at, host_name, AUDIT_APP, &event, &text))
}

fn frame(priority: u8, at: u64, host_name: &str, app: &str, id: &str, text: &str) -> Vec<u8> {
    let host = word(host_name, MAX_HOST_NAME);
    let message = format!("<{priority}>1 {} {host} {app} - {id} - {text}", timestamp(at));
    format!("{} {message}", message.len()).into_bytes()
}

fn severity(priority: LogPriority) -> u8 {
    match priority {
        LogPriority::Error => 3,
        LogPriority::Warning => 4,
        LogPriority::Info => 6,
        LogPriority::Debug => 7,
    }
}

/// Of the printable characters of ASCII.
fn word(text: &str, most: usize) -> String {
    let word: String = text.chars().filter(char::is_ascii_graphic).take(most).collect();
    if word.is_empty() { NOTHING.to_owned() } else { word }
}

/// RFC 3339, in UTC; `at` in milliseconds since 1970.
fn timestamp(at: u64) -> String {
    let time = OffsetDateTime::from(UNIX_EPOCH + Duration::from_millis(at));
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    let (hour, minute, second, milli) = time.to_hms_milli();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_counts_octets_and_names_its_parts() {
        let line = LogLine {
            at: 1_795_745_400_042,
            unit: "plenum-sfu.service".into(),
            priority: LogPriority::Warning,
            text: "zu spät room=7".into(),
        };
        let frame = String::from_utf8(super::line(&line, "konferenz.example.org")).unwrap();
        let message = "<28>1 2026-11-27T02:10:00.042Z konferenz.example.org plenum-sfu - - - zu spät room=7";
        assert_eq!(frame, format!("{} {message}", message.len()));
        assert_eq!(message.len(), message.chars().count() + 1, "ä has two");
    }

    #[test]
    fn what_is_no_name_is_none() {
        assert_eq!(
            (word("", 9).as_str(), word("a b\u{e4}", 9).as_str(), word("abc", 2).as_str()),
            ("-", "ab", "ab")
        );
    }
}
