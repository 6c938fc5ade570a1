//! A machine as paths with values: files below `/proc` and `/sys` in one line each, links by the last part of
//! their target, and what has no file under `ethtool/NIC/…`, `interrupts/N` and `cpuinfo/…`.

use std::collections::{BTreeMap, BTreeSet};

/// Paths are relative to the root, without a leading slash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree(BTreeMap<String, String>);

impl Tree {
    /// Reads `path = value` lines; empty lines and those that begin with `#` are skipped.
    pub fn parse(text: &str) -> Result<Tree, String> {
        let mut tree = Tree::default();
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let (path, value) = line
                .split_once(" =")
                .ok_or_else(|| format!("line {}: `{line}` is no `path = value`", number + 1))?;
            tree.set(path, value.trim());
        }
        Ok(tree)
    }

    /// What [`Tree::parse`] reads.
    pub fn to_text(&self) -> String {
        self.0.iter().map(|(path, value)| format!("{path} = {value}\n")).collect()
    }

    pub fn get(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    pub fn number(&self, path: &str) -> Option<u64> {
        self.get(path)?.trim().parse().ok()
    }

    pub fn set(&mut self, path: &str, value: &str) {
        self.0.insert(path.to_owned(), value.to_owned());
    }

    /// Names directly below `folder`.
    pub fn names(&self, folder: &str) -> BTreeSet<&str> {
        let prefix = format!("{folder}/");
        self.0
            .range(prefix.clone()..)
            .take_while(|(path, _)| path.starts_with(&prefix))
            .filter_map(|(path, _)| path[prefix.len()..].split('/').next())
            .collect()
    }

    /// Names directly below `folder` that are `prefix` and a number, in the order of the numbers.
    pub fn numbered(&self, folder: &str, prefix: &str) -> BTreeSet<usize> {
        self.names(folder).into_iter().filter_map(|name| name.strip_prefix(prefix)?.parse().ok()).collect()
    }
}
