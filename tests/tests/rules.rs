//! Repository rules: what every commit must keep.

use cargo_metadata::{Metadata, MetadataCommand};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Who may import whom (ARCHITECTURE.md). Development dependencies are held to the same.
const ALLOWED: &[(&str, &[&str])] = &[
    ("plenum-protocol", &[]),
    ("plenum-firmware", &["plenum-protocol"]),
    ("plenum-daemon", &["plenum-protocol"]),
    ("plenum-store", &["plenum-protocol"]),
    ("plenum-sfu", &["plenum-protocol", "plenum-daemon", "plenum-store"]),
    ("plenum-signaling", &["plenum-protocol", "plenum-daemon", "plenum-store"]),
    ("plenum-turn", &["plenum-protocol", "plenum-daemon", "plenum-store"]),
    ("plenum-web", &["plenum-protocol", "plenum-daemon", "plenum-store"]),
    ("plenum-peer", &["plenum-protocol", "plenum-daemon", "plenum-store"]),
    ("plenum-image", &["plenum-protocol"]),
    (
        "plenum-appliance",
        &["plenum-protocol", "plenum-daemon", "plenum-store", "plenum-peer", "plenum-firmware"],
    ),
];

/// Nothing imports these.
const TOPS: &[&str] = &["plenum-tests", "xtask"];

/// Direct and indirect dependencies of the whole workspace on Linux: a crate more is a decision.
const MAX_CRATES: usize = 420;

const MAX_LINES: usize = 1_000;

/// Bytes of the manual's pictures in all languages.
const MAX_PICTURES: u64 = 1_500_000;

#[test]
fn imports_go_one_way() {
    let metadata = metadata();
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    let ours: BTreeSet<String> = metadata.workspace_packages().iter().map(|p| p.name.to_string()).collect();
    for package in metadata.workspace_packages() {
        for dependency in package.dependencies.iter().filter(|d| ours.contains(&d.name)) {
            assert!(
                !TOPS.contains(&dependency.name.as_str()),
                "{} imports {}, which nothing may import",
                package.name,
                dependency.name
            );
            let Some(list) = allowed.get(package.name.as_str()) else {
                assert!(TOPS.contains(&package.name.as_str()), "{} is in no rule of this test", package.name);
                continue;
            };
            assert!(
                list.contains(&dependency.name.as_str()),
                "{} must not import {} (ARCHITECTURE.md, \"Who may import whom\")",
                package.name,
                dependency.name
            );
        }
    }
}

#[test]
fn every_crate_takes_the_workspace_lints() {
    for package in metadata().workspace_packages() {
        let manifest = fs::read_to_string(&package.manifest_path).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{} lacks them", package.manifest_path);
    }
}

#[test]
fn the_tree_of_crates_stays_small() {
    let metadata = metadata();
    let resolve = metadata.resolve.as_ref().expect("cargo metadata resolves");
    let crates = resolve.nodes.len();
    assert!(crates <= MAX_CRATES, "{crates} crates; at most {MAX_CRATES}");
}

#[test]
fn no_file_is_too_long() {
    for path in tracked(&["rs", "ts", "svelte", "mjs", "sh", "css"]) {
        // Nobody reads it from top to bottom: it is as long as the protocol has types.
        if path.iter().any(|part| part == "generated") {
            continue;
        }
        let lines = fs::read_to_string(root().join(&path)).unwrap_or_default().lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines; at most {MAX_LINES}", path.display());
    }
}

#[test]
fn every_path_that_a_document_names_exists() {
    let mut missing = Vec::new();
    for document in tracked(&["md"]) {
        let text = fs::read_to_string(root().join(&document)).unwrap();
        for path in named_paths(&text) {
            let beside = root().join(&document).parent().unwrap().join(path);
            if !root().join(path).exists() && !beside.exists() {
                missing.push(format!("{}: {path}", document.display()));
            }
        }
    }
    assert!(missing.is_empty(), "documents name paths that do not exist:\n{}", missing.join("\n"));
}

/// The user interface shows the manual: what is too large here is too large on the box.
#[test]
fn the_pictures_of_the_manual_are_those_that_it_shows() {
    let manual = root().join("docs/operations");
    let mut bytes = 0;
    for language in ["de", "en"] {
        let files = |folder: &Path| -> BTreeSet<PathBuf> {
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
        };
        let there = files(&manual.join("images").join(language));
        let mut shown = BTreeSet::new();
        for page in files(&manual.join(language)) {
            let text = fs::read_to_string(&page).unwrap();
            for picture in text.split("![").skip(1) {
                let (alternative, path) = picture.split_once("](../").expect("a path beside the page");
                assert!(alternative.len() > 20, "{}: what is to be seen in {alternative:?}?", page.display());
                shown.insert(manual.join(path.split(')').next().unwrap()));
            }
        }
        assert_eq!(shown, there, "shown on the left, in the folder on the right");
        bytes += there.iter().map(|file| fs::metadata(file).unwrap().len()).sum::<u64>();
    }
    assert!(bytes <= MAX_PICTURES, "{bytes} bytes of pictures; at most {MAX_PICTURES}");
}

/// Paths between backticks that begin with one of the repository's folders, and targets of links.
fn named_paths(text: &str) -> impl Iterator<Item = &str> {
    let tops =
        ["services/", "tests/", "xtask/", "docs/", "image/", "appliance/", "firmware/", ".ci/", ".cargo/"];
    let ticked = text.split('`').skip(1).step_by(2).filter(move |word| {
        tops.iter().any(|top| word.starts_with(top)) && !word.contains(['*', ' ', '{', '<', '…', '$'])
    });
    let linked = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    ticked
        .chain(linked.filter(|target| !target.contains("://") && !target.starts_with('#')))
        .map(|path| path.split(['#', ':']).next().unwrap_or(path))
}

#[test]
fn no_path_of_a_developers_machine() {
    let output = Command::new("git")
        .args([
            "grep",
            "-nE",
            "(/home/[a-z]|/Users/|/work/(main|shared|target))",
            "--",
            ".",
            ":!*.lock",
            ":!package-lock.json",
            ":!tests/tests/rules.rs",
        ])
        .current_dir(root())
        .output()
        .expect("git is there");
    let found = String::from_utf8_lossy(&output.stdout);
    assert!(found.is_empty(), "tracked files name paths of one machine:\n{found}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the root").to_owned()
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(["--offline", "--filter-platform", "x86_64-unknown-linux-gnu"].map(str::to_owned))
        .exec()
        .expect("cargo metadata works once the crates are downloaded")
}

/// Tracked files with one of these endings.
fn tracked(endings: &[&str]) -> Vec<PathBuf> {
    let output =
        Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().expect("git is there");
    let names = String::from_utf8(output.stdout).expect("file names are UTF-8");
    names
        .split('\0')
        .map(PathBuf::from)
        .filter(|path| path.extension().and_then(|e| e.to_str()).is_some_and(|e| endings.contains(&e)))
        .filter(|path| root().join(path).exists())
        .collect()
}
