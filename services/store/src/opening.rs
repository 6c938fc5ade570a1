//! Opens the directory of one schema version: probes it, compares database and journal, and restores what is
//! damaged.

use std::path::Path;

use crate::{
    Error, Options, Result, aside,
    engine::{Engine, Fault},
    entry,
    health::{Health, Opened},
    journal::{self, End, Journal},
    layout::{self, Layout},
    lines::GroupLine,
    probe::{self, Failure, Verdict},
    record, restore,
    scan::{self, Scan},
    space::{self, Ballast},
    staging::Staging,
};

/// A database that has passed all checks.
pub(crate) struct Ready {
    pub engine: Engine,
    pub scan: Scan,
    pub health: Health,
    /// `None`: dump and journal have to be written anew.
    pub journal: Option<Journal>,
}

pub(crate) fn open(options: &Options, layout: &Layout, schema: u16) -> Result<Ready> {
    layout::create_directory(&layout.directory)?;
    layout::remove(&layout.new_database())?;
    let opener = Opener { options, layout, schema };
    if !layout.journal().exists() && !layout.dump().exists() {
        return opener.adopt_or_create();
    }
    // sled needs some space even to open, and panics in places where it finds none.
    if space::demand(&layout.directory, 0).is_err() {
        Ballast::new(&options.directory, options.ballast_bytes).free()?;
    }
    let mut notes = Vec::new();
    let mut ready = opener.examine(&mut notes);
    if let Err(Unusable::Damaged(reason)) = ready {
        // On a full disk that says nothing about the database.
        space::demand(&layout.directory, 0)?;
        ready = opener.restore(reason);
    }
    let mut ready = ready.map_err(|unusable| match unusable {
        Unusable::Damaged(reason) => Error::damaged(layout.database().display(), reason),
        Unusable::Other(error) => error,
    })?;
    for note in notes {
        ready.health.note(note);
        ready.journal = None;
    }
    Ok(ready)
}

enum Unusable {
    Damaged(String),
    Other(Error),
}

impl From<Error> for Unusable {
    fn from(error: Error) -> Self {
        Unusable::Other(error)
    }
}

struct Opener<'a> {
    options: &'a Options,
    layout: &'a Layout,
    schema: u16,
}

impl Opener<'_> {
    /// The journal comes last when a store is made: without one nothing was acknowledged yet. Unless somebody
    /// has deleted it.
    fn adopt_or_create(&self) -> Result<Ready> {
        let Opener { options, layout, schema } = *self;
        if layout.database().exists() {
            if self.check(&mut Vec::new())? == Verdict::Good
                && let Ok((engine, scan)) = self.open_engine()
                && scan.index.sequence > 0
            {
                let mut health = Health::new(Opened::Clean);
                health.note("dump and journal were missing and are written anew");
                return Ok(Ready { engine, scan, health, journal: None });
            }
            aside::set_aside(&options.directory, &layout.database(), schema, options.now)?;
        }
        let fault = |fault: Fault| fault.at(&layout.database());
        let engine = Engine::open(&layout.database(), options.cache_bytes).map_err(fault)?;
        engine.sync().map_err(fault)?;
        let journal = Journal::create(&layout.journal(), schema, 0, options.now)?;
        let health = Health::new(Opened::Created);
        Ok(Ready { engine, scan: Scan::default(), health, journal: Some(journal) })
    }

    fn examine(&self, notes: &mut Vec<String>) -> Result<Ready, Unusable> {
        match self.check(notes)? {
            Verdict::Good => self.compare(),
            Verdict::Damaged(reason) => Err(Unusable::Damaged(reason)),
            Verdict::Locked => Err(Unusable::Other(Fault::Locked.at(&self.layout.database()))),
            Verdict::DiskFull => Err(Unusable::Other(Fault::Full.at(&self.layout.database()))),
        }
    }

    /// In a child process if there is one.
    fn check(&self, notes: &mut Vec<String>) -> Result<Verdict> {
        if !self.layout.database().exists() {
            return Ok(Verdict::Damaged("it is missing".into()));
        }
        let report = match &self.options.probe {
            Some(probe) => match probe.check(&self.options.directory, self.schema) {
                Ok(report) => report,
                Err(Failure::Died(reason)) => return Ok(Verdict::Damaged(reason)),
                Err(failure) => {
                    notes.push(format!("{failure}; the database was opened without it"));
                    return Ok(Verdict::Good);
                }
            },
            // The scan of `compare` does the rest.
            None => probe::Report { verdict: Verdict::Good, bad_dump: probe::bad_dump(self.layout) },
        };
        if let Some(reason) = report.bad_dump {
            notes.push(format!("the last dump was damaged ({reason}) and is written anew"));
        }
        Ok(report.verdict)
    }

    /// Opens the database and repeats the groups that the journal has and the database has not.
    fn compare(&self) -> Result<Ready, Unusable> {
        let (engine, mut scan) = self.open_engine()?;
        let mut redone = 0;
        let base = scan.index.sequence;
        let found = journal::read(&self.layout.journal(), |group| {
            if group.sequence > base && group.sequence == scan.index.sequence + 1 {
                self.redo(&engine, &mut scan, &group)?;
                redone += 1;
            }
            Ok(())
        });
        let mut health = Health::new(Opened::Clean);
        let journal = match found {
            Err(Error::Damaged { reason, .. }) => return Err(Unusable::Damaged(reason)),
            Err(Error::Dump { reason, .. }) => {
                health.note(format!("the journal was damaged ({reason}) and is written anew"));
                None
            }
            Err(error) => {
                health.note(format!("the journal could not be read ({error}) and is written anew"));
                None
            }
            Ok(found) if scan.index.sequence < found.base => {
                let (found, last) = (scan.index.sequence, found.base);
                return Err(Unusable::Damaged(format!("it ends at group {found} of {last}")));
            }
            Ok(found) => {
                if found.end == End::Damaged {
                    health.note("the journal was damaged and is written anew");
                }
                if found.groups > 0 {
                    health.opened = Opened::AfterCrash { groups_redone: redone };
                }
                let usable = found.end != End::Damaged && found.last == scan.index.sequence;
                usable.then(|| Journal::reopen(&self.layout.journal(), &found)).transpose()?
            }
        };
        if redone > 0 {
            engine.sync().map_err(|fault| Unusable::Damaged(fault.to_string()))?;
        }
        Ok(Ready { engine, scan, health, journal })
    }

    fn open_engine(&self) -> Result<(Engine, Scan), Unusable> {
        let path = self.layout.database();
        let scanned = Engine::open(&path, self.options.cache_bytes)
            .and_then(|engine| Ok((scan::scan(&engine, self.schema)?, engine)));
        match scanned {
            Ok((scan, engine)) if scan.problems.is_empty() => Ok((engine, scan)),
            Ok((scan, _)) => Err(Unusable::Damaged(scan.problems.join(", "))),
            Err(fault @ (Fault::Locked | Fault::Full)) => Err(Unusable::Other(fault.at(&path))),
            Err(fault) => Err(Unusable::Damaged(fault.to_string())),
        }
    }

    fn redo(&self, engine: &Engine, scan: &mut Scan, line: &GroupLine<'_>) -> Result<()> {
        let mut staging = Staging::new(engine, None, self.schema, line.sequence);
        for record in &line.put {
            if let Some((key, header, value)) = entry::decode(record, self.schema) {
                let bytes = record::encode(&key, &header, value);
                staging.set(key, bytes);
            }
        }
        for (tree, key) in &line.remove {
            entry::decode_key(tree, key).into_iter().for_each(|key| staging.remove(key));
        }
        staging.keep();
        let fault = |fault: Fault| fault.at(&self.layout.database());
        let group = staging.seal(&scan.index).map_err(fault)?;
        engine.apply(&group.operations).map_err(fault)?;
        scan.index.commit(&group.changes, group.sequence);
        scan.change_files(&group.changes);
        Ok(())
    }

    fn restore(&self, reason: String) -> Result<Ready, Unusable> {
        let Opener { options, layout, schema } = *self;
        log::error!(reason:%; "the database is damaged and is restored from the last dump and the journal");
        // Space for the new one, and for sled.
        Ballast::new(&options.directory, options.ballast_bytes).free()?;
        let salvage = |target: &Path| match &options.probe {
            Some(probe) => {
                probe.salvage(&options.directory, schema, target).map_err(|failure| failure.to_string())
            }
            None => probe::salvage(layout, schema, target).map_err(|error| error.to_string()),
        };
        let restored = restore::rebuild(layout, schema, options.cache_bytes, salvage)?;
        if layout.database().exists() {
            aside::set_aside(&options.directory, &layout.database(), schema, options.now)?;
        }
        layout::rename(&restored.built.path, &layout.database())?;
        let (engine, scan) = self.open_engine()?;
        let records = restored.built.index.records();
        let health = Health::new(Opened::Restored { reason, records, lost: restored.lost });
        Ok(Ready { engine, scan, health, journal: None })
    }
}
