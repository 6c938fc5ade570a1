//! The register of stored data, printed from the declarations (requirement DM1, Art. 30 GDPR).

use std::{fmt::Write as _, time::Duration};

use serde_json::{Value, json};

use crate::{Declaration, Field, Retention};

/// A Markdown section per tree, fields as a table; sorted by tree.
pub fn register_markdown(declarations: &[Declaration]) -> String {
    let mut text = String::from("# Register of stored data\n");
    for declaration in sorted(declarations) {
        let Declaration { tree, category, purpose, .. } = declaration;
        let retention = describe(declaration.retention);
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n## {tree}\n\nCategory: {}. Purpose: {purpose}. Retention: {retention}.\n\n",
            category.name()
        );
        text.push_str("| Field | What it is | Category |\n| --- | --- | --- |\n");
        for (kind, field) in fields(&declaration) {
            let category = field.category.unwrap_or(declaration.category).name();
            let what = field.what.replace('|', "\\|");
            let _ = writeln!(text, "| `{}`{kind} | {what} | {category} |", field.name);
        }
    }
    text
}

/// The same as a JSON array; retention also in seconds, `null` where a record stays until it is removed.
pub fn register_json(declarations: &[Declaration]) -> String {
    let trees: Vec<Value> = sorted(declarations).iter().map(tree_json).collect();
    let mut text = format!("{:#}", Value::Array(trees));
    text.push('\n');
    text
}

fn tree_json(declaration: &Declaration) -> Value {
    let fields: Vec<Value> = fields(declaration)
        .map(|(kind, field)| {
            let category = field.category.unwrap_or(declaration.category);
            json!({
                "name": field.name,
                "what": field.what,
                "key": !kind.is_empty(),
                "category": category.name(),
                "personal": category.is_personal(),
                "purpose": declaration.purpose,
                "retention": describe(declaration.retention),
            })
        })
        .collect();
    json!({
        "tree": declaration.tree,
        "category": declaration.category.name(),
        "personal": declaration.category.is_personal(),
        "purpose": declaration.purpose,
        "retention": describe(declaration.retention),
        "retention_seconds": ceiling(declaration.retention).map(|ceiling| ceiling.as_secs()),
        "fields": fields,
    })
}

fn sorted(declarations: &[Declaration]) -> Vec<Declaration> {
    let mut declarations = declarations.to_vec();
    declarations.sort_by_key(|declaration| declaration.tree);
    declarations
}

fn fields(declaration: &Declaration) -> impl Iterator<Item = (&'static str, Field)> {
    let fields = declaration.fields.iter().map(|field| ("", *field));
    [(" (key)", declaration.key)].into_iter().chain(fields)
}

fn ceiling(retention: Retention) -> Option<Duration> {
    match retention {
        Retention::UntilRemoved(_) => None,
        Retention::AfterCreation(time) | Retention::AfterChange(time) => Some(time),
        Retention::PerRecord { at_most, .. } => Some(at_most),
    }
}

fn describe(retention: Retention) -> String {
    match retention {
        Retention::UntilRemoved(by) => format!("until {by}"),
        Retention::AfterCreation(time) => format!("{} after it was made", period(time)),
        Retention::AfterChange(time) => format!("{} after its last change", period(time)),
        Retention::PerRecord { at_most, rule } => format!("{rule}, at most {}", period(at_most)),
    }
}

fn period(time: Duration) -> String {
    let seconds = time.as_secs();
    let (number, unit) = match seconds {
        0 => return "immediately".into(),
        s if s % 86_400 == 0 => (s / 86_400, "day"),
        s if s % 3_600 == 0 => (s / 3_600, "hour"),
        s if s % 60 == 0 => (s / 60, "minute"),
        s => (s, "second"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Category;

    const FIELDS: &[Field] = &[
        Field::new("text", "what was written"),
        Field::new("token", "a | b").category(Category::Credential),
    ];

    fn declarations() -> [Declaration; 2] {
        let chat = Declaration {
            tree: "chat",
            category: Category::Content,
            purpose: "shows late joiners what was written",
            retention: Retention::PerRecord {
                at_most: Duration::from_secs(86_400),
                rule: "until the meeting ends",
            },
            key: Field::new("room, number", "room and running number"),
            fields: FIELDS,
        };
        let counters = Declaration {
            tree: "boxes",
            category: Category::Operation,
            retention: Retention::UntilRemoved("the box is reset"),
            ..chat
        };
        [chat, counters]
    }

    #[test]
    fn markdown_lists_every_field() {
        let text = register_markdown(&declarations());
        assert!(text.find("## boxes").unwrap() < text.find("## chat").unwrap());
        assert!(text.contains("Category: content. Purpose: shows late joiners what was written. Retention: until the meeting ends, at most 1 day.\n"));
        assert!(text.contains("| `room, number` (key) | room and running number | content |\n"));
        assert!(text.contains("| `token` | a \\| b | credential |\n"));
    }

    #[test]
    fn json_says_for_each_field_category_purpose_and_retention() {
        let trees: Value = serde_json::from_str(&register_json(&declarations())).unwrap();
        assert_eq!(trees[0]["retention_seconds"], Value::Null);
        assert_eq!(trees[1]["retention_seconds"], 86_400);
        let field = &trees[1]["fields"][2];
        assert_eq!(field["name"], "token");
        assert_eq!(field["category"], "credential");
        for key in ["what", "purpose", "retention"] {
            assert!(!field[key].as_str().unwrap().is_empty());
        }
    }
}
