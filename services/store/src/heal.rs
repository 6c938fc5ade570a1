//! Restores a damaged database while the store is in use: sled may damage its files when it runs into the
//! end of the disk. Only when nothing would be lost; anything else is for the next opening, with the probe.

use crate::{
    Error, Result, aside,
    health::{Lost, Opened},
    layout, restore, space,
    writer::Writer,
};

impl Writer {
    /// Puts a database from dump and journal in the place of the damaged one, which is closed.
    pub(crate) fn heal(&mut self, reason: &str) -> Result<()> {
        let layout = self.shared.layout.clone();
        // On a full disk nobody can say that it is damaged.
        space::demand(&layout.directory, 2 * self.index.bytes)?;
        if let Some(uncertain) = self.uncertain.take() {
            // It was refused, or is going to be.
            self.journal.cut(uncertain.journal_length)?;
        }
        log::error!(reason:%; "the database is damaged and is restored from the last dump and the journal");
        let no_salvage = |_: &_| Err("that is done at the next opening".to_owned());
        let restored = restore::rebuild(&layout, self.schema, self.cache_bytes, no_salvage)?;
        if restored.lost != Lost::Nothing {
            layout::remove(&restored.built.path)?;
            return Err(Error::damaged(layout.database().display(), reason));
        }
        aside::set_aside(&self.root, &layout.database(), self.schema, self.now)?;
        layout::rename(&restored.built.path, &layout.database())?;
        let records = restored.built.index.records();
        let opened = Opened::Restored { reason: reason.to_owned(), records, lost: restored.lost };
        self.shared.with_health(|health| health.opened = opened);
        Ok(())
    }
}
