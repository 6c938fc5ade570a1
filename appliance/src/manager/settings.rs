//! The settings of the box, by area. A change names the revision that it is based on.

use super::{Manager, Now, Refused, allow, name_of};
use crate::access::sessions::Who;
use crate::audit::Draft;
use plenum_protocol::manager::{AdminRole, AuditEvent, Institution};
use plenum_store::{Category, Field, Retention, Stored};
use serde::{Deserialize, Serialize};

const MAX_CHARS: usize = 120;
const MAX_URL_CHARS: usize = 500;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct StoredInstitution(Institution);

impl Stored for StoredInstitution {
    type Key = ();
    const TREE: &'static str = "institution";
    const CATEGORY: Category = Category::Configuration;
    const PURPOSE: &'static str = "names on every page who runs the box";
    const RETENTION: Retention = Retention::UntilRemoved("a factory reset");
    const KEY: Field = Field::new("", "there is only one");
    const FIELDS: &'static [Field] = &[
        Field::new("revision", "how often it was changed"),
        Field::new("name", "name of the institution"),
        Field::new("imprint", "address of its imprint"),
        Field::new("privacy", "address of its privacy notice"),
        Field::new("data_protection_officer", "how to reach the data-protection officer"),
    ];
}

impl Manager {
    pub fn institution(&self, who: &Who) -> Result<Institution, Refused> {
        allow(who, &[AdminRole::Administrator], true)?;
        Ok(self.store.tree::<StoredInstitution>().get(&())?.unwrap_or_default().0)
    }

    pub fn set_institution(
        &self,
        who: &Who,
        mut wanted: Institution,
        now: Now,
    ) -> Result<Institution, Refused> {
        allow(who, &[AdminRole::Administrator], true)?;
        check_institution(&mut wanted)?;
        let before = self.institution(who)?;
        let draft = Draft::new(name_of(who), AuditEvent::SettingsChanged, "institution")
            .change(Some(&before), Some(&Institution { revision: wanted.revision + 1, ..wanted.clone() }));
        self.change(now, draft, move |tx| {
            let stored = tx.get::<StoredInstitution>(&())?.unwrap_or_default().0;
            if stored.revision != wanted.revision {
                return Err(Refused::conflict("somebody else has changed it meanwhile").in_field("revision"));
            }
            wanted.revision += 1;
            tx.put(&(), &StoredInstitution(wanted.clone()))?;
            Ok(wanted)
        })
    }
}

fn check_institution(wanted: &mut Institution) -> Result<(), Refused> {
    line("name", &mut wanted.name, MAX_CHARS)?;
    line("data_protection_officer", &mut wanted.data_protection_officer, 2 * MAX_CHARS)?;
    address("imprint", &mut wanted.imprint)?;
    address("privacy", &mut wanted.privacy)
}

/// One line of text, trimmed.
fn line(field: &str, text: &mut String, most: usize) -> Result<(), Refused> {
    *text = text.trim().to_owned();
    match () {
        () if text.chars().count() > most => {
            Err(Refused::malformed(field, format!("it has more than {most} characters")))
        }
        () if text.chars().any(char::is_control) => {
            Err(Refused::malformed(field, "it has control characters or line breaks"))
        }
        () => Ok(()),
    }
}

/// Of a page that people are led to. Never `javascript:` and the like.
fn address(field: &str, text: &mut String) -> Result<(), Refused> {
    line(field, text, MAX_URL_CHARS)?;
    let host =
        text.strip_prefix("https://").map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let good = |host: &str| {
        !host.is_empty() && !host.contains(|char: char| char.is_whitespace() || "\"'<>\\@".contains(char))
    };
    match text.is_empty() || host.is_some_and(good) {
        true => Ok(()),
        false => Err(Refused::malformed(field, "an address begins with https:// and names a host")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dm1_every_stored_field_is_declared() {
        plenum_store::check_fields(&[StoredInstitution::default()]).unwrap();
    }

    #[test]
    fn addresses() {
        for good in ["", "https://example.org", " https://example.org/impressum?x=1#y "] {
            assert_eq!(address("imprint", &mut good.to_owned()), Ok(()), "{good}");
        }
        for bad in [
            "http://example.org",
            "javascript:alert(1)",
            "https://",
            "https:///x",
            "https://a b/",
            "https://x@y",
        ] {
            assert!(address("imprint", &mut bad.to_owned()).is_err(), "{bad}");
        }
    }
}
