//! Crates of the daemons, from cargo's own metadata.

use super::library;
use crate::collect::PROGRAMS;
use crate::{paths, shell};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

pub(super) fn components() -> Result<Vec<Value>> {
    let checksums = checksums()?;
    Ok(packages()?.iter().filter_map(|package| component(package, &checksums)).collect())
}

/// `NAME-VERSION` and source folder of each crate that is not ours.
pub fn crate_sources() -> Result<Vec<(String, PathBuf)>> {
    let packages = packages()?;
    let foreign = packages.iter().filter(|package| !package["source"].is_null());
    Ok(foreign.filter_map(source).collect())
}

fn source(package: &Value) -> Option<(String, PathBuf)> {
    let name = format!("{}-{}", package["name"].as_str()?, package["version"].as_str()?);
    Some((name, Path::new(package["manifest_path"].as_str()?).parent()?.to_owned()))
}

/// What ends up in the programs, as cargo describes it.
fn packages() -> Result<Vec<Value>> {
    let metadata = metadata()?;
    let packages: BTreeMap<&str, &Value> =
        list(&metadata["packages"]).filter_map(|package| Some((package["id"].as_str()?, package))).collect();
    let needs: BTreeMap<&str, Vec<&str>> = list(&metadata["resolve"]["nodes"])
        .filter_map(|node| Some((node["id"].as_str()?, normal_dependencies(node))))
        .collect();
    let mut todo: Vec<&str> =
        packages.iter().filter(|(_, package)| makes_a_program(package)).map(|(id, _)| *id).collect();
    let mut chosen = BTreeSet::new();
    while let Some(id) = todo.pop() {
        if chosen.insert(id) {
            todo.extend(needs.get(id).into_iter().flatten());
        }
    }
    Ok(chosen.iter().filter_map(|id| packages.get(id)).map(|package| (*package).clone()).collect())
}

fn makes_a_program(package: &Value) -> bool {
    list(&package["targets"]).any(|target| {
        let program = list(&target["kind"]).any(|kind| kind == "bin");
        program && target["name"].as_str().is_some_and(|name| PROGRAMS.contains(&name))
    })
}

fn component(package: &Value, checksums: &BTreeMap<(String, String), String>) -> Option<Value> {
    let (name, version) = (package["name"].as_str()?, package["version"].as_str()?);
    let checksum = checksums.get(&(name.to_owned(), version.to_owned())).cloned();
    let reference = format!("pkg:cargo/{name}@{version}");
    let mut component = library(&reference, name, version, checksum.map(|sum| ("SHA-256", sum)));
    if let Some(license) = package["license"].as_str() {
        component["licenses"] = json!([{ "expression": license.replace('/', " OR ") }]);
    }
    Some(component)
}

/// What ends up in the programs: neither tests' nor build scripts' dependencies.
fn normal_dependencies(node: &Value) -> Vec<&str> {
    let normal = |dependency: &&Value| list(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null());
    list(&node["deps"]).filter(normal).filter_map(|dependency| dependency["pkg"].as_str()).collect()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn metadata() -> Result<Value> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["metadata", "--format-version=1", "--locked", "--offline"]);
    command.args(["--filter-platform", "x86_64-unknown-linux-gnu"]).current_dir(paths::repository());
    serde_json::from_slice(&shell::output(&mut command)?).context("cargo's metadata is not JSON")
}

/// Digests from `Cargo.lock` by name and version.
fn checksums() -> Result<BTreeMap<(String, String), String>> {
    let text = std::fs::read_to_string(paths::repository().join("Cargo.lock"))?;
    let lock: toml::Value = toml::from_str(&text).context("Cargo.lock is not TOML")?;
    let packages = lock.get("package").and_then(toml::Value::as_array).into_iter().flatten();
    let field = |package: &toml::Value, name: &str| Some(package.get(name)?.as_str()?.to_owned());
    Ok(packages
        .filter_map(|one| Some(((field(one, "name")?, field(one, "version")?), field(one, "checksum")?)))
        .collect())
}
