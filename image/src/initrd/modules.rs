//! Kernel modules and what they depend on.

use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Paths, below the root, of the modules that the patterns name, of what those need, and of the indices
/// that depmod reads. A pattern is a module's name or a folder below `kernel/`, ending with a slash.
pub(super) fn closure(root: &Path, kernel: &str, patterns: &[String]) -> Result<BTreeSet<PathBuf>> {
    let folder = Path::new("usr/lib/modules").join(kernel);
    let text = fs::read_to_string(root.join(&folder).join("modules.dep")).context("depmod made no list")?;
    let needs = parse(&text);
    let soft_text = fs::read_to_string(root.join(&folder).join("modules.softdep")).unwrap_or_default();
    let soft = parse_soft(&soft_text);
    let by_name: BTreeMap<String, &str> = needs.keys().map(|path| (name(path), *path)).collect();
    let built_in = fs::read_to_string(root.join(&folder).join("modules.builtin")).unwrap_or_default();
    let alias_text = fs::read_to_string(root.join(&folder).join("modules.alias")).unwrap_or_default();
    let aliases = parse_aliases(&alias_text);
    let mut todo = Vec::new();
    for pattern in patterns {
        if pattern.ends_with('/') {
            todo.extend(needs.keys().copied().filter(|path| path.starts_with(&format!("kernel/{pattern}"))));
        } else if let Some(path) = by_name.get(&pattern.replace('-', "_")) {
            todo.push(*path);
        } else {
            let there = built_in.lines().any(|path| name(path) == pattern.replace('-', "_"));
            anyhow::ensure!(there, "initrd/modules.list: the kernel has no module {pattern}");
        }
    }
    let mut chosen = BTreeSet::new();
    while let Some(path) = todo.pop() {
        if chosen.insert(path) {
            todo.extend(needs.get(path).into_iter().flatten());
            for wanted in soft.get(name(path).as_str()).into_iter().flatten() {
                let modules = aliases.get(wanted).into_iter().flatten().chain([wanted]);
                todo.extend(modules.filter_map(|module| by_name.get(module)));
            }
        }
    }
    let indices = ["modules.order", "modules.builtin", "modules.builtin.modinfo"];
    Ok(chosen.into_iter().chain(indices).map(|path| folder.join(path)).collect())
}

/// `modules.dep`: `PATH: PATH PATH…`
pub(crate) fn parse(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.map(|(path, needs)| (path, needs.split_whitespace().collect())).collect()
}

/// `modules.softdep`: `softdep NAME pre: NAME… post: NAME…`
fn parse_soft(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut soft: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("softdep ")) {
        let mut words = line.split_whitespace().map(|word| word.replace('-', "_"));
        if let Some(module) = words.next() {
            soft.entry(module).or_default().extend(words.filter(|word| !word.ends_with(':')));
        }
    }
    soft
}

/// `modules.alias`: `alias ALIAS NAME`; a soft dependency may name an algorithm that several modules offer.
fn parse_aliases(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut aliases: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["alias", alias, module] = words[..] {
            aliases.entry(alias.replace('-', "_")).or_default().push(module.replace('-', "_"));
        }
    }
    aliases
}

/// `kernel/fs/erofs/erofs.ko.xz` is `erofs`; a dash is an underscore to modprobe.
fn name(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.split(".ko").next().unwrap_or(file).replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_needs() {
        assert_eq!(name("kernel/drivers/md/dm-verity.ko.xz"), "dm_verity");
        let needs = parse("a/b.ko.xz: a/c.ko.xz a/d.ko.xz\na/c.ko.xz:\n");
        assert_eq!(needs["a/b.ko.xz"], ["a/c.ko.xz", "a/d.ko.xz"]);
        assert!(needs["a/c.ko.xz"].is_empty());
        let soft = parse_soft("softdep dm-verity pre: sha256 post: x-y\n");
        assert_eq!(soft["dm_verity"], ["sha256", "x_y"]);
        let aliases = parse_aliases("alias crc32c crc32c_intel\nalias crc32c crc32c-generic\n");
        assert_eq!(aliases["crc32c"], ["crc32c_intel", "crc32c_generic"]);
    }
}
