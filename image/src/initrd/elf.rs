//! Which libraries programs need.

use crate::shell;
use crate::tools::Tools;
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

const FOLDERS: [&str; 2] = ["usr/lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu/systemd"];
const LOADER: &str = "usr/lib64/ld-linux-x86-64.so.2";

/// Adds what the dynamic loader would load for the files of a set, until nothing new comes.
pub(super) fn add_libraries(tools: &Tools, root: &Path, files: &mut BTreeSet<PathBuf>) -> Result<()> {
    files.insert(LOADER.into());
    let mut new: Vec<PathBuf> = files.iter().cloned().collect();
    while !new.is_empty() {
        let mut found = Vec::new();
        for name in needed(tools, root, &new)? {
            let path = FOLDERS
                .iter()
                .map(|folder| Path::new(folder).join(&name))
                .find(|path| fs::symlink_metadata(root.join(path)).is_ok())
                .with_context(|| format!("no library {name} in the root"))?;
            if name != "ld-linux-x86-64.so.2" && files.insert(path.clone()) {
                found.push(path);
            }
        }
        new = found;
    }
    Ok(())
}

/// The NEEDED entries of all ELF files among these.
fn needed(tools: &Tools, root: &Path, paths: &[PathBuf]) -> Result<BTreeSet<String>> {
    let mut command = tools.command("readelf");
    command.arg("--dynamic");
    let mut any = false;
    for path in paths {
        if is_elf(&root.join(path)) {
            command.arg(Path::new("/build/root").join(path));
            any = true;
        }
    }
    if !any {
        return Ok(BTreeSet::new());
    }
    let printed = String::from_utf8(shell::output(&mut command)?).context("readelf's report is not text")?;
    let lines = printed.lines().filter(|line| line.contains("(NEEDED)"));
    let names = lines.filter_map(|line| Some(line.split_once('[')?.1.split_once(']')?.0.to_owned()));
    Ok(names.filter(|name| !name.starts_with("ld-linux")).collect())
}

fn is_elf(path: &Path) -> bool {
    let mut start = [0; 4];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && path.is_file() && &start == b"\x7fELF"
}
