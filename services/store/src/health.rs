//! What happened to the store, in plain words, for the health page and the log.

use std::fmt;

use serde::Serialize;

/// Notes that are kept; older ones go.
const NOTES: usize = 20;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    pub opened: Opened,
    pub writes: Writes,
    pub records: u64,
    /// What else is worth knowing, oldest first. No content and no names.
    pub notes: Vec<String>,
}

/// How the store was found at opening.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Opened {
    /// There was nothing, it was made.
    Created,
    /// It had been closed in order.
    Clean,
    /// It had not been closed (crash, power cut); everything acknowledged is there. Groups that the engine had
    /// lost were taken from the journal.
    AfterCrash { groups_redone: u64 },
    /// The data came over from an older schema.
    Migrated { from: u16, records: u64 },
    /// The database failed its check and was set aside; what is there now comes from the last dump and the
    /// journal, or where those were damaged too, from what was still readable.
    Restored { reason: String, records: u64, lost: Lost },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lost {
    Nothing,
    Records(u64),
    /// Dump or journal were damaged as well, so that nobody knows.
    Unknown,
}

/// Whether writes are accepted now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Writes {
    Accepted,
    /// Reading goes on; writes are tried again as soon as there is space.
    DiskFull,
    /// Reading goes on if it can; writes are tried again at intervals.
    Failing {
        reason: String,
    },
    /// The disk has not answered for so long.
    Waiting {
        seconds: u64,
    },
}

impl Health {
    pub(crate) fn new(opened: Opened) -> Health {
        Health { opened, writes: Writes::Accepted, records: 0, notes: Vec::new() }
    }

    /// Nothing was lost, and writes are accepted.
    pub fn is_good(&self) -> bool {
        let lost = matches!(&self.opened, Opened::Restored { lost, .. } if *lost != Lost::Nothing);
        self.writes == Writes::Accepted && !lost
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if self.notes.last() == Some(&note) {
            return;
        }
        log::warn!(note:%; "store");
        if self.notes.len() == NOTES {
            self.notes.remove(0);
        }
        self.notes.push(note);
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.opened, self.writes)?;
        self.notes.iter().try_for_each(|note| write!(f, " {note}."))
    }
}

impl fmt::Display for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Opened::Created => write!(f, "The store was newly made."),
            Opened::Clean => write!(f, "The store had been closed in order."),
            Opened::AfterCrash { groups_redone: 0 } => {
                write!(f, "The store had not been closed in order; nothing is missing.")
            }
            Opened::AfterCrash { groups_redone } => write!(
                f,
                "The store had not been closed in order; {groups_redone} groups of writes were repeated from the journal, nothing is missing."
            ),
            Opened::Migrated { from, records } => {
                write!(f, "{records} records were brought over from schema {from}.")
            }
            Opened::Restored { reason, records, lost } => write!(
                f,
                "The database was damaged ({reason}) and has been set aside; {records} records were restored, {lost}."
            ),
        }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lost::Nothing => write!(f, "none is missing"),
            Lost::Records(1) => write!(f, "1 record is lost"),
            Lost::Records(lost) => write!(f, "{lost} records are lost"),
            Lost::Unknown => write!(f, "and it is not known how many are lost"),
        }
    }
}

impl fmt::Display for Writes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Writes::Accepted => write!(f, "Writes are accepted."),
            Writes::DiskFull => write!(f, "The disk is full: writes are refused, reading goes on."),
            Writes::Failing { reason } => write!(f, "Writes fail: {reason}."),
            Writes::Waiting { seconds } => write!(f, "The disk has not answered for {seconds} s."),
        }
    }
}
