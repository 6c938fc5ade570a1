//! Who runs the box: words, a colour and a logo, for every page and so for anyone. The logo is kept apart, because it is
//! longer than a record; what it is stands among the other settings, so that both change together.

use super::area::Area;
use super::{Manager, Now, Refused, allow, name_of, text};
use crate::access::sessions::Who;
use crate::logo;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use plenum_daemon::secret::Digest;
use plenum_protocol::manager::{AdminRole, Institution, InstitutionLogo, ManagerErrorCode};
use plenum_store::{Category, Field, Retention, Stored, Transaction};
use serde::{Deserialize, Serialize};

const MAX_CHARS: usize = 120;
/// In base64 it fits into a record of 4 KB.
const PART_BYTES: usize = 2_400;
/// A place has a byte.
const _: () = assert!(logo::MAX_BYTES.div_ceil(PART_BYTES) <= u8::MAX as usize);

impl Area for Institution {
    const NAME: &'static str = "institution";
    const PURPOSE: &'static str = "names on every page who runs the box";
    const FIELDS: &'static [Field] = &[
        Field::new("revision", "how often it was changed"),
        Field::new("name", "name of the institution"),
        Field::new("imprint", "address of its imprint"),
        Field::new("privacy", "address of its privacy notice"),
        Field::new("data_protection_officer", "how to reach the data-protection officer"),
        Field::new("colour", "its colour"),
        Field::new("logo", "SHA-256 of its logo"),
    ];

    fn revision(&mut self) -> &mut u32 {
        &mut self.revision
    }

    fn check(&mut self) -> Result<(), Refused> {
        text::line("name", &mut self.name, MAX_CHARS)?;
        text::line("data_protection_officer", &mut self.data_protection_officer, 2 * MAX_CHARS)?;
        text::address("imprint", &mut self.imprint)?;
        text::address("privacy", &mut self.privacy)?;
        text::colour("colour", &mut self.colour)
    }

    fn take_over(&mut self, before: &Self) {
        self.logo.clone_from(&before.logo);
    }
}

/// Part of the logo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LogoPart {
    image: String,
}

impl Stored for LogoPart {
    type Key = u8;
    const TREE: &'static str = "institution_logo";
    const CATEGORY: Category = Category::Configuration;
    const PURPOSE: &'static str = "shows on every page who runs the box";
    const RETENTION: Retention = Retention::UntilRemoved("another logo, or a factory reset");
    const KEY: Field = Field::new("place", "place in the image");
    const FIELDS: &'static [Field] = &[Field::new("image", "part of the image")];
}

impl LogoPart {
    fn of(image: &[u8]) -> Vec<LogoPart> {
        image.chunks(PART_BYTES).map(|part| LogoPart { image: STANDARD.encode(part) }).collect()
    }

    /// In the place of another one; none removes it.
    pub(super) fn replace(tx: &mut Transaction<'_, '_>, parts: &[LogoPart]) -> Result<(), Refused> {
        for place in 0u8.. {
            match parts.get(usize::from(place)) {
                Some(part) => tx.put(&place, part)?,
                None if tx.get::<LogoPart>(&place)?.is_some() => tx.remove::<LogoPart>(&place)?,
                None => break,
            }
        }
        Ok(())
    }
}

/// As pages get it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo {
    /// As [`Institution::logo`] names it.
    pub name: String,
    pub media_type: &'static str,
    pub image: Vec<u8>,
}

impl Manager {
    /// For every page, and so for anyone.
    pub fn public_institution(&self) -> Result<Institution, Refused> {
        self.kept()
    }

    pub fn set_logo(&self, who: &Who, typed: &InstitutionLogo, now: Now) -> Result<Institution, Refused> {
        allow(who, &[AdminRole::Administrator], true)?;
        let malformed = |what: String| Refused::malformed("logo", what);
        let image = STANDARD.decode(&typed.logo);
        let image = image.map_err(|_| malformed("it is not base64 (RFC 4648 section 4)".to_owned()))?;
        logo::check(&image).map_err(|fault| malformed(fault.to_string()))?;
        let logo = Digest::of(&image).into();
        let wanted = Institution { revision: typed.revision, logo, ..self.kept()? };
        let parts = LogoPart::of(&image);
        self.keep_with(&name_of(who), wanted, None, now, move |tx| LogoPart::replace(tx, &parts))
    }

    pub fn remove_logo(&self, who: &Who, now: Now) -> Result<Institution, Refused> {
        allow(who, &[AdminRole::Administrator], true)?;
        let kept: Institution = self.kept()?;
        if kept.logo.is_empty() {
            return Ok(kept);
        }
        let wanted = Institution { logo: String::new(), ..kept };
        self.keep_with(&name_of(who), wanted, None, now, |tx| LogoPart::replace(tx, &[]))
    }

    /// For anyone. `None`: there is no logo.
    pub fn logo(&self) -> Result<Option<Logo>, Refused> {
        let name = self.kept::<Institution>()?.logo;
        if name.is_empty() {
            return Ok(None);
        }
        let mut image = Vec::new();
        for entry in self.store.tree::<LogoPart>().iter() {
            image.extend(STANDARD.decode(entry?.value.image).unwrap_or_default());
        }
        // Read while it was being replaced, or damaged.
        let whole = String::from(Digest::of(&image)) == name;
        match logo::media_type(&image).filter(|_| whole) {
            Some(media_type) => Ok(Some(Logo { name, media_type, image })),
            None => Err(Refused::new(ManagerErrorCode::Unavailable, "the logo cannot be read at the moment")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::area::Kept;
    use super::*;

    #[test]
    fn dm1_every_stored_field_is_declared() {
        plenum_store::check_fields(&[Kept(Institution::default())]).unwrap();
        plenum_store::check_fields(&[LogoPart { image: "x".into() }]).unwrap();
    }
}
