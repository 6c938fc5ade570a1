//! Which line of a TOML file a key stands in.

use toml::de::{DeTable, DeValue};

/// From 1.
pub(super) fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// Of the innermost part of the path that is there; a number is a place in a list.
pub(super) fn line_of(text: &str, path: &[&str]) -> usize {
    let Ok(root) = DeTable::parse(text) else { return 1 };
    let mut offset = 0;
    let mut value = DeValue::Table(root.into_inner());
    for part in path {
        let (at, inner) = match value {
            DeValue::Table(table) => {
                let Some((key, inner)) = table.into_iter().find(|(key, _)| key.get_ref() == part) else {
                    break;
                };
                (key.span().start, inner.into_inner())
            }
            DeValue::Array(list) => {
                let place = part.parse().unwrap_or(usize::MAX);
                let Some(inner) = list.into_iter().nth(place) else { break };
                (inner.span().start, inner.into_inner())
            }
            _ => break,
        };
        offset = at;
        value = inner;
    }
    line_at(text, offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_in_their_lines() {
        let text = "a = 1\n\n[[list]]\nname = \"x\"\n[[list]]\nname = \"y\"\n[b.c]\nd = [1,\n 2]\n";
        for (path, line) in [
            (&["a"][..], 1),
            (&["list", "0", "name"], 4),
            (&["list", "1", "name"], 6),
            (&["b", "c", "d"], 8),
            (&["b", "c", "d", "1"], 9),
            (&["nothing"], 1),
        ] {
            assert_eq!(line_of(text, path), line, "{path:?}");
        }
        // What is missing is missing in the section that is there.
        assert_eq!(line_of(text, &["list", "1", "missing"]), 5);
        assert_eq!(line_of("not = = toml", &["a"]), 1);
    }
}
