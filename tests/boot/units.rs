//! Our units, as the booted image has them: nothing here names one, so that a new one is looked at too.

use anyhow::{Context, Result};
use plenum_tests::machine::shell::Shell;

pub(crate) struct Unit {
    pub(crate) name: String,
    /// Empty: root.
    pub(crate) user: String,
    /// Whether it runs to its end, and is no daemon.
    pub(crate) once: bool,
    /// Whether it says when it is ready.
    pub(crate) ready: bool,
}

/// Without the way in that only the debug variant has.
pub(crate) fn ours(shell: &mut Shell) -> Result<Vec<Unit>> {
    let files = shell.run("systemctl list-unit-files --no-legend --no-pager 'plenum-*.service'")?;
    let mut names: Vec<&str> = files.lines().filter_map(|line| line.split_whitespace().next()).collect();
    names.retain(|name| *name != "plenum-shell.service" && !name.contains('@'));
    names.sort_unstable();
    let mut units = Vec::new();
    for name in names {
        let shown = shell.run(&format!("systemctl show {name} -p User,Type,Restart"))?;
        let value = |key: &str| {
            let line = shown.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            line.unwrap_or_default().to_owned()
        };
        let (once, ready) = (value("Restart") == "no", value("Type").starts_with("notify"));
        units.push(Unit { name: name.to_owned(), user: value("User"), once, ready });
    }
    Ok(units)
}

/// `plenum-sfu` and its siblings: each has a user of its own.
pub(crate) fn daemons(shell: &mut Shell) -> Result<Vec<String>> {
    let daemons = ours(shell)?.into_iter().filter(|unit| unit.ready);
    Ok(daemons.map(|unit| unit.name.trim_end_matches(".service").to_owned()).collect())
}

/// The overall exposure level of `systemd-analyze security`.
pub(crate) fn exposure(shell: &mut Shell, unit: &str) -> Result<f32> {
    let line =
        shell.run(&format!("systemd-analyze security --no-pager {unit} | grep 'Overall exposure level'"))?;
    let level = line.split(':').nth(1).and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    level.with_context(|| format!("no level in `{line}`"))
}
