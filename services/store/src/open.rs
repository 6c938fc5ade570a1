//! Finds the directory of the right schema version, migrates if there is only an older one, and puts the
//! store together.

use std::{
    collections::HashSet,
    fs::{File, TryLockError},
    io::Read,
    path::Path,
    sync::Arc,
};

use crate::{
    Error, Options, Result, aside,
    engine::{Engine, Fault},
    error::Context as _,
    files::Files,
    health::Opened,
    layout::{self, Layout},
    maintenance, migration,
    opening::{self, Ready},
    restore,
    shared::Shared,
    space::Ballast,
    writer::Writer,
};

pub(crate) fn open(options: Options) -> Result<(Arc<Shared>, Writer)> {
    let root = &options.directory;
    let mut trees = HashSet::new();
    if let Some(twice) = options.trees.iter().find(|declaration| !trees.insert(declaration.tree)) {
        return Err(Error::TreeDeclaredTwice { tree: twice.tree });
    }
    layout::create_directory(root)?;
    let lock = lock(root)?;
    let layout = Layout::new(root, options.schema);
    let origin = choose(root, options.schema)?;
    let migrated = match origin {
        Origin::Older(from) => Some(migration::migrate(&options, from)?),
        Origin::Same { .. } | Origin::Nothing => None,
    };
    let mut ready = opening::open(&options, &layout, options.schema)?;
    if let Some(migrated) = migrated {
        ready.health.opened = Opened::Migrated { from: migrated.from, records: migrated.records };
        migrated.notes.into_iter().for_each(|note| ready.health.note(note));
    }
    if let Origin::Same { newer } = origin {
        for version in newer {
            let directory = Layout::new(root, version).directory;
            aside::set_aside(root, &directory, version, options.now)?;
            ready.health.note(format!("schema {version} was left by a newer release and has been set aside"));
        }
    }
    assemble(options, layout, lock, ready)
}

/// Of this process alone.
fn lock(root: &Path) -> Result<File> {
    let path = root.join("lock");
    let lock = File::options().create(true).append(true).open(&path).context("opening", &path)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::Locked { path: root.display().to_string() }),
        Err(TryLockError::Error(error)) => Err(error).context("locking", &path),
    }
}

enum Origin {
    Nothing,
    Older(u16),
    /// After a rollback there may be newer ones as well: what was written there is lost with the rollback.
    Same {
        newer: Vec<u16>,
    },
}

fn choose(root: &Path, schema: u16) -> Result<Origin> {
    let versions = layout::versions(root)?;
    let newer: Vec<u16> = versions.iter().copied().filter(|version| *version > schema).collect();
    if versions.contains(&schema) {
        return Ok(Origin::Same { newer });
    }
    match (newer.last(), versions.first(), versions.last()) {
        (Some(&found), ..) => Err(Error::Newer { path: root.display().to_string(), found, known: schema }),
        (None, Some(_), Some(&older)) => Ok(Origin::Older(older)),
        _ => Ok(Origin::Nothing),
    }
}

fn assemble(options: Options, layout: Layout, lock: File, ready: Ready) -> Result<(Arc<Shared>, Writer)> {
    let Ready { engine, scan, mut health, journal } = ready;
    let ballast = Ballast::new(&options.directory, options.ballast_bytes);
    // After a crash nobody knows what was removed before.
    let residue = journal.is_none() || health.opened != Opened::Clean && health.opened != Opened::Created;
    let journal = match journal {
        Some(journal) => journal,
        None => {
            ballast.free()?;
            let about = (options.schema, scan.index.sequence, options.now);
            maintenance::checkpoint(&layout, &engine, about)?.1
        }
    };
    if !ballast.take()? {
        health.note("there is no space to keep back for a full disk");
    }
    let (files, missing) = Files::open(layout.files(), scan.files.into_iter())?;
    if missing > 0 {
        health.note(format!("{missing} files that records reference are missing"));
    }
    let trees: Vec<&'static str> = options.trees.iter().map(|declaration| declaration.tree).collect();
    for tree in scan.index.trees.keys().filter(|tree| !trees.contains(&tree.as_str())) {
        health.note(format!("tree {tree} is stored, but no type declares it"));
    }
    let dump_bytes = std::fs::metadata(layout.dump()).map_or(0, |metadata| metadata.len());
    let shared = Shared::new(layout, trees, files, engine, health, lock);
    let writer = Writer {
        shared: shared.clone(),
        root: options.directory,
        schema: options.schema,
        index: scan.index,
        journal,
        ballast,
        cache_bytes: options.cache_bytes,
        journal_bytes: options.journal_bytes,
        dump_bytes,
        residue,
        rewrite: false,
        uncertain: None,
        retry_at: None,
        tidy_at: None,
        now: options.now,
    };
    writer.publish_counts();
    let health = shared.health();
    let path = shared.layout.directory.display();
    match health.is_good() {
        true => log::info!(path:%, records = health.records; "{}", health.opened),
        false => log::error!(path:%, records = health.records; "{}", health.opened),
    }
    Ok((shared, writer))
}

/// Builds the directory of the dump's schema version from it, in place of all that is there.
pub(crate) fn restore(options: &Options, input: impl Read) -> Result<()> {
    let root = &options.directory;
    layout::create_directory(root)?;
    let _lock = lock(root)?;
    let new = Layout { directory: root.join("restored.new") };
    layout::remove(&new.directory)?;
    layout::create_directory(&new.directory)?;
    let loaded = restore::load(&new, options.schema, options.cache_bytes, input).and_then(|loaded| {
        complete(&new, loaded.schema, options)?;
        Ok(loaded.schema)
    });
    if loaded.is_err() {
        layout::remove(&new.directory)?;
    }
    let schema = loaded?;
    let target = Layout::new(root, schema).directory;
    // The dump is in its place, or all is as it was.
    if target.exists() {
        layout::exchange(&new.directory, &target)?;
        aside::set_aside(root, &new.directory, schema, options.now)?;
    } else {
        layout::rename(&new.directory, &target)?;
    }
    for version in layout::versions(root)?.into_iter().filter(|version| *version > schema) {
        aside::set_aside(root, &Layout::new(root, version).directory, version, options.now)?;
    }
    Ok(())
}

/// Adds dump and journal to a new database in `layout`, so that the directory can be renamed into its place.
pub(crate) fn complete(layout: &Layout, schema: u16, options: &Options) -> Result<()> {
    layout::rename(&layout.new_database(), &layout.database())?;
    let fault = |fault: Fault| fault.at(&layout.database());
    let engine = Engine::open(&layout.database(), options.cache_bytes).map_err(fault)?;
    let scan = crate::scan::scan(&engine, schema).map_err(fault)?;
    maintenance::checkpoint(layout, &engine, (schema, scan.index.sequence, options.now))?;
    drop(engine);
    layout::sync_all(&layout.directory)
}

pub(crate) fn forget_older(root: &Path, schema: u16) -> Result<Vec<u16>> {
    let mut older = layout::versions(root)?;
    older.retain(|version| *version < schema);
    for version in &older {
        layout::remove(&Layout::new(root, *version).directory)?;
    }
    layout::sync_directory(root)?;
    Ok(older)
}
