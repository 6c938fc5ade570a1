//! Compares what a type serialises with what it declares (requirement DM1: every stored field).

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{Declaration, Field, Stored};

/// Checks that samples which together show every variant and every optional field serialise to exactly the
/// declared fields. Call it in a test beside each stored type; the error lists what differs.
pub fn check_fields<T: Stored>(samples: &[T]) -> Result<(), String> {
    let declaration = Declaration::of::<T>();
    let mut seen = BTreeSet::new();
    for sample in samples {
        let value = serde_json::to_value(sample).map_err(|error| error.to_string())?;
        leaves(&value, String::new(), &mut |path, _| {
            seen.insert(path);
        });
    }
    let mut problems = Vec::new();
    for path in &seen {
        if !is_declared(declaration.fields, path, true) {
            problems.push(format!("`{path}` is stored but not declared"));
        }
    }
    for field in declaration.fields {
        if !seen.iter().any(|path| matches(field.name, path)) {
            problems.push(format!("`{}` is declared but no sample stores it", field.name));
        }
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(format!("tree {}: {}", declaration.tree, problems.join("; "))),
    }
}

/// The first field of `value` that is not declared.
pub(crate) fn undeclared(fields: &[Field], value: &Value) -> Option<String> {
    let mut found = None;
    leaves(value, String::new(), &mut |path, empty| {
        if found.is_none() && !is_declared(fields, &path, empty) {
            found = Some(path);
        }
    });
    found
}

/// Calls `visit` with the path of every leaf, and whether it is null or an empty list or object, which stands
/// for fields below it as well.
fn leaves(value: &Value, path: String, visit: &mut impl FnMut(String, bool)) {
    match value {
        Value::Object(object) if !object.is_empty() => {
            for (name, value) in object {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(value, path, visit);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                leaves(item, path.clone(), visit);
            }
        }
        _ => {
            let empty = matches!(value, Value::Null | Value::Array(_) | Value::Object(_));
            // An empty record (a marker) has no field.
            if !(path.is_empty() && matches!(value, Value::Object(_) | Value::Null)) {
                visit(if path.is_empty() { "value".into() } else { path }, empty);
            }
        }
    }
}

fn is_declared(fields: &[Field], path: &str, empty: bool) -> bool {
    fields.iter().any(|field| matches(field.name, path) || empty && is_parent(path, field.name))
}

fn matches(declared: &str, path: &str) -> bool {
    let mut declared = declared.split('.');
    let mut path = path.split('.');
    loop {
        match (declared.next(), path.next()) {
            (None, None) => return true,
            (Some(name), Some(part)) if name == "*" || name == part => {}
            _ => return false,
        }
    }
}

fn is_parent(path: &str, declared: &str) -> bool {
    let depth = path.split('.').count();
    let head: Vec<&str> = declared.split('.').take(depth).collect();
    declared.split('.').count() > depth && matches(&head.join("."), path)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, time::Duration};

    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::{Category, Retention};

    #[derive(Serialize, Deserialize)]
    struct Seat {
        name: String,
        hand: Option<Hand>,
        votes: BTreeMap<String, bool>,
    }

    #[derive(Serialize, Deserialize)]
    struct Hand {
        since: u64,
    }

    impl Stored for Seat {
        type Key = u64;
        const TREE: &'static str = "seats";
        const CATEGORY: Category = Category::Participation;
        const PURPOSE: &'static str = "test";
        const RETENTION: Retention = Retention::AfterCreation(Duration::from_secs(60));
        const KEY: Field = Field::new("seat", "number of the seat");
        const FIELDS: &'static [Field] = &[
            Field::new("name", "display name"),
            Field::new("hand.since", "when the hand was raised"),
            Field::new("votes.*", "answer by poll"),
        ];
    }

    fn seat() -> Seat {
        let votes = BTreeMap::from([("p1".into(), true)]);
        Seat { name: "Ada".into(), hand: Some(Hand { since: 1 }), votes }
    }

    #[test]
    fn nested_optional_and_map_fields_are_found() {
        check_fields(&[seat()]).unwrap();
        check_fields(&[Seat { hand: None, votes: BTreeMap::new(), ..seat() }, seat()]).unwrap();
    }

    #[test]
    fn a_sample_that_hides_a_field_is_not_enough() {
        let error = check_fields(&[Seat { hand: None, ..seat() }]).unwrap_err();
        assert!(error.contains("`hand.since` is declared but no sample stores it"), "{error}");
    }

    #[test]
    fn an_undeclared_field_is_named() {
        let value = serde_json::json!({"name": "Ada", "hand": {"since": 1, "colour": "red"}, "votes": {}});
        assert_eq!(undeclared(Seat::FIELDS, &value).as_deref(), Some("hand.colour"));
        let value = serde_json::json!({"name": "Ada", "hand": null, "votes": {"x": {"y": 1}}});
        assert_eq!(undeclared(Seat::FIELDS, &value).as_deref(), Some("votes.x.y"));
    }
}
