//! The settings of the box, by area. A change names the revision that it is based on, so that two people who
//! change an area at once do not undo each other's work unseen.

use super::{Manager, Now, Refused, allow, name_of};
use crate::access::sessions::Who;
use crate::audit::Draft;
use plenum_protocol::manager::{AdminRole, AuditEvent};
use plenum_store::{Category, Field, Retention, Stored, Transaction};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// What belongs together and is changed at once.
pub trait Area: Serialize + DeserializeOwned + Clone + Default + PartialEq + Send + 'static {
    /// In the path of the call, in the audit log and on the disk.
    const NAME: &'static str;
    const PURPOSE: &'static str;
    const FIELDS: &'static [Field];

    fn revision(&mut self) -> &mut u32;

    /// Trims what a person typed, and refuses what cannot be.
    fn check(&mut self) -> Result<(), Refused>;

    /// Takes over what has a call of its own.
    fn take_over(&mut self, _before: &Self) {}
}

/// As it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct Kept<A>(pub(super) A);

/// After a rollback there may be what a later version has added to an area: the rest of it still counts, although a
/// page's body with such a field is refused.
impl<'de, A: Area> Deserialize<'de> for Kept<A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        keep_known("", &mut fields, A::FIELDS);
        A::deserialize(Value::Object(fields)).map(Kept).map_err(D::Error::custom)
    }
}

/// `path`: of the object that has the fields, with a full stop behind it.
fn keep_known(path: &str, fields: &mut Map<String, Value>, known: &[Field]) {
    fields.retain(|name, value| {
        let (name, inner) = (format!("{path}{name}"), format!("{path}{name}."));
        let has_inner = known.iter().any(|field| field.name.starts_with(&inner));
        match value {
            Value::Object(fields) if has_inner => keep_known(&inner, fields, known),
            _ => {}
        }
        has_inner || known.iter().any(|field| field.name == name)
    });
}

impl<A: Area> Kept<A> {
    /// In the place of what is there, as its next revision.
    pub(super) fn replace(self, tx: &mut Transaction<'_, '_>) -> Result<(), Refused> {
        let Kept(mut area) = self;
        let mut there = tx.get::<Kept<A>>(&())?.unwrap_or_default().0;
        *area.revision() = *there.revision() + 1;
        Ok(tx.put(&(), &Kept(area))?)
    }
}

impl<A: Area> Stored for Kept<A> {
    type Key = ();
    const TREE: &'static str = A::NAME;
    const CATEGORY: Category = Category::Configuration;
    const PURPOSE: &'static str = A::PURPOSE;
    const RETENTION: Retention = Retention::UntilRemoved("a factory reset");
    const KEY: Field = Field::new("", "there is only one");
    const FIELDS: &'static [Field] = A::FIELDS;
}

impl Manager {
    pub fn area<A: Area>(&self, who: &Who) -> Result<A, Refused> {
        allow(who, &[AdminRole::Administrator], true)?;
        self.kept()
    }

    pub fn set_area<A: Area>(&self, who: &Who, mut wanted: A, now: Now) -> Result<A, Refused> {
        allow(who, &[AdminRole::Administrator], true)?;
        wanted.check()?;
        wanted.take_over(&self.kept()?);
        let kept = self.keep(&name_of(who), wanted, now)?;
        self.tell();
        Ok(kept)
    }

    /// What is kept, without asking who wants to know.
    pub(super) fn kept<A: Area>(&self) -> Result<A, Refused> {
        Ok(self.store.tree::<Kept<A>>().get(&())?.unwrap_or_default().0)
    }

    /// Stores what has been checked.
    pub(super) fn keep<A: Area>(&self, who: &str, wanted: A, now: Now) -> Result<A, Refused> {
        self.keep_with(who, wanted, None, now, |_| Ok(()))
    }

    /// With more that belongs to it. `shown`: what the audit log gets in the place of what is stored.
    pub(super) fn keep_with<A: Area>(
        &self,
        who: &str,
        mut wanted: A,
        shown: Option<A>,
        now: Now,
        more: impl FnOnce(&mut Transaction<'_, '_>) -> Result<(), Refused> + Send + 'static,
    ) -> Result<A, Refused> {
        let before: A = self.kept()?;
        let mut after = wanted.clone();
        *after.revision() += 1;
        let draft = Draft::new(who, AuditEvent::SettingsChanged, A::NAME);
        let draft = draft.change(Some(&before), Some(shown.as_ref().unwrap_or(&after)));
        self.change(now, draft, move |tx| {
            let mut stored = tx.get::<Kept<A>>(&())?.unwrap_or_default().0;
            if stored.revision() != wanted.revision() {
                return Err(Refused::conflict("somebody else has changed it meanwhile").in_field("revision"));
            }
            tx.put(&(), &Kept(after.clone()))?;
            more(tx)?;
            Ok(after)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenum_protocol::manager::{NetworkSettings, TimeSettings};

    #[test]
    fn what_a_later_version_has_added_is_left_out() {
        let stored = r#"{"revision":3,"servers":["time.example.org"],"since":7}"#;
        assert!(serde_json::from_str::<TimeSettings>(stored).is_err(), "as a body it is refused");
        let Kept(time) = serde_json::from_str::<Kept<TimeSettings>>(stored).unwrap();
        assert_eq!((time.revision, time.servers.len()), (3, 1));
    }

    #[test]
    fn that_holds_inside_of_a_field_too() {
        let ipv4 = r#"{"mode":"static","address":"192.0.2.1","prefix":24,"gateway":null,"metric":5}"#;
        let stored = format!(r#"{{"revision":3,"ipv4":{ipv4}}}"#);
        assert!(serde_json::from_str::<NetworkSettings>(&stored).is_err(), "as a body it is refused");
        assert_eq!(serde_json::from_str::<Kept<NetworkSettings>>(&stored).unwrap().0.revision, 3);
    }

    #[test]
    fn every_field_comes_back() {
        let text =
            r#"{"ports":["a"],"ipv4":{"mode":"static","address":"192.0.2.1","prefix":24,"gateway":null}}"#;
        let network: NetworkSettings = serde_json::from_str(text).unwrap();
        let stored = serde_json::to_string(&Kept(network.clone())).unwrap();
        assert_eq!(serde_json::from_str::<Kept<NetworkSettings>>(&stored).unwrap(), Kept(network));
    }
}
