//! Dumps and compaction, on the writer thread between groups.

use std::{
    fs::File,
    io::{BufWriter, Write},
    time::{Duration, Instant, SystemTime},
};

use crate::{
    Error, Result,
    builder::Builder,
    dump::{self, DumpInfo, Selection},
    engine::{Engine, Fault},
    error::Context as _,
    index::{self, Index},
    journal::Journal,
    layout::{self, Layout},
    record, scan, space,
    writer::Writer,
};

/// A database this much larger than its records is compacted.
const SLACK: u64 = 8 << 20;
/// Tidying up that failed, on a full disk for instance, is tried again after this time.
const RETRY: Duration = Duration::from_secs(60);

/// Writes the dump of a database and the empty journal that goes on from there. A crash in between leaves a
/// journal that begins before the dump: its first groups are skipped then.
pub(crate) fn checkpoint(
    layout: &Layout,
    engine: &Engine,
    (schema, sequence, now): (u16, u64, SystemTime),
) -> Result<(DumpInfo, Journal)> {
    let new = layout.dump().with_extension("new");
    let written = File::create(&new).context("creating", &new).and_then(|file| {
        let mut out = BufWriter::new(file);
        let info = dump::write(&mut out, engine, (schema, sequence, now), Selection::default())?;
        out.get_ref().sync_all().context("syncing", &new)?;
        layout::rename(&new, &layout.dump())?;
        Ok(info)
    });
    if written.is_err() {
        layout::remove(&new)?;
    }
    Ok((written?, Journal::create(&layout.journal(), schema, sequence, now)?))
}

impl Writer {
    /// Writes the last-good dump anew and starts the journal over.
    pub(crate) fn save_dump(&mut self) -> Result<DumpInfo> {
        let shared = self.shared.clone();
        let engine = shared.engine.read().unwrap_or_else(|poison| poison.into_inner());
        let closed = || Error::OutOfOrder { reason: Fault::Closed.to_string() };
        let engine = engine.as_ref().ok_or_else(closed)?;
        space::demand(&shared.layout.directory, 2 * self.index.bytes)?;
        let about = (self.schema, self.index.sequence, self.now);
        let (info, journal) = checkpoint(&shared.layout, engine, about)?;
        self.journal = journal;
        self.dump_bytes = std::fs::metadata(shared.layout.dump()).map_or(0, |metadata| metadata.len());
        Ok(info)
    }

    pub(crate) fn dump(
        &self,
        out: &mut impl Write,
        trees: Option<&[&'static str]>,
        with_files: bool,
    ) -> Result<DumpInfo> {
        let files = with_files.then_some(&self.shared.files);
        let engine = self.shared.engine.read().unwrap_or_else(|poison| poison.into_inner());
        let closed = || Error::OutOfOrder { reason: Fault::Closed.to_string() };
        let engine = engine.as_ref().ok_or_else(closed)?;
        let about = (self.schema, self.index.sequence, self.now);
        dump::write(out, engine, about, Selection { trees, files })
    }

    /// Rewrites database and dump, so that nothing that was removed remains in them and its space is free.
    pub(crate) fn compact(&mut self) -> Result<()> {
        let layout = self.shared.layout.clone();
        space::demand(&layout.directory, 3 * self.index.bytes)?;
        let built = self.rebuild()?;
        if let Err(error) = self.exchange() {
            // Whichever of the two is in its place now, it is whole.
            if let Err(fault) = self.reopen() {
                self.note_fault(&fault);
            }
            return Err(error);
        }
        self.index = built;
        layout::remove(&layout.new_database())?;
        self.save_dump()?;
        self.residue = false;
        self.rewrite = false;
        Ok(())
    }

    fn exchange(&self) -> Result<()> {
        let layout = &self.shared.layout;
        let mut engine = self.shared.engine.write().unwrap_or_else(|poison| poison.into_inner());
        *engine = None;
        layout::exchange(&layout.database(), &layout.new_database())?;
        let opened = Engine::open(&layout.database(), self.cache_bytes);
        *engine = Some(opened.map_err(|fault| fault.at(&layout.database()))?);
        Ok(())
    }

    fn rebuild(&self) -> Result<Index> {
        let path = self.shared.layout.new_database();
        let mut builder = Builder::create(&path, self.schema, self.cache_bytes)?;
        let mut result = Ok(());
        let read = self.shared.with_engine(|engine| {
            scan::for_each(engine, |(key, value)| {
                if result.is_ok()
                    && index::split_key(key).is_some()
                    && let Ok(record) = record::decode(key, value)
                {
                    let sequence = record.header.sequence;
                    result = builder.apply(key.clone(), Some((record.header, record.value)), sequence);
                }
            })
        });
        read.map_err(|fault| self.shared.reading_failed(&fault))?;
        result?;
        Ok(builder.finish(self.index.sequence)?.index)
    }

    /// After groups: a journal that has grown long becomes a dump; a database with much slack is compacted.
    pub(crate) fn tidy(&mut self) {
        if self.tidy_at.is_some_and(|at| Instant::now() < at) {
            return;
        }
        let slack = self.residue && self.database_bytes() > 4 * self.index.bytes + SLACK;
        let result = if self.rewrite || slack {
            self.compact()
        } else if self.journal.length() > self.journal_bytes.max(self.dump_bytes) {
            self.save_dump().map(|_| ())
        } else {
            return;
        };
        self.tidy_at = result.is_err().then(|| Instant::now() + RETRY);
        if let Err(error) = result {
            self.shared.with_health(|health| health.note(format!("tidying up failed: {error}")));
        }
    }

    fn database_bytes(&self) -> u64 {
        layout::disk_usage(&self.shared.layout.database())
    }

    /// The last things before the engine is closed.
    pub(crate) fn close(&mut self) -> Result<()> {
        let result = match (self.residue, self.journal.is_empty()) {
            (true, _) => self.compact(),
            (false, false) => self.save_dump().map(|_| ()),
            (false, true) => Ok(()),
        };
        *self.shared.engine.write().unwrap_or_else(|poison| poison.into_inner()) = None;
        // What sled wrote while it was closed.
        result.and(layout::sync_all(&self.shared.layout.directory))
    }
}
