//! From one schema version to the next: a copy, so that a rollback finds the old data.

use std::{fmt, fs, time::SystemTime};

use crate::{
    Error, Options, Result, Retention, Stored, batch,
    builder::Builder,
    engine::Engine,
    error::Context as _,
    index::{self, Index},
    key,
    layout::{self, Layout},
    open, opening,
    record::{self, Header},
    scan, time, tree,
};

/// A step from schema `from` to `from + 1`.
///
/// ```
/// # use plenum_store::{Category, Field, Migration, Retention, Stored};
/// # use std::time::Duration;
/// # #[derive(serde::Serialize, serde::Deserialize)] struct Room { title: String, people: u32 }
/// # impl Stored for Room {
/// #     type Key = String;
/// #     const TREE: &'static str = "rooms";
/// #     const CATEGORY: Category = Category::Participation;
/// #     const PURPOSE: &'static str = "example";
/// #     const RETENTION: Retention = Retention::AfterCreation(Duration::from_secs(1));
/// #     const KEY: Field = Field::new("room", "name");
/// #     const FIELDS: &'static [Field] = &[Field::new("title", "title"), Field::new("people", "limit")];
/// # }
/// /// What a room was in schema 1: only for this step, so it stays where the step is.
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct RoomV1 { title: String }
/// # impl Stored for RoomV1 {
/// #     type Key = String;
/// #     const TREE: &'static str = "rooms";
/// #     const CATEGORY: Category = Category::Participation;
/// #     const PURPOSE: &'static str = "example";
/// #     const RETENTION: Retention = Retention::AfterCreation(Duration::from_secs(1));
/// #     const KEY: Field = Field::new("room", "name");
/// #     const FIELDS: &'static [Field] = &[Field::new("title", "title")];
/// # }
/// const TO_2: Migration = Migration {
///     from: 1,
///     apply: |step| {
///         step.copy("messages")?;
///         step.convert::<RoomV1, Room>(|key, old| Some((key, Room { title: old.title, people: 250 })))
///     },
/// };
/// ```
#[derive(Clone, Copy)]
pub struct Migration {
    pub from: u16,
    pub apply: fn(&mut Migrating<'_>) -> Result<()>,
}

impl fmt::Debug for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Migration {{ from: {} }}", self.from)
    }
}

/// The old records and the new database, for the function of a [`Migration`]. A tree that it does not mention
/// is left behind.
pub struct Migrating<'a> {
    from: &'a Engine,
    to: &'a mut Builder,
    now: SystemTime,
    /// Group of records that the step itself makes.
    sequence: u64,
}

impl Migrating<'_> {
    /// Takes a tree over as it is.
    pub fn copy(&mut self, tree: &str) -> Result<()> {
        self.each(tree, |to, key, header, value| {
            let sequence = header.sequence;
            to.apply(key.to_vec(), Some((header, value)), sequence)
        })
    }

    /// Makes a record of `B` from each of `A`, or none. Creation and expiry stay, unless the retention of `B`
    /// is shorter.
    pub fn convert<A: Stored, B: Stored>(
        &mut self,
        mut convert: impl FnMut(A::Key, A) -> Option<(B::Key, B)>,
    ) -> Result<()> {
        self.each(A::TREE, |to, full, header, value| {
            let key = index::split_key(full).and_then(|(_, key)| key::decode_all(key));
            let wrong_key =
                || Error::damaged(format_args!("a record of tree {}", A::TREE), "its key is of another type");
            let key = key.ok_or_else(wrong_key)?;
            let Some((key, value)) = convert(key, tree::value::<A>(value)?) else { return Ok(()) };
            let put = batch::prepare(&key, &value, None)?;
            let expires = header.expires.min(ceiling(B::RETENTION, header.created));
            let files = put.files.iter().map(|file| file.hash).collect();
            let sequence = header.sequence;
            let header = Header { expires, files, ..header };
            to.apply(put.key, Some((header, &put.value)), sequence)
        })
    }

    /// Adds a record that there was not.
    pub fn put<T: Stored>(&mut self, key: &T::Key, value: &T) -> Result<()> {
        let put = batch::prepare(key, value, None)?;
        let created = time::millis(self.now);
        let header = Header {
            schema: 0, // the builder's
            sequence: self.sequence,
            created,
            expires: ceiling(T::RETENTION, created),
            files: put.files.iter().map(|file| file.hash).collect(),
        };
        self.to.apply(put.key, Some((header, &put.value)), self.sequence)
    }

    fn each(
        &mut self,
        tree: &str,
        mut visit: impl FnMut(&mut Builder, &[u8], Header, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut result = Ok(());
        scan::for_each(self.from, |(key, value)| {
            let wanted = index::split_key(key).is_some_and(|(found, _)| found == tree);
            if wanted
                && result.is_ok()
                && let Ok(record) = record::decode(key, value)
            {
                result = visit(self.to, key, record.header, record.value);
            }
        })
        .map_err(|fault| Error::damaged("the database of the older schema", fault))?;
        result
    }
}

fn ceiling(retention: Retention, created: u64) -> u64 {
    match retention {
        Retention::UntilRemoved(_) => time::NEVER,
        Retention::AfterCreation(period) | Retention::PerRecord { at_most: period, .. } => {
            created.saturating_add(time::duration_millis(period))
        }
        // When it was last changed is not known: the old expiry says it.
        Retention::AfterChange(_) => time::NEVER,
    }
}

/// What came of it.
pub(crate) struct Migrated {
    pub from: u16,
    pub records: u64,
    /// What was found about the old version while it was opened.
    pub notes: Vec<String>,
}

/// Steps from schema `from` to the one in `options`, each into its own directory.
pub(crate) fn migrate(options: &Options, from: u16) -> Result<Migrated> {
    let mut migrated = Migrated { from, records: 0, notes: Vec::new() };
    for version in from..options.schema {
        let migration = options.migrations.iter().find(|migration| migration.from == version);
        let migration = migration.ok_or(Error::NoMigration { from: version })?;
        let old = Layout::new(&options.directory, version);
        let ready = opening::open(options, &old, version)?;
        if let crate::Opened::Restored { .. } = ready.health.opened {
            migrated.notes.push(ready.health.opened.to_string());
        }
        migrated.notes.extend(ready.health.notes);
        let index = step(options, migration, &old, &ready.engine, ready.scan.index.sequence)?;
        migrated.records = index.records();
    }
    Ok(migrated)
}

fn step(
    options: &Options,
    migration: &Migration,
    old: &Layout,
    engine: &Engine,
    sequence: u64,
) -> Result<Index> {
    let (from, to) = (migration.from, migration.from + 1);
    let new = Layout { directory: options.directory.join(format!("v{to}.new")) };
    layout::remove(&new.directory)?;
    layout::create_directory(&new.directory)?;
    let failed = |error: Error| Error::Migration { from, to, reason: error.to_string() };
    let mut builder = Builder::create(&new.new_database(), to, options.cache_bytes)?;
    let sequence = sequence + 1;
    let mut migrating = Migrating { from: engine, to: &mut builder, now: options.now, sequence };
    (migration.apply)(&mut migrating).map_err(failed)?;
    let index = builder.finish(sequence)?.index;
    link_files(old, &new)?;
    open::complete(&new, to, options)?;
    layout::rename(&new.directory, &Layout::new(&options.directory, to).directory)?;
    Ok(index)
}

/// Both versions hold the same files; what the new one does not reference, it sweeps when it is opened.
fn link_files(old: &Layout, new: &Layout) -> Result<()> {
    if !old.files().is_dir() {
        return Ok(());
    }
    layout::create_directory(&new.files())?;
    for entry in fs::read_dir(old.files()).context("reading", &old.files())? {
        let entry = entry.context("reading", &old.files())?;
        let target = new.files().join(entry.file_name());
        fs::hard_link(entry.path(), &target).context("linking", &target)?;
    }
    layout::sync_directory(&new.files())
}
