//! Records go to the journal with their key-values as fields if stderr is the journal, and otherwise to
//! stderr as lines of text.

use log::kv::{self, Key, Value, VisitSource};
use log::{Level, LevelFilter, Log, Metadata, Record};
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use systemd_journal_logger::{JournalLog, connected_to_journal};

/// Panics so far, in any thread.
pub(crate) static PANICS: AtomicU64 = AtomicU64::new(0);

/// Installs the logger of the process. A second call (tests) only changes the level.
pub fn start(name: &str, level: LevelFilter) {
    let sink: Box<dyn Log> = match journal(name) {
        Some(journal) => Box::new(Filtered(journal)),
        None => Box::new(Filtered(Lines)),
    };
    // Fails only if a logger is installed already, which is then the one to use.
    let _ = log::set_boxed_logger(sink);
    log::set_max_level(level);
}

/// A daemon started by hand or by a test keeps its output on stderr: the journal is used only where
/// JOURNAL_STREAM says that stderr leads there.
fn journal(name: &str) -> Option<JournalLog> {
    if !connected_to_journal() {
        return None;
    }
    Some(JournalLog::empty().ok()?.with_syslog_identifier(format!("plenum-{name}")))
}

/// Panics are our bugs: they are logged as errors with their place, and counted.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        let payload = panic.payload();
        let message = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no message");
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or("unnamed");
        log::error!(place:%, thread:%; "panic: {message}");
    }));
}

/// Libraries are only heard from `warn` up, unless `trace` is asked for.
struct Filtered<L>(L);

impl<L: Log> Log for Filtered<L> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let ours = metadata.target().starts_with("plenum");
        (ours || metadata.level() <= Level::Warn || log::max_level() == LevelFilter::Trace)
            && self.0.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            self.0.log(record);
        }
    }

    fn flush(&self) {
        self.0.flush();
    }
}

struct Lines;

impl Log for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        // A log line that cannot be written has nowhere else to go.
        let _ = std::io::stderr().lock().write_all(line(record, SystemTime::now()).as_bytes());
    }

    fn flush(&self) {}
}

/// `12:34:56.789 INFO  plenum_web::tls: message key=value` (UTC)
fn line(record: &Record<'_>, now: SystemTime) -> String {
    let since_epoch = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let seconds = since_epoch.as_secs();
    let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
    let mut text = format!(
        "{hours:02}:{minutes:02}:{:02}.{:03} {:5} {}: ",
        seconds % 60,
        since_epoch.subsec_millis(),
        record.level(),
        record.target()
    );
    push_escaped(&mut text, &record.args().to_string());
    // Writing into a string cannot fail.
    let _ = record.key_values().visit(&mut Fields(&mut text));
    text.push('\n');
    text
}

struct Fields<'a>(&'a mut String);

impl<'kvs> VisitSource<'kvs> for Fields<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
        let value = value.to_string();
        let _ = write!(self.0, " {key}=");
        if value.is_empty() || value.contains([' ', '"', '=']) {
            let _ = write!(self.0, "{value:?}");
        } else {
            push_escaped(self.0, &value);
        }
        Ok(())
    }
}

/// Text from peers must not be able to start a line of its own or to drive a terminal.
fn push_escaped(text: &mut String, part: &str) {
    for character in part.chars() {
        if character.is_control() && character != '\t' {
            text.extend(character.escape_default());
        } else {
            text.push(character);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_time_level_target_message_and_fields() {
        let fields: &[(&str, &str)] = &[("room", "4"), ("why", "no such file")];
        let record = Record::builder()
            .level(Level::Info)
            .target("plenum_web::tls")
            .args(format_args!("certificate\nloaded"))
            .key_values(&fields)
            .build();
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(86_400_000 + 3_661_007);
        assert_eq!(
            line(&record, now),
            "01:01:01.007 INFO  plenum_web::tls: certificate\\nloaded room=4 why=\"no such file\"\n"
        );
    }
}
